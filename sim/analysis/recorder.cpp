#include "sim/analysis/recorder.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::analysis {

LatencyRecord summarise(const report::Histogram& histogram) {
  LatencyRecord latency;
  latency.count = histogram.count();
  if (latency.count > 0) {
    latency.p50 = histogram.fio_percentile({50.0});
    latency.p99 = histogram.fio_percentile({99.0});
    latency.p999 = histogram.fio_percentile({99.9});
  }
  return latency;
}

Recorder::Recorder(std::vector<JobReporting> jobs, SimDuration jiffy)
    : jobs_{std::move(jobs)}, jiffy_{jiffy} {
  for (const JobReporting& job : jobs_) {
    const auto group = static_cast<std::size_t>(job.group);
    if (group >= groups_.size()) {
      groups_.resize(group + 1);
    }
    if (groups_[group].record.name.empty()) {
      groups_[group].record.name = job.name;  // fio reports a group under its first job's name
    }
  }
}

Recorder::Group& Recorder::group_of(int job) {
  SIM_CHECK(job >= 0 && static_cast<std::size_t>(job) < jobs_.size());
  return groups_[static_cast<std::size_t>(jobs_[static_cast<std::size_t>(job)].group)];
}

void Recorder::on_bio(engine::BioStep step, const engine::BioTrace& bio) {
  const bool merged = step == engine::BioStep::kBackMerge || step == engine::BioStep::kFrontMerge;
  if (merged) {
    record_.merges += bio.count;
  }
}

void Recorder::on_request(engine::RequestStep step, const engine::RequestTrace& request) {
  if (step != engine::RequestStep::kIssue) {
    return;
  }
  const char op = op_of(request.rwbs);
  const bool flush = op == 'F';
  record_.issues.push_back(
      {request.time, op, flush ? Lba{} : request.sector, flush ? Sectors{} : request.length});
}

void Recorder::on_balance_dirty_pages(const engine::BalanceDirtyPages& event) {
  if (event.pause > 0) {
    record_.pauses.push_back({event.time, jiffy_ * event.pause});
  }
}

void Recorder::on_wbt_step(const engine::WbtStep&) { ++record_.wbt_steps; }

void Recorder::on_writeback(engine::WritebackStep step, const engine::WritebackTrace& event) {
  if (step == engine::WritebackStep::kStart && event.for_kupdate && !record_.periodic_start) {
    record_.periodic_start = event.time;
  }
}

void Recorder::on_syscall(const engine::SyscallTrace& call) {
  using engine::SyscallKind;
  if (call.kind == SyscallKind::kWrite || call.kind == SyscallKind::kRead) {
    record_.first_io = std::min(record_.first_io.value_or(call.start), call.start);
  }
  Group& group = group_of(call.job);
  if (call.kind == SyscallKind::kWrite) {
    group.record.written += call.length;
    group.write.add(call.end - call.start);
  } else if (call.kind == SyscallKind::kRead) {
    group.record.read_bytes += call.length;
    group.read.add(call.end - call.start);
  } else if (call.kind == SyscallKind::kFsync || call.kind == SyscallKind::kFdatasync) {
    group.sync.add(call.end - call.start);
  }
}

void Recorder::on_sample(const engine::StateSample& sample) {
  record_.samples.push_back({sample.time, sample.nr_dirty, sample.nr_writeback,
                             sample.background_thresh, sample.dirty_thresh});
}

void Recorder::on_job_start(int job, SimTime time) {
  Group& group = group_of(job);
  group.start = std::min(group.start.value_or(time), time);
}

void Recorder::on_job_end(int job, SimTime time) {
  Group& group = group_of(job);
  group.end = std::max(group.end, time);
}

RunRecord Recorder::take() {
  for (Group& group : groups_) {
    if (group.start) {
      group.record.runtime = group.end - *group.start;
    }
    group.record.write = summarise(group.write);
    group.record.read = summarise(group.read);
    group.record.sync = summarise(group.sync);
    record_.jobs.push_back(std::move(group.record));
  }
  groups_.clear();
  return std::exchange(record_, {});
}

}  // namespace wbsim::analysis
