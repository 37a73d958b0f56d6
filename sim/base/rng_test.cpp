#include "sim/base/rng.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace wbsim {
namespace {

std::vector<std::uint64_t> first(Rng rng, int count) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) {
    numbers.push_back(rng.next_u64());
  }
  return numbers;
}

// Pinned: every published result depends on these. Computed by an independent implementation.
TEST(RngTest, StreamsAreTheSameEverywhereAndForEver) {
  EXPECT_EQ(first(Rng::stream(0, ""), 2),
            (std::vector<std::uint64_t>{2'173'012'722'847'780'656U, 3'664'482'154'190'621'960U}));
  EXPECT_EQ(first(Rng::stream(1, "workload/job1/offsets"), 3),
            (std::vector<std::uint64_t>{8'754'336'918'031'945'961U, 13'092'764'005'942'272'314U,
                                        202'771'888'184'527'464U}));
}

TEST(RngTest, SeedAndNameBothMatter) {
  const auto reference = first(Rng::stream(1, "a"), 4);
  EXPECT_EQ(first(Rng::stream(1, "a"), 4), reference);
  EXPECT_NE(first(Rng::stream(2, "a"), 4), reference);
  EXPECT_NE(first(Rng::stream(1, "b"), 4), reference);
  EXPECT_NE(first(Rng::stream(1, "a/"), 4), reference);
}

TEST(RngTest, NewStreamDoesNotMoveAnOldOne) {
  Rng alone = Rng::stream(7, "device/sda/seek");
  Rng old = Rng::stream(7, "device/sda/seek");
  for (int i = 0; i < 100; ++i) {
    Rng added = Rng::stream(7, "device/sdb/" + std::to_string(i));
    added.next_u64();
    EXPECT_EQ(old.next_u64(), alone.next_u64());
  }
}

TEST(RngTest, UniformStaysInRangeAndReachesBothEnds) {
  Rng rng = Rng::stream(1, "uniform");
  std::array<int, 7> seen{};
  constexpr int kDraws = 70'000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = rng.uniform(7);
    ASSERT_LT(value, 7U);
    ++seen[value];
  }
  for (const int count : seen) {  // 10,000 expected, standard deviation 93
    EXPECT_NEAR(count, 10'000, 500);
  }
  EXPECT_EQ(rng.uniform(1), 0U);
}

// With n = 3 * 2^62 plain multiplication or modulo would make some results twice as likely.
TEST(RngTest, UniformIsUnbiasedForHugeRanges) {
  Rng rng = Rng::stream(1, "huge");
  constexpr std::uint64_t kThird = std::uint64_t{1} << 62;
  std::array<int, 3> seen{};
  for (int i = 0; i < 30'000; ++i) {
    ++seen[rng.uniform(3 * kThird) / kThird];
  }
  for (const int count : seen) {  // standard deviation 82
    EXPECT_NEAR(count, 10'000, 400);
  }
}

TEST(RngTest, BernoulliIsExactAtItsEndsAndFairBetween) {
  Rng rng = Rng::stream(1, "bernoulli");
  int hits = 0;
  for (int i = 0; i < 30'000; ++i) {
    EXPECT_FALSE(rng.bernoulli(0, 5));
    EXPECT_TRUE(rng.bernoulli(5, 5));
    hits += rng.bernoulli(1, 3) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 10'000, 400);
}

TEST(RngDeathTest, RefusesEmptyRangesAndProbabilitiesAboveOne) {
  Rng rng = Rng::stream(1, "death");
  EXPECT_DEATH(rng.uniform(0), "check failed: n > 0");
  EXPECT_DEATH(rng.bernoulli(2, 1), "check failed: numerator <= denominator");
}

}  // namespace
}  // namespace wbsim
