#include "sim/report/metrics.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::report {

using engine::BioStep;
using engine::RequestStep;
using engine::SyscallKind;
using engine::WritebackStep;

namespace {

// A trace event names a job or device by its index in RunInfo.
template <class T>
T& checked_at(std::vector<T>& all, int index) {
  SIM_CHECK(index >= 0 && static_cast<std::size_t>(index) < all.size());
  return all[static_cast<std::size_t>(index)];
}

// Flushes are an operation of their own; everything else is a read or a write.
template <class Device>
auto& requests_of(Device& device, const engine::RwbsFlags& rwbs) {
  if (rwbs.flush) {
    return device.flush;
  }
  return rwbs.write ? device.write : device.read;
}

CallMetrics& calls_of(JobMetrics& job, SyscallKind kind) {
  switch (kind) {
    case SyscallKind::kRead:
      return job.read;
    case SyscallKind::kWrite:
      return job.write;
    case SyscallKind::kFsync:
      return job.fsync;
    case SyscallKind::kFdatasync:
      return job.fdatasync;
    case SyscallKind::kSync:
      break;
  }
  return job.sync;
}

void add_pause(PauseMetrics& metrics, SimDuration pause, SimTime time) {
  ++metrics.calls;
  if (pause <= SimDuration::zero()) {
    return;
  }
  ++metrics.pauses;
  metrics.total += pause;
  metrics.longest = std::max(metrics.longest, pause);
  if (!metrics.first) {
    metrics.first = time;
  }
}

}  // namespace

Metrics::Metrics(const RunInfo& info)
    : infos_{info.jobs}, hz_{info.hz}, states_(info.devices.size()) {
  SIM_CHECK(hz_ > 0);
  for (std::size_t i = 0; i < infos_.size(); ++i) {
    run_.jobs.emplace_back();
    run_.jobs.back().name = infos_[i].name;
    run_.jobs.back().report_group = infos_[i].report_group;
    job_of_pid_.emplace(infos_[i].pid, i);
  }
  for (const DeviceInfo& each : info.devices) {
    run_.devices.emplace_back();
    run_.devices.back().name = each.name;
    kinds_.push_back(each.kind);
  }
}

RunMetrics Metrics::finish(SimTime end) const {
  RunMetrics result = run_;
  result.end = end;
  std::optional<SimTime> start;
  for (JobMetrics& each : result.jobs) {
    if (each.start) {
      each.runtime = each.end.value_or(end) - *each.start;
      start = std::min(start.value_or(*each.start), *each.start);
    }
  }
  result.start = start.value_or(SimTime{});
  SIM_CHECK(result.start <= end);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    DeviceState last = states_[i];
    change_inflight(result.devices[i], last, end, 0);
    result.devices[i].inflight_at_end = last.inflight;
  }
  result.reports = reported_jobs(result.jobs, infos_);
  return result;
}

DeviceMetrics& Metrics::device(int index) { return checked_at(run_.devices, index); }

Metrics::DeviceState& Metrics::state(int index) { return checked_at(states_, index); }

JobMetrics& Metrics::job(int index) { return checked_at(run_.jobs, index); }

// Bios of a device on top of others, and those that a partition passes on, which end elsewhere. An
// empty write is a flush.
void Metrics::on_bio_of_stack(BioStep step, const engine::BioTrace& trace) {
  const bool remap = step == BioStep::kRemap;
  const int index = remap ? trace.from_device : trace.device;
  DeviceMetrics& metrics = device(index);
  RequestMetrics& bios =
      trace.length == Sectors{} ? metrics.flush : requests_of(metrics, trace.rwbs);
  if (step == BioStep::kQueue || remap) {
    bios.bios += trace.count;
    bios.issued += trace.count;
    bios.sectors_issued += trace.length * trace.count;
  }
  if (step == BioStep::kComplete || remap) {
    bios.completed += trace.count;
    bios.errors += trace.error != 0 ? 1 : 0;
    bios.sectors_completed += trace.length * trace.count;
  }
  if (step == BioStep::kQueue) {
    change_inflight(metrics, state(index), trace.time, +1);
  } else if (step == BioStep::kComplete) {
    bios.await_total += trace.time - trace.started;
    bios.service_total += trace.time - trace.started;
    change_inflight(metrics, state(index), trace.time, -1);
  }
}

