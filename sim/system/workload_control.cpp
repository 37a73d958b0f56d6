#include "sim/system/workload_control.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::system {

using engine::Task;

namespace {

constexpr int kFirstActionPid = 300;

writeback::VmKey vm_key(const std::string& name) {
  static const std::map<std::string, writeback::VmKey> kKeys{
      {"vm.dirty_ratio", writeback::VmKey::kDirtyRatio},
      {"vm.dirty_background_ratio", writeback::VmKey::kDirtyBackgroundRatio},
      {"vm.dirty_bytes", writeback::VmKey::kDirtyBytes},
      {"vm.dirty_background_bytes", writeback::VmKey::kDirtyBackgroundBytes},
      {"vm.dirty_writeback_centisecs", writeback::VmKey::kDirtyWritebackCentisecs},
      {"vm.dirty_expire_centisecs", writeback::VmKey::kDirtyExpireCentisecs}};
  return kKeys.at(name);
}

}  // namespace

WorkloadControl::TimedAction::TimedAction(WorkloadControl& owner, const ActionConfig& what)
    : control{owner}, action{what}, event{engine::event_calling<&TimedAction::on_time>(*this)} {}

void WorkloadControl::TimedAction::on_time() {
  control.apply_settings(action);
  if (action.syscall.empty()) {
    --control.pending_actions_;
    control.check_finished();
    return;
  }
  auto& thread = *control.action_threads_.emplace_back(std::make_unique<engine::Thread>(
      control.machine_, action.syscall,
      kFirstActionPid + static_cast<int>(control.action_threads_.size())));
  auto& task =
      *control.action_tasks_.emplace_back(std::make_unique<pagecache::TaskContext>(thread));
  control.machine_.simulator().spawn(action.syscall, control.run_sync_now(thread, task));
}

WorkloadControl::WorkloadControl(engine::Machine& machine, const vfs::MountTable& mounted,
                                 writeback::DirtyThrottle& throttle, const Config& config)
    : machine_{machine}, mounted_{mounted}, throttle_{throttle}, config_{config} {}

WorkloadControl::~WorkloadControl() {
  for (const auto& timed : timed_) {
    machine_.simulator().cancel(timed->event);
  }
}

void WorkloadControl::start() {
  for (const ActionConfig& action : config_.actions) {
    if (action.after_workload) {
      continue;
    }
    timed_.push_back(std::make_unique<TimedAction>(*this, action));
    machine_.simulator().schedule(timed_.back()->event, SimTime{*action.at});
    ++pending_actions_;
  }
  if (std::any_of(jobs_.begin(), jobs_.end(),
                  [](const auto& job) { return workload::FileLayout::needed(job->spec()); })) {
    layout_ = std::make_unique<workload::FileLayout>(machine_, mounted_, throttle_);
    machine_.simulator().spawn("layout", lay_out_files());
  } else {
    start_group();
  }
}

// The files of all jobs, also of those that wait for others, are there before the first begins.
Task<> WorkloadControl::lay_out_files() {
  co_await machine_.simulator().sleep_until(SimTime{config_.workload_start});
  co_await layout_->begin();
  for (const auto& job : jobs_) {
    if (!workload::FileLayout::needed(job->spec())) {
      continue;
    }
    const SimTime begin = machine_.simulator().now();
    const int error = co_await layout_->lay_out(job->spec(), job->extent());
    if (error != 0) {
      job->layout_failed(begin, error);
    }
  }
  start_jobs_at_once_ = true;
  start_group();
  co_await layout_->exit();
}

// A group without jobs is passed over; after the last one come the actions.
void WorkloadControl::start_group() {
  const auto in_group = [this](const auto& job) { return job->spec().group == group_; };
  const auto last = std::max_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
    return a->spec().group < b->spec().group;
  });
  while (last != jobs_.end() && group_ <= (*last)->spec().group &&
         std::none_of(jobs_.begin(), jobs_.end(), in_group)) {
    ++group_;
  }
  const bool first = machine_.simulator().now() == SimTime{} && !start_jobs_at_once_;
  for (const auto& job : jobs_) {
    if (job->spec().group == group_) {
      ++running_;
      job->start(first ? config_.workload_start : SimDuration{});
    }
  }
  if (running_ == 0) {
    jobs_done_ = true;
    machine_.simulator().spawn("actions", run_syscalls_after_jobs());
  }
}

void WorkloadControl::job_ended(int) {
  SIM_CHECK(running_ > 0);
  if (--running_ == 0) {
    ++group_;
    start_group();
  }
}

// Models: drop_caches_sysctl_handler(): bit 0 stands for the page cache, bit 1 for slabs, of which
// there are none to drop here. Simplified: takes no CPU time.
void WorkloadControl::drop_caches(std::int64_t value) {
  for (const vfs::MountedDevice& mounted : mounted_.devices) {
    if ((value & 1) != 0) {
      mounted.device.drop_pagecache();
    }
  }
  for (const vfs::Mount& mount : mounted_.mounts) {
    if ((value & 1) != 0) {
      mount.fs.drop_pagecache();
    }
  }
}

void WorkloadControl::apply_settings(const ActionConfig& action) {
  for (const auto& [name, value] : action.set) {
    if (name == "vm.drop_caches") {
      drop_caches(value);
      continue;
    }
    const writeback::VmKey key = vm_key(name);
    const auto interval_before = throttle_.vm().dirty_writeback_centisecs;
    throttle_.set_vm(key, value);
    if (throttle_.vm().dirty_writeback_centisecs != interval_before) {
      for (const vfs::MountedDevice& mounted : mounted_.devices) {
        mounted.flusher.interval_changed();
      }
    }
  }
}

Task<> WorkloadControl::run_sync_now(engine::Thread& thread, pagecache::TaskContext& task) {
  co_await thread.begin();
  vfs::Syscalls syscalls{mounted_, throttle_};
  co_await syscalls.sync(task);
  --pending_actions_;
  check_finished();
  co_await thread.exit();
}

Task<> WorkloadControl::run_syscalls_after_jobs() {
  auto& thread = *action_threads_.emplace_back(std::make_unique<engine::Thread>(
      machine_, "sh", kFirstActionPid + static_cast<int>(action_threads_.size())));
  auto& task = *action_tasks_.emplace_back(std::make_unique<pagecache::TaskContext>(thread));
  co_await thread.begin();
  vfs::Syscalls syscalls{mounted_, throttle_};
  ++pending_actions_;
  for (const ActionConfig& action : config_.actions) {
    if (!action.after_workload) {
      continue;
    }
    apply_settings(action);
    if (!action.syscall.empty()) {
      co_await syscalls.sync(task);
    }
  }
  --pending_actions_;
  check_finished();
  co_await thread.exit();
}

void WorkloadControl::check_finished() {
  if (jobs_done_ && pending_actions_ == 0 && !finished_) {
    finished_ = true;
    finished_at_ = machine_.simulator().now();
  }
}

}  // namespace wbsim::system
