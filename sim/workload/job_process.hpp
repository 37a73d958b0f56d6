// A fio job as a process of the simulated machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/async_queue.hpp"
#include "sim/workload/io_generator.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"
#include "sim/workload/pacer.hpp"

namespace wbsim::workload {

// The pid of the job with index 0, the others follow: any number above the kernel threads'.
inline constexpr int kFirstJobPid = 416;

// Told when a job has ended: who waits for it (stonewall, actions).
class JobListener {
 public:
  virtual void job_ended(int index) = 0;

 protected:
  ~JobListener() = default;
};

struct JobFailure {
  std::string job;
  std::string what;  // the system call and its errno
};

// Models: fio's main loop (do_io(), fio 3.33) as its documentation states it and runs of it show:
//  1. runtime counts from before the file is opened, and is looked at between I/Os: a job ends with
//     the first one that ends after it.
//  2. A linear rate gives each I/O a time on a grid; late ones follow back to back.
//  3. A loop ends when the region is used up. The next one opens the file anew, with invalidation
//     and advice, and draws the same numbers again (randrepeat). Without a random map a region is
//     never used up: all loops are one.
//  4. A time_based job goes on in the same loop instead, past its size, io_size and number_ios: a
//     buffered one invalidates the cache each time it comes round. With several files each of them
//     comes round by itself where offsets are random; files that are used up in sequence are passed
//     over, and the job begins another loop when all are.
//  5. A file that is used up and passed over is closed; what syncs at the end opens it again.
//  6. A job with an asynchronous engine waits for all its I/Os before it sleeps or ends.
class JobProcess final : public QueuedIoListener {
 public:
  JobProcess(engine::Machine& machine, const engine::Tracer& tracer, const vfs::MountTable& mounted,
             writeback::DirtyThrottle& throttle, const JobSpec& spec, const JobExtent& extent,
             std::uint64_t run_seed, JobListener& listener);

  [[nodiscard]] const JobSpec& spec() const { return spec_; }
  [[nodiscard]] const JobExtent& extent() const { return extent_; }
  [[nodiscard]] int pid() const { return thread_.name().pid; }
  // Before it starts.
  void join_cgroup(int number) { task_.io().set_cgroup(number); }
  // Lets the process run `delay` from now (plus its own startdelay).
  void start(SimDuration delay);
  // Before it starts: laying out its files, from `begin` on, has failed with a negative errno. The
  // job ends without an I/O.
  void layout_failed(SimTime begin, int error);

 private:
  engine::Task<> run(SimTime at);
  engine::Task<> open_file(std::size_t file);
  engine::Task<> invalidate(std::size_t file);
  engine::Task<> close_file(std::size_t file);
  engine::Task<> close_files(bool last);
  engine::Task<> begin_on_cached_device();
  engine::Task<> one_loop();
  // A file that is used up is gone over again at once.
  [[nodiscard]] bool comes_round() const;
  [[nodiscard]] bool used_its_amount() const;
  [[nodiscard]] bool has_another_loop(int done) const;
  std::uint64_t issue(const Io& io);
  engine::Task<std::int64_t> transfer(const Io& io, std::uint64_t write_id);
  void transferred(SimTime begin, const Io& io, std::int64_t result);
  // Tests before the call keep what happens at every I/O free of coroutines that do nothing.
  [[nodiscard]] std::optional<engine::SyscallKind> sync_due() const;
  [[nodiscard]] bool thinks_now() const;
  engine::Task<> think();
  engine::Task<Direction> pace(Direction wanted);
  engine::Task<> end_loop();
  engine::Task<> sync_next_file(engine::SyscallKind kind, std::size_t file);
  engine::Task<> sync_file(engine::SyscallKind kind, std::size_t file);
  void io_collected(const QueuedIo& io, SimTime collected) override;
  void end_ramp();
  [[nodiscard]] bool out_of_time() const;
  void report(const engine::SyscallTrace& trace);

  const engine::Tracer& tracer_;
  engine::Machine& machine_;
  JobSpec spec_;
  JobExtent extent_;
  JobListener& listener_;
  engine::Thread thread_;
  pagecache::TaskContext task_;
  vfs::Syscalls syscalls_;
  IoGenerator generator_;
  Pacer pacer_;
  std::optional<AsyncQueue> queue_;  // of an asynchronous engine
  struct Written {
    FileOffset first = FileOffset::max();
    FileOffset end{0};
  };
  std::vector<Written> written_;  // of each file, since it was synced last
  std::vector<int> fds_;          // of its files; below 0: not opened in this loop
  SimTime began_{};
  Bytes left_;               // of all loops
  bool ramping_;             // nothing counts yet
  std::int64_t ios_ = 0;     // in all loops, issued
  std::int64_t writes_ = 0;  // of these
  std::int64_t since_think_ = 0;
  bool last_was_sync_ = false;  // of its I/Os
  bool failed_ = false;
};

}  // namespace wbsim::workload
