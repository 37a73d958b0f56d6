// What kyber knows about latencies, and what it concludes for the depths of its domains.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sim/base/units.hpp"

namespace wbsim::block {

// Models: the latency histograms, calculate_percentile() and kyber_timer_fn() of
// block/kyber-iosched.c, v5.10 and v6.1. The kernel has a histogram for each CPU, only so that CPUs
// do not share memory, and adds them up before it looks at them: one serves here.
// Properties:
//  1. A latency falls into one of eight buckets, a quarter of the domain's target wide each; the
//     first four are good, the last has no end.
//  2. A percentile is taken of 500 samples or more, or of fewer a second after somebody first
//     wanted one. That time is shared by the two percentiles of a domain: where it ends the wait of
//     the first, the other starts to wait anew. A histogram is cleared when it was used.
//  3. The device is congested if any domain's I/O latency (since issue) is bad at the 90th
//     percentile.
//  4. A domain's depth is scaled by its total latency (since allocation) at the 99th percentile, in
//     quarters of the target, if the device is congested or that latency is bad. Good ones
//     make the depth less then, bad ones more.
//  5. A domain that lacks samples under congestion is judged by its latest percentile, once.
class KyberLatencies {
 public:
  static constexpr std::size_t kDomains = 3;  // READ, WRITE, DISCARD; OTHER has no target
  using Targets = std::array<SimDuration, kDomains>;
  using Depths = std::array<int, kDomains>;

  KyberLatencies(const Targets& targets, int hz);

  void add(std::size_t domain, SimDuration total, SimDuration io);
  // What the depths should become, judged at `jiffies`: may be less than one or too many.
  [[nodiscard]] Depths scaled(Depths depths, std::uint64_t jiffies);

 private:
  static constexpr int kQuartersShift = 2;                  // KYBER_LATENCY_SHIFT
  static constexpr int kGoodBuckets = 1 << kQuartersShift;  // up to the target
  static constexpr std::size_t kBuckets = 2U << kQuartersShift;

  using Histogram = std::array<std::uint32_t, kBuckets>;
  struct Domain {
    SimDuration target{};
    Histogram total{};
    Histogram io{};
    std::optional<std::uint64_t> wait_end;  // jiffies from which few samples do
    std::optional<int> remembered;          // bucket of the latest 99th percentile
  };

  static std::size_t bucket_of(SimDuration latency, SimDuration target);
  std::optional<int> percentile(Domain& domain, Histogram& histogram, std::uint32_t percent,
                                std::uint64_t jiffies) const;

  std::uint64_t second_;  // in jiffies
  std::array<Domain, kDomains> domains_;
};

}  // namespace wbsim::block
