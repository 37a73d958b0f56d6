// Throttling before v3.2: who dirties too much writes.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/block/congestion.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// Models: balance_dirty_pages_ratelimited_nr() and balance_dirty_pages(), mm/page-writeback.c,
// v2.6.18, and with ThrottleAction::kWriteBackPerDevice v2.6.24. Properties:
//  1. Pages are counted for each CPU, not for each task, also those that were dirty before. A task
//     looks after ratelimit_pages of them, or 8 while the limit is exceeded.
//  2. Up to the limit nobody is held back, however far above the background threshold.
//  3. Over it a task writes 1.5 times ratelimit_pages of the device it dirtied, in its own context,
//     and leaves when it has, or when dirty memory is within the limit again.
//  4. Where there was less to write it waits for a queue that is not congested, 100 ms at most, and
//     tries again.
//  5. Per device: the limit is the device's share, which never grants more than what is left of
//  all,
//     and nothing is held back below the middle of both thresholds.
// Simplified: no share of each task (task_dirty_limit()); a device's share is that of v5.10.
class WriterThrottle final : public DirtyThrottle {
 public:
  WriterThrottle(engine::Machine& machine, const engine::Tracer& tracer,
                 pagecache::PageCache& cache, pagecache::WbDomain& domain, const VmSysctl& vm,
                 const ThrottleOptions& options, block::Congestion& congestion);

  [[nodiscard]] std::int64_t pages_before_check(const pagecache::TaskContext& task,
                                                const pagecache::BdiWriteback& wb) const override;
  bool check_due(pagecache::TaskContext& task, const pagecache::BdiWriteback& wb,
                 Pages written) override;
  void leave_to_others(pagecache::TaskContext&) override {}
  engine::Task<> balance_dirty_pages(pagecache::TaskContext& task,
                                     pagecache::BdiWriteback& wb) override;

 private:
  [[nodiscard]] bool per_device() const {
    return options().action == ThrottleAction::kWriteBackPerDevice;
  }
  [[nodiscard]] std::int64_t check_interval(const pagecache::BdiWriteback& wb) const;
  // What one look at the counters says.
  struct Look {
    Control control;
    Pages to_write{0};    // that the task could write: of the machine, or of the device
    bool within = false;  // the limit
    bool below = false;   // it, where that makes a difference to being at it
  };
  Look look(const pagecache::TaskContext& task, pagecache::BdiWriteback& wb) const;
  void set_exceeded(pagecache::BdiWriteback& wb, bool exceeded);
  void trace(const pagecache::TaskContext& task, const pagecache::BdiWriteback& wb,
             const Look& seen, std::int64_t written, std::uint64_t waited_since) const;

  block::Congestion& congestion_;
  std::vector<std::int64_t> dirtied_;  // per CPU: ratelimits
  bool dirty_exceeded_ = false;        // of the machine
};

}  // namespace wbsim::writeback
