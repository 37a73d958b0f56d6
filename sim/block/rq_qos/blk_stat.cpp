#include "sim/block/rq_qos/blk_stat.hpp"

#include <algorithm>

namespace wbsim::block {

void RqStat::add(SimDuration latency) {
  min = std::min(min, latency);
  max = std::max(max, latency);
  batch += latency;
  ++samples;
}

void RqStat::sum(const RqStat& of_cpu) {
  if (of_cpu.samples == 0) {
    return;
  }
  min = std::min(min, of_cpu.min);
  max = std::max(max, of_cpu.max);
  mean = (of_cpu.batch + mean * samples) / (samples + of_cpu.samples);
  samples += of_cpu.samples;
}

StatCallback::StatCallback(engine::Machine& machine, StatListener& listener)
    : machine_{machine},
      listener_{listener},
      per_cpu_(static_cast<std::size_t>(machine.cpus())),
      timer_{engine::event_calling<&StatCallback::on_timer>(*this, "blk-stat window")} {}

StatCallback::~StatCallback() { machine_.simulator().cancel(timer_); }

void StatCallback::activate(SimDuration length) {
  const engine::Jiffies& jiffies = machine_.jiffies();
  const SimTime now = machine_.simulator().now();
  machine_.simulator().reschedule(timer_,
                                  jiffies.timer_time(now, jiffies.from_duration_floor(length)));
}

void StatCallback::add(int cpu, StatBucket bucket, SimDuration latency) {
  if (is_active()) {
    per_cpu_[static_cast<std::size_t>(cpu)][bucket].add(latency);
  }
}

// Models: blk_stat_timer_fn().
void StatCallback::on_timer() {
  RqStats stats;
  for (RqStats& of_cpu : per_cpu_) {
    for (std::size_t bucket = 0; bucket < kStatBuckets; ++bucket) {
      stats[bucket].sum(of_cpu[bucket]);
      of_cpu[bucket] = {};
    }
  }
  listener_.window_over(stats);
}

}  // namespace wbsim::block
