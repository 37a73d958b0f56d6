#include "sim/block/elevators/kyber_latency.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace wbsim::block {
namespace {

constexpr std::size_t kRead = 0;
constexpr std::size_t kWrite = 1;
constexpr std::uint64_t kNow = 1000;  // jiffies
constexpr int kHz = 250;
constexpr SimDuration kGood = nanoseconds(1);  // the first bucket
constexpr SimDuration kBad = seconds(1);       // the last
constexpr KyberLatencies::Depths kBefore{64, 64, 64};
using Depths = KyberLatencies::Depths;

class KyberLatency : public ::testing::Test {
 protected:
  void add(std::size_t domain, int samples, SimDuration total, SimDuration io) {
    for (int i = 0; i < samples; ++i) {
      latencies_.add(domain, total, io);
    }
  }
  Depths scaled(std::uint64_t jiffies = kNow) { return latencies_.scaled(kBefore, jiffies); }

 private:
  KyberLatencies latencies_{{milliseconds(2), milliseconds(10), seconds(5)}, kHz};
};

// Under congestion the depth becomes as many quarters of what it was as the bucket has.
TEST_F(KyberLatency, BucketsAreQuartersOfTheTarget) {
  const std::vector<std::pair<std::int64_t, int>> buckets = {
      {0, 0},         {1, 0},         {500'000, 0},   {500'001, 1},         {1'000'000, 1},
      {1'000'001, 2}, {1'500'001, 3}, {2'000'000, 3}, {2'000'001, 4},       {3'500'000, 6},
      {3'500'001, 7}, {4'000'001, 7}, {9'999'999, 7}, {900'000'000'000, 7},
  };
  for (const auto& [nanosecs, bucket] : buckets) {
    SCOPED_TRACE(nanosecs);
    add(kRead, 500, nanoseconds(nanosecs), kBad);
    EXPECT_EQ(scaled(), (Depths{16 * (bucket + 1), 64, 64}));
  }
}

TEST_F(KyberLatency, EachDomainHasItsOwnTarget) {
  add(kRead, 500, milliseconds(5), kBad);
  add(kWrite, 500, milliseconds(5), kGood);
  EXPECT_EQ(scaled(), (Depths{128, 32, 64}));
}

TEST(KyberTarget, OfLessThanFourNanosecondsHasBucketsOfOne) {
  KyberLatencies latencies{{SimDuration{}, SimDuration{}, SimDuration{}}, kHz};
  for (int i = 0; i < 500; ++i) {
    latencies.add(kRead, nanoseconds(5), nanoseconds(4));
  }
  EXPECT_EQ(latencies.scaled(kBefore, kNow), (Depths{80, 64, 64})) << "bucket 4, uncongested";
}

// 90 of 100 samples up to a bucket are needed for that bucket.
TEST_F(KyberLatency, CongestionIsJudgedByTheNinetiethPercentileOfIo) {
  for (const int bad : {50, 51}) {
    add(kRead, 500 - bad, kGood, kGood);
    add(kRead, bad, kGood, kBad);
    EXPECT_EQ(scaled()[kRead], bad == 51 ? 16 : 64) << bad;
  }
}

TEST_F(KyberLatency, CongestionBeginsBeyondTheTarget) {
  for (const int nanosecs : {2'000'000, 2'000'001}) {
    add(kRead, 500, kGood, nanoseconds(nanosecs));
    EXPECT_EQ(scaled()[kRead], nanosecs == 2'000'000 ? 64 : 16);
  }
}

TEST_F(KyberLatency, ADepthIsJudgedByTheNinetyNinthPercentileOfTheTotal) {
  for (const int bad : {5, 6}) {
    add(kRead, 500 - bad, kGood, kGood);
    add(kRead, bad, kBad, kGood);
    EXPECT_EQ(scaled()[kRead], bad == 6 ? 128 : 64) << bad;
  }
}

TEST_F(KyberLatency, WithoutCongestionGoodDomainsKeepTheirDepth) {
  add(kRead, 500, kGood, kGood);
  add(kWrite, 500, kBad, kGood);
  EXPECT_EQ(scaled(), (Depths{64, 128, 64}));
}

TEST_F(KyberLatency, CongestionInOneDomainThrottlesTheGoodOnes) {
  add(kRead, 500, kGood, kGood);
  add(kWrite, 500, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{16, 128, 64}));
}

TEST_F(KyberLatency, FewerThanFiveHundredSamplesDoNotCount) {
  add(kRead, 499, kBad, kBad);
  EXPECT_EQ(scaled(), kBefore);
  add(kRead, 1, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{128, 64, 64})) << "they were kept";
}

TEST_F(KyberLatency, SamplesCountOnce) {
  add(kRead, 500, kBad, kGood);
  EXPECT_EQ(scaled(), (Depths{128, 64, 64}));
  EXPECT_EQ(scaled(), kBefore);
}

// The I/O latencies use up the second that both waited for, so the total waits for another one.
TEST_F(KyberLatency, FewSamplesCountASecondAfterTheyWereFirstWanted) {
  add(kRead, 1, kBad, kGood);
  EXPECT_EQ(scaled(kNow), kBefore);
  EXPECT_EQ(scaled(kNow + kHz - 1), kBefore);
  EXPECT_EQ(scaled(kNow + kHz), kBefore) << "I/O latencies only";
  EXPECT_EQ(scaled(kNow + 2 * kHz - 1), kBefore);
  EXPECT_EQ(scaled(kNow + 2 * kHz), (Depths{128, 64, 64}));
}

TEST_F(KyberLatency, FewIoSamplesShowCongestionAfterASecond) {
  add(kRead, 1, kGood, kBad);
  add(kWrite, 500, kGood, kGood);
  EXPECT_EQ(scaled(kNow), kBefore);
  EXPECT_EQ(scaled(kNow + kHz), (Depths{64, 16, 64})) << "writes by what is remembered";
}

TEST_F(KyberLatency, UnderCongestionADomainWithoutSamplesIsJudgedByItsLatest) {
  add(kRead, 500, milliseconds(1), kGood);
  EXPECT_EQ(scaled(), kBefore);
  add(kWrite, 500, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{32, 128, 64})) << "reads: two quarters";
}

TEST_F(KyberLatency, WhatIsRememberedCountsOnce) {
  add(kRead, 500, kGood, kGood);
  EXPECT_EQ(scaled(), kBefore);
  add(kWrite, 500, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{16, 128, 64}));
  add(kWrite, 500, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{64, 128, 64}));
}

TEST_F(KyberLatency, WhatCountedUnderCongestionIsNotRemembered) {
  add(kRead, 500, kGood, kBad);
  EXPECT_EQ(scaled(), (Depths{16, 64, 64}));
  add(kWrite, 500, kBad, kBad);
  EXPECT_EQ(scaled(), (Depths{64, 128, 64}));
}

}  // namespace
}  // namespace wbsim::block
