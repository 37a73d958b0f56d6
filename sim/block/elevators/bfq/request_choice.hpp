// Which of a queue's requests goes next.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_choose_req(). Of two requests: the synchronous one; then the one that is nearer in
// front of `last`, where what is behind by up to back_seek_max counts back_seek_penalty times as
// far, and what is farther behind comes last, its lowest sector first.
[[nodiscard]] Request* choose_request(const Tuning& tuning, Request* a, Request* b, Lba last);

// Models: bfq_find_next_rq(): what follows `last`, which is still in the queue. Once in each turn
// of service a request that has expired goes first.
[[nodiscard]] Request* find_next_request(const State& state, Queue& queue, Request& last);

}  // namespace wbsim::block::bfq
