#include "sim/writeback/writer_throttle.hpp"

#include <algorithm>

namespace wbsim::writeback {

using engine::Task;
using pagecache::BdiWriteback;
using pagecache::TaskContext;

namespace {

constexpr std::int64_t kExceededInterval = 8;  // pages
constexpr std::uint64_t kWaitsPerSecond = 10;  // HZ / 10

}  // namespace

WriterThrottle::WriterThrottle(engine::Machine& machine, const engine::Tracer& tracer,
                               pagecache::PageCache& cache, pagecache::WbDomain& domain,
                               const VmSysctl& vm, const ThrottleOptions& options,
                               block::Congestion& congestion)
    : DirtyThrottle{machine, tracer, cache, domain, vm, options},
      congestion_{congestion},
      dirtied_(static_cast<std::size_t>(machine.cpus())) {}

std::int64_t WriterThrottle::check_interval(const BdiWriteback& wb) const {
  const bool exceeded = per_device() ? wb.dirty_exceeded : dirty_exceeded_;
  return exceeded ? kExceededInterval : ratelimit();
}

std::int64_t WriterThrottle::pages_before_check(const TaskContext& task,
                                                const BdiWriteback& wb) const {
  const std::int64_t dirtied = dirtied_[static_cast<std::size_t>(task.cpu())];
  return std::max<std::int64_t>(check_interval(wb) - dirtied, 1);
}

bool WriterThrottle::check_due(TaskContext& task, const BdiWriteback& wb, Pages written) {
  std::int64_t& dirtied = dirtied_[static_cast<std::size_t>(task.cpu())];
  dirtied += written.count();
  if (dirtied < check_interval(wb)) {
    return false;
  }
  dirtied = 0;
  return true;
}

WriterThrottle::Look WriterThrottle::look(const TaskContext& task, BdiWriteback& wb) const {
  Look seen{.control = global_state(task)};
  PositionInput& in = seen.control.in;
  if (!per_device()) {
    seen.to_write = seen.control.file_dirty;
    seen.within = seen.below = in.dirty <= in.thresh;
    return seen;
  }
  wb_limits(seen.control, wb);
  // clip_bdi_dirty_limit()
  in.wb_thresh = std::min(in.wb_thresh, std::max(in.thresh - in.dirty, Pages{0}) + in.wb_dirty);
  seen.to_write = Pages{wb.reclaimable.read_positive()};
  seen.within = in.wb_dirty <= in.wb_thresh;
  seen.below = in.wb_dirty < in.wb_thresh;
  return seen;
}

void WriterThrottle::set_exceeded(BdiWriteback& wb, bool exceeded) {
  (per_device() ? wb.dirty_exceeded : dirty_exceeded_) = exceeded;
}

Task<> WriterThrottle::balance_dirty_pages(TaskContext& task, BdiWriteback& wb) {
  const std::int64_t chunk = ratelimit() + ratelimit() / 2;  // sync_writeback_pages()
  engine::Thread& thread = task.thread();
  const auto wait = static_cast<std::uint64_t>(machine().jiffies().hz()) / kWaitsPerSecond;
  std::int64_t written = 0;
  Look seen;
  while (true) {
    seen = look(task, wb);
    co_await thread.run(task.costs().bdp_freerun);
    const PositionInput& in = seen.control.in;
    const bool free = per_device() && in.dirty < dirty_freerun_ceiling(in.thresh, in.bg_thresh);
    if (seen.within || free || !options().throttling) {
      break;
    }
    set_exceeded(wb, true);
    if (seen.to_write > Pages{0}) {
      co_await thread.run(task.costs().bdp_throttle);
      written += co_await wb.listener->write_for(task, wb, chunk);
      seen = look(task, wb);
      if (seen.within) {
        break;
      }
      if (written >= chunk) {
        trace(task, wb, seen, written, machine().jiffies_now());
        break;
      }
    }
    const std::uint64_t since = machine().jiffies_now();
    wb.dirty_sleep = since;
    co_await congestion_.wait(thread, block::kWriteOrAsync, wait);
    co_await thread.run(task.costs().pause_wake);
    trace(task, wb, seen, written, since);
  }
  if (seen.below) {
    set_exceeded(wb, false);
  }
  if (seen.control.file_dirty > seen.control.in.bg_thresh) {
    start_background(task, wb);
  }
}

// These kernels have no such tracepoint; its fields say as much as they can.
void WriterThrottle::trace(const TaskContext& task, const BdiWriteback& wb, const Look& seen,
                           std::int64_t written, std::uint64_t waited_since) const {
  const PositionInput& in = seen.control.in;
  const auto waited = static_cast<std::int64_t>(machine().jiffies_now() - waited_since);
  const engine::BalanceDirtyPages event{.time = machine().simulator().now(),
                                        .task = task.name(),
                                        .device = wb.device,
                                        .limit = in.thresh,
                                        .setpoint = in.thresh,
                                        .dirty = in.dirty,
                                        .bdi_setpoint = in.wb_thresh,
                                        .bdi_dirty = in.wb_dirty,
                                        .dirty_ratelimit = Pages{0},
                                        .task_ratelimit = Pages{0},
                                        .dirtied = Pages{written},
                                        .dirtied_pause = Pages{check_interval(wb)},
                                        .paused = 0,
                                        .pause = waited,
                                        .period = waited,
                                        .think = 0};
  tracer().emit(&engine::Observer::on_balance_dirty_pages, event);
}

}  // namespace wbsim::writeback
