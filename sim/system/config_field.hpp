// One description of every option, used four ways: to read a document, to print the resolved one,
// to list the options and to generate configs/schema.json. A Field is bound to the member of a
// Config it fills; describing the options of a struct means returning its Fields.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/json_text.hpp"
#include "sim/system/quantities.hpp"

namespace wbsim::system {

// An option given on the command line: the part of the document it replaced, and how it was given.
struct Override {
  std::string pointer;
  std::string text;       // "vm.dirty_ratio=5"
  std::string created{};  // `pointer`, or what is above it and was not in the document before
};

// Where what is being read came from, and where findings go.
struct ReadContext {
  Diagnostics& diagnostics;
  std::string name;       // of the file, for messages
  std::string directory;  // that relative paths are relative to
  std::span<const Override> overrides;

  // "configs/a.json: /vm/dirty_ratio", or "--set vm.dirty_ratio=500" when that put the value there.
  [[nodiscard]] std::string where(const std::string& pointer) const;
  // Whether the command line put the value there, or what it is in.
  [[nodiscard]] bool is_override(const std::string& pointer) const;
  void error(const std::string& pointer, std::string message) {
    diagnostics.error(where(pointer), std::move(message));
  }
  void refuse(const std::string& pointer, std::string message) {
    diagnostics.refuse(where(pointer), std::move(message));
  }
  void note(const std::string& pointer, std::string message) {
    diagnostics.note(where(pointer), std::move(message));
  }
};

struct Field {
  std::string key;
  std::string summary;
  std::string allowed;  // for lists: "0..100"
  Json schema;          // JSON Schema (draft 7) of the value
  // Checks the value and stores it; findings go to the context. Never sees a duplicate key.
  std::function<void(ReadContext&, const Json&, const std::string& pointer)> read;
  // The stored value as the document writes it; null when there is none to print.
  std::function<Json()> print;
  std::vector<Field> members{};  // what is inside when the value is an object of known keys
};

// What read_object() does with members that no field describes.
enum class UnknownKeys { kError, kIgnore };

// Reads the members of `value` in the order of `fields`: what is absent stays as it was, so reading
// a second document over a first one overrides it key by key.
void read_object(ReadContext& context, const Json& value, const std::string& pointer,
                 const std::vector<Field>& fields, UnknownKeys unknown = UnknownKeys::kError);
Json print_object(const std::vector<Field>& fields);
Json object_schema(const std::vector<Field>& fields);

// `unknown "mq-dedline"; one of none, mq-deadline. Did you mean "mq-deadline"?`
std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& allowed);

struct CountRange {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// Reads and writes an integer member through its count, whatever its type.
struct CountAccess {
  std::function<std::optional<std::int64_t>()> get;
  std::function<void(std::int64_t)> set;
};

template <class T>
struct CountOf {
  static std::int64_t get(const T& value) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<std::int64_t>(value);
    } else {
      return value.count();
    }
  }
  static T make(std::int64_t count) { return static_cast<T>(count); }
};

template <class T>
CountAccess access_count(T& target) {
  return {[&target] { return std::optional<std::int64_t>{CountOf<T>::get(target)}; },
          [&target](std::int64_t count) { target = CountOf<T>::make(count); }};
}

template <class T>
CountAccess access_count(std::optional<T>& target) {
  return {[&target] {
            return target ? std::optional<std::int64_t>{CountOf<T>::get(*target)} : std::nullopt;
          },
          [&target](std::int64_t count) { target = CountOf<T>::make(count); }};
}

// A whole number, as the kernel's knobs are.
Field integer_field(std::string key, CountAccess access, CountRange range, std::string summary);
// A number with a unit.
Field quantity_field(std::string key, CountAccess access, Quantity quantity, CountRange range,
                     std::string summary);
Field boolean_field(std::string key, bool& target, std::string summary);
Field text_field(std::string key, std::string& target, std::string summary);
Field object_field(std::string key, std::vector<Field> members, std::string summary);
// A part of the document that is not simulated yet: refused unless absent or empty.
Field refused_field(std::string key, std::string summary);

// A name out of a table. Names that are known but not simulated are refused (and stored, so that
// what goes with them is not judged by a default).
Field name_field(std::string key, std::string& target, std::span<const CatalogEntry> names,
                 std::string summary);
// The same for a member of another type; `names` must outlive the field.
struct NameAccess {
  std::function<std::string()> get;
  std::function<void(std::string_view)> set;
};
Field name_field(std::string key, NameAccess access, std::span<const CatalogEntry> names,
                 std::string summary);

template <class E>
using NamesOf = std::span<const std::pair<E, std::string_view>>;

// The same for an enum or a bool, each value of which has a name.
Field choice_field(std::string key, NameAccess access, std::vector<std::string> names,
                   std::string summary);

template <class E>
Field choice_field(std::string key, E& target, NamesOf<std::type_identity_t<E>> names,
                   std::string summary) {
  std::vector<std::string> texts;
  for (const auto& [value, name] : names) {
    texts.emplace_back(name);
  }
  NameAccess access{[&target, names] {
                      for (const auto& [value, name] : names) {
                        if (value == target) {
                          return std::string{name};
                        }
                      }
                      return std::string{};
                    },
                    [&target, names](std::string_view text) {
                      for (const auto& [value, name] : names) {
                        if (name == text) {
                          target = value;
                        }
                      }
                    }};
  return choice_field(std::move(key), std::move(access), std::move(texts), std::move(summary));
}

}  // namespace wbsim::system
