#include "sim/sweep/variation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace wbsim::sweep {
namespace {

constexpr std::size_t kShownMax = 80;  // of an option, as the place of a finding

std::string place(const std::string& option) { return "--vary " + option.substr(0, kShownMax); }

// Splits at the commas that are outside of JSON arrays, objects and strings. nullopt when one of
// those does not end.
std::optional<std::vector<std::string>> split_values(std::string_view text) {
  std::vector<std::string> values{""};
  int depth = 0;
  bool quoted = false;
  bool escaped = false;
  for (const char c : text) {
    if (quoted) {
      quoted = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == ',' && depth == 0) {
      values.emplace_back();
      continue;
    } else {
      quoted = c == '"';
      depth += c == '[' || c == '{' ? 1 : 0;
      depth -= c == ']' || c == '}' ? 1 : 0;
    }
    values.back() += c;
  }
  if (quoted || depth != 0) {
    return std::nullopt;
  }
  return values;
}

// What is wrong with the values, or nothing.
std::string problem_with(const std::vector<std::string>& values) {
  if (values.size() == 1 && values.front().empty()) {
    return "lists no value, write KEY=VALUE,VALUE,...";
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) {
      return fmt::format("value {} of {} is empty; is there a comma too many?", i + 1,
                         values.size());
    }
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(values.begin(), end, values[i]) != end) {
      return fmt::format("lists {} twice", values[i]);
    }
  }
  return {};
}

// nullopt after an error.
std::optional<Variation> parse_variation(const std::string& option, Diagnostics& diagnostics) {
  const std::size_t equals = option.find('=');
  if (equals == std::string::npos || equals == 0) {
    diagnostics.error(place(option), "is not KEY=VALUE,VALUE,..., such as vm.dirty_ratio=5,10,20");
    return std::nullopt;
  }
  std::optional<std::vector<std::string>> values =
      split_values(std::string_view{option}.substr(equals + 1));
  if (!values) {
    diagnostics.error(place(option), "has a bracket, brace or quote without its counterpart");
    return std::nullopt;
  }
  if (std::string problem = problem_with(*values); !problem.empty()) {
    diagnostics.error(place(option), std::move(problem));
    return std::nullopt;
  }
  return Variation{option.substr(0, equals), std::move(*values)};
}

}  // namespace

std::vector<Variation> parse_variations(std::span<const std::string> options,
                                        std::span<const std::string> sets,
                                        Diagnostics& diagnostics) {
  std::vector<Variation> variations;
  for (const std::string& option : options) {
    std::optional<Variation> variation = parse_variation(option, diagnostics);
    if (!variation) {
      continue;
    }
    const std::string& key = variation->key;
    const auto same = [&key](const Variation& v) { return v.key == key; };
    if (std::any_of(variations.begin(), variations.end(), same)) {
      diagnostics.error(place(option),
                        fmt::format("{} is varied twice; write all its values in one list", key));
    }
    const auto sets_it = [&key](const std::string& set) { return set.starts_with(key + "="); };
    if (std::any_of(sets.begin(), sets.end(), sets_it)) {
      diagnostics.error(place(option),
                        fmt::format("{} has a --set too; a knob is either set or varied", key));
    }
    variations.push_back(std::move(*variation));
  }
  if (count_points(variations) > kPointsMax) {
    diagnostics.error("--vary", fmt::format("the combinations are more than {} points, which is "
                                            "the most of one sweep; vary fewer values",
                                            kPointsMax));
  }
  return variations;
}

std::size_t count_points(std::span<const Variation> variations) {
  std::size_t points = 1;
  for (const Variation& variation : variations) {
    if (variation.values.size() > kPointsMax / points) {
      return kPointsMax + 1;
    }
    points *= variation.values.size();
  }
  return points;
}

}  // namespace wbsim::sweep
