#include "sim/report/units_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace wbsim::report {

namespace {

// `value` in the largest unit of which it is at least one; each unit is `step` of the one before.
template <std::size_t n>
std::string scaled(double value, double step, const std::array<std::string_view, n>& units) {
  std::size_t unit = 0;
  while (unit + 1 < n && value >= step) {
    value /= step;
    ++unit;
  }
  // Beyond four digits only whole numbers of the last unit are left to show.
  return value < 10'000 ? fmt::format("{:.4g}{}", value, units[unit])
                        : fmt::format("{:.0f}{}", value, units[unit]);
}

}  // namespace

std::string time_text(double nanoseconds) {
  constexpr std::array<std::string_view, 4> kUnits = {"ns", "us", "ms", "s"};
  return scaled(nanoseconds, 1000, kUnits);
}

std::string time_text(SimDuration time) { return time_text(static_cast<double>(time.count())); }

std::string bytes_text(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(bytes, 1024, kUnits);
}

std::string bytes_text(Bytes bytes) { return bytes_text(static_cast<double>(bytes.count())); }

std::string bytes_si_text(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  return scaled(bytes, 1000, kUnits);
}

}  // namespace wbsim::report
