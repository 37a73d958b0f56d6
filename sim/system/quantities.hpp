// Amounts with units as a config writes them: "64KiB", "5ms", "100MB/s", "217030pages".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wbsim::system {

// What a quantity measures, and in which unit its count is.
enum class Quantity {
  kBytes,     // bytes
  kPages,     // 4 KiB pages; written in bytes or in pages
  kPageRate,  // 4 KiB pages per second; written in bytes or pages per second
  kByteRate,  // bytes per second
  kDuration,  // nanoseconds
};

struct ParsedQuantity {
  std::int64_t count = 0;
  std::string problem;  // what is wrong, to follow the quoted text; empty when nothing is
};

// Exact: a text that is no whole count of the quantity's unit is a problem, never rounded. "0"
// needs no unit. Fractions are allowed where the result is whole ("1.5ms").
ParsedQuantity parse_quantity(Quantity quantity, std::string_view text);

// The shortest exact spelling with a single whole number; parse_quantity() reads it back.
std::string format_quantity(Quantity quantity, std::int64_t count);

// What a value of this kind is called and how it is written, for messages: `a duration such as
// "5ms" (units: ns, us, ms, s, min, h)`.
std::string describe_quantity(Quantity quantity);

// The regular expression (ECMA 262) of the texts parse_quantity() takes.
std::string quantity_pattern(Quantity quantity);

}  // namespace wbsim::system
