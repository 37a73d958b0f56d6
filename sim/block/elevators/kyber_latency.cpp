#include "sim/block/elevators/kyber_latency.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace wbsim::block {

namespace {
constexpr std::uint32_t kSamplesWanted = 500;
constexpr std::uint32_t kCongestionPercent = 90;
constexpr std::uint32_t kDepthPercent = 99;
}  // namespace

KyberLatencies::KyberLatencies(const Targets& targets, int hz)
    : second_{static_cast<std::uint64_t>(hz)} {
  for (std::size_t domain = 0; domain < kDomains; ++domain) {
    domains_[domain].target = targets[domain];
  }
}

// Models: add_latency_sample().
std::size_t KyberLatencies::bucket_of(SimDuration latency, SimDuration target) {
  if (latency <= SimDuration{}) {
    return 0;
  }
  const SimDuration width = std::max(target / (1 << kQuartersShift), nanoseconds(1));
  const auto bucket = static_cast<std::uint64_t>((latency - nanoseconds(1)) / width);
  return static_cast<std::size_t>(std::min<std::uint64_t>(bucket, kBuckets - 1));
}

void KyberLatencies::add(std::size_t domain, SimDuration total, SimDuration io) {
  Domain& to = domains_[domain];
  ++to.total[bucket_of(total, to.target)];
  ++to.io[bucket_of(io, to.target)];
}

// Models: calculate_percentile(): the bucket, or nothing while there are too few samples.
std::optional<int> KyberLatencies::percentile(Domain& domain, Histogram& histogram,
                                              std::uint32_t percent, std::uint64_t jiffies) const {
  const std::uint32_t samples = std::accumulate(histogram.begin(), histogram.end(), 0U);
  if (samples == 0) {
    return std::nullopt;
  }
  if (!domain.wait_end) {
    domain.wait_end = jiffies + second_;
  }
  if (samples<kSamplesWanted&& * domain.wait_end> jiffies) {
    return std::nullopt;
  }
  domain.wait_end.reset();
  std::uint32_t left = (samples * percent + 99) / 100;
  std::size_t bucket = 0;
  while (bucket < kBuckets - 1 && histogram[bucket] < left) {
    left -= histogram[bucket++];
  }
  histogram.fill(0);
  return static_cast<int>(bucket);
}

// Models: kyber_timer_fn().
KyberLatencies::Depths KyberLatencies::scaled(Depths depths, std::uint64_t jiffies) {
  bool congested = false;
  for (Domain& domain : domains_) {
    congested |=
        percentile(domain, domain.io, kCongestionPercent, jiffies).value_or(0) >= kGoodBuckets;
  }
  for (std::size_t index = 0; index < kDomains; ++index) {
    Domain& domain = domains_[index];
    std::optional<int> bucket = percentile(domain, domain.total, kDepthPercent, jiffies);
    if (congested) {
      const std::optional<int> latest = std::exchange(domain.remembered, std::nullopt);
      bucket = bucket ? bucket : latest;
    } else if (bucket) {
      domain.remembered = bucket;
    }
    if (bucket && (congested || *bucket >= kGoodBuckets)) {
      depths[index] = (depths[index] * (*bucket + 1)) >> kQuartersShift;
    }
  }
  return depths;
}

}  // namespace wbsim::block
