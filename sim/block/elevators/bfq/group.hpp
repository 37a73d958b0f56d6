// Control groups as bfq sees them.
#pragma once

#include <array>
#include <boost/intrusive/set.hpp>
#include <deque>
#include <span>

#include "sim/base/check.hpp"
#include "sim/block/elevators/bfq/clock.hpp"
#include "sim/block/elevators/bfq/queue.hpp"
#include "sim/block/elevators/bfq/wf2q.hpp"
#include "sim/block/throttle/limits.hpp"

namespace wbsim::block::bfq {

// Models: struct bfq_group, block/bfq-cgroup.c, v5.10 and v6.1. As an entity it competes among the
// queues and groups of the group above it, in the best effort class; the root is nobody's rival.
struct Group : Entity {
  struct SectorOfNext {
    using type = Lba;
    const Lba& operator()(const Queue& queue) const { return queue.next->sector; }
  };
  using Positions = boost::intrusive::set<
      Queue, boost::intrusive::member_hook<Queue, PositionHook, &Queue::position_link>,
      boost::intrusive::key_of_value<SectorOfNext>, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t kLevels = 8;  // IOPRIO_NR_LEVELS

  ServiceLevel members;                                              // sched_data
  std::array<std::array<Queue*, kLevels>, kClasses> async_queues{};  // async_bfqq
  Positions positions;                                               // rq_pos_tree
  Queue* last_created = nullptr;                                     // last_bfqq_created
};

// All groups of a queue, made with it. Simplified: none come or go during a run, and weights stay.
class Groups {
 public:
  Groups(std::span<const ControlGroup> groups, const Clock& clock);

  [[nodiscard]] Group& root() { return groups_.front(); }
  // By the number of a bio's control group.
  [[nodiscard]] Group& of(int cgroup) {
    const auto number = static_cast<std::size_t>(cgroup);
    SIM_CHECK(number < groups_.size());
    return groups_[number];
  }

 private:
  std::deque<Group> groups_;
};

// bfq_init_entity(): `queue`, which is in no tree, competes in `group` from here on.
void enter(Queue& queue, Group& group);

}  // namespace wbsim::block::bfq
