#include "sim/system/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

namespace wbsim::system {
namespace {

constexpr std::size_t kShownTextMax = 60;  // characters of a user's text repeated in a message

// "12:7" for a byte offset; columns count bytes, as compilers do.
std::string line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column =
      before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1);
  return fmt::format("{}:{}", line, std::max<std::size_t>(column, 1));
}

// The library's reason, without its own "[id] parse error at line 1, column 2: " and without the
// token read last, which may be as long as the file and need not be text.
std::string reason_of(const char* what) {
  std::string text{what};
  for (const std::string_view start : {"syntax error while parsing ", "number overflow"}) {
    const std::size_t found = text.find(start);
    if (found != std::string::npos) {
      text.erase(0, found);
    }
  }
  const std::size_t token = text.find("; last read: '");
  if (token != std::string::npos) {
    const std::size_t behind = text.rfind("'; expected ");
    text.erase(token, behind == std::string::npos ? behind : behind + 1 - token);
  }
  return text.starts_with("number overflow") ? "number overflow" : text;
}

// Builds the document from the parser's events; returning false stops the parser.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& name, std::string_view text, Diagnostics& diagnostics)
      : name_{name}, text_{text}, diagnostics_{diagnostics} {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON text
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    Level& level = levels_.back();
    level.key = std::move(key);
    level.skip = level.container->contains(level.key);
    if (level.skip) {
      diagnostics_.error(fmt::format("{}: {}", name_, child_pointer(level.pointer, level.key)),
                         "the key is given twice");
      return true;
    }
    return within(level.container->size() < kJsonMembersMax, level.pointer,
                  fmt::format("more than {} keys", kJsonMembersMax));
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    diagnostics_.error(fmt::format("{}:{}", name_, line_and_column(text_, position)),
                       "not JSON: " + reason_of(error.what()));
    return false;
  }

  Json take() { return std::move(root_); }

 private:
  struct Level {
    Json* container;
    std::string pointer;
    std::string key;    // of the member being read, when an object
    bool skip = false;  // that member repeats a key
    Json discarded = nullptr;
  };

  bool within(bool holds, const std::string& pointer, const std::string& problem) {
    if (!holds) {
      diagnostics_.error(fmt::format("{}: {}", name_, pointer.empty() ? "/" : pointer), problem);
    }
    return holds;
  }

  // Where the next value goes, or null when a bound is exceeded.
  Json* place(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = levels_.back();
    if (level.container->is_array()) {
      if (!within(level.container->size() < kJsonElementsMax, level.pointer,
                  fmt::format("more than {} elements", kJsonElementsMax))) {
        return nullptr;
      }
      level.container->push_back(std::move(value));
      return &level.container->back();
    }
    Json& slot = level.skip ? level.discarded : (*level.container)[level.key];
    slot = std::move(value);
    return &slot;
  }

  bool add(Json value) { return place(std::move(value)) != nullptr; }

  bool open(Json container) {
    if (levels_.size() >= kJsonDepthMax) {
      diagnostics_.error(name_, fmt::format("nested deeper than {} levels", kJsonDepthMax));
      return false;
    }
    std::string pointer;
    if (!levels_.empty()) {
      const Level& level = levels_.back();
      pointer = child_pointer(level.pointer, level.container->is_array()
                                                 ? std::to_string(level.container->size())
                                                 : level.key);
    }
    Json* const slot = place(std::move(container));
    if (slot == nullptr) {
      return false;
    }
    levels_.push_back({slot, std::move(pointer), {}, false, nullptr});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  const std::string& name_;
  std::string_view text_;
  Diagnostics& diagnostics_;
  Json root_;
  std::deque<Level> levels_;  // containers point into it
};

std::string without_control_characters(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

// Cuts between UTF-8 characters: a continuation byte is never the first one dropped.
std::string shortened(std::string_view text) {
  if (text.size() <= kShownTextMax) {
    return without_control_characters(text);
  }
  std::size_t end = kShownTextMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return without_control_characters(text.substr(0, end)) + "...";
}

}  // namespace

std::optional<Json> parse_json(const std::string& name, std::string_view text,
                               Diagnostics& diagnostics) {
  if (text.size() > kJsonTextBytesMax) {
    diagnostics.error(name, fmt::format("larger than {} bytes", kJsonTextBytesMax));
    return std::nullopt;
  }
  Builder builder{name, text, diagnostics};
  if (!Json::sax_parse(text, &builder)) {
    return std::nullopt;
  }
  return builder.take();
}

std::string child_pointer(const std::string& parent, std::string_view key) {
  std::string escaped;
  for (const char c : shortened(key)) {
    switch (c) {
      case '~':
        escaped += "~0";
        break;
      case '/':
        escaped += "~1";
        break;
      default:
        escaped += c;
    }
  }
  return parent + "/" + escaped;
}

std::string in_quotes(std::string_view text) { return '"' + shortened(text) + '"'; }

std::string shown(const Json& value) {
  if (value.is_string()) {
    return in_quotes(value.get_ref<const std::string&>());
  }
  if (value.is_object()) {
    return "an object";
  }
  if (value.is_array()) {
    return "an array";
  }
  return value.dump();
}

}  // namespace wbsim::system
