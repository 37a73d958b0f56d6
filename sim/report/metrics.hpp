// The observer that counts a run. Attach it before the run, call finish() after it.
#pragma once

#include <map>
#include <vector>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/run_info.hpp"
#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

class Metrics : public engine::Observer {
 public:
  explicit Metrics(const RunInfo& info);

  // The figures of the run, which ended at `end`: not before the last event. What is still in
  // flight then counts up to `end`.
  [[nodiscard]] RunMetrics finish(SimTime end) const;

  void on_bio(engine::BioStep step, const engine::BioTrace& trace) override;
  void on_request(engine::RequestStep step, const engine::RequestTrace& trace) override;
  void on_unplug(const engine::UnplugTrace& trace) override;
  void on_global_dirty_state(const engine::GlobalDirtyState& trace) override;
  void on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) override;
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) override;
  void on_writeback(engine::WritebackStep step, const engine::WritebackTrace& trace) override;
  void on_single_inode(const engine::SingleInode& trace) override;
  void on_queue_io(const engine::QueueIo& trace) override;
  void on_syscall(const engine::SyscallTrace& trace) override;
  void on_sample(const engine::StateSample& sample) override;
  void on_queue_totals(const engine::QueueTotals& totals) override;
  void on_job_start(int job, SimTime time) override;
  void on_job_end(int job, SimTime time) override;

 private:
  // What a device needs while the run lasts, beside its figures.
  struct DeviceState {
    int inflight = 0;
    SimTime inflight_since{};           // when `inflight` last changed
    std::int64_t pass_start_pages = 0;  // nr_pages of the latest writeback_start
  };

  DeviceMetrics& device(int index);
  DeviceState& state(int index);
  JobMetrics& job(int index);
  // Accounts the time since the last change and changes the number of requests in the device.
  static void change_inflight(DeviceMetrics& metrics, DeviceState& state, SimTime now, int change);
  void complete(const engine::RequestTrace& trace);
  void on_bio_of_stack(engine::BioStep step, const engine::BioTrace& trace);
  void observe_dirty(SimTime time, Pages nr_dirty, Pages nr_writeback, Pages background_thresh,
                     Pages dirty_thresh);

  std::vector<JobInfo> infos_;
  std::map<int, std::size_t> job_of_pid_;
  int hz_;
  RunMetrics run_;
  std::vector<DeviceState> states_;
  std::vector<DeviceInfo::Kind> kinds_;  // of devices
};

}  // namespace wbsim::report
