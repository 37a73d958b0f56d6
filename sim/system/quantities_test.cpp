#include "sim/system/quantities.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace wbsim::system {
namespace {

std::int64_t count(Quantity quantity, std::string_view text) {
  const ParsedQuantity parsed = parse_quantity(quantity, text);
  EXPECT_EQ(parsed.problem, "") << text;
  return parsed.count;
}

TEST(Quantities, TellBinaryUnitsFromDecimalOnes) {
  EXPECT_EQ(count(Quantity::kBytes, "64KiB"), 65536);
  EXPECT_EQ(count(Quantity::kBytes, "64kB"), 64000);
  EXPECT_EQ(count(Quantity::kBytes, "64KB"), 64000);
  EXPECT_EQ(count(Quantity::kBytes, "1TiB"), 1LL << 40);
}

TEST(Quantities, CountPages) {
  EXPECT_EQ(count(Quantity::kPages, "217030pages"), 217030);
  EXPECT_EQ(count(Quantity::kPages, "1 MiB"), 256);
  EXPECT_EQ(count(Quantity::kPageRate, "100MiB/s"), 25600);
  EXPECT_EQ(count(Quantity::kPageRate, "25600pages/s"), 25600);
}

TEST(Quantities, TakeFractionsThatAreExact) {
  EXPECT_EQ(count(Quantity::kDuration, "1.5ms"), 1'500'000);
  EXPECT_EQ(count(Quantity::kDuration, "0.000000001s"), 1);
  EXPECT_EQ(parse_quantity(Quantity::kDuration, "0.0000000001s").problem,
            "is not a whole number of nanoseconds");
  EXPECT_EQ(parse_quantity(Quantity::kPages, "1.5pages").problem,
            "is not a whole number of 4 KiB pages");
}

TEST(Quantities, DoNotOverflow) {
  EXPECT_EQ(count(Quantity::kDuration, "999999999999999999ns"), 999'999'999'999'999'999);
  EXPECT_EQ(parse_quantity(Quantity::kDuration, "999999999999999999h").problem, "is too large");
  EXPECT_EQ(parse_quantity(Quantity::kBytes, "8388608TiB").problem, "is too large");
  EXPECT_EQ(count(Quantity::kBytes, "8388607TiB"), 8388607LL << 40);
  const std::string rest =
      "is not an amount of data such as \"64KiB\" (units: TiB, GiB, MiB, KiB, TB, GB, MB, KB, kB, "
      "B)";
  EXPECT_EQ(parse_quantity(Quantity::kBytes, "1000000000000000000B").problem, rest);
  EXPECT_EQ(parse_quantity(Quantity::kBytes, std::string(100'000, '9') + "B").problem, rest);
}

TEST(Quantities, ArePrintedExactlyAndReadBack) {
  EXPECT_EQ(format_quantity(Quantity::kBytes, 65536), "64KiB");
  EXPECT_EQ(format_quantity(Quantity::kBytes, 65537), "65537B");
  EXPECT_EQ(format_quantity(Quantity::kPages, 217030), "217030pages");
  EXPECT_EQ(format_quantity(Quantity::kPages, 262144), "1GiB");
  EXPECT_EQ(format_quantity(Quantity::kPageRate, 25600), "100MiB/s");
  EXPECT_EQ(count(Quantity::kByteRate, "0.56GB/s"), 560'000'000);
  EXPECT_EQ(format_quantity(Quantity::kByteRate, 560'000'000), "560MB/s");
  EXPECT_EQ(format_quantity(Quantity::kDuration, 60'000'000'000), "60s");
  EXPECT_EQ(format_quantity(Quantity::kDuration, 0), "0");
  for (const Quantity quantity : {Quantity::kBytes, Quantity::kPages, Quantity::kPageRate,
                                  Quantity::kByteRate, Quantity::kDuration}) {
    for (std::int64_t n = 1; n < 1'000'000'000'000'000; n = n * 7 + 3) {
      EXPECT_EQ(count(quantity, format_quantity(quantity, n)), n);
    }
  }
}

}  // namespace
}  // namespace wbsim::system
