// Floating proportions: which share of all completions each device had lately.
#pragma once

#include <cstdint>

#include "sim/pagecache/percpu_counter.hpp"

namespace wbsim::pagecache {

// numerator / denominator, denominator > 0.
struct Fraction {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
};

// Models: struct fprop_global and fprop_local_percpu, lib/flex_proportions.c, v5.10.
// At each period all event counts halve; local counts catch up when they are next used.
class GlobalProportion {
 public:
  // The shared count uses the default batch of percpu counters, max(32, 2 * cpus). It starts at 1,
  // as fprop_global_init() has it.
  explicit GlobalProportion(int cpus) : events_{cpus, cpus > 16 ? 2 * cpus : 32, 1} {}

  // Ages by `periods`. False when hardly any event is left, so that the period timer can stop.
  bool new_period(int periods);

  [[nodiscard]] std::uint64_t period() const { return period_; }
  PercpuCounter& events() { return events_; }

 private:
  PercpuCounter events_;
  std::uint64_t period_ = 0;
};

class LocalProportion {
 public:
  explicit LocalProportion(int cpus)
      : cpus_{cpus}, batch_{wb_stat_batch(cpus)}, events_{cpus, batch_} {}

  // `n` events one after the other; none is counted while this share is above the maximum.
  void add(GlobalProportion& global, int cpu, std::int64_t n, int max_fraction_percent);
  Fraction fraction(GlobalProportion& global);
  // The same for observers: catches up with nothing, so that looking changes no later share.
  [[nodiscard]] Fraction peek(const GlobalProportion& global) const;

 private:
  void reflect_period(const GlobalProportion& global);

  int cpus_;
  std::int64_t batch_;
  PercpuCounter events_;
  std::uint64_t period_ = 0;
};

}  // namespace wbsim::pagecache
