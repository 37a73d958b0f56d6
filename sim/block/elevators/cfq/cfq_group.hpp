// A group of cfq: its service trees, and whose turn it is among them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/block/elevators/cfq/service_tree.hpp"

namespace wbsim::block {

// wl_class_t. The kernel serves them as real time, best effort, idle.
enum class CfqClass : std::uint8_t { kBestEffort, kRealTime, kIdle };

[[nodiscard]] inline CfqClass class_of(const CfqQueue& queue) {
  return queue.is_idle_class()
             ? CfqClass::kIdle
             : (queue.is_real_time() ? CfqClass::kRealTime : CfqClass::kBestEffort);
}

// Models: struct cfq_group, v3.6. Simplified: there is the root group alone, so its share of the
// device is all of it, and vdisktime, by which groups are compared, decides nothing.
class CfqGroup {
 public:
  CfqGroup(const CfqTunables& tunables, std::int64_t now);

  [[nodiscard]] ServiceTree& tree(CfqClass io_class, CfqWorkload workload);
  [[nodiscard]] ServiceTree& tree_for(const CfqQueue& queue) {
    return tree(class_of(queue), queue.workload());
  }
  // The first queue of any tree, for a forced dispatch.
  [[nodiscard]] CfqQueue* first_of_any();

  // cfq_group_busy_queues_wl(), cfqg_busy_async_queues().
  [[nodiscard]] std::int64_t busy(CfqClass io_class);
  [[nodiscard]] std::int64_t busy_async();

  // cfq_group_slice(): jiffies in which all queues shall have had a turn.
  [[nodiscard]] std::int64_t slice() const { return tunables_.target_latency; }
  // cfq_scaled_cfqq_slice(): a queue's slice, with low_latency cut so that all of its class fit
  // into the group's; not below twice slice_idle, scaled by priority.
  [[nodiscard]] std::int64_t scaled_slice(const CfqQueue& queue);
  // Queues of a class that were busy lately.
  [[nodiscard]] std::int64_t busy_average(CfqClass io_class) const {
    return busy_average_[static_cast<std::size_t>(io_class)];
  }

  // The key under which a queue goes into its tree, behind others or in front of all.
  [[nodiscard]] std::int64_t service_key(CfqQueue& queue, std::int64_t now, std::int64_t hz);
  [[nodiscard]] std::int64_t front_key(CfqQueue& queue, std::int64_t now, std::int64_t hz);

  std::int64_t queues = 0;      // nr_cfqq: busy ones
  std::int64_t dispatched = 0;  // requests in the device or on their way
  ThinkTime think_time;
  // What was left of the workload's slice when the group's last queue had its turn (saved_wl_*).
  struct SavedWorkload {
    std::int64_t slice = 0;
    CfqClass io_class = CfqClass::kBestEffort;
    CfqWorkload workload = CfqWorkload::kAsync;
  };
  SavedWorkload saved;

 private:
  static constexpr std::size_t kClasses = 2;  // with workloads of their own: all but idle
  static constexpr std::size_t kWorkloads = 3;

  std::int64_t average_queues(CfqClass io_class);

  const CfqTunables& tunables_;
  std::array<ServiceTree, kClasses * kWorkloads + 1> trees_;  // the last: the idle class
  std::array<std::int64_t, kClasses> busy_average_{};
};

// Whose turn it is: a class and a workload, for some time (serving_wl_*, workload_expires).
class CfqTurn {
 public:
  CfqTurn(const CfqTunables& tunables, CfqGroup& group) : tunables_{tunables}, group_{group} {}

  // cfq_group_served(): a queue's slice is over; the rest of the workload's is remembered.
  void save(std::int64_t now);
  // cfq_choose_cfqg(): goes on with what was saved, or with what is due. `busy_queues`: of all
  // groups.
  void choose(std::int64_t now, std::int64_t busy_queues);

  [[nodiscard]] ServiceTree& tree() { return group_.tree(class_, workload_); }
  [[nodiscard]] CfqWorkload workload() const { return workload_; }

 private:
  void choose_class_and_workload(std::int64_t now, std::int64_t busy_queues);
  [[nodiscard]] CfqWorkload due_first();
  [[nodiscard]] std::int64_t slice(std::int64_t busy_queues);

  const CfqTunables& tunables_;
  CfqGroup& group_;
  CfqClass class_ = CfqClass::kBestEffort;
  CfqWorkload workload_ = CfqWorkload::kAsync;
  std::int64_t expires_ = 0;  // jiffies
};

}  // namespace wbsim::block
