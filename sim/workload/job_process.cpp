#include "sim/workload/job_process.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::workload {

using engine::SyscallKind;
using engine::Task;

namespace {
constexpr int kOpenFilesMax = 1 << 20;  // as root raises RLIMIT_NOFILE for many files (fs.nr_open)
constexpr SimDuration kUserStep = microseconds(50);  // how finely user code can be preempted

Bytes amount_of_all_loops(const JobSpec& spec, const JobExtent& extent) {
  const bool fits = extent.amount == Bytes{0} || spec.loops <= Bytes::max() / extent.amount;
  return fits ? extent.amount * spec.loops : Bytes::max();
}
}  // namespace

JobProcess::JobProcess(engine::Machine& machine, const engine::Tracer& tracer,
                       const vfs::MountTable& mounted, writeback::DirtyThrottle& throttle,
                       const JobSpec& spec, const JobExtent& extent, std::uint64_t run_seed,
                       JobListener& listener)
    : tracer_{tracer},
      machine_{machine},
      spec_{spec},
      extent_{extent},
      listener_{listener},
      thread_{machine, "fio", kFirstJobPid + spec.index},
      task_{thread_},
      syscalls_{mounted, throttle, {.open_files = kOpenFilesMax}},
      generator_{spec_, extent, run_seed},
      pacer_{spec_, run_seed},
      written_(std::max<std::size_t>(spec.files.size(), 1)),
      fds_(std::max<std::size_t>(spec.files.size(), 1), -1),
      left_{amount_of_all_loops(spec, extent)},
      ramping_{spec.ramp_time > SimDuration::zero()} {
  if (spec_.engine != IoEngine::kSync) {
    queue_.emplace(spec_, task_, syscalls_, *this);
  }
  task_.io().set_priority(spec.priority);
  task_.provenance_id = static_cast<std::uint64_t>(spec.index) + 1;
}

void JobProcess::start(SimDuration delay) {
  const SimTime at = machine_.simulator().now() + delay + spec_.start_delay;
  machine_.simulator().spawn(spec_.name, run(at));
}

void JobProcess::layout_failed(SimTime begin, int error) {
  report({.start = begin,
          .end = machine_.simulator().now(),
          .job = spec_.index,
          .kind = SyscallKind::kWrite,
          .offset = FileOffset{0},
          .length = Bytes{0},
          .error = error});
}

bool JobProcess::out_of_time() const {
  return failed_ || (!ramping_ && spec_.runtime && thread_.now() - began_ >= *spec_.runtime);
}

// In all loops together: fio 3.33 multiplies what one loop may do by their number.
bool JobProcess::used_its_amount() const {
  if (spec_.time_based) {
    return false;
  }
  return left_ <= Bytes{0} || (spec_.number_ios && ios_ / spec_.loops >= *spec_.number_ios);
}

// Models: keep_running(): an io_size above the region goes over it again, unless less than an I/O
// is left of it.
bool JobProcess::has_another_loop(int done) const {
  if (out_of_time() || used_its_amount()) {
    return false;
  }
  const bool goes_on = extent_.amount > extent_.length && left_ >= spec_.block_size_max();
  return spec_.time_based || done < spec_.loops || goes_on;
}

Task<> JobProcess::run(SimTime at) {
  co_await machine_.simulator().sleep_until(at);
  co_await thread_.begin();
  began_ = thread_.now();
  pacer_.restart(began_);
  if (!ramping_) {
    tracer_.emit(&engine::Observer::on_job_start, spec_.index, began_);
  }
  int loops = 0;
  std::int64_t ios_before = 0;
  do {
    if (loops > 0) {
      co_await close_files(false);
      generator_.restart();
      if (spec_.repeats_order) {
        pacer_.reseed();
      }
    }
    ios_before = ios_;
    co_await one_loop();
    ++loops;
  } while (ios_ > ios_before && has_another_loop(loops));
  co_await close_files(true);
  syscalls_.exit(task_);
  tracer_.emit(&engine::Observer::on_job_end, spec_.index, thread_.now());
  listener_.job_ended(spec_.index);
  co_await thread_.exit();
}

