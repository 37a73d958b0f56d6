// Queues that are scheduled.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// bfq_add_bfqq_busy(): a queue that has got its budget is scheduled.
void add_busy(State& state, Queue& queue);
// bfq_del_bfqq_busy(): a queue without work; `expires`: its turn of service ends. The queue may be
// gone afterwards.
void remove_busy(State& state, Queue& queue, bool expires);

// bfq_weights_tree_remove(): the weight of a queue that is not busy, and of which nothing is in the
// driver any longer, does not count, nor do the groups above it of which nothing is scheduled.
void stop_counting(State& state, Queue& queue);

}  // namespace wbsim::block::bfq