void Metrics::on_bio(BioStep step, const engine::BioTrace& trace) {
  using Kind = DeviceInfo::Kind;
  const bool remap = step == BioStep::kRemap;
  const Kind kind = checked_at(kinds_, remap ? trace.from_device : trace.device);
  if (kind == (remap ? Kind::kPartition : Kind::kBioBased)) {
    on_bio_of_stack(step, trace);
    return;
  }
  RequestMetrics& requests = requests_of(device(trace.device), trace.rwbs);
  switch (step) {
    case BioStep::kQueue:
      requests.bios += trace.count;
      break;
    case BioStep::kGetRequest:
    case BioStep::kSplit:
    case BioStep::kRemap:
    case BioStep::kComplete:
      break;
    case BioStep::kBackMerge:
      requests.back_merges += trace.count;
      break;
    case BioStep::kFrontMerge:
      requests.front_merges += trace.count;
      break;
  }
}

void Metrics::change_inflight(DeviceMetrics& metrics, DeviceState& state, SimTime now, int change) {
  const SimDuration since = now - state.inflight_since;
  SIM_CHECK(since >= SimDuration::zero());
  metrics.inflight_integral += state.inflight * since.count();
  if (state.inflight > 0) {
    metrics.busy += since;
  }
  state.inflight += change;
  SIM_CHECK(state.inflight >= 0);
  state.inflight_since = now;
  metrics.inflight_max = std::max(metrics.inflight_max, state.inflight);
}

void Metrics::on_request(RequestStep step, const engine::RequestTrace& trace) {
  switch (step) {
    case RequestStep::kInsert:
      ++device(trace.device).inserted;
      break;
    case RequestStep::kIssue: {
      SIM_CHECK(trace.rwbs.flush || trace.length > Sectors{});
      RequestMetrics& requests = requests_of(device(trace.device), trace.rwbs);
      ++requests.issued;
      requests.sectors_issued += trace.length;
      change_inflight(device(trace.device), state(trace.device), trace.time, +1);
      break;
    }
    case RequestStep::kComplete:
      complete(trace);
      break;
    case RequestStep::kRequeue:
      change_inflight(device(trace.device), state(trace.device), trace.time, -1);
      break;
    case RequestStep::kPartComplete:
      requests_of(device(trace.device), trace.rwbs).sectors_completed += trace.length;
      break;
    case RequestStep::kMerge:
      ++requests_of(device(trace.device), trace.rwbs).request_merges;
      break;
  }
}

void Metrics::complete(const engine::RequestTrace& trace) {
  DeviceMetrics& metrics = device(trace.device);
  if (!trace.rwbs.flush && trace.length == Sectors{}) {
    ++metrics.flush_sequences;
    return;
  }
  change_inflight(metrics, state(trace.device), trace.time, -1);
  RequestMetrics& requests = requests_of(metrics, trace.rwbs);
  ++requests.completed;
  requests.errors += trace.error != 0 ? 1 : 0;
  requests.sectors_completed += trace.length;
  requests.await_total += trace.time - trace.started;
  requests.service_total += trace.time - trace.issued;
}

void Metrics::on_unplug(const engine::UnplugTrace& trace) {
  ++run_.plug.unplugs;
  run_.plug.from_schedule += trace.from_schedule ? 1 : 0;
  run_.plug.requests += trace.requests;
}

