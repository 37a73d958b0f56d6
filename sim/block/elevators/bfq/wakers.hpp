// Queues that wait for the requests of another queue.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: the waker detection of bfq_add_request(), v5.10, and bfq_check_waker(), v6.1: a process
// that thinks for long, and whose next request comes right after the completion of another queue's,
// seems to wait for that queue: the waker. Right after is 200 us, twice in a row (v5.10); 4 ms,
// three times within 128 slice_idle (v6.1).
// v5.10 as corrected by "set next_rq to waker_bfqq->next_rq in waker injection": without that its
// wakers are found and not used.
class Wakers {
 public:
  explicit Wakers(const State& state) : state_{state} {}

  // A request came to `queue`, which is synchronous and had nothing pending.
  void first_request(Queue& queue) const;
  // Which queue wakes this one; null: none is known for certain.
  [[nodiscard]] static Queue* waker_of(const Queue& queue) {
    return queue.waker_certain ? queue.waker : nullptr;
  }
  static void set_waker(Queue& queue, Queue* waker, bool certain);
  // bfq_add_bfqq_busy() of v6.1: of those that wait for one, the last to become busy goes first.
  void becomes_busy(Queue& queue) const;
  // The queue will be gone.
  static void unused(Queue& queue);

 private:
  void first_request_5_10(Queue& queue) const;
  void first_request_6_1(Queue& queue) const;

  const State& state_;
};

}  // namespace wbsim::block::bfq
