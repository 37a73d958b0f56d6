#include "sim/report/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace wbsim::report {
namespace {

void add_times(Histogram& histogram, std::int64_t ns, int times) {
  for (int i = 0; i < times; ++i) {
    histogram.add(nanoseconds(ns));
  }
}

TEST(Histogram, LatenciesBelow128NsHaveTheirOwnBucket) {
  for (int ns = 0; ns < 128; ++ns) {
    EXPECT_EQ(Histogram::bucket_of(nanoseconds(ns)), ns);
    EXPECT_EQ(Histogram::bucket_value(ns), nanoseconds(ns));
  }
}

TEST(Histogram, BucketsFollowFiosArithmetic) {
  // 128 and 129 share the first bucket of group 2: 128 + 0.5 * 2.
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(128)), 128);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(129)), 128);
  EXPECT_EQ(Histogram::bucket_value(128), nanoseconds(129));
  // 9975 = 0b10'0110'1111'0111: 14 bits, 7 lost, (9975 >> 7) & 63 = 13; 8192 + 13.5 * 128 = 9920.
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(9975)), 8 * 64 + 13);
  EXPECT_EQ(Histogram::bucket_value(8 * 64 + 13), nanoseconds(9920));
}

TEST(Histogram, LastBucketTakesEveryLongerLatency) {
  EXPECT_EQ(Histogram::kBuckets, 1856);
  const std::int64_t first_of_last = (std::int64_t{1} << 34) - (std::int64_t{1} << 27);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(first_of_last)), 1855);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(first_of_last - 1)), 1854);
  EXPECT_EQ(Histogram::bucket_of(seconds(3600)), 1855);
}

TEST(Histogram, BucketValueIsWithinEightPerMilleOfEveryLatency) {
  for (std::int64_t ns = 1; ns < 17'000'000'000; ns += 1 + ns / 997) {
    const std::int64_t value =
        Histogram::bucket_value(Histogram::bucket_of(nanoseconds(ns))).count();
    EXPECT_LT(std::abs(value - ns) * 1000, 8 * ns) << ns;
  }
}

TEST(Histogram, EveryBucketContainsItsOwnValue) {
  for (int bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    EXPECT_EQ(Histogram::bucket_of(Histogram::bucket_value(bucket)), bucket);
  }
}

// The bins and percentiles that fio 3.33 itself wrote (json+) for 3000 writes of its null engine.
TEST(Histogram, PercentilesEqualThoseOfFioForTheSameBins) {
  Histogram histogram;
  const std::vector<std::pair<int, int>> bins = {{30, 374}, {31, 17},  {40, 2177},
                                                 {41, 138}, {50, 264}, {51, 27},
                                                 {60, 1},   {241, 1},  {9920, 1}};
  for (const auto& [ns, times] : bins) {
    add_times(histogram, ns, times);
  }
  const std::vector<std::pair<double, int>> fio = {{1, 30},
                                                   {5, 30},
                                                   {10, 30},
                                                   {20, 40},
                                                   {25, 40},
                                                   {50, 40},
                                                   {75, 40},
                                                   {90, 41},
                                                   {95, 50},
                                                   {99, 50},
                                                   {99.5, 51},
                                                   {99.9, 60},  // 2997 of 3000, and a little
                                                                // more
                                                   {99.95, 241},
                                                   {99.99, 9920}};
  for (const auto& [percent, ns] : fio) {
    EXPECT_EQ(histogram.fio_percentile({percent}), nanoseconds(ns)) << percent;
  }
  EXPECT_EQ(histogram.fio_percentile({100}), nanoseconds(9920));
}

// fio 3.33 printed 55040 ns as the 99th percentile of writes of at most 54962.
TEST(Histogram, PercentilesLieBetweenTheSmallestAndTheLargest) {
  Histogram histogram;
  histogram.add(nanoseconds(54'962));
  EXPECT_EQ(Histogram::bucket_value(Histogram::bucket_of(nanoseconds(54'962))),
            nanoseconds(55'040));
  EXPECT_EQ(histogram.fio_percentile({99}), nanoseconds(55'040));
  EXPECT_EQ(histogram.percentile({99}), nanoseconds(54'962));
  Histogram low;
  low.add(nanoseconds(55'200));
  EXPECT_EQ(Histogram::bucket_value(Histogram::bucket_of(nanoseconds(55'200))),
            nanoseconds(55'040));
  EXPECT_EQ(low.percentile({1}), nanoseconds(55'200));
}

TEST(Histogram, MomentsAreExact) {
  Histogram histogram;
  for (const int ns : {2, 4, 4, 4, 5, 5, 7, 9}) {
    histogram.add(nanoseconds(ns));
  }
  EXPECT_EQ(histogram.count(), 8);
  EXPECT_EQ(histogram.min(), nanoseconds(2));
  EXPECT_EQ(histogram.max(), nanoseconds(9));
  EXPECT_EQ(histogram.sum(), nanoseconds(40));
  EXPECT_DOUBLE_EQ(histogram.mean_ns(), 5.0);
  // Squared distances 9 1 1 1 0 0 4 16 = 32, over n - 1 = 7.
  EXPECT_DOUBLE_EQ(histogram.stddev_ns(), 2.1380899352993952);
}

TEST(Histogram, StddevKeepsItsDigitsFarFromZero) {
  Histogram histogram;  // two latencies 3 ns apart near an hour: mean has a fraction
  histogram.add(seconds(3600));
  histogram.add(seconds(3600) + nanoseconds(3));
  EXPECT_DOUBLE_EQ(histogram.stddev_ns(), 2.1213203435596424);  // 3 / sqrt(2)
}

TEST(Histogram, MergeEqualsAddingEverythingToOne) {
  Histogram a, b, empty, all;
  for (int i = 0; i < 100; ++i) {
    const SimDuration latency = microseconds(i * i + 1);
    (i % 3 == 0 ? a : b).add(latency);
    all.add(latency);
  }
  a.merge(empty);
  a.merge(b);
  EXPECT_EQ(a, all);
  empty.merge(all);
  EXPECT_EQ(empty, all);
}

TEST(Histogram, EmptyOneReportsZeros) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.count(17), 0);
  EXPECT_EQ(histogram.max(), SimDuration::zero());
  EXPECT_EQ(histogram.percentile({99}), SimDuration::zero());
  EXPECT_EQ(histogram.mean_ns(), 0);
  EXPECT_EQ(histogram.stddev_ns(), 0);
}

}  // namespace
}  // namespace wbsim::report
