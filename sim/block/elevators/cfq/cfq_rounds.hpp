// cfq of v2.6.18: every process has the disk to itself for a slice of time, in rounds by priority.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/elevators/cfq/cfq_tunables.hpp"
#include "sim/block/elevators/cfq/priority_rounds.hpp"
#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/head_order.hpp"
#include "sim/block/elevators/io_history.hpp"
#include "sim/block/io_context.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Models: block/cfq-iosched.c, v2.6.18. Only reads are synchronous. Properties, beside those of
// PriorityRounds:
//  1. A task's reads have a queue of their own; its writes share one with those of all tasks of its
//     priority, and a task without a priority writes to the one that was made last.
//  2. At its turn a queue gives up to quantum requests at once, an idle one a single request. It
//     keeps the disk until its slice is used; or it is empty, all it gave has completed and it is
//     not waited for; of writes, until their number by priority is reached.
//  3. A read queue that is empty is waited for, slice_idle, or 2 ms if its task seeks (131072
//     sectors on average); not if the task has ended, thinks for longer than slice_idle, or seeks
//     on a device that was seen to queue (more than four requests). Without waiting the queue gives
//     up the disk with each turn.
//  4. Nothing preempts but what comes while an idle queue has the disk. The kernel would let reads
//     preempt writes, but asks whether the newcomer is waited for, which is true of the active
//     queue alone.
//  5. Idle queues are served when nothing else has completed for 100 ms (CFQ_IDLE_GRACE).
//  6. The best request for the head goes first (HeadOrder), where the head is at the last request
//     of the driver's list; an expired one before that, one a slice.
//  7. A task that holds an exclusive lock of the file system counts as best effort, level 4, if it
//     is lower.
//  8. Two requests never begin at the same sector: the older one leaves at once.
class CfqRounds final : public Elevator {
 public:
  explicit CfqRounds(const ElevatorContext& context);
  ~CfqRounds() override;

  void insert(Request& request) override;
  int dispatch_to(DispatchList& list, bool forced) override;
  [[nodiscard]] bool has_work() const override { return busy_queues_ > 0; }
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  void request_merged(Request& request, MergeKind kind) override;
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;
  [[nodiscard]] MayQueue may_queue(const Bio& bio) override;
  void set_request(Request& request, const Bio& bio) override;
  void activate_request(Request& request) override;
  void deactivate_request(Request& request) override;
  void completed_request(Request& request, SimTime now) override;
  void finish_request(Request& request) override;
  void io_context_exits(const IoContext& context) override;

 private:
  // What is known of one task (struct cfq_io_context).
  struct Context {
    Context(const IoContext& own_owner, std::int64_t now) : owner{own_owner}, think_time{now} {}
    const IoContext& owner;
    std::array<CfqRoundsQueue*, kCfqSyncKinds> queues{};
    IoPriority priority;  // as last seen
    ThinkTime think_time;
    SeekMean seeks;
    Lba last_end;
    [[nodiscard]] bool seeky() const { return seeks.mean() > kSeeky; }
  };
  static constexpr Sectors kSeeky{128 * 1024};  // CIC_SEEKY()
  // What belongs to a request from its allocation until it is freed; by number.
  struct Owner {
    CfqRoundsQueue* queue = nullptr;
    Context* context = nullptr;
  };
  Owner& owner_of(const Request& request) {
    return owners_[static_cast<std::size_t>(request.number)];
  }
  static CfqSync kind_of(const engine::RwbsFlags& flags) {
    return flags.write ? kCfqAsync : kCfqSync;
  }
  [[nodiscard]] std::int64_t now() const {
    return static_cast<std::int64_t>(machine_.jiffies_now());
  }

  // Queues of tasks (cfq_rounds_queues.cpp).
  Context& context_of(const IoContext& owner);
  void note_priority(Context& context);
  [[nodiscard]] CfqRoundsQueue* queue_of(const Bio& bio);
  [[nodiscard]] CfqRoundsQueue* find_shared(IoPriority priority);
  CfqRoundsQueue& get_queue(Context& context, CfqSync kind);
  void update_priority(CfqRoundsQueue& queue, const Context& context);
  void boost(CfqRoundsQueue& queue, const IoContext& owner);
  void put_process(CfqRoundsQueue& queue);
  void free_if_unused(CfqRoundsQueue& queue);

  // Requests of a queue.
  void add_sorted(CfqRoundsQueue& queue, Request& request);
  void remove(CfqRoundsQueue& queue, Request& request);
  void take(CfqRoundsQueue& queue, Request& request, DispatchList& list);
  [[nodiscard]] Request* next_after(CfqRoundsQueue& queue, Request& request) const;
  void noted_arrival(CfqRoundsQueue& queue, Request& request);
  void update_idle_window(CfqRoundsQueue& queue, const Context& context);

  // Slices (cfq_rounds_slices.cpp).
  CfqRoundsQueue* select_queue();
  CfqRoundsQueue* activate_next();
  void activate(CfqRoundsQueue* queue);
  void expire(CfqRoundsQueue& queue, bool preempted);
  void expire_active(bool preempted);
  void preempt(CfqRoundsQueue& queue);
  int dispatch_turn(CfqRoundsQueue& queue, DispatchList& list);
  int dispatch_everything(DispatchList& list);
  [[nodiscard]] Request* expired_request(CfqRoundsQueue& queue) const;
  bool arm_idle_timer(CfqRoundsQueue& queue);
  void stop_idle_timer();
  void start_timer(engine::Event& timer, std::int64_t jiffies);
  void on_idle_timer();
  void on_idle_class_timer();
  void kick();

  const engine::Machine& machine_;
  SingleQueueHost* host_;
  CfqTunables tunables_;
  HeadOrder head_order_;
  PriorityRounds rounds_;
  SlabPool<CfqRoundsQueue> pool_;
  std::vector<std::unique_ptr<Context>> contexts_;  // by IoContext::id
  std::vector<CfqRoundsQueue*> shared_;             // of writes, the newest last
  std::vector<Owner> owners_;

  CfqRoundsQueue* active_ = nullptr;
  const Context* active_context_ = nullptr;
  int busy_queues_ = 0;
  int in_driver_ = 0;
  bool hw_tag_ = false;              // the device queues
  std::int64_t slice_requests_ = 0;  // dispatch_slice: of the active queue's slice
  Lba head_;                         // last_sector
  std::int64_t last_end_;            // last_end_request, jiffies: of other classes than idle
  engine::Event idle_timer_;
  engine::Event idle_class_timer_;
};

}  // namespace wbsim::block
