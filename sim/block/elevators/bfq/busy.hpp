// Queues that are scheduled.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// bfq_add_bfqq_busy(): a queue that has got its budget is scheduled.
void add_busy(State& state, Queue& queue);
// bfq_del_bfqq_busy(): a queue without work; `expires`: its turn of service ends. The queue may be
// gone afterwards.
void remove_busy(State& state, Queue& queue, bool expires);

}  // namespace wbsim::block::bfq
