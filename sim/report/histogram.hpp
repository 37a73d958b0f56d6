// Latency histogram with fio's buckets, so that percentiles, json+ bins and histogram logs compare
// one to one with what fio prints for the same latencies.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::report {

// A percentile as fio's percentile_list takes it: 99.9 is the value that 99.9 % of all
// latencies do not exceed. In (0, 100].
struct Percentile {
  double percent;
};

// fio's bucket scheme (FIO_IO_U_PLAT_*, fio 3.33): 29 groups of 2^6 buckets. Latencies below 128 ns
// have a bucket of their own; above, each power of two is divided into 64 buckets, so a bucket's
// middle is within 1/128 (< 0.8 %) of every latency in it. The last bucket takes everything from
// 2^34 - 2^27 ns (17.05 s) up; min, max and mean stay exact there.
class Histogram {
 public:
  static constexpr int kGroupBits = 6;                    // FIO_IO_U_PLAT_BITS
  static constexpr int kGroups = 29;                      // FIO_IO_U_PLAT_GROUP_NR
  static constexpr int kBuckets = kGroups << kGroupBits;  // 1856

  // The bucket of a latency, which must not be negative.
  static int bucket_of(SimDuration latency);
  // What fio's bins have for every latency of a bucket: base + (k + 0.5) * 2^err, its middle.
  static SimDuration bucket_value(int bucket);

  void add(SimDuration latency);
  void merge(const Histogram& other);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t count(int bucket) const;

  // All 0 when nothing was added.
  [[nodiscard]] SimDuration min() const { return min_; }
  [[nodiscard]] SimDuration max() const { return max_; }
  [[nodiscard]] SimDuration sum() const { return sum_; }
  [[nodiscard]] double mean_ns() const;
  // Of the sample (n - 1), as fio prints it; 0 below two latencies.
  [[nodiscard]] double stddev_ns() const;

  // What fio prints: the value of the first bucket at which the running count reaches
  // percent / 100 * count, a bucket's middle that may lie beyond the largest latency. 0 when
  // nothing was added.
  [[nodiscard]] SimDuration fio_percentile(Percentile p) const;
  // The same, but no less than min() and no more than max().
  [[nodiscard]] SimDuration percentile(Percentile p) const;

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  // Allocated by the first add: a job that never calls fsync needs no 15 KB for it.
  std::vector<std::int64_t> buckets_;
  std::int64_t count_ = 0;
  SimDuration min_{};
  SimDuration max_{};
  SimDuration sum_{};
  // 2^63 ns would hold one squared latency of 3 s only.
  unsigned __int128 sum_of_squares_ = 0;
};

}  // namespace wbsim::report
