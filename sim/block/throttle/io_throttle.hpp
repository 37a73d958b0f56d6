// Holds bios back that exceed what io.max allows the control group of their task.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/block/bio.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/throttle/limits.hpp"
#include "sim/block/throttle/throttle_slice.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

// Takes what may go on, on the thread of kthrotld.
class ThrottleHost {
 public:
  virtual engine::Task<> submit_released(TaskIo& io, Bio& bio) = 0;

 protected:
  ~ThrottleHost() = default;
};

// Models: struct throtl_data and throtl_grp, blk_throtl_bio(), throtl_pending_timer_fn() and
// blk_throtl_dispatch_work_fn(), block/blk-throttle.c, v5.10 (stable) and v6.1, of cgroup v2: the
// limits of a group hold for all groups below it too. Simplified: io.low does not exist, limits do
// not change, one worker thread, and neither timers nor the accounting take CPU time.
class IoThrottle {
 public:
  // `groups` is not empty.
  IoThrottle(engine::Machine& machine, ThrottleHost& host, const ControlGroups& groups,
             SplitCharge split_charge);
  IoThrottle(const IoThrottle&) = delete;
  IoThrottle& operator=(const IoThrottle&) = delete;
  ~IoThrottle();

  // Charges the groups of bio.cgroup and those above. True: a limit is reached, and the bio comes
  // back through the host in its time. Who submits it does not wait for that.
  [[nodiscard]] bool hold(Bio& bio);
  // The same for what is left of a bio after a part of it was split off.
  [[nodiscard]] bool hold_rest(Bio& bio);

 private:
  struct Group;
  // Models: struct throtl_qnode: bios that one group has put into a queue, its own or its
  // parent's. Queues take turns among them.
  struct Source {
    Bio* first = nullptr;
    Bio* last = nullptr;
  };
  // Models: struct throtl_service_queue.
  struct ServiceQueue {
    ServiceQueue(IoThrottle& owner, Group* of, std::size_t groups);
    IoThrottle& throttle;
    Group* group;  // null: the device's, whose bios are ready
    std::array<std::vector<Source*>, kThrottledDirections> sources;
    std::array<int, kThrottledDirections> waiting{};  // of `group`
    std::vector<Group*> pending;  // children with bios, the next to dispatch first
    std::uint64_t timer_expires = 0;
    engine::Event timer;
  };
  struct Group {
    Group(IoThrottle& owner, const ControlGroup& from, Group* above, std::size_t groups, int hz);
    Group* parent;  // null: the root
    ServiceQueue queue;
    std::array<ThrottleSlice, kThrottledDirections> slices;
    std::array<bool, kThrottledDirections> limited;       // itself or one above: has_rules[]
    std::array<bool, kThrottledDirections> iops_limited;  // has_rules_iops[]
    std::array<Source, kThrottledDirections> on_self;
    std::array<Source, kThrottledDirections> on_parent;
    std::uint64_t dispatch_time = 0;  // jiffies
    bool is_pending = false;
    bool was_empty = false;
  };

  [[nodiscard]] std::uint64_t now() const { return machine_.jiffies_now(); }
  [[nodiscard]] Group& group_of(const Bio& bio) {
    return *groups_[static_cast<std::size_t>(bio.cgroup)];
  }
  [[nodiscard]] ServiceQueue& queue_above(const Group& group) {
    return group.parent != nullptr ? group.parent->queue : top_;
  }

  bool pass(Bio& bio, Group& lowest);
  void add(Bio& bio, Source& source, Group& group, std::size_t direction);
  static void append(Bio& bio, Source& source, std::vector<Source*>& sources);
  static Bio& pop(std::vector<Source*>& sources);
  void enqueue(Group& group);
  void dequeue(Group& group);
  void update_dispatch_time(Group& group);
  [[nodiscard]] std::uint64_t wait_of_first(Group& group, std::size_t direction);

  void arm(ServiceQueue& queue, std::uint64_t expires);
  [[nodiscard]] bool schedule_next(ServiceQueue& queue);
  void on_timer(ServiceQueue& queue);
  [[nodiscard]] bool dispatch_due(ServiceQueue& queue);
  [[nodiscard]] int dispatch_round(ServiceQueue& queue);
  [[nodiscard]] int dispatch_group(Group& group);
  void dispatch_one(Group& group, std::size_t direction);

  void queue_work();
  engine::Task<> run();
  [[nodiscard]] Bio* take_ready();

  engine::Machine& machine_;
  ThrottleHost& host_;
  SplitCharge split_charge_;
  ServiceQueue top_;
  std::vector<std::unique_ptr<Group>> groups_;
  bool work_queued_ = false;
  bool worker_began_ = false;
  bool worker_idle_ = false;  // sleeps for want of work, not for a tag
  engine::Thread thread_;
  TaskIo io_;
};

}  // namespace wbsim::block
