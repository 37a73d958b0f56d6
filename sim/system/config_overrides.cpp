#include "sim/system/config_overrides.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

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

// Files of a control group have a dot in their names: cgroups.slow.io.max.sda.wbps.
void join_file_name(std::vector<std::string>& path) {
  constexpr std::size_t kFile = 2;
  if (path.size() > kFile + 1 && path[0] == "cgroups") {
    path[kFile] += "." + path[kFile + 1];
    path.erase(path.begin() + kFile + 1);
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
    join_file_name(path);
    if (std::find(path.begin(), path.end(), "") != path.end()) {
      return failed("has an empty name in its key");
    }
    if (!expand_device(path) || !has_device(path)) {
      return std::nullopt;
    }
    Json value = value_of(where_, text_.substr(equals + 1), diagnostics_);
    Override result{"", text_};
    Json* target = find(path, result.pointer);
    if (target == nullptr) {
      return std::nullopt;
    }
    *target = std::move(value);
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

  Json* find(const std::vector<std::string>& path, std::string& pointer) {
    Json* at = &document_;
    for (const std::string& name : path) {
      if (at->is_null() || (at->is_object() && !at->contains(name))) {
        (*at)[name] = nullptr;
      }
      at = at->is_array() ? element(*at, name, pointer) : member(*at, name, pointer);
      if (at == nullptr) {
        return nullptr;
      }
      pointer = child_pointer(pointer, name);
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
