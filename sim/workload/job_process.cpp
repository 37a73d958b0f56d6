#include "sim/workload/job_process.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::workload {

using engine::SyscallKind;
using engine::Task;

namespace {
constexpr SimDuration kUserStep = microseconds(50);  // how finely user code can be preempted
constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
}  // namespace

JobProcess::JobProcess(engine::Machine& machine, const engine::Tracer& tracer,
                       const std::vector<vfs::MountedDevice>& devices,
                       writeback::DirtyThrottle& throttle, const JobSpec& spec,
                       const JobExtent& extent, std::uint64_t run_seed, JobListener& listener)
    : tracer_{tracer},
      machine_{machine},
      spec_{spec},
      extent_{extent},
      listener_{listener},
      thread_{machine, "fio", kFirstJobPid + spec.index},
      task_{thread_},
      syscalls_{devices, throttle},
      addresses_{spec_, extent, run_seed},
      paced_{spec.rate || spec.rate_iops} {
  task_.provenance_id = static_cast<std::uint64_t>(spec.index) + 1;
}

void JobProcess::start(SimDuration delay) {
  const SimTime at = machine_.simulator().now() + delay + spec_.start_delay;
  machine_.simulator().spawn(spec_.name, run(at));
}

bool JobProcess::out_of_time() const {
  return failed_ || (spec_.runtime && thread_.now() - began_ >= *spec_.runtime);
}

Task<> JobProcess::run(SimTime at) {
  co_await machine_.simulator().sleep_until(at);
  co_await thread_.begin();
  fd_ = syscalls_.open(spec_.filename,
                       {spec_.open_sync == OpenSync::kSync, spec_.open_sync == OpenSync::kDsync});
  SIM_CHECK(fd_ >= 0);
  if (spec_.invalidate) {
    co_await syscalls_.flush_buffers(task_, fd_);
  }
  // User code: it can be preempted anywhere.
  for (SimDuration left = task_.costs().fio_start; left > SimDuration::zero();) {
    const SimDuration step = std::min(left, kUserStep);
    co_await thread_.run(step);
    co_await thread_.cond_resched();
    left -= step;
  }
  began_ = thread_.now();
  tracer_.emit(&engine::Observer::on_job_start, spec_.index, began_);
  int loop = 0;
  do {
    addresses_.restart();
    co_await one_loop();
    ++loop;
  } while (!out_of_time() && (spec_.time_based || loop < spec_.loops));
  if (spec_.end_fsync && !failed_) {
    co_await fsync_now(SyscallKind::kFsync);
  }
  syscalls_.close(fd_);
  syscalls_.exit(task_);
  tracer_.emit(&engine::Observer::on_job_end, spec_.index, thread_.now());
  listener_.job_ended(spec_.index);
  co_await thread_.exit();
}

Task<> JobProcess::one_loop() {
  Bytes left = extent_.amount;
  std::int64_t count = 0;
  while (left > Bytes{0} && !out_of_time()) {
    if (spec_.number_ios && count >= *spec_.number_ios) {
      break;
    }
    if (thinks_now()) {
      co_await think();
      if (out_of_time()) {
        break;
      }
    }
    if (paced_) {
      co_await pace();
    }
    const FileOffset at = addresses_.next();
    co_await thread_.run(task_.costs().fio_io);
    const SimTime begin = thread_.now();
    const std::int64_t result =
        co_await syscalls_.pwrite(task_, fd_, at, spec_.block_size, next_write_id());
    wrote(begin, at, result);
    co_await thread_.cond_resched();
    left -= spec_.block_size;
    ++count;
    if (const std::optional<SyscallKind> sync = sync_due(); sync && !out_of_time()) {
      co_await fsync_now(*sync);
    }
  }
}

// Models: handle_thinktime(). Think time is slept in full; past the runtime nothing follows it.
bool JobProcess::thinks_now() const {
  return spec_.think_time > SimDuration::zero() && since_think_ >= spec_.think_time_blocks;
}

Task<> JobProcess::think() {
  since_think_ = 0;
  co_await thread_.nanosleep(thread_.now() + spec_.think_time);
  co_await thread_.run(task_.costs().rate_io);
}

// Models: rate_ddir(). Times on the rate's grid are whole microseconds. The runtime cuts the sleep
// short, and one more I/O follows: on the truth rig a job of 20 s at one write every 10.24 ms makes
// 1955 of them, not 1954. (A machine whose timers are late by more than a microsecond drops it.)
Task<> JobProcess::pace() {
  const Bytes per_second = spec_.rate ? *spec_.rate : spec_.block_size * *spec_.rate_iops;
  const std::int64_t whole = issued_ / per_second;
  const std::int64_t rest = (issued_ % per_second).count();
  const std::int64_t due =
      whole * kMicrosecondsPerSecond + rest * kMicrosecondsPerSecond / per_second.count();
  SimTime at = began_ + microseconds(due);
  if (spec_.runtime) {
    at = std::min(at, began_ + *spec_.runtime);
  }
  if (at > thread_.now()) {
    co_await thread_.nanosleep(at);
    co_await thread_.run(task_.costs().rate_io);
  }
}

std::uint64_t JobProcess::next_write_id() const {
  return (static_cast<std::uint64_t>(spec_.index) << 40) | static_cast<std::uint64_t>(writes_ + 1);
}

void JobProcess::wrote(SimTime begin, FileOffset at, std::int64_t result) {
  issued_ += spec_.block_size;
  ++writes_;
  ++since_think_;
  const int error = result < 0 ? static_cast<int>(result) : 0;
  report(SyscallKind::kWrite, begin, at, result < 0 ? Bytes{0} : Bytes{result}, error);
  // fio ends a job at its first error.
  failed_ = error != 0;
}

std::optional<SyscallKind> JobProcess::sync_due() const {
  if (spec_.fsync_every > 0 && writes_ % spec_.fsync_every == 0) {
    return SyscallKind::kFsync;
  }
  if (spec_.fdatasync_every > 0 && writes_ % spec_.fdatasync_every == 0) {
    return SyscallKind::kFdatasync;
  }
  return std::nullopt;
}

Task<> JobProcess::fsync_now(SyscallKind kind) {
  co_await thread_.run(task_.costs().fio_io);
  const SimTime begin = thread_.now();
  int error = 0;
  if (kind == SyscallKind::kFsync) {
    error = co_await syscalls_.fsync(task_, fd_);
  } else {
    error = co_await syscalls_.fdatasync(task_, fd_);
  }
  report(kind, begin, FileOffset{0}, Bytes{0}, error);
  failed_ = failed_ || error != 0;
  co_await thread_.cond_resched();
}

void JobProcess::report(SyscallKind kind, SimTime begin, FileOffset at, Bytes length, int error) {
  if (!tracer_.active()) {
    return;
  }
  const engine::SyscallTrace trace{begin, thread_.now(), spec_.index, kind, at, length, error};
  tracer_.emit(&engine::Observer::on_syscall, trace);
}

}  // namespace wbsim::workload
