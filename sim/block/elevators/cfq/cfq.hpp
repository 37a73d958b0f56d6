// cfq of v3.6: every process has the disk to itself for a slice of time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/block/elevators/cfq/cfq_contexts.hpp"
#include "sim/block/elevators/cfq/cfq_group.hpp"
#include "sim/block/elevators/cfq/cfq_queue.hpp"
#include "sim/block/elevators/cfq/cfq_tunables.hpp"
#include "sim/block/elevators/cfq/close_queues.hpp"
#include "sim/block/elevators/cfq/hw_tag.hpp"
#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/head_order.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Models: block/cfq-iosched.c, v3.6. Simplified: no cgroups but the root group (CfqGroup).
// Properties, beside those of CfqContexts, CfqGroup, CfqTurn, HwTag and CloseQueues:
//  1. The active queue is served until its slice is used, another one preempts it, or it is empty
//     and not worth waiting for; then the first queue of the service tree whose turn it is.
//  2. A synchronous queue that runs empty is waited for, slice_idle, when it has an idle window and
//     the device does not both queue and do without heads, or when it is the last one of its tree;
//     not if its process has ended, thinks for longer than is left of the slice or of slice_idle,
//     or has requests in the device; not if a process works close by, which then is served instead
//     and shares a queue with it from then on.
//  3. It has an idle window unless its process thinks for too long, announces nothing more
//     (REQ_NOIDLE), or seeks; a seeking one that has had four requests queued keeps it.
//  4. Preemption (should_preempt()): synchronous over asynchronous, real time over best effort, all
//     over idle, metadata over data, and what is close while the active queue is waited for.
//  5. In the device a queue has quantum / 2 requests, quantum early in its slice, any number if it
//     is alone; asynchronous ones none while synchronous ones are there, and with low_latency one
//     more for every slice_sync since a synchronous one took more than fifo_expire_sync.
//  6. Within a queue the best request for the head goes first (HeadOrder), of those with REQ_PRIO
//     if there are any; the oldest one once a slice, if it has expired.
//  7. A slice that was cut short or overrun is made up for in the queue's next place.
//  8. Bios merge only with requests of the submitter's own queue.
class Cfq final : public Elevator, private CfqQueueUser {
 public:
  explicit Cfq(const ElevatorContext& context);
  ~Cfq() override;

  void insert(Request& request) override;
  int dispatch_to(DispatchList& list, bool forced) override;
  [[nodiscard]] bool has_work() const override { return queued_ > 0; }
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  [[nodiscard]] bool allow_merge(const Request& request, const Bio& bio) override;
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
  // What belongs to a request from its allocation until it is freed; by number.
  struct Owner {
    CfqQueue* queue = nullptr;
    CfqContext* context = nullptr;
  };
  Owner& owner_of(const Request& request) {
    return owners_[static_cast<std::size_t>(request.number)];
  }
  [[nodiscard]] CfqQueue* queue_of(const Bio& bio) const;
  [[nodiscard]] std::int64_t now() const {
    return static_cast<std::int64_t>(machine_.jiffies_now());
  }
  [[nodiscard]] Request* better(Request* a, Request* b, Lba head) const;

  // Requests of a queue (cfq.cpp).
  void add_sorted(CfqQueue& queue, Request& request);
  void remove(CfqQueue& queue, Request& request);
  void take(CfqQueue& queue, Request& request, DispatchList& list);
  [[nodiscard]] Request* next_after(CfqQueue& queue, Request& request) const;

  // Busy queues (cfq_slices.cpp).
  void add_busy(CfqQueue& queue);
  void remove_busy(CfqQueue& queue);
  void resort(CfqQueue& queue);

  // Slices.
  void activate(CfqQueue* queue);
  void start_slice(CfqQueue& queue);
  void expire(CfqQueue& queue, bool timed_out);
  void expire_active(bool timed_out);
  void forget_queue(CfqQueue& queue) override;
  void preempt(CfqQueue& queue);
  [[nodiscard]] bool should_preempt(const CfqQueue& queue, const Request& request);

  // Idling.
  [[nodiscard]] bool should_idle(const CfqQueue& queue) const;
  [[nodiscard]] bool needs_no_idling() const { return !rotational_ && hw_tag_.queues(); }
  [[nodiscard]] bool should_wait_busy(const CfqQueue& queue) const;
  void arm_idle_timer(CfqQueue& queue);
  void stop_idle_timer();
  void on_idle_timer();
  void update_idle_window(CfqQueue& queue, const CfqContext& context);

  // Choice of the queue to serve (cfq_select.cpp).
  CfqQueue* select_queue();
  enum class Verdict { kServe, kWait, kReplace };
  Verdict judge_active(CfqQueue& queue, CfqQueue*& replacement);
  [[nodiscard]] bool waits_for_group() const;
  [[nodiscard]] CfqQueue* close_cooperator(const CfqQueue& queue);
  [[nodiscard]] bool may_dispatch(const CfqQueue& queue) const;
  [[nodiscard]] Request* expired_request(CfqQueue& queue) const;
  int dispatch_everything(DispatchList& list);

  void noted_arrival(CfqQueue& queue, Request& request);
  void noted_end(CfqQueue& queue, Request& request);
  void kick();

  const engine::Machine& machine_;
  SingleQueueHost* host_;
  bool rotational_;
  CfqTunables tunables_;
  HeadOrder head_order_;
  CfqGroup group_;  // the root group
  CfqTurn turn_;
  CloseQueues close_queues_;
  HwTag hw_tag_;
  CfqContexts contexts_;
  std::vector<Owner> owners_;

  CfqQueue* active_ = nullptr;
  CfqContext* active_context_ = nullptr;
  std::int64_t busy_queues_ = 0;
  std::int64_t busy_sync_queues_ = 0;
  int queued_ = 0;     // requests in all queues
  int in_driver_ = 0;  // requests that the driver has seen
  std::array<int, kCfqSyncKinds> in_flight_{};
  Lba head_;  // last_position: where the request ends that the driver saw last
  std::int64_t last_delayed_sync_;  // jiffies
  engine::Event idle_timer_;
};

}  // namespace wbsim::block
