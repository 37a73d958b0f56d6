// When it is better to leave the device idle than to serve another queue.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_better_to_idle() and what it asks, v5.10 and v6.1. Each is about a queue that is, or
// would be, empty. Properties:
//  1. Waiting makes a rotational device without queueing faster, and, where the process reads or
//     writes in sequence without pausing, a device that is rotational or without queueing. It does
//     not count while raised queues are busy.
//  2. Waiting keeps what is owed where queues differ in weight or class, and for a raised queue
//     where others are busy or have four requests in the driver. v6.1: also for the only busy
//     queue.
//  3. Never for asynchronous queues, the idle class, or queues whose processes have ended; always
//     with strict_guarantees.
[[nodiscard]] bool idling_speeds_up(const State& state, const Queue& queue);
[[nodiscard]] bool idling_is_owed(const State& state, const Queue& queue);
[[nodiscard]] bool is_better_to_idle(const State& state, const Queue& queue);
[[nodiscard]] inline bool must_idle(const State& state, const Queue& queue) {
  return queue.empty() && is_better_to_idle(state, queue);
}
// bfq_arm_slice_timer(): slice_idle; no more than 2 ms for a process that seeks, where nothing more
// is owed to it; at least 20 ms for a raised queue.
[[nodiscard]] SimDuration idle_time(const State& state, const Queue& queue);

}  // namespace wbsim::block::bfq
