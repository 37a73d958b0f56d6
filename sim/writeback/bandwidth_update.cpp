// When and how a device's estimates are updated: the part of DirtyThrottle that keeps them.
#include <algorithm>

#include "sim/writeback/bandwidth.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

using engine::Observer;
using pagecache::BdiWriteback;

namespace {

// What the next update counts from.
void snapshot(BdiWriteback& wb, std::uint64_t now) {
  wb.dirtied_stamp = Pages{wb.dirtied.read()};
  wb.written_stamp = Pages{wb.written.read()};
  wb.bw_time_stamp = now;
}

// The device was idle when the caller started, and the last update is more than a second ago.
// Either may lie before jiffies 0.
bool was_idle(const BdiWriteback& wb, std::uint64_t since, std::int64_t elapsed, int hz) {
  return elapsed > hz && engine::time_after(since, wb.bw_time_stamp);
}

}  // namespace

// Models: __wb_update_bandwidth(..., update_ratelimit = true).
void DirtyThrottle::update_with_ratelimit(const pagecache::TaskContext& task, Control& control,
                                          BdiWriteback& wb, std::uint64_t since) {
  const std::uint64_t now = machine_.jiffies_now();
  const int hz = machine_.jiffies().hz();
  const std::int64_t elapsed =
      std::max<std::int64_t>(static_cast<std::int64_t>(now - wb.bw_time_stamp), 1);
  const bool idle = options_.bandwidth_update == BandwidthUpdate::kThrottleAndFlusher &&
                    was_idle(wb, since, elapsed, hz);
  if (!idle) {
    if (now - domain_.dirty_limit_stamp >= bandwidth_interval()) {
      domain_.dirty_limit =
          update_dirty_limit(domain_.dirty_limit, control.in.thresh, control.in.dirty);
      domain_.dirty_limit_stamp = now;
    }
    if (options_.laws == ControlLaws::kV3_6) {
      find_position(control, wb);  // by the limit of now
    }
    const RatelimitResult result =
        update_dirty_ratelimit({.dirty_ratelimit = wb.dirty_ratelimit,
                                .balanced_dirty_ratelimit = wb.balanced_dirty_ratelimit,
                                .pos_ratio = control.position.pos_ratio,
                                .avg_write_bandwidth = wb.avg_write_bandwidth,
                                .dirtied = Pages{wb.dirtied.read()} - wb.dirtied_stamp,
                                .elapsed = elapsed,
                                .dirty = control.in.dirty,
                                .setpoint = control.position.setpoint},
                               hz);
    wb.dirty_ratelimit = result.dirty_ratelimit;
    wb.balanced_dirty_ratelimit = result.balanced_dirty_ratelimit;
    const engine::BdiDirtyRatelimit trace{
        .time = machine_.simulator().now(),
        .device = wb.device,
        .write_bw = wb.write_bandwidth,
        .avg_write_bw = wb.avg_write_bandwidth,
        .dirty_rate = result.dirty_rate,
        .dirty_ratelimit = result.dirty_ratelimit,
        .task_ratelimit = result.task_ratelimit,
        .balanced_dirty_ratelimit = result.balanced_dirty_ratelimit,
        .task = task.name()};
    tracer_.emit(&Observer::on_bdi_dirty_ratelimit, trace);
    update_write_bandwidth_of(wb, elapsed);
  }
  snapshot(wb, now);
}

void DirtyThrottle::update_write_bandwidth_of(BdiWriteback& wb, std::int64_t elapsed) {
  const Pages written = Pages{wb.written.read()} - wb.written_stamp;
  const WriteBandwidth updated = update_write_bandwidth(
      {wb.write_bandwidth, wb.avg_write_bandwidth}, written, elapsed, machine_.jiffies().hz());
  wb.write_bandwidth = updated.current;
  wb.avg_write_bandwidth = updated.average;
}

// Models: wb_update_bandwidth(). v5.10 keeps a minimum interval and skips what was idle before the
// caller started; v6.1 does neither.
void DirtyThrottle::update_bandwidth(BdiWriteback& wb, std::uint64_t since) {
  const std::uint64_t now = machine_.jiffies_now();
  const auto elapsed = static_cast<std::int64_t>(now - wb.bw_time_stamp);
  if (options_.bandwidth_update == BandwidthUpdate::kThrottleAndFlusher) {
    if (elapsed < static_cast<std::int64_t>(bandwidth_interval())) {
      return;
    }
    if (!was_idle(wb, since, elapsed, machine_.jiffies().hz())) {
      update_write_bandwidth_of(wb, elapsed);
    }
  } else {
    update_write_bandwidth_of(wb, std::max<std::int64_t>(elapsed, 1));
  }
  snapshot(wb, now);
}

// A device that was idle for more than a second starts its estimate anew.
void DirtyThrottle::bandwidth_estimate_start(BdiWriteback& wb) {
  const std::uint64_t now = machine_.jiffies_now();
  const auto idle_max = static_cast<std::uint64_t>(machine_.jiffies().hz());
  if (now - wb.bw_time_stamp > idle_max && wb.writeback_inodes == 0) {
    snapshot(wb, now);
  }
}

bool DirtyThrottle::bandwidth_due(const BdiWriteback& wb) const {
  return machine_.jiffies_now() - wb.bw_time_stamp > bandwidth_interval();
}

}  // namespace wbsim::writeback
