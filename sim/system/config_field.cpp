#include "sim/system/config_field.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace wbsim::system {
namespace {

// The value when it is a whole number. As in JSON Schema, 5.0 is one; what does not fit in 64 bits
// arrives as a float from the parser and is none.
std::optional<std::int64_t> whole_number(const Json& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it a double skips whole numbers
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  }
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) <= kExact && std::trunc(number) == number) {
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

std::string whole_number_text(CountRange range) {
  return range.max == std::numeric_limits<std::int64_t>::max()
             ? fmt::format("a whole number from {}", range.min)
             : fmt::format("a whole number from {} to {}", range.min, range.max);
}

void read_quantity(ReadContext& context, const Json& value, const std::string& pointer,
                   const CountAccess& access, Quantity quantity, CountRange range) {
  ParsedQuantity parsed;
  if (value.is_string()) {
    parsed = parse_quantity(quantity, value.get_ref<const std::string&>());
  } else if (whole_number(value) != 0) {
    parsed.problem = fmt::format("is not {}", describe_quantity(quantity));
  }
  if (!parsed.problem.empty()) {
    context.error(pointer, fmt::format("{} {}", shown(value), parsed.problem));
    return;
  }
  if (parsed.count < range.min || parsed.count > range.max) {
    context.error(pointer, fmt::format("{} is out of range; from {} to {}", shown(value),
                                       format_quantity(quantity, range.min),
                                       format_quantity(quantity, range.max)));
    return;
  }
  access.set(parsed.count);
}

// The name in `value` when it is one of `known`; of these only what is `offered` is told.
std::optional<std::string> read_name(ReadContext& context, const Json& value,
                                     const std::string& pointer,
                                     const std::vector<std::string>& known,
                                     const std::vector<std::string>& offered) {
  if (!value.is_string()) {
    context.error(pointer, fmt::format("{} is not a string; one of {}", shown(value),
                                       fmt::join(offered, ", ")));
    return std::nullopt;
  }
  const auto& name = value.get_ref<const std::string&>();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    context.error(pointer, unknown_name("", name, offered));
    return std::nullopt;
  }
  return name;
}

bool is_at_or_below(const std::string& pointer, const std::string& top) {
  return pointer.starts_with(top) && (pointer.size() == top.size() || pointer[top.size()] == '/');
}

// The override that put the value at `pointer`, or null.
const Override* find_override(std::span<const Override> overrides, const std::string& pointer) {
  for (const Override& each : overrides) {
    const bool on_the_way =
        is_at_or_below(pointer, each.created) && is_at_or_below(each.pointer, pointer);
    if (on_the_way || is_at_or_below(pointer, each.pointer)) {
      return &each;
    }
  }
  return nullptr;
}

Json names_schema(const std::vector<std::string>& names) { return {{"enum", names}}; }

}  // namespace

std::string ReadContext::where(const std::string& pointer) const {
  const Override* const found = find_override(overrides, pointer);
  return found != nullptr ? "--set " + found->text
                          : fmt::format("{}: {}", name, pointer.empty() ? "/" : pointer);
}

bool ReadContext::is_override(const std::string& pointer) const {
  return find_override(overrides, pointer) != nullptr;
}

std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& allowed) {
  std::string text = fmt::format("unknown {}{}{}; one of {}", what, what.empty() ? "" : " ",
                                 in_quotes(name), fmt::join(allowed, ", "));
  const std::string likely = did_you_mean(name, allowed);
  if (!likely.empty()) {
    text += fmt::format(". Did you mean \"{}\"?", likely);
  }
  return text;
}

void read_object(ReadContext& context, const Json& value, const std::string& pointer,
                 const std::vector<Field>& fields, UnknownKeys unknown) {
  if (!value.is_object()) {
    context.error(pointer, fmt::format("{} is not an object", shown(value)));
    return;
  }
  std::vector<std::string> keys;
  for (const Field& field : fields) {
    keys.push_back(field.key);
    const auto found = value.find(field.key);
    if (found != value.end()) {
      field.read(context, *found, child_pointer(pointer, field.key));
    }
  }
  if (unknown == UnknownKeys::kIgnore) {
    return;
  }
  for (const auto& [key, ignored] : value.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      context.error(child_pointer(pointer, key), unknown_name("key", key, keys));
    }
  }
}

Json print_object(const std::vector<Field>& fields) {
  Json object = Json::object();
  for (const Field& field : fields) {
    Json value = field.print();
    if (!value.is_null()) {
      object[field.key] = std::move(value);
    }
  }
  return object;
}

Json object_schema(const std::vector<Field>& fields) {
  Json properties = Json::object();
  for (const Field& field : fields) {
    Json& property = properties[field.key];
    property = field.schema;
    property["description"] = field.summary;
  }
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
}

