// A fio job as a process of the simulated machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/address_pattern.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

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

// Models: fio's main loop for synchronous engines (do_io(), fio 3.33) as its documentation states
// it: runtime is looked at between I/Os, so a job ends with the first one that ends after it; a
// linear rate gives each I/O a time on a grid, late ones follow back to back.
class JobProcess {
 public:
  JobProcess(engine::Machine& machine, const engine::Tracer& tracer,
             const std::vector<vfs::MountedDevice>& devices, writeback::DirtyThrottle& throttle,
             const JobSpec& spec, const JobExtent& extent, std::uint64_t run_seed,
             JobListener& listener);

  [[nodiscard]] const JobSpec& spec() const { return spec_; }
  [[nodiscard]] int pid() const { return thread_.name().pid; }
  // Lets the process run `delay` from now (plus its own startdelay).
  void start(SimDuration delay);

 private:
  engine::Task<> run(SimTime at);
  engine::Task<> one_loop();
  [[nodiscard]] std::uint64_t next_write_id() const;
  void wrote(SimTime begin, FileOffset at, std::int64_t result);
  // Tests before the call keep what happens at every write free of coroutines that do nothing.
  [[nodiscard]] std::optional<engine::SyscallKind> sync_due() const;
  [[nodiscard]] bool thinks_now() const;
  engine::Task<> think();
  engine::Task<> pace();
  engine::Task<> fsync_now(engine::SyscallKind kind);
  [[nodiscard]] bool out_of_time() const;
  void report(engine::SyscallKind kind, SimTime begin, FileOffset at, Bytes length, int error);

  const engine::Tracer& tracer_;
  engine::Machine& machine_;
  JobSpec spec_;
  JobExtent extent_;
  JobListener& listener_;
  engine::Thread thread_;
  pagecache::TaskContext task_;
  vfs::Syscalls syscalls_;
  AddressPattern addresses_;
  bool paced_;  // by rate or rate_iops
  int fd_ = -1;
  SimTime began_{};
  Bytes issued_{0};  // in all loops: what the rate counts
  std::int64_t writes_ = 0;
  std::int64_t since_think_ = 0;
  bool failed_ = false;
};

}  // namespace wbsim::workload