// Models: td_io_open_file(), which the first I/O of a loop in a file calls.
Task<> JobProcess::open_file(std::size_t file) {
  const bool on_device = spec_.files.empty();
  const std::string& path = on_device ? spec_.filename : spec_.files[file];
  fds_[file] = co_await syscalls_.open(
      task_, path,
      {.sync = spec_.open_sync == OpenSync::kSync,
       .dsync = spec_.open_sync == OpenSync::kDsync,
       .direct = spec_.direct,
       .create = !on_device && (spec_.writes || spec_.create_on_open),
       .access = on_device || spec_.writes ? vfs::Access::kReadWrite : vfs::Access::kReadOnly});
  if (fds_[file] < 0) {
    report({.start = thread_.now(),
            .end = thread_.now(),
            .job = spec_.index,
            .kind = spec_.writes ? SyscallKind::kWrite : SyscallKind::kRead,
            .offset = FileOffset{0},
            .length = Bytes{0},
            .error = fds_[file]});
    co_return;
  }
  bool cached = false;
  if (spec_.invalidate && on_device) {
    cached = co_await syscalls_.flush_buffers(task_, fds_[file]) > 0;
  } else if (spec_.invalidate) {
    co_await invalidate(file);
  }
  if (spec_.advice != ReadAdvice::kNone) {
    const bool random = spec_.advice == ReadAdvice::kRandom;
    co_await syscalls_.fadvise(task_, fds_[file], FileOffset{0}, Bytes{0},
                               random ? fs::Advice::kRandom : fs::Advice::kSequential);
  }
  if (cached && ios_ == 0) {
    co_await begin_on_cached_device();
  }
}

// Models: file_invalidate_cache(): BLKFLSBUF on a device, advice on a file.
Task<> JobProcess::invalidate(std::size_t file) {
  if (spec_.files.empty()) {
    co_await syscalls_.flush_buffers(task_, fds_[file]);
    co_return;
  }
  const JobExtent& extent = extent_.files[file];
  co_await syscalls_.fadvise(task_, fds_[file], extent.begin, extent.length, fs::Advice::kDontNeed);
}

// Models: put_file(): the fsync of fsync_on_close is not one of the job's I/Os.
Task<> JobProcess::close_file(std::size_t file) {
  if (spec_.fsync_on_close && spec_.writes && !last_was_sync_) {
    co_await syscalls_.fsync(task_, fds_[file]);
  }
  co_await syscalls_.close(task_, fds_[file]);
  fds_[file] = -1;
}

// Models: close_and_free_files(), and what follows the last loop.
Task<> JobProcess::close_files(bool last) {
  for (std::size_t file = 0; file < fds_.size(); ++file) {
    if (fds_[file] >= 0) {
      co_await close_file(file);
    }
    if (!spec_.files.empty() && (spec_.unlink_each_loop || (last && spec_.unlink))) {
      co_await syscalls_.unlink(task_, spec_.files[file]);
    }
  }
}

// A device without cached pages has nothing to invalidate. This can be preempted anywhere.
Task<> JobProcess::begin_on_cached_device() {
  for (SimDuration left = task_.costs().fio_start; left > SimDuration::zero();) {
    const SimDuration step = std::min(left, kUserStep);
    co_await thread_.run(step);
    co_await thread_.cond_resched();
    left -= step;
  }
}

// Models: get_next_seq_offset() and get_next_rand_offset(), fio 3.33: the former only of one file.
bool JobProcess::comes_round() const {
  const bool alone = fds_.size() == 1;
  return spec_.time_based && spec_.hole <= Bytes{0} && (alone || spec_.pattern == Pattern::kRandom);
}

