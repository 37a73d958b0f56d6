// B-WF2Q+: who is served next, and what service costs in virtual time.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "sim/block/elevators/bfq/clock.hpp"
#include "sim/block/elevators/bfq/queue.hpp"
#include "sim/block/elevators/bfq/service_tree.hpp"
#include "sim/block/elevators/bfq/weight_counts.hpp"

namespace wbsim::block::bfq {

// Where the entities of one group compete, by class. Models: struct bfq_sched_data.
struct ServiceLevel {
  std::array<ServiceTree, kClasses> trees;
  Entity* in_service = nullptr;
  Entity* next = nullptr;   // next_in_service: whom the last change of the trees made the next
  Entity* group = nullptr;  // whose children compete here; null at the root
  std::uint64_t idle_class_served = 0;  // bfq_class_idle_last_service, jiffies
  int active = 0;                       // active_entities

  [[nodiscard]] ServiceTree& tree_of(const Entity& entity) { return trees[entity.io_class]; }
  [[nodiscard]] bool has_work() const { return next != nullptr || in_service != nullptr; }
};

// Told of queues that no tree refers to any longer.
class QueueKeeper {
 public:
  // It may have become unused; the call may free it.
  virtual void dereferenced(Queue& queue) = 0;

 protected:
  ~QueueKeeper() = default;
};

// Models: block/bfq-wf2q.c, v5.10 and v6.1. Service trees: service_tree.hpp. Properties:
//  1. A newly active entity starts at the virtual time, or at its last finish where that is later;
//     its finish is a budget behind.
//  2. One that lost service only because it was waited for (`in_time`) starts at its old finish,
//     and moves up to virtual time by a share that its raising divides.
//  3. One whose service ends starts where the service that it got ends.
//  4. The classes have strict priority, but the idle class is served once in HZ / 5 (of v6.1 and
//     v5.10: when the next one is looked for).
//  5. Service moves virtual time by service / sum of weights of the class, at every level.
//  6. Weight and class change when an entity is inserted.
class Wf2q {
 public:
  // `root`: where what is in no group competes, with the groups.
  Wf2q(ServiceLevel& root, const Clock& clock, std::uint64_t idle_class_timeout,
       WeightCounts& weights, QueueKeeper& keeper);

  // bfq_activate_bfqq(): from idle.
  void activate(Queue& queue, bool in_time) { activate_or_requeue(queue, in_time, false, false); }
  // bfq_requeue_bfqq(): at the end of its service, or with a changed budget.
  void requeue(Queue& queue, bool in_service, bool expires) {
    activate_or_requeue(queue, false, in_service, expires);
  }
  // bfq_deactivate_entity().
  void deactivate(Entity& entity, bool into_idle_tree, bool expires);
  // bfq_put_idle_entity(): of a queue in the idle tree.
  void forget_idle(Queue& queue);
  // bfq_get_next_queue(): puts the next queue into service. Some queue must be active.
  Queue& next_queue();
  // __bfq_bfqd_reset_in_service(): after the queue in service was requeued or deactivated.
  static void reset_in_service(Queue& queue);
  // next_queue_may_preempt().
  [[nodiscard]] bool next_may_preempt() const { return root_.next != root_.in_service; }
  // bfq_bfqq_served() as far as time is concerned.
  void serve(Queue& queue, std::int64_t service);
  // __bfq_entity_update_weight_prio(). The class changes only where `class_too`.
  ServiceTree& update_weight(ServiceTree& tree, Entity& entity, bool class_too);

  [[nodiscard]] ServiceLevel& root() { return root_; }

  using ActiveQueues =
      boost::intrusive::list<Queue,
                             boost::intrusive::member_hook<Queue, ListHook, &Queue::active_link>,
                             boost::intrusive::constant_time_size<false>>;
  // The newest first.
  [[nodiscard]] ActiveQueues& active_queues() { return active_; }

 private:
  void activate_or_requeue(Entity& queue, bool in_time, bool requeue, bool expires);
  void activate_entity(Entity& entity, bool in_time);
  void requeue_entity(Entity& entity);
  void enqueue(Entity& entity, ServiceTree& tree, bool backshifted);
  bool deactivate_entity(Entity& entity, bool into_idle_tree);
  void insert_active(ServiceTree& tree, Entity& entity);
  void erase_active(ServiceTree& tree, Entity& entity);
  void forget(ServiceTree& tree, Entity& entity, bool in_service);
  void forget_reached(ServiceTree& tree);
  bool update_next(ServiceLevel& level, Entity* changed, bool expires);
  [[nodiscard]] Entity* look_up_next(ServiceLevel& level, bool expires);

  const Clock& clock_;
  std::uint64_t idle_class_timeout_;
  WeightCounts& weights_;
  QueueKeeper& keeper_;
  ServiceLevel& root_;
  ActiveQueues active_;
};

}  // namespace wbsim::block::bfq
