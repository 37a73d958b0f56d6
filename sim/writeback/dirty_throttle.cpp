#include "sim/writeback/dirty_throttle.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/writeback/bandwidth.hpp"
#include "sim/writeback/pause.hpp"

namespace wbsim::writeback {

using engine::Observer;
using engine::Task;
using pagecache::BdiWriteback;
using pagecache::TaskContext;
using pagecache::VmStat;

namespace {

constexpr Pages kExceededPoll{32 >> 2};  // 32 KiB: the check interval while dirty_exceeded

// Pages that a task may dirty before it calls balance_dirty_pages().
Pages check_interval(const TaskContext& task, const BdiWriteback& wb) {
  const Pages interval = task.dirty.nr_dirtied_pause;
  return wb.dirty_exceeded ? std::min(interval, kExceededPoll) : interval;
}

}  // namespace

DirtyThrottle::DirtyThrottle(engine::Machine& machine, const engine::Tracer& tracer,
                             pagecache::PageCache& cache, pagecache::WbDomain& domain,
                             const VmSysctl& vm, const ThrottleOptions& options)
    : machine_{machine},
      tracer_{tracer},
      cache_{cache},
      domain_{domain},
      vm_{vm},
      options_{options},
      ratelimit_pages_{ratelimit_of(domain.dirty_limit)},
      leaks_(static_cast<std::size_t>(machine.cpus()), Pages{0}) {}

std::uint64_t DirtyThrottle::bandwidth_interval() const {
  return static_cast<std::uint64_t>(std::max(machine_.jiffies().hz() / 5, 1));
}

// Models: writeback_set_ratelimit().
void DirtyThrottle::set_ratelimit() {
  const Pages thresh = limits_now().thresh;
  domain_.dirty_limit = thresh;
  ratelimit_pages_ = ratelimit_of(thresh);
}

std::int64_t DirtyThrottle::ratelimit_of(Pages thresh) const {
  return options_.limits == LimitRules::kV2_6_18
             ? old_ratelimit_pages(options_.memory.total, machine_.cpus())
             : ratelimit_pages(thresh, machine_.cpus());
}

// Models: global_dirtyable_memory(). v3.6 does not keep the reserve within free memory.
Pages DirtyThrottle::dirtyable() const {
  const VmStat& stat = cache_.stat();
  if (options_.limits != LimitRules::kV3_6) {
    return stat.dirtyable();
  }
  const Pages all = stat.nr_free + stat.nr_inactive_file + stat.nr_active_file;
  return std::max(all - stat.totalreserve, Pages{0}) + Pages{1};
}

DirtyLimits DirtyThrottle::limits_of(Pages avail) const {
  switch (options_.limits) {
    case LimitRules::kV2_6_18:
      return get_dirty_limits(vm_, options_.memory, false);
    case LimitRules::kV3_6:
      return global_dirty_limits(vm_, avail, false);
    case LimitRules::kV5_10:
      return domain_dirty_limits(vm_, avail, domain_.dirty_limit, false);
  }
  SIM_UNREACHABLE();
}

// Models: dirty_ratio_handler() and its siblings. The rate limit is recomputed before the twin
// is zeroed (v5.10 and v6.1), and only when the value changes.
void DirtyThrottle::set_vm(VmKey key, std::int64_t value) {
  const auto number = static_cast<int>(value);
  switch (key) {
    case VmKey::kDirtyRatio:
      if (std::exchange(vm_.dirty_ratio, number) != number) {
        set_ratelimit();
        vm_.dirty_bytes = Bytes{0};
      }
      break;
    case VmKey::kDirtyBytes:
      if (std::exchange(vm_.dirty_bytes, Bytes{value}) != Bytes{value}) {
        set_ratelimit();
        vm_.dirty_ratio = 0;
      }
      break;
    case VmKey::kDirtyBackgroundRatio:
      vm_.dirty_background_ratio = number;
      vm_.dirty_background_bytes = Bytes{0};
      break;
    case VmKey::kDirtyBackgroundBytes:
      vm_.dirty_background_bytes = Bytes{value};
      vm_.dirty_background_ratio = 0;
      break;
    case VmKey::kDirtyWritebackCentisecs:
      vm_.dirty_writeback_centisecs = number;
      break;
    case VmKey::kDirtyExpireCentisecs:
      vm_.dirty_expire_centisecs = number;
      break;
  }
}

DirtyLimits DirtyThrottle::limits_now() const { return limits_of(dirtyable()); }

Pages DirtyThrottle::wb_thresh_now(BdiWriteback& wb) const {
  return wb_calc_thresh(limits_now().thresh, domain_.fraction(wb.completions),
                        {wb.min_ratio, wb.max_ratio, min_ratio_sum_});
}

std::int64_t DirtyThrottle::pages_before_check(const TaskContext& task,
                                               const BdiWriteback& wb) const {
  if (leaks_[static_cast<std::size_t>(task.cpu())] > Pages{0}) {
    return 1;  // the next check picks them up
  }
  const std::int64_t by_task = (check_interval(task, wb) - task.dirty.nr_dirtied).count();
  const std::int64_t by_cpu = ratelimit_pages_ - cache_.ratelimit_count(task.cpu());
  return std::max<std::int64_t>(std::min(by_task, by_cpu), 1);
}

// Models: balance_dirty_pages_ratelimited_flags(), v6.1 (v5.10: without the flags).
bool DirtyThrottle::check_due(TaskContext& task, const BdiWriteback& wb, Pages) {
  const Pages limit = check_interval(task, wb);
  Pages& dirtied = task.dirty.nr_dirtied;
  std::int64_t& per_cpu = cache_.ratelimit_count(task.cpu());
  if (dirtied >= limit || per_cpu >= ratelimit_pages_) {
    per_cpu = 0;
    return true;
  }
  Pages& leaked = leaks_[static_cast<std::size_t>(task.cpu())];
  const Pages picked_up = std::min(leaked, limit - dirtied);
  leaked -= picked_up;
  dirtied += picked_up;
  return dirtied >= limit;
}

void DirtyThrottle::leave_to_others(TaskContext& task) {
  leaks_[static_cast<std::size_t>(task.cpu())] += std::exchange(task.dirty.nr_dirtied, Pages{0});
}

DirtyThrottle::Control DirtyThrottle::global_state(const TaskContext& task) const {
  const VmStat& stat = cache_.stat();
  Control control;
  control.file_dirty = VmStat::read(stat.nr_file_dirty);
  control.avail = dirtyable();
  const DirtyLimits limits = limits_of(control.avail);
  control.in.dirty = control.file_dirty + VmStat::read(stat.nr_writeback);
  control.in.thresh = limits.thresh;
  control.in.bg_thresh = limits.bg_thresh;
  control.in.dirty_limit = domain_.dirty_limit;
  if (tracer_.active()) {
    const engine::GlobalDirtyState state{machine_.simulator().now(),
                                         task.name(),
                                         control.file_dirty,
                                         VmStat::read(stat.nr_writeback),
                                         limits.bg_thresh,
                                         limits.thresh,
                                         domain_.dirty_limit,
                                         VmStat::read(stat.nr_dirtied),
                                         VmStat::read(stat.nr_written)};
    tracer_.emit(&Observer::on_global_dirty_state, state);
  }
  return control;
}

// Models: wb_dirty_limits(). With a small limit the counters are summed exactly.
void DirtyThrottle::wb_limits(Control& control, BdiWriteback& wb) const {
  PositionInput& in = control.in;
  in.wb_thresh = wb_calc_thresh(in.thresh, domain_.fraction(wb.completions),
                                {wb.min_ratio, wb.max_ratio, min_ratio_sum_});
  in.wb_bg_thresh = in.thresh > Pages{0}
                        ? Pages{in.wb_thresh.count() * in.bg_thresh.count() / in.thresh.count()}
                        : Pages{0};
  const bool exact = in.wb_thresh < 2 * wb_stat_error(machine_.cpus());
  in.wb_dirty = exact ? Pages{wb.reclaimable.sum() + wb.writeback.sum()}
                      : Pages{wb.reclaimable.read_positive() + wb.writeback.read_positive()};
  in.avg_write_bandwidth = wb.avg_write_bandwidth;
  wb.thresh = in.wb_thresh;
}

void DirtyThrottle::find_position(Control& control, BdiWriteback& wb) const {
  control.in.laws = options_.laws;
  control.in.dirty_limit = domain_.dirty_limit;
  control.in.avg_write_bandwidth = wb.avg_write_bandwidth;
  control.position = wb_position_ratio(control.in);
  wb.pos_ratio = control.position.pos_ratio;
}

void DirtyThrottle::free_run(TaskContext& task, const Control& control) const {
  task.dirty.dirty_paused_when = machine_.jiffies_now();
  task.dirty.nr_dirtied = Pages{0};
  task.dirty.nr_dirtied_pause = dirty_poll_interval(control.in.dirty, control.in.thresh);
}

void DirtyThrottle::start_background(const TaskContext& task, BdiWriteback& wb) const {
  if (options_.background_writeback && !wb.writeback_running) {
    wb.listener->start_background_writeback(wb, task.name());
  }
}

// Models: balance_dirty_pages(). A task sleeps at most one pause per call,
// unless its rate is zero because dirty memory is at the hard limit.
Task<> DirtyThrottle::balance_dirty_pages(TaskContext& task, BdiWriteback& wb) {
  const engine::CpuCosts& costs = task.costs();
  const Pages pages_dirtied = task.dirty.nr_dirtied;
  const std::uint64_t start = machine_.jiffies_now();
  const bool every_turn = options_.background_start == BackgroundStart::kEveryTurn;
  bool exceeded = false;
  Control control;
  while (true) {
    control = global_state(task);
    const bool over_background = control.file_dirty > control.in.bg_thresh;
    if (every_turn && over_background) {
      start_background(task, wb);
    }
    if (control.in.dirty <= dirty_freerun_ceiling(control.in.thresh, control.in.bg_thresh) ||
        !options_.throttling) {
      free_run(task, control);
      co_await task.thread().run(costs.bdp_freerun + options_.trace_writeback);
      break;
    }
    start_background(task, wb);
    wb_limits(control, wb);
    exceeded = control.in.wb_dirty > control.in.wb_thresh && control.in.dirty > control.in.thresh;
    find_position(control, wb);
    if (every_turn || exceeded) {
      wb.dirty_exceeded = exceeded;
    }
    if (engine::time_after(machine_.jiffies_now(), wb.bw_time_stamp + bandwidth_interval())) {
      update_with_ratelimit(task, control, wb, start);
      if (options_.laws == ControlLaws::kV3_6) {
        find_position(control, wb);  // by the estimates of now
      }
    }
    const Decision decision = decide(task, control, wb, start, pages_dirtied);
    co_await task.thread().run(costs.bdp_throttle + 2 * options_.trace_writeback);
    if (decision.pause <= 0) {
      break;
    }
    wb.dirty_sleep = machine_.jiffies_now();
    co_await task.thread().schedule_timeout(static_cast<std::uint64_t>(decision.pause));
    co_await task.thread().run(costs.pause_wake);
    task.dirty.dirty_paused_when = decision.paused_until;
    task.dirty.nr_dirtied = Pages{0};
    task.dirty.nr_dirtied_pause = decision.nr_dirtied_pause;
    if (!decision.stop || control.in.wb_dirty <= wb_stat_error(machine_.cpus())) {
      break;
    }
  }
  if (!every_turn) {
    if (!exceeded) {
      wb.dirty_exceeded = false;
    }
    if (control.file_dirty > control.in.bg_thresh) {
      start_background(task, wb);
    }
  }
}

DirtyThrottle::Decision DirtyThrottle::decide(TaskContext& task, const Control& control,
                                              BdiWriteback& wb, std::uint64_t start,
                                              Pages pages_dirtied) {
  const int hz = machine_.jiffies().hz();
  const auto now = static_cast<std::int64_t>(machine_.jiffies_now());
  const Pages limit = wb.dirty_ratelimit;
  const Pages rate{(limit.count() * control.position.pos_ratio) >> kRatelimitShift};
  const std::int64_t max_pause = wb_max_pause(control.in.wb_dirty, wb.avg_write_bandwidth, hz);
  const MinPause minimum = wb_min_pause(max_pause, wb.avg_write_bandwidth, limit, rate, hz);
  const auto paused_when = static_cast<std::int64_t>(task.dirty.dirty_paused_when);
  const std::int64_t think = paused_when == 0 ? 0 : now - paused_when;

  Decision decision{.nr_dirtied_pause = minimum.nr_dirtied_pause, .stop = rate == Pages{0}};
  std::int64_t period = max_pause;
  std::int64_t pause = max_pause;
  std::int64_t slept_from = now;
  if (!decision.stop) {
    period = hz * pages_dirtied.count() / rate.count();
    pause = period - think;
  }
  engine::BalanceDirtyPages trace{.time = machine_.simulator().now(),
                                  .task = task.name(),
                                  .device = wb.device,
                                  .limit = control.position.limit,
                                  .setpoint = control.position.setpoint,
                                  .dirty = control.in.dirty,
                                  .bdi_setpoint = control.in.wb_thresh,
                                  .bdi_dirty = control.in.wb_dirty,
                                  .dirty_ratelimit = limit,
                                  .task_ratelimit = rate,
                                  .dirtied = pages_dirtied,
                                  .dirtied_pause = task.dirty.nr_dirtied_pause,
                                  .paused = now - static_cast<std::int64_t>(start),
                                  .pause = std::min<std::int64_t>(pause, 0),
                                  .period = period,
                                  .think = think,
                                  .thresh = control.in.thresh,
                                  .bg_thresh = control.in.bg_thresh,
                                  .dirty_limit = domain_.dirty_limit,
                                  .bdi_thresh = control.in.wb_thresh};
  if (!decision.stop && pause < minimum.pause) {
    tracer_.emit(&Observer::on_balance_dirty_pages, trace);
    if (pause < -hz) {
      task.dirty.dirty_paused_when = static_cast<std::uint64_t>(now);
      task.dirty.nr_dirtied = Pages{0};
    } else if (period != 0) {
      task.dirty.dirty_paused_when += static_cast<std::uint64_t>(period);
      task.dirty.nr_dirtied = Pages{0};
    } else if (task.dirty.nr_dirtied_pause <= pages_dirtied) {
      task.dirty.nr_dirtied_pause += pages_dirtied;
    }
    return decision;
  }
  if (pause > max_pause) {
    slept_from += std::min(pause - max_pause, max_pause);
    pause = max_pause;
  }
  trace.pause = pause;
  tracer_.emit(&Observer::on_balance_dirty_pages, trace);
  decision.pause = pause;
  decision.paused_until = static_cast<std::uint64_t>(slept_from + pause);
  return decision;
}

// Models: wb_over_bg_thresh(). Pages under writeback do not count.
bool DirtyThrottle::over_background(const TaskContext& task, BdiWriteback& wb) {
  const Control control = global_state(task);
  if (control.file_dirty > control.in.bg_thresh) {
    return true;
  }
  const Pages thresh = wb_calc_thresh(control.in.bg_thresh, domain_.fraction(wb.completions),
                                      {wb.min_ratio, wb.max_ratio, min_ratio_sum_});
  const bool exact = options_.over_background_exact && thresh < 2 * wb_stat_error(machine_.cpus());
  const std::int64_t reclaimable = exact ? wb.reclaimable.sum() : wb.reclaimable.read_positive();
  return Pages{reclaimable} > thresh;
}

}  // namespace wbsim::writeback