Task<> JobProcess::one_loop() {
  while (!out_of_time() && !used_its_amount()) {
    if (thinks_now()) {
      co_await think();
      if (out_of_time()) {
        break;
      }
    }
    if (ramping_) {
      end_ramp();
    }
    const std::size_t file = generator_.next_file();
    if (fds_[file] < 0) {
      co_await open_file(file);
      if (failed_) {
        break;
      }
    }
    Direction direction = generator_.next_direction();
    if (pacer_.active()) {
      direction = co_await pace(direction);
    }
    if (generator_.used_up(file, direction)) {
      if (!comes_round()) {
        if (fds_.size() > 1 && !queue_) {  // whose I/Os may still need it
          co_await close_file(file);
        }
        if (generator_.finish(file)) {
          break;
        }
        continue;
      }
      if (spec_.invalidate && !spec_.direct) {
        co_await invalidate(file);  // loop_cache_invalidate()
      }
    }
    const Io io = generator_.next(file, direction);
    const std::uint64_t write_id = issue(io);
    if (queue_) {
      co_await queue_->queue(fds_[file], io, write_id);
    } else {
      co_await thread_.run(task_.costs().fio_io);
      const SimTime begin = thread_.now();
      transferred(begin, io, co_await transfer(io, write_id));
      co_await thread_.cond_resched();
    }
    const std::optional<SyscallKind> sync =
        io.direction == Direction::kWrite ? sync_due() : std::nullopt;
    if (sync && !out_of_time()) {
      co_await sync_next_file(*sync, file);
    }
  }
  co_await end_loop();
}

// Models: the end of do_io(): whatever of end_fsync, fsync_on_close and end_syncfs is set, files
// are synced once, also those that are not open; not after an error, nor where the last I/O was a
// sync.
Task<> JobProcess::end_loop() {
  if (queue_) {
    co_await queue_->drain();
  }
  const bool syncs = spec_.writes && !last_was_sync_;
  if (syncs && !failed_ && spec_.end_syncfs) {
    if (fds_.front() < 0) {
      co_await open_file(0);
    }
    co_await syscalls_.syncfs(task_, fds_.front());
    co_return;
  }
  if (!syncs || !(spec_.end_fsync || spec_.fsync_on_close)) {
    co_return;
  }
  for (std::size_t file = 0; file < fds_.size() && !failed_; ++file) {
    const bool was_open = fds_[file] >= 0;
    if (!was_open) {
      co_await open_file(file);
    }
    if (!failed_) {
      co_await sync_file(SyscallKind::kFsync, file);
    }
    if (!was_open) {
      co_await close_file(file);
    }
  }
}

// A sync of fio takes its turn among the files like a read or write.
Task<> JobProcess::sync_next_file(SyscallKind kind, std::size_t file) {
  if (fds_.size() > 1) {
    file = generator_.next_file();
    if (fds_[file] < 0) {
      co_await open_file(file);
    }
  }
  if (!failed_) {
    co_await sync_file(kind, file);
  }
}

// Models: ramp_time: what follows is as if the job began now, but for what it has transferred.
void JobProcess::end_ramp() {
  if (thread_.now() - began_ < spec_.ramp_time) {
    return;
  }
  ramping_ = false;
  began_ = thread_.now();
  pacer_.restart(began_);
  tracer_.emit(&engine::Observer::on_job_start, spec_.index, began_);
}

// Models: handle_thinktime(). Think time is slept in full; past the runtime nothing follows it.
bool JobProcess::thinks_now() const {
  return spec_.think_time > SimDuration::zero() && since_think_ >= spec_.think_time_blocks;
}

Task<> JobProcess::think() {
  since_think_ = 0;
  if (queue_) {
    co_await queue_->quiesce();
  }
  co_await thread_.nanosleep(thread_.now() + spec_.think_time);
  co_await thread_.run(task_.costs().rate_io);
}

// Models: rate_ddir(). A job that does both takes the other direction where only that one is due,
// and sleeps until the first is. The runtime cuts the sleep short, and one more I/O follows: on the
// truth rig a job of 20 s at one write every 10.24 ms makes 1955 of them, not 1954. (A machine
// whose timers are late by more than a microsecond drops it.)
Task<Direction> JobProcess::pace(Direction wanted) {
  const auto due = [this](Direction direction) {
    return pacer_.active(direction) ? pacer_.due(direction) : began_;
  };
  Direction direction = wanted;
  if (due(direction) > thread_.now() && spec_.mixed() && due(other(direction)) < due(direction)) {
    direction = other(direction);
  }
  SimTime at = due(direction);
  if (spec_.runtime && !ramping_) {
    at = std::min(at, began_ + *spec_.runtime);
  }
  if (at > thread_.now()) {
    if (queue_) {
      co_await queue_->quiesce();
    }
    co_await thread_.nanosleep(at);
    co_await thread_.run(task_.costs().rate_io);
  }
  co_return direction;
}

