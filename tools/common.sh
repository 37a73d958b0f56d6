# What tools/quickstart and tools/test share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Every Debian 12 package the project needs. The Boost packages bring the Boost headers.
build_packages=(
  g++ cmake ninja-build git python3 xz-utils
  libfmt-dev nlohmann-json3-dev libvalijson-dev libxxhash-dev liblzma-dev
  libboost-program-options-dev libboost-graph-dev libgtest-dev libbenchmark-dev
)
plot_packages=(gnuplot-nox libjs-chart.js)
test_packages=(clang-format fio)
matrix_packages=(clang)
lint_packages=(clang clang-tidy)

say() { printf '\n== %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# install PACKAGE...: installs what is missing, and asks apt for nothing when nothing is.
install() {
  local missing=() package as_root=()
  for package in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then
    return 0
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "run as root, or install: ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

# configure_and_build PRESET [TARGET...]: incremental; Ninja does nothing when nothing changed.
configure_and_build() {
  local preset=$1
  shift
  say "Building $preset"
  (cd "$root" && cmake --preset "$preset" >/dev/null &&
    cmake --build --preset "$preset" ${1:+--target "$@"}) >&2
}

# The program that preset PRESET built.
wbsim_of() { printf '%s/build/%s/tools/wbsim' "$root" "$1"; }
