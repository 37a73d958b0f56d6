#include "sim/report/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/base/check.hpp"

namespace wbsim::report {

int Histogram::bucket_of(SimDuration latency) {
  SIM_CHECK(latency >= SimDuration::zero());
  const auto value = static_cast<std::uint64_t>(latency.count());
  const int bits = static_cast<int>(std::bit_width(value));
  if (bits <= kGroupBits + 1) {
    return static_cast<int>(value);
  }
  // `error_bits` low bits are lost; the next kGroupBits select the bucket of the group, and the
  // leading one is implied by the group.
  const int error_bits = bits - 1 - kGroupBits;
  constexpr std::uint64_t kInGroup = (1U << kGroupBits) - 1;
  const int in_group = static_cast<int>((value >> error_bits) & kInGroup);
  return std::min(((error_bits + 1) << kGroupBits) + in_group, kBuckets - 1);
}

SimDuration Histogram::bucket_value(int bucket) {
  SIM_CHECK(bucket >= 0 && bucket < kBuckets);
  constexpr int kPerGroup = 1 << kGroupBits;
  if (bucket < 2 * kPerGroup) {
    return nanoseconds(bucket);
  }
  const int error_bits = (bucket >> kGroupBits) - 1;
  const std::int64_t base = std::int64_t{1} << (error_bits + kGroupBits);
  const std::int64_t in_group = bucket & (kPerGroup - 1);
  // (k + 0.5) * 2^err without leaving the integers; err is at least 1 here.
  return nanoseconds(base + ((2 * in_group + 1) << (error_bits - 1)));
}

void Histogram::add(SimDuration latency) {
  const int bucket = bucket_of(latency);
  if (buckets_.empty()) {
    buckets_.resize(kBuckets);
    min_ = latency;
  }
  ++buckets_[static_cast<std::size_t>(bucket)];
  ++count_;
  min_ = std::min(min_, latency);
  max_ = std::max(max_, latency);
  sum_ += latency;
  const auto value = static_cast<unsigned __int128>(latency.count());
  sum_of_squares_ += value * value;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) {
    return;
  }
  if (count_ == 0) {
    *this = other;
    return;
  }
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i] += other.buckets_[i];
  }
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  sum_of_squares_ += other.sum_of_squares_;
}

std::int64_t Histogram::count(int bucket) const {
  SIM_CHECK(bucket >= 0 && bucket < kBuckets);
  return buckets_.empty() ? 0 : buckets_[static_cast<std::size_t>(bucket)];
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_.count()) / static_cast<double>(count_);
}

double Histogram::stddev_ns() const {
  if (count_ < 2) {
    return 0;
  }
  // Sum of squared distances from the whole part m of the mean, exact: sum x^2 - 2 m sum x + n m^2.
  // What the fraction r / n of the mean adds is r^2 / n. Doubles enter only after the large terms
  // have cancelled.
  const auto n = static_cast<unsigned __int128>(count_);
  const auto sum = static_cast<unsigned __int128>(sum_.count());
  const unsigned __int128 m = sum / n;
  const unsigned __int128 squares = sum_of_squares_ + n * m * m - 2 * m * sum;
  const auto fraction = static_cast<double>(sum % n);
  const double about_mean =
      static_cast<double>(squares) - fraction * fraction / static_cast<double>(count_);
  return std::sqrt(std::max(about_mean, 0.0) / static_cast<double>(count_ - 1));
}

SimDuration Histogram::fio_percentile(Percentile p) const {
  SIM_CHECK(p.percent > 0 && p.percent <= 100);
  if (count_ == 0) {
    return {};
  }
  // fio compares with a long double; so do we, because a rank that ought to be whole is not: 99.9 %
  // of 3000 is a little above 2997, and decides about the bucket.
  const long double rank =
      static_cast<long double>(p.percent) / 100.0L * static_cast<long double>(count_);
  std::int64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[static_cast<std::size_t>(bucket)];
    if (static_cast<long double>(seen) >= rank) {
      return bucket_value(bucket);
    }
  }
  // Rounding can put the rank of 100 % above the count, never beyond the last latency.
  return bucket_value(bucket_of(max_));
}

SimDuration Histogram::percentile(Percentile p) const {
  return std::clamp(fio_percentile(p), min_, max_);
}

}  // namespace wbsim::report
