#include "sim/system/config_overrides.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sim/system/config_cgroups.hpp"

namespace wbsim::system {
namespace {

constexpr std::size_t kShownMax = 80;  // of an option, in messages

// Two ways to say one thing: who sets one of them does not want what the document says in the
// other.
struct Twin {
  std::string_view folder;
  std::string_view written;
  std::string_view other;
};
constexpr std::array<Twin, 6> kTwins{{
    {"vm", "dirty_ratio", "dirty_bytes"},
    {"vm", "dirty_bytes", "dirty_ratio"},
    {"vm", "dirty_background_ratio", "dirty_background_bytes"},
    {"vm", "dirty_background_bytes", "dirty_background_ratio"},
    {"workload", "file", "fio"},
    {"workload", "fio", "file"},
}};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t dot = path.find('.');
    names.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) {
      return names;
    }
    path.remove_prefix(dot + 1);
  }
}

using Path = std::vector<std::string>;

// Parts `begin` to `end` - 1 become one.
void join(Path& path, std::size_t begin, std::size_t end) {
  const auto from = path.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto to = path.begin() + static_cast<std::ptrdiff_t>(end);
  *from = fmt::format("{}", fmt::join(from, to, "."));
  path.erase(from + 1, to);
}

// Where the longest name that begins with part `begin` and is known ends; `begin` if none is.
template <class IsKnown>
std::size_t end_of_name(const Path& path, std::size_t begin, IsKnown is_known) {
  for (std::size_t end = path.size(); end > begin; --end) {
    const auto from = path.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = path.begin() + static_cast<std::ptrdiff_t>(end);
    if (is_known(fmt::format("{}", fmt::join(from, to, ".")))) {
      return end;
    }
  }
  return begin;
}

// Control groups and their files have dots in their names: {cgroups, user, slice, io, max, sda,
// wbps} becomes {cgroups, user.slice, io.max, sda, wbps}. A group that the document does not have
// ends where a file begins.
void join_control_group(const Json& document, Path& path) {
  constexpr std::size_t kGroup = 1;
  constexpr std::size_t kFile = 2;
  constexpr std::size_t kPartsOfAFile = 2;  // at least: io.max
  if (path.size() <= kFile || path[0] != "cgroups") {
    return;
  }
  const auto groups = document.find("cgroups");
  const std::vector<std::string> files = control_group_files();
  const auto is_file = [&files](const std::string& name) {
    return std::find(files.begin(), files.end(), name) != files.end();
  };
  std::size_t end = end_of_name(path, kGroup, [&](const std::string& name) {
    return groups != document.end() && groups->is_object() && groups->contains(name);
  });
  if (end == kGroup && std::find(path.begin(), path.end(), "") != path.end()) {
    return;  // reported
  }
  if (end == kGroup) {
    end = kFile;
    while (end < path.size() && end_of_name(path, end, is_file) == end) {
      ++end;
    }
    // Without any file that is known, what is too short for one is all name.
    end = end == path.size() && path.size() >= kFile + kPartsOfAFile ? kFile : end;
  }
  join(path, kGroup, end);
  if (path.size() > kFile) {
    const std::size_t known = end_of_name(path, kFile, is_file);
    join(path, kFile, known > kFile ? known : std::min(kFile + kPartsOfAFile, path.size()));
  }
}

bool is_valid_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const nlohmann::detail::type_error&) {
    return false;
  }
}

// The value after the equals sign; see apply_overrides().
Json value_of(const std::string& where, const std::string& text, Diagnostics& diagnostics) {
  const bool structured = !text.empty() && (text.front() == '{' || text.front() == '[');
  Diagnostics unheard;
  std::optional<Json> value = parse_json(where, text, structured ? diagnostics : unheard);
  const bool is_text = !structured && (!value || value->is_number_float());
  return is_text ? Json(text) : value.value_or(Json(nullptr));
}

class Setter {
 public:
  Setter(Json& document, const std::string& text, Diagnostics& diagnostics)
      : document_{document},
        text_{text},
        where_{"--set " + text.substr(0, kShownMax)},
        diagnostics_{diagnostics} {}

  // Where the value went.
  std::optional<Override> apply() {
    const std::size_t equals = text_.find('=');
    if (equals == std::string::npos || equals == 0) {
      return failed("is not KEY=VALUE, such as vm.dirty_ratio=5");
    }
    if (!is_valid_utf8(text_)) {
      return failed("is not UTF-8");
    }
    std::vector<std::string> path = split_path(std::string_view{text_}.substr(0, equals));
    join_control_group(document_, path);
    if (std::find(path.begin(), path.end(), "") != path.end()) {
      return failed("has an empty name in its key");
    }
    if (!expand_device(path) || !has_device(path)) {
      return std::nullopt;
    }
    Json value = value_of(where_, text_.substr(equals + 1), diagnostics_);
    Override result{.pointer = "", .text = text_};
    Json* target = find(path, result);
    if (target == nullptr) {
      return std::nullopt;
    }
    *target = std::move(value);
    if (result.created.empty()) {
      result.created = result.pointer;
    }
    if (*target != Json(0)) {
      drop_twin(path);
    }
    return result;
  }

