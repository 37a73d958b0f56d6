#include "sim/workload/fio_number.hpp"

#include <gtest/gtest.h>

#include "sim/workload/fio_expression.hpp"

namespace wbsim::workload {
namespace {

std::int64_t number(std::string_view text, const NumberRules& rules = {}) {
  const Parsed<FioNumber> parsed = parse_number(text, rules);
  EXPECT_EQ(parsed.problem, "");
  return parsed.value ? parsed.value->value : -1;
}

// The same numbers as fio 3.33 prints for bs=.
TEST(FioNumber, SuffixesFollowKbBase) {
  const NumberRules decimal{.kb_base = 1000};
  EXPECT_EQ(number("4k"), 4096);
  EXPECT_EQ(number("4ki"), 4096);
  EXPECT_EQ(number("4kib"), 4000);
  EXPECT_EQ(number("4k", decimal), 4000);
  EXPECT_EQ(number("4ki", decimal), 4000);
  EXPECT_EQ(number("4KIB", decimal), 4096);
  EXPECT_EQ(number("1m"), 1 << 20);
  EXPECT_EQ(number("1G"), 1 << 30);
  EXPECT_EQ(number("1t"), std::int64_t{1} << 40);
  EXPECT_EQ(number("1p"), std::int64_t{1} << 50);
  EXPECT_EQ(number("010"), 10);
  EXPECT_EQ(number("0x10"), 16);
  EXPECT_EQ(number("+5b"), 5);
}

TEST(FioNumber, EndsAtItsLimitInBothDirections) {
  EXPECT_EQ(number("4096p"), kFioNumberMax);
  EXPECT_FALSE(parse_number("4097p", {}).value);
  EXPECT_EQ(number("4611686018427387904"), kFioNumberMax);
  EXPECT_FALSE(parse_number("4611686018427387905", {}).value);
  EXPECT_FALSE(parse_number("0xffffffffffffffffff", {}).value);
}

TEST(FioNumber, TimesAreMicroseconds) {
  EXPECT_EQ(number("2", {.time = FioTime::kSeconds}), 2'000'000);
  EXPECT_EQ(number("2", {.time = FioTime::kMicroseconds}), 2);
  EXPECT_EQ(number("2msec", {.time = FioTime::kSeconds}), 2'000);
  EXPECT_EQ(number("1d", {.time = FioTime::kSeconds}), 86'400'000'000);
  EXPECT_EQ(number("5H", {.time = FioTime::kSeconds}), 18'000'000'000);
}

TEST(FioExpression, FollowsThePrecedenceOfC) {
  EXPECT_EQ(number("(2+3*4)"), 14);
  EXPECT_EQ(number("((2+3)*4)"), 20);
  EXPECT_EQ(number("(2^3^2)"), 512);
  EXPECT_EQ(number("(-2^2 + 10)"), 6);
  EXPECT_EQ(number("(10 % 4 * 2)"), 4);
  EXPECT_EQ(number("(10 - 4 - 3)"), 3);
  EXPECT_EQ(number("(10 / 4)"), 2) << "cut to a whole number at the end";
  EXPECT_EQ(number("(10 / 4 * 4)"), 10) << "and not before";
  EXPECT_EQ(number("(0x10 + 1.5k)"), 1552);
}

TEST(FioExpression, OfATimeIsInMicrosecondsUnlessItSays) {
  const NumberRules time{.time = FioTime::kSeconds};
  EXPECT_EQ(number("(1000)", time), 1000);
  EXPECT_EQ(number("(1.5s + 500ms)", time), 2'000'000);
}

TEST(FioPrintable, KeepsMessagesToOneLineOfText) {
  EXPECT_EQ(printable("a\tb\n\x7f\xc3"), "a\\x09b\\x0a\\x7f\\xc3");
  EXPECT_EQ(printable(std::string(61, 'x')), std::string(60, 'x') + "...");
}

}  // namespace
}  // namespace wbsim::workload
