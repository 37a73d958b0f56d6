#include "sim/report/event_digest.hpp"

#include <algorithm>
#include <concepts>
#include <type_traits>

namespace wbsim::report {

using engine::BioTrace;

namespace {

// Everything a trace event is made of, as one word each.
std::uint64_t word(std::integral auto value) { return static_cast<std::uint64_t>(value); }

template <class Enum>
requires std::is_enum_v<Enum> std::uint64_t word(Enum value) {
  return static_cast<std::uint64_t>(value);
}

std::uint64_t word(SimDuration time) { return word(time.count()); }
std::uint64_t word(SimTime time) { return word(time.time_since_epoch()); }

template <class Tag>
std::uint64_t word(Amount<Tag> amount) {
  return word(amount.count());
}

template <class Length>
std::uint64_t word(Point<Length> point) {
  return word(point.value());
}

std::uint64_t word(std::string_view text) { return digest_of(text).low; }

std::uint64_t word(const engine::RwbsFlags& rwbs) {
  return word((rwbs.write ? 1 : 0) | (rwbs.flush ? 2 : 0) | (rwbs.preflush ? 4 : 0) |
              (rwbs.fua ? 8 : 0) | (rwbs.sync ? 16 : 0) | (rwbs.ahead ? 32 : 0));
}

template <class... Fields>
void add(Hasher& hasher, const Fields&... fields) {
  const std::array<std::uint64_t, sizeof...(fields)> words{word(fields)...};
  hasher.add(words);
}

// Whether `next` starts where and as a run with the attributes of `run` goes on; says nothing about
// the time.
bool continues(const BioTrace& run, const std::string& comm, const BioTrace& next) {
  return next.sector == run.sector + run.length * run.count && next.length == run.length &&
         next.from_device == run.from_device && next.error == run.error &&
         (run.from_device < 0 || next.from_sector == run.from_sector + run.length * run.count) &&
         next.device == run.device && next.rwbs == run.rwbs && next.task.pid == run.task.pid &&
         next.task.comm == comm;
}

// Takes the first `count` bios off a range.
void drop(BioTrace& range, std::int64_t count) {
  range.time += range.step * count;
  range.sector += range.length * count;
  if (range.from_device >= 0) {
    range.from_sector += range.length * count;
  }
  range.count -= count;
}

}  // namespace

std::array<EventDigest::BioRun, 7> EventDigest::no_runs() {
  std::array<BioRun, 7> runs;
  for (BioRun& run : runs) {
    run.trace.count = 0;
  }
  return runs;
}

void EventDigest::hash(BioRun& run) {
  const BioTrace& trace = run.trace;
  if (trace.count == 0) {
    return;
  }
  add(run.hasher, trace.time, std::string_view{run.comm}, trace.task.pid, trace.device,
      trace.sector, trace.length, trace.rwbs, trace.count,
      trace.count > 1 ? trace.step : SimDuration::zero());
  if (trace.from_device >= 0) {
    add(run.hasher, trace.from_device, trace.from_sector);
  }
  if (trace.started != SimTime{}) {
    add(run.hasher, trace.error, trace.started);
  }
  run.used = true;
  run.trace.count = 0;
}

void EventDigest::extend(BioRun& run, BioTrace trace) {
  while (trace.count > 0) {
    BioTrace& last = run.trace;
    const bool goes_on = last.count > 0 && continues(last, run.comm, trace);
    if (goes_on && last.count == 1) {
      // The second bio sets the step; a range may go on with another one.
      last.step = trace.time - last.time;
      last.count = 2;
      drop(trace, 1);
    } else if (goes_on && trace.time == last.time + last.step * last.count) {
      const std::int64_t taken = trace.step == last.step ? trace.count : 1;
      last.count += taken;
      drop(trace, taken);
    } else {
      hash(run);
      run.trace = trace;
      run.comm = trace.task.comm;
      return;
    }
  }
}

void EventDigest::on_bio(engine::BioStep step, const BioTrace& trace) {
  extend(bios_[static_cast<std::size_t>(step)], trace);
}

void EventDigest::on_request(engine::RequestStep step, const engine::RequestTrace& trace) {
  add(requests_, step, trace.time, trace.task.comm, trace.task.pid, trace.device, trace.sector,
      trace.length, trace.rwbs, trace.error, trace.bios, trace.started, trace.issued);
}

void EventDigest::on_unplug(const engine::UnplugTrace& trace) {
  add(unplugs_, trace.time, trace.task.comm, trace.task.pid, trace.requests, trace.from_schedule);
}

void EventDigest::on_wbt_window(const engine::WbtWindow& trace) {
  add(wbt_windows_, trace.time, trace.device, trace.status, trace.step, trace.inflight,
      trace.exceeding);
  for (const engine::WbtSamples& samples : {trace.reads, trace.writes}) {
    add(wbt_windows_, samples.count, samples.mean, samples.min, samples.max);
  }
}

void EventDigest::on_wbt_step(const engine::WbtStep& trace) {
  add(wbt_steps_, trace.time, trace.device, trace.step, trace.window, trace.background,
      trace.normal, trace.max);
}

void EventDigest::on_global_dirty_state(const engine::GlobalDirtyState& trace) {
  add(dirty_states_, trace.time, trace.task.comm, trace.task.pid, trace.nr_dirty,
      trace.nr_writeback, trace.background_thresh, trace.dirty_thresh, trace.dirty_limit,
      trace.nr_dirtied, trace.nr_written);
}

void EventDigest::on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) {
  add(ratelimits_, trace.time, trace.device, trace.write_bw, trace.avg_write_bw, trace.dirty_rate,
      trace.dirty_ratelimit, trace.task_ratelimit, trace.balanced_dirty_ratelimit);
}

