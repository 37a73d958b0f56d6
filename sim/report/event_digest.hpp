// A digest of everything that happened: two runs with equal event digests emitted the same
// tracepoints at the same nanoseconds.
//
// Properties:
//  1. It does not depend on how consecutive bios are grouped into range events, so it is the same
//     with bio_runs and batching switched on and off.
//  2. Each kind of event has a stream of its own, because ranges of two kinds that cover the same
//     time (n bios queued, n merged) interleave when they travel one by one.
//  3. Samples are left out: how often somebody looks is no property of the run.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/digest.hpp"

namespace wbsim::report {

class EventDigest : public engine::Observer {
 public:
  // Call once, after the run.
  [[nodiscard]] Digest finish();

  void on_bio(engine::BioStep step, const engine::BioTrace& trace) override;
  void on_request(engine::RequestStep step, const engine::RequestTrace& trace) override;
  void on_unplug(const engine::UnplugTrace& trace) override;
  void on_wbt_window(const engine::WbtWindow& trace) override;
  void on_wbt_step(const engine::WbtStep& trace) override;
  void on_global_dirty_state(const engine::GlobalDirtyState& trace) override;
  void on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) override;
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) override;
  void on_writeback(engine::WritebackStep step, const engine::WritebackTrace& trace) override;
  void on_single_inode(const engine::SingleInode& trace) override;
  void on_queue_io(const engine::QueueIo& trace) override;
  void on_syscall(const engine::SyscallTrace& trace) override;
  void on_job_start(int job, SimTime time) override;
  void on_job_end(int job, SimTime time) override;

 private:
  // The longest run of bios that could be one range event, however they were reported: each range
  // is taken apart where a simulator without ranges could not have known its step. `trace` is the
  // run so far; count 0 is none.
  struct BioRun {
    engine::BioTrace trace;
    std::string comm;  // what trace.task.comm views, which may be gone by the time of hashing
    Hasher hasher;
    bool used = false;
  };
  static void extend(BioRun& run, engine::BioTrace trace);
  static void hash(BioRun& run);

  std::array<BioRun, 7> bios_ = no_runs();  // index = engine::BioStep
  Hasher requests_, unplugs_, dirty_states_, ratelimits_, pauses_, writebacks_, inodes_, queue_ios_,
      syscalls_, jobs_, wbt_windows_, wbt_steps_;

  static std::array<BioRun, 7> no_runs();
};

}  // namespace wbsim::report
