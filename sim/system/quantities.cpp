#include "sim/system/quantities.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim::system {
namespace {

// Products of a 19-digit number and the largest scale do not fit in 64 bits.
__extension__ using Wide = __int128;

struct Unit {
  std::string_view name;
  std::int64_t scale;    // smallest units (ns, bytes) in one
  bool printed = false;  // used by format_quantity()
};

struct Kind {
  std::string_view noun;
  std::string_view example;
  std::string_view whole;    // what the count counts
  std::int64_t count_scale;  // smallest units in one count
  std::span<const Unit> units;
};

constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kMebi = 1024 * kKibi;
constexpr std::int64_t kGibi = 1024 * kMebi;
constexpr std::int64_t kTebi = 1024 * kGibi;
constexpr std::int64_t kKilo = 1000;
constexpr std::int64_t kMega = 1000 * kKilo;
constexpr std::int64_t kGiga = 1000 * kMega;
constexpr std::int64_t kTera = 1000 * kGiga;
constexpr std::int64_t kPageBytes = 4096;

// Larger units first: format_quantity() takes the first printed one that divides.
constexpr std::array<Unit, 10> kByteUnits{{
    {"TiB", kTebi, true},
    {"GiB", kGibi, true},
    {"MiB", kMebi, true},
    {"KiB", kKibi, true},
    {"TB", kTera},
    {"GB", kGiga},
    {"MB", kMega},
    {"KB", kKilo},
    {"kB", kKilo},
    {"B", 1, true},
}};
constexpr std::array<Unit, 11> kPageUnits{{
    {"TiB", kTebi, true},
    {"GiB", kGibi, true},
    {"MiB", kMebi, true},
    {"pages", kPageBytes, true},
    {"KiB", kKibi},
    {"TB", kTera},
    {"GB", kGiga},
    {"MB", kMega},
    {"KB", kKilo},
    {"kB", kKilo},
    {"B", 1},
}};
constexpr std::array<Unit, 9> kRateUnits{{
    {"GiB/s", kGibi, true},
    {"MiB/s", kMebi, true},
    {"KiB/s", kKibi, true},
    {"pages/s", kPageBytes},
    {"GB/s", kGiga},
    {"MB/s", kMega},
    {"KB/s", kKilo},
    {"kB/s", kKilo},
    {"B/s", 1},
}};
constexpr std::array<Unit, 8> kByteRateUnits{{
    {"GiB/s", kGibi},
    {"MiB/s", kMebi},
    {"KiB/s", kKibi},
    {"GB/s", kGiga, true},
    {"MB/s", kMega, true},
    {"KB/s", kKilo},
    {"kB/s", kKilo},
    {"B/s", 1, true},
}};
constexpr std::array<Unit, 6> kTimeUnits{{
    {"h", 3'600'000'000'000},
    {"min", 60'000'000'000},
    {"s", 1'000'000'000, true},
    {"ms", 1'000'000, true},
    {"us", 1'000, true},
    {"ns", 1, true},
}};

constexpr Kind kBytesKind{"an amount of data", "64KiB", "bytes", 1, kByteUnits};
constexpr Kind kPagesKind{"a size", "64MiB", "4 KiB pages", kPageBytes, kPageUnits};
constexpr Kind kRateKind{"a rate", "100MiB/s", "4 KiB pages per second", kPageBytes, kRateUnits};
constexpr Kind kByteRateKind{"a rate", "560MB/s", "bytes per second", 1, kByteRateUnits};
constexpr Kind kTimeKind{"a duration", "5ms", "nanoseconds", 1, kTimeUnits};

const Kind& kind_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::kBytes:
      return kBytesKind;
    case Quantity::kPages:
      return kPagesKind;
    case Quantity::kPageRate:
      return kRateKind;
    case Quantity::kByteRate:
      return kByteRateKind;
    case Quantity::kDuration:
      return kTimeKind;
  }
  SIM_UNREACHABLE();
}

constexpr std::size_t kDigitsMax = 18;  // before and behind the point; 10^18 < 2^63

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') {
    ++n;
  }
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

// A decimal number as integer / 10^decimals.
struct Decimal {
  std::int64_t integer = 0;
  std::int64_t fraction = 0;
  std::int64_t fraction_one = 1;  // 10^(digits of fraction)
};

std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal result;
  const std::string_view integer = take_digits(text);
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty()) {
      return std::nullopt;
    }
  }
  if (integer.empty() || integer.size() > kDigitsMax || fraction.size() > kDigitsMax) {
    return std::nullopt;
  }
  for (const char digit : integer) {
    result.integer = result.integer * 10 + (digit - '0');
  }
  for (const char digit : fraction) {
    result.fraction = result.fraction * 10 + (digit - '0');
    result.fraction_one *= 10;
  }
  return result;
}

std::vector<std::string_view> unit_names(const Kind& kind) {
  std::vector<std::string_view> names;
  for (const Unit& unit : kind.units) {
    names.push_back(unit.name);
  }
  return names;
}

}  // namespace

ParsedQuantity parse_quantity(Quantity quantity, std::string_view text) {
  const Kind& kind = kind_of(quantity);
  if (text == "0") {
    return {};
  }
  const auto malformed = [quantity] {
    return ParsedQuantity{0, fmt::format("is not {}", describe_quantity(quantity))};
  };
  const std::optional<Decimal> number = take_decimal(text);
  if (!number) {
    return malformed();
  }
  if (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  for (const Unit& unit : kind.units) {
    if (unit.name != text) {
      continue;
    }
    const Wide fraction = Wide{number->fraction} * unit.scale;
    const Wide smallest = Wide{number->integer} * unit.scale + fraction / number->fraction_one;
    if (fraction % number->fraction_one != 0 || smallest % kind.count_scale != 0) {
      return {0, fmt::format("is not a whole number of {}", kind.whole)};
    }
    const Wide count = smallest / kind.count_scale;
    if (count > std::numeric_limits<std::int64_t>::max()) {
      return {0, "is too large"};
    }
    return {static_cast<std::int64_t>(count), {}};
  }
  return malformed();
}

std::string format_quantity(Quantity quantity, std::int64_t count) {
  if (count == 0) {
    return "0";
  }
  const Kind& kind = kind_of(quantity);
  const Wide smallest = Wide{count} * kind.count_scale;
  for (const Unit& unit : kind.units) {
    if (unit.printed && smallest % unit.scale == 0) {
      return fmt::format("{}{}", static_cast<std::int64_t>(smallest / unit.scale), unit.name);
    }
  }
  SIM_UNREACHABLE();  // the smallest printed unit of every kind divides
}

std::string describe_quantity(Quantity quantity) {
  const Kind& kind = kind_of(quantity);
  return fmt::format("{} such as \"{}\" (units: {})", kind.noun, kind.example,
                     fmt::join(unit_names(kind), ", "));
}

std::string quantity_pattern(Quantity quantity) {
  return fmt::format("^(0|[0-9]{{1,{0}}}(\\.[0-9]{{1,{0}}})? ?({1}))$", kDigitsMax,
                     fmt::join(unit_names(kind_of(quantity)), "|"));
}

}  // namespace wbsim::system