void EventDigest::on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) {
  add(pauses_, trace.time, trace.task.comm, trace.task.pid, trace.device, trace.limit,
      trace.setpoint, trace.dirty, trace.bdi_setpoint, trace.bdi_dirty, trace.dirty_ratelimit,
      trace.task_ratelimit, trace.dirtied, trace.dirtied_pause, trace.paused, trace.pause,
      trace.period, trace.think);
}

void EventDigest::on_writeback(engine::WritebackStep step, const engine::WritebackTrace& trace) {
  add(writebacks_, step, trace.time, trace.task.comm, trace.task.pid, trace.device, trace.nr_pages,
      trace.sync_all, trace.for_kupdate, trace.for_background, trace.range_cyclic, trace.reason);
}

void EventDigest::on_single_inode(const engine::SingleInode& trace) {
  add(inodes_, trace.time, trace.task.comm, trace.task.pid, trace.device, trace.nr_to_write,
      trace.wrote);
}

void EventDigest::on_queue_io(const engine::QueueIo& trace) {
  add(queue_ios_, trace.time, trace.device, trace.older, trace.moved, trace.reason);
}

void EventDigest::on_syscall(const engine::SyscallTrace& trace) {
  add(syscalls_, trace.start, trace.end, trace.job, trace.kind, trace.offset, trace.length,
      trace.error);
  if (trace.submission) {
    add(syscalls_, *trace.submission);
  }
}

void EventDigest::on_job_start(int job, SimTime time) { add(jobs_, 0, job, time); }

void EventDigest::on_job_end(int job, SimTime time) { add(jobs_, 1, job, time); }

Digest EventDigest::finish() {
  Hasher all;
  const auto append = [&all](const Hasher& stream) {
    const Digest digest = stream.digest();
    add(all, digest.high, digest.low);
  };
  for (std::size_t step = 0; step < bios_.size(); ++step) {
    BioRun& run = bios_[step];
    hash(run);
    // Few runs have these; the digests of all others are older than they.
    const bool rare = step >= static_cast<std::size_t>(engine::BioStep::kRemap);
    if (run.used || !rare) {
      append(run.hasher);
    }
  }
  for (const Hasher* stream :
       {&requests_, &unplugs_, &dirty_states_, &ratelimits_, &pauses_, &writebacks_, &inodes_,
        &queue_ios_, &syscalls_, &jobs_, &wbt_windows_, &wbt_steps_}) {
    append(*stream);
  }
  return all.digest();
}

}  // namespace wbsim::report
