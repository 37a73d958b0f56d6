// Numbers as fio writes them: 4096, 64k, 0x1000, 50%, 3z, 100ms, (8 * 4k).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/workload/fio_options.hpp"

namespace wbsim::workload {

// A value, or what is wrong with the text.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string problem;
};

struct FioNumber {
  enum class Unit { kPlain, kPercent, kZones };
  std::int64_t value = 0;  // sizes in bytes, times in microseconds, as fio stores them
  Unit unit = Unit::kPlain;
  bool decimal_binary_suffix = false;  // "kib" with kb_base=1024: 1000 bytes

  friend bool operator==(const FioNumber& a, const FioNumber& b) {
    return a.value == b.value && a.unit == b.unit;
  }
};

struct NumberRules {
  int kb_base = 1024;             // fio's kb_base: 1024 makes k = 1024 and kib = 1000
  FioTime time = FioTime::kNone;  // a time takes units of time and not of size
  bool percent_and_zones = false;
};

// The largest value that any number may have; beyond it sums of two would overflow.
inline constexpr std::int64_t kFioNumberMax = std::int64_t{1} << 62;

// What one "k", "ms" ... is worth; nullopt when there is no such unit. No letters at all are the
// rules' own unit.
std::optional<std::int64_t> unit_factor(std::string_view letters, const NumberRules& rules);

// One sentence that says what may stand after a number.
std::string_view allowed_units(const NumberRules& rules);

// Stricter than fio where fio guesses: fio takes "4 k", "1.5k" and "4x" as 4, 1 and 4 bytes.
Parsed<FioNumber> parse_number(std::string_view text, const NumberRules& rules);

// ASCII only, whatever the locale.
std::string lower_case(std::string_view text);

// User text fit for a message: unprintable bytes as \xNN, not longer than a line.
std::string printable(std::string_view text);

}  // namespace wbsim::workload