void Metrics::observe_dirty(SimTime time, Pages nr_dirty, Pages nr_writeback,
                            Pages background_thresh, Pages dirty_thresh) {
  DirtyMetrics& dirty = run_.dirty;
  const Pages sum = nr_dirty + nr_writeback;
  dirty.nr_dirty_max = std::max(dirty.nr_dirty_max, nr_dirty);
  dirty.nr_writeback_max = std::max(dirty.nr_writeback_max, nr_writeback);
  dirty.sum_max = std::max(dirty.sum_max, sum);
  if (dirty_thresh == Pages{}) {
    return;  // A sample taken before the kernel first computed its limits.
  }
  if (!dirty.background_crossed && nr_dirty > background_thresh) {
    dirty.background_crossed = time;
  }
  if (!dirty.freerun_crossed && sum > (dirty_thresh + background_thresh) / 2) {
    dirty.freerun_crossed = time;
  }
}

void Metrics::on_global_dirty_state(const engine::GlobalDirtyState& trace) {
  observe_dirty(trace.time, trace.nr_dirty, trace.nr_writeback, trace.background_thresh,
                trace.dirty_thresh);
}

void Metrics::on_sample(const engine::StateSample& sample) {
  observe_dirty(sample.time, sample.nr_dirty, sample.nr_writeback, sample.background_thresh,
                sample.dirty_thresh);
}

void Metrics::on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) {
  DeviceMetrics& metrics = device(trace.device);
  const Pages rate = trace.dirty_ratelimit;
  const bool first = metrics.bandwidth_updates == 0;
  metrics.dirty_ratelimit_min = first ? rate : std::min(metrics.dirty_ratelimit_min, rate);
  metrics.dirty_ratelimit_max = std::max(metrics.dirty_ratelimit_max, rate);
  metrics.dirty_ratelimit_last = rate;
  metrics.avg_write_bandwidth_last = trace.avg_write_bw;
  ++metrics.bandwidth_updates;
}

void Metrics::on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) {
  const SimDuration pause = seconds(trace.pause) / hz_;
  add_pause(run_.throttle, pause, trace.time);
  const auto found = job_of_pid_.find(trace.task.pid);
  if (found != job_of_pid_.end()) {
    add_pause(run_.jobs[found->second].throttle, pause, trace.time);
  }
}

void Metrics::on_writeback(WritebackStep step, const engine::WritebackTrace& trace) {
  WritebackReasonMetrics& metrics =
      run_.writeback.by_reason[static_cast<std::size_t>(trace.reason)];
  switch (step) {
    case WritebackStep::kQueue:
      ++metrics.queued;
      break;
    case WritebackStep::kExec:
      ++metrics.executed;
      break;
    case WritebackStep::kStart:
      ++metrics.passes;
      state(trace.device).pass_start_pages = trace.nr_pages;
      break;
    case WritebackStep::kWritten:
      metrics.written += Pages{state(trace.device).pass_start_pages - trace.nr_pages};
      break;
    case WritebackStep::kWait:
      break;
    case WritebackStep::kWakeBackground:
      ++run_.writeback.background_wakeups;
      break;
  }
}

void Metrics::on_single_inode(const engine::SingleInode&) { ++run_.writeback.inodes_written; }

void Metrics::on_queue_io(const engine::QueueIo& trace) {
  run_.writeback.inodes_queued += trace.moved;
}

void Metrics::on_syscall(const engine::SyscallTrace& trace) {
  JobMetrics& caller = job(trace.job);
  CallMetrics& calls = calls_of(caller, trace.kind);
  if (trace.error != 0) {
    ++calls.errors;
    return;
  }
  const SimDuration latency = trace.end - trace.start;
  calls.latency.add(latency);
  if (trace.submission) {
    calls.submission.add(*trace.submission);
    calls.total.add(*trace.submission + latency);
  }
  calls.bytes += trace.length;
  if (trace.kind == SyscallKind::kWrite && latency > kStallThreshold) {
    ++caller.stalls.count;
    caller.stalls.total += latency;
    caller.stalls.longest = std::max(caller.stalls.longest, latency);
  }
}

void Metrics::on_queue_totals(const engine::QueueTotals& totals) {
  device(totals.device).totals = totals;
}

void Metrics::on_job_start(int index, SimTime time) { job(index).start = time; }

void Metrics::on_job_end(int index, SimTime time) { job(index).end = time; }

}  // namespace wbsim::report
