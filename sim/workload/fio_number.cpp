#include "sim/workload/fio_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sim/workload/fio_expression.hpp"

namespace wbsim::workload {

namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::int64_t power(std::int64_t base, std::size_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; --exponent) {
    result *= base;
  }
  return result;
}

std::optional<std::int64_t> time_factor(std::string_view letters, FioTime bare) {
  constexpr std::int64_t kSecond = 1'000'000;  // microseconds
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"us", 1},      {"usec", 1},         {"ms", 1000},          {"msec", 1000},
      {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", 86400 * kSecond}};
  if (letters.empty()) {
    return bare == FioTime::kSeconds ? kSecond : 1;
  }
  for (const auto& [name, factor] : kUnits) {
    if (name == letters) {
      return factor;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> size_factor(std::string_view letters, int kb_base) {
  constexpr std::string_view kPrefixes = "kmgtp";
  if (letters.empty() || letters == "b") {
    return 1;
  }
  const std::size_t prefix = kPrefixes.find(letters.front());
  const std::string_view rest = letters.substr(1);
  if (prefix == std::string_view::npos ||
      !(rest.empty() || rest == "b" || rest == "i" || rest == "ib")) {
    return std::nullopt;
  }
  // fio swaps the meaning of the IEC names when kb_base is 1024 (HOWTO, kb_base).
  const int base = rest == "ib" ? 2024 - kb_base : kb_base;
  return power(base, prefix + 1);
}

// Decimal or hexadecimal digits at the start of `text`; nullopt on overflow.
std::optional<std::int64_t> read_digits(std::string_view text, int base, std::size_t& length) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || value > kFioNumberMax) {
    return std::nullopt;
  }
  return value;
}

Parsed<FioNumber> fail(std::string_view text, std::string_view what) {
  return {std::nullopt, fmt::format("\"{}\" {}", printable(text), what)};
}

Parsed<FioNumber> parse_hexadecimal(std::string_view text, std::string_view digits, int sign) {
  const std::string small = lower_case(digits);
  if (small.empty() || small.find_first_not_of(kHexDigits) != std::string::npos) {
    return fail(text, "is no hexadecimal number; no unit may follow one");
  }
  std::size_t length = 0;
  const std::optional<std::int64_t> value = read_digits(small, 16, length);
  if (!value) {
    return fail(text, "is too large a number");
  }
  return {FioNumber{sign * *value}, {}};
}

Parsed<FioNumber> with_unit(std::string_view text, std::int64_t count, std::string_view letters,
                            const NumberRules& rules) {
  FioNumber number{count};
  if (rules.percent_and_zones && letters == "%") {
    number.unit = FioNumber::Unit::kPercent;
    return count >= 0 && count <= 100 ? Parsed<FioNumber>{number, {}}
                                      : fail(text, "is not between 0% and 100%");
  }
  if (rules.percent_and_zones && letters == "z") {
    number.unit = FioNumber::Unit::kZones;
    return {number, {}};
  }
  const std::optional<std::int64_t> factor = unit_factor(letters, rules);
  if (!factor) {
    const std::string_view kind = rules.time == FioTime::kNone ? "number" : "time";
    return fail(text, fmt::format("is no {}; {}", kind, allowed_units(rules)));
  }
  if (count > kFioNumberMax / *factor || count < -(kFioNumberMax / *factor)) {
    return fail(text, "is too large a number");
  }
  number.value = count * *factor;
  number.decimal_binary_suffix = rules.time == FioTime::kNone && rules.kb_base == 1024 &&
                                 letters.size() == 3 && letters.substr(1) == "ib";
  return {number, {}};
}

}  // namespace

std::optional<std::int64_t> unit_factor(std::string_view letters, const NumberRules& rules) {
  return rules.time == FioTime::kNone ? size_factor(letters, rules.kb_base)
                                      : time_factor(letters, rules.time);
}

std::string_view allowed_units(const NumberRules& rules) {
  switch (rules.time) {
    case FioTime::kSeconds:
      return "write a whole number of d, h, m, s, ms or us (without unit: s)";
    case FioTime::kMicroseconds:
      return "write a whole number of d, h, m, s, ms or us (without unit: us)";
    case FioTime::kNone:
      break;
  }
  return rules.percent_and_zones
             ? "write a whole number, then nothing, k, m, g, t, p (kb, kib ...) or %"
             : "write a whole number, then nothing, k, m, g, t or p (kb, kib ...)";
}

Parsed<FioNumber> parse_number(std::string_view text, const NumberRules& rules) {
  if (text.empty()) {
    return {std::nullopt, "a number is missing"};
  }
  if (text.front() == '(') {
    const Parsed<std::int64_t> result = evaluate_expression(text, rules);
    return result.value ? Parsed<FioNumber>{FioNumber{*result.value}, {}}
                        : Parsed<FioNumber>{std::nullopt, result.problem};
  }
  const bool has_sign = text.front() == '-' || text.front() == '+';
  const int sign = text.front() == '-' ? -1 : 1;
  const std::string_view digits = text.substr(has_sign ? 1 : 0);
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    return parse_hexadecimal(text, digits.substr(2), sign);
  }
  const std::size_t length = std::min(digits.find_first_not_of(kDigits), digits.size());
  if (length == 0) {
    const std::string_view kind = rules.time == FioTime::kNone ? "number" : "time";
    return fail(text, fmt::format("is no {}; {}", kind, allowed_units(rules)));
  }
  std::size_t used = 0;
  const std::optional<std::int64_t> count = read_digits(digits, 10, used);
  if (!count) {
    return fail(text, "is too large a number");
  }
  if (digits.substr(length).starts_with('.')) {
    return fail(text, "has a fraction, which fio drops; use a smaller unit");
  }
  return with_unit(text, sign * *count, lower_case(digits.substr(length)), rules);
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return text.size() > kLongest ? result + "..." : result;
}

}  // namespace wbsim::workload
