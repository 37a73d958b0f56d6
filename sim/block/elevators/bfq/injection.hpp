// Requests of other queues while the queue in service is empty and waited for.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: the injection of block/bfq-iosched.c, v5.10 and v6.1. Properties:
//  1. While the queue in service is empty, others may have requests in the driver up to its limit.
//     Only those of raised queues where it is raised itself and does not think for long. On a
//     device without seeks only one request of 64 sectors or more.
//  2. The limit is 0 at first for a queue that thinks for a short time, else 1; so again a second
//     after it was last decreased or reset.
//  3. What it costs is measured with the first request after a pause, from its arrival to its
//     completion: without injection that gives the baseline, which sets the limit to 1 at least;
//     with injection 1.5 times the baseline lowers the limit by one, less raises it, up to what the
//     driver has held.
// Left out: the limit that v5.10 and v6.1 mean to raise after slice_idle of waiting. They add
// nanoseconds to jiffies, and so it does not happen for hours.
class Injection {
 public:
  explicit Injection(State& state) : state_{state} {}

  // A request came to `queue`, which is synchronous and had nothing pending.
  void first_request(Queue& queue);
  // A request of the queue in service goes to the driver.
  void dispatched_in_service(const Request& request);
  void completed(const Request& request, Queue& queue);
  void expired();
  // Part of bfq_update_has_short_ttime(): how long the process thinks has changed.
  void think_time_changed(Queue& queue);
  // The request ended without completion, and its storage will be used again.
  void forget(const Request& request);

  // bfq_choose_bfqq_for_injection().
  [[nodiscard]] Queue* choose();

 private:
  void reset(Queue& queue);
  void update_limit(Queue& queue);

  State& state_;
  bool measures_ = false;              // wait_dispatch: the next one dispatched is measured
  const Request* measured_ = nullptr;  // waited_rq
  bool injected_ = false;              // rqs_injected
  SimTime measured_since_;             // last_empty_occupied_ns
};

}  // namespace wbsim::block::bfq