// Counts an I/O that is to be done; returns what names it in provenance.
std::uint64_t JobProcess::issue(const Io& io) {
  last_was_sync_ = false;
  pacer_.issued(io.direction, io.length);
  left_ -= io.length;
  ++ios_;
  if (io.direction == Direction::kWrite) {
    ++writes_;
    Written& written = written_[io.file];
    written.first = std::min(written.first, io.at);
    written.end = std::max(written.end, io.at + io.length);
  }
  ++since_think_;
  return (static_cast<std::uint64_t>(spec_.index) << 40) | static_cast<std::uint64_t>(ios_);
}

Task<std::int64_t> JobProcess::transfer(const Io& io, std::uint64_t write_id) {
  return io.direction == Direction::kWrite
             ? syscalls_.pwrite(task_, fds_[io.file], io.at, io.length, write_id)
             : syscalls_.pread(task_, fds_[io.file], io.at, io.length);
}

// A transfer of nothing, which is a read beyond the end of a file, is an error of its own to fio
// ("full resid").
void JobProcess::transferred(SimTime begin, const Io& io, std::int64_t result) {
  const bool write = io.direction == Direction::kWrite;
  const std::int64_t error = result == 0 ? fs::kEio : std::min<std::int64_t>(result, 0);
  report({.start = begin,
          .end = thread_.now(),
          .job = spec_.index,
          .kind = write ? SyscallKind::kWrite : SyscallKind::kRead,
          .offset = io.at,
          .length = std::max(Bytes{result}, Bytes{0}),
          .error = static_cast<int>(error)});
}

void JobProcess::io_collected(const QueuedIo& io, SimTime collected) {
  report({.start = io.issued,
          .end = collected,
          .job = spec_.index,
          .kind = io.transfer.write ? SyscallKind::kWrite : SyscallKind::kRead,
          .offset = io.transfer.at,
          .length = std::max(Bytes{io.result}, Bytes{0}),
          .error = static_cast<int>(std::min<std::int64_t>(io.result, 0)),
          .submission = io.issued - io.prepared});
}

// Models: get_rw_ddir(): one of them at a time.
std::optional<SyscallKind> JobProcess::sync_due() const {
  if (spec_.fsync_every > 0 && writes_ % spec_.fsync_every == 0) {
    return SyscallKind::kFsync;
  }
  if (spec_.fdatasync_every > 0 && writes_ % spec_.fdatasync_every == 0) {
    return SyscallKind::kFdatasync;
  }
  if (spec_.range_sync.every > 0 && writes_ % spec_.range_sync.every == 0) {
    return SyscallKind::kSync;
  }
  return std::nullopt;
}

// sync_file_range() is of what was written since any sync of the file; where that is nothing, it is
// not called (do_sync_file_range() of fio).
Task<> JobProcess::sync_file(SyscallKind kind, std::size_t file) {
  co_await thread_.run(task_.costs().fio_io);
  last_was_sync_ = true;
  const Written written = std::exchange(written_[file], {});
  const SimTime begin = thread_.now();
  FileOffset offset{0};
  int error = 0;
  if (kind == SyscallKind::kFsync) {
    error = co_await syscalls_.fsync(task_, fds_[file]);
  } else if (kind == SyscallKind::kFdatasync) {
    error = co_await syscalls_.fdatasync(task_, fds_[file]);
  } else if (written.first < written.end) {
    offset = written.first;
    error = co_await syscalls_.sync_file_range(task_, fds_[file], written.first,
                                               written.end - written.first, spec_.range_sync.flags);
  } else {
    co_return;
  }
  report({.start = begin,
          .end = thread_.now(),
          .job = spec_.index,
          .kind = kind,
          .offset = offset,
          .length = Bytes{0},
          .error = error});
  co_await thread_.cond_resched();
}

// fio ends a job at its first error, which is told of also where nothing counts yet.
void JobProcess::report(const engine::SyscallTrace& trace) {
  failed_ = failed_ || trace.error != 0;
  if ((!ramping_ || trace.error != 0) && tracer_.active()) {
    tracer_.emit(&engine::Observer::on_syscall, trace);
  }
}

}  // namespace wbsim::workload
