// Latencies of requests, collected over windows of time (block/blk-stat.c).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Models: struct blk_rq_stat. Sums over CPUs have a mean, counts of one CPU only a `batch`.
struct RqStat {
  SimDuration min = SimDuration::max();
  SimDuration max{};
  SimDuration mean{};
  SimDuration batch{};
  std::int64_t samples = 0;

  void add(SimDuration latency);   // blk_rq_stat_add()
  void sum(const RqStat& of_cpu);  // blk_rq_stat_sum()
};

enum StatBucket : std::size_t { kStatRead, kStatWrite, kStatBuckets };
using RqStats = std::array<RqStat, kStatBuckets>;

// Told when a window is over, in timer context, with what was collected in it.
class StatListener {
 public:
  virtual void window_over(const RqStats& stats) = 0;

 protected:
  ~StatListener() = default;
};

// Models: struct blk_stat_callback, v5.10 and v6.1: while its timer runs, latencies are counted per
// CPU and direction. The timer counts jiffies.
class StatCallback {
 public:
  StatCallback(engine::Machine& machine, StatListener& listener);
  StatCallback(const StatCallback&) = delete;
  StatCallback& operator=(const StatCallback&) = delete;
  ~StatCallback();

  [[nodiscard]] bool is_active() const { return timer_.pending(); }
  // Ends the window `length` from now, rounded as timers are (blk_stat_activate_nsecs()).
  void activate(SimDuration length);
  // Of a request that completes on `cpu`. Without a window it is not counted.
  void add(int cpu, StatBucket bucket, SimDuration latency);

 private:
  void on_timer();

  engine::Machine& machine_;
  StatListener& listener_;
  std::vector<RqStats> per_cpu_;
  engine::Event timer_;
};

}  // namespace wbsim::block