 private:
  std::nullopt_t failed(std::string problem) {
    diagnostics_.error(where_, std::move(problem));
    return std::nullopt;
  }

  [[nodiscard]] std::vector<std::string> device_names() const {
    std::vector<std::string> names;
    if (document_.contains("devices") && document_["devices"].is_object()) {
      for (const auto& [name, ignored] : document_["devices"].items()) {
        names.push_back(name);
      }
    }
    return names;
  }

  // A single option of an unknown device is a typing error; nobody adds a device piece by piece.
  bool has_device(const std::vector<std::string>& path) {
    const std::vector<std::string> names = device_names();
    if (path.size() < 3 || path[0] != "devices" || names.empty() ||
        std::find(names.begin(), names.end(), path[1]) != names.end()) {
      return true;
    }
    failed(fmt::format("there is no device {}, only {}; to add one, set devices.{} to an object",
                       in_quotes(path[1]), fmt::join(names, ", "), path[1]));
    return false;
  }

  // queue.nr_requests -> devices.sda.queue.nr_requests
  bool expand_device(std::vector<std::string>& path) {
    if (path.size() < 2 || (path[0] != "queue" && path[0] != "device" && path[0] != "bdi")) {
      return true;
    }
    const std::vector<std::string> names = device_names();
    if (names.size() != 1) {
      failed(names.empty()
                 ? std::string{"there is no device to set this of"}
                 : fmt::format("which device? One of {}; write devices.{}.{}",
                               fmt::join(names, ", "), names.front(),
                               path[0] == "device"
                                   ? fmt::format("{}", fmt::join(path.begin() + 1, path.end(), "."))
                                   : fmt::format("{}", fmt::join(path, "."))));
      return false;
    }
    if (path[0] == "device") {
      path.erase(path.begin());
    }
    path.insert(path.begin(), {"devices", names.front()});
    return true;
  }

  // Says in `where` where that is.
  Json* find(const std::vector<std::string>& path, Override& where) {
    Json* at = &document_;
    for (const std::string& name : path) {
      const std::string pointer = child_pointer(where.pointer, name);
      if (at->is_null() || (at->is_object() && !at->contains(name))) {
        (*at)[name] = nullptr;
        if (where.created.empty()) {
          where.created = pointer;
        }
      }
      at = at->is_array() ? element(*at, name, where.pointer) : member(*at, name, where.pointer);
      if (at == nullptr) {
        return nullptr;
      }
      where.pointer = pointer;
    }
    return at;
  }

  Json* member(Json& object, const std::string& name, const std::string& pointer) {
    if (!object.is_object()) {
      failed(fmt::format("{} is not an object, so it has no {}", pointer.empty() ? "/" : pointer,
                         in_quotes(name)));
      return nullptr;
    }
    return &object[name];
  }

  Json* element(Json& array, const std::string& name, const std::string& pointer) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc{} || end != name.data() + name.size() || index >= array.size()) {
      failed(fmt::format("{} has {} elements, so there is no {}", pointer, array.size(),
                         in_quotes(name)));
      return nullptr;
    }
    return &array[index];
  }

  void drop_twin(const std::vector<std::string>& path) {
    for (const Twin& twin : kTwins) {
      if (path.size() == 2 && path[0] == twin.folder && path[1] == twin.written) {
        document_[path[0]].erase(std::string{twin.other});
      }
    }
  }

  Json& document_;
  const std::string& text_;
  std::string where_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::vector<Override> apply_overrides(Json& document, std::span<const std::string> sets,
                                      Diagnostics& diagnostics) {
  std::vector<Override> overrides;
  if (!document.is_object()) {
    return overrides;  // reported when it is read
  }
  for (const std::string& text : sets) {
    std::optional<Override> applied = Setter{document, text, diagnostics}.apply();
    if (applied) {
      const auto twice = std::find_if(
          overrides.begin(), overrides.end(),
          [&applied](const Override& earlier) { return earlier.pointer == applied->pointer; });
      if (twice != overrides.end()) {
        diagnostics.error(
            "--set " + text.substr(0, kShownMax),
            fmt::format("sets what --set {} has set already", twice->text.substr(0, kShownMax)));
      }
      // Later ones win, so they come first.
      overrides.insert(overrides.begin(), std::move(*applied));
    }
  }
  return overrides;
}

}  // namespace wbsim::system