Field integer_field(std::string key, CountAccess access, CountRange range, std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.schema = {{"type", "integer"}, {"minimum", range.min}};
  field.allowed = fmt::format("{}..", range.min);
  if (range.max != std::numeric_limits<std::int64_t>::max()) {
    field.schema["maximum"] = range.max;
    field.allowed += std::to_string(range.max);
  }
  field.read = [access, range](ReadContext& context, const Json& value,
                               const std::string& pointer) {
    const std::optional<std::int64_t> number = whole_number(value);
    if (!number || *number < range.min || *number > range.max) {
      context.error(pointer, fmt::format("{} is not {}", shown(value), whole_number_text(range)));
      return;
    }
    access.set(*number);
  };
  field.print = [access] {
    const std::optional<std::int64_t> number = access.get();
    return number ? Json(*number) : Json(nullptr);
  };
  return field;
}

Field quantity_field(std::string key, CountAccess access, Quantity quantity, CountRange range,
                     std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = fmt::format("{}..{}", format_quantity(quantity, range.min),
                              format_quantity(quantity, range.max));
  field.schema = {
      {"anyOf", Json::array({Json{{"enum", Json::array({0})}},
                             Json{{"type", "string"}, {"pattern", quantity_pattern(quantity)}}})}};
  field.read = [access, quantity, range](ReadContext& context, const Json& value,
                                         const std::string& pointer) {
    read_quantity(context, value, pointer, access, quantity, range);
  };
  field.print = [access, quantity] {
    const std::optional<std::int64_t> count = access.get();
    return count ? Json(format_quantity(quantity, *count)) : Json(nullptr);
  };
  return field;
}

Field boolean_field(std::string key, bool& target, std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = "true or false";
  field.schema = {{"type", "boolean"}};
  field.read = [&target](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_boolean()) {
      context.error(pointer, fmt::format("{} is not true or false", shown(value)));
      return;
    }
    target = value.get<bool>();
  };
  field.print = [&target] { return Json(target); };
  return field;
}

Field text_field(std::string key, std::string& target, std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = "text";
  field.schema = {{"type", "string"}};
  field.read = [&target](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_string()) {
      context.error(pointer, fmt::format("{} is not a string", shown(value)));
      return;
    }
    target = value.get<std::string>();
  };
  field.print = [&target] { return target.empty() ? Json(nullptr) : Json(target); };
  return field;
}

Field object_field(std::string key, std::vector<Field> members, std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = "object";
  field.schema = object_schema(members);
  field.read = [members](ReadContext& context, const Json& value, const std::string& pointer) {
    read_object(context, value, pointer, members);
  };
  field.print = [members] {
    Json object = print_object(members);
    return object.empty() ? Json(nullptr) : object;
  };
  field.members = std::move(members);
  return field;
}

Field refused_field(std::string key, std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = "not simulated yet";
  field.schema = {{"type", "object"}};
  field.read = [](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
    } else if (!value.empty()) {
      context.refuse(pointer, "must be absent or empty");
    }
  };
  field.print = [] { return Json(nullptr); };
  return field;
}

Field choice_field(std::string key, NameAccess access, std::vector<std::string> names,
                   std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = fmt::format("{}", fmt::join(names, "|"));
  field.schema = names_schema(names);
  field.print = [get = access.get] { return Json(get()); };
  field.read = [set = access.set, names = std::move(names)](ReadContext& context, const Json& value,
                                                            const std::string& pointer) {
    const std::optional<std::string> name = read_name(context, value, pointer, names, names);
    if (name) {
      set(*name);
    }
  };
  return field;
}

Field name_field(std::string key, NameAccess access, std::span<const CatalogEntry> names,
                 std::string summary) {
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = fmt::format("{}", fmt::join(all_names(names), "|"));
  field.schema = names_schema(all_names(names));
  field.print = [get = access.get] {
    const std::string name = get();
    return name.empty() ? Json(nullptr) : Json(name);
  };
  field.read = [set = access.set, names](ReadContext& context, const Json& value,
                                         const std::string& pointer) {
    const std::optional<std::string> name =
        read_name(context, value, pointer, all_names(names), simulated_names(names));
    if (!name) {
      return;
    }
    if (!find_entry(names, *name)->simulated) {
      context.refuse(pointer, fmt::format("{}; simulated are {}", in_quotes(*name),
                                          fmt::join(simulated_names(names), ", ")));
    }
    set(*name);
  };
  return field;
}

Field name_field(std::string key, std::string& target, std::span<const CatalogEntry> names,
                 std::string summary) {
  return name_field(
      std::move(key),
      NameAccess{[&target] { return target; }, [&target](std::string_view name) { target = name; }},
      names, std::move(summary));
}

}  // namespace wbsim::system
