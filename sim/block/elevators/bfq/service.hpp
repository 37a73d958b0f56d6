// Turns of service: whose requests go to the driver, and when that changes.
#pragma once

#include "sim/block/elevators/bfq/cooperators.hpp"
#include "sim/block/elevators/bfq/injection.hpp"
#include "sim/block/elevators/bfq/peak_rate.hpp"
#include "sim/block/elevators/bfq/queueing.hpp"
#include "sim/block/elevators/bfq/state.hpp"
#include "sim/block/elevators/bfq/weight_raising.hpp"

namespace wbsim::block::bfq {

// Models: bfq_select_queue(), bfq_dispatch_rq_from_bfqq(), bfq_bfqq_expire(),
// bfq_completed_request(), bfq_idle_slice_timer_body(), v5.10 and v6.1. Properties:
//  1. The queue in service is served until its budget does not suffice for its next request, the
//     time for its budget is over, or it has no more requests and is not waited for.
//  2. A queue that is waited for stays in service for slice_idle after its last completion; others
//     may be injected meanwhile: the asynchronous requests of the same process, the queue that
//     wakes it, v6.1: one that it wakes, or any, within its limit.
//  3. A queue of the idle class is served one request at a time where others are busy.
//  4. With strict_guarantees there is one request in the driver.
class Service {
 public:
  struct Rules {
    WeightRaising& raising;
    Cooperators& cooperators;
    Injection& injection;
    PeakRate& peak_rate;
    QueueingDetector& queueing;
  };
  Service(State& state, engine::Simulator& simulator, ElevatorHost* host, const Rules& rules);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service() { simulator_.cancel(idle_timer_); }

  // The next request for the driver; null: none, or none now.
  [[nodiscard]] Request* dispatch();
  void completed(const Request& request, Queue& queue);
  // A request has come to the queue in service, which was waited for.
  void request_arrived(Queue& queue, const Request& request);
  // bfq_remove_request(): it leaves its queue, which then has another next one.
  void remove(Request& request, Queue& queue);
  // bfq_updated_next_req().
  void next_changed(Queue& queue);
  // The turn of the queue in service ends. `until`: without the time that it was waited for.
  void expire(Expiration reason, SimTime until);
  void expire(Expiration reason) { expire(reason, state_.clock.now()); }
  // bfq_exit_bfqq(): the queue in service loses its process.
  void process_exits(const Queue& queue);
  // bfq_schedule_dispatch(): where anything is queued.
  void ask_for_dispatch();

 private:
  [[nodiscard]] Queue* select();
  [[nodiscard]] Queue* put_next_in_service();
  [[nodiscard]] Queue* choose_other(Queue& waited_for);
  bool end_turn(Queue& queue, Expiration reason);
  void stop_waiting();
  void on_idle_timer();

  State& state_;
  engine::Simulator& simulator_;
  ElevatorHost* host_;
  Rules rules_;
  engine::Event idle_timer_;
  int cpu_ = 0;  // of the last completion, where the idle timer fires too
};

}  // namespace wbsim::block::bfq
