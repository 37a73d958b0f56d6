// Who starts when: jobs, stonewalls, and the actions of the configuration.
#pragma once

#include <memory>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/system/config.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/file_layout.hpp"
#include "sim/workload/job_process.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::system {

// Starts the first group of jobs at workload_start, each further one when the one before has ended
// (stonewall), carries out actions at their times or after the last job, and knows when all is
// done.
class WorkloadControl final : public workload::JobListener {
 public:
  WorkloadControl(engine::Machine& machine, const vfs::MountTable& mounted,
                  writeback::DirtyThrottle& throttle, const Config& config);
  WorkloadControl(const WorkloadControl&) = delete;
  WorkloadControl& operator=(const WorkloadControl&) = delete;
  ~WorkloadControl();

  void add_job(std::unique_ptr<workload::JobProcess> job) { jobs_.push_back(std::move(job)); }
  void start();
  [[nodiscard]] bool finished() const { return finished_; }
  // When the last job and the last action had ended; meaningful once finished().
  [[nodiscard]] SimTime finished_at() const { return finished_at_; }

  void job_ended(int index) override;

 private:
  struct TimedAction {
    TimedAction(WorkloadControl& owner, const ActionConfig& what);
    void on_time();
    WorkloadControl& control;
    const ActionConfig& action;
    engine::Event event;
  };

  void start_group();
  engine::Task<> lay_out_files();
  void apply_settings(const ActionConfig& action);
  void drop_caches(std::int64_t value);
  engine::Task<> run_syscalls_after_jobs();
  engine::Task<> run_sync_now(engine::Thread& thread, pagecache::TaskContext& task);
  void check_finished();

  engine::Machine& machine_;
  const vfs::MountTable& mounted_;
  writeback::DirtyThrottle& throttle_;
  const Config& config_;
  std::vector<std::unique_ptr<workload::JobProcess>> jobs_;
  std::vector<std::unique_ptr<TimedAction>> timed_;
  std::unique_ptr<workload::FileLayout> layout_;  // where jobs have files
  // The process of actions that are system calls ("sync" in a shell).
  std::vector<std::unique_ptr<engine::Thread>> action_threads_;
  std::vector<std::unique_ptr<pagecache::TaskContext>> action_tasks_;
  bool start_jobs_at_once_ = false;  // workload_start has passed
  int group_ = 0;
  int running_ = 0;          // jobs of this group
  int pending_actions_ = 0;  // timed ones to come and system calls under way
  bool jobs_done_ = false;
  bool finished_ = false;
  SimTime finished_at_{};
};

}  // namespace wbsim::system
