// How much a queue may be given in one turn, and what it is charged.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: the budget rules of block/bfq-iosched.c, v5.10 and v6.1; in sectors.

// bfq_max_budget(), bfq_min_budget(): the default until 194 budgets have been given out.
[[nodiscard]] std::int64_t max_budget(const State& state);
[[nodiscard]] std::int64_t min_budget(const State& state);
// Of the time since a budget was given out, as far as 194 of them count.
void budget_assigned(State& state);

// bfq_bfqq_update_budg_for_activation(): the budget of a queue that becomes busy. True where the
// queue goes on with what it had left: it was only waited for, and has come in time.
[[nodiscard]] bool assign_for_activation(const State& state, Queue& queue, bool in_time);
// Part of bfq_updated_next_req(): the budget is enough for the next request. True where it changed.
[[nodiscard]] bool assign_for_next_request(const State& state, Queue& queue);
// __bfq_bfqq_recalc_budget(): the feedback at the end of a turn.
void adjust_budget(const State& state, Queue& queue, Expiration reason);

// bfq_set_budget_timeout(): the time for a budget, which begins now. Interactive raising prolongs
// it like the weight.
void start_budget_timeout(State& state, Queue& queue);
// bfq_may_expire_for_budg_timeout(): not while a queue is waited for that has used up most of it.
[[nodiscard]] bool may_time_out(const State& state, const Queue& queue);

// bfq_bfqq_served().
void serve(State& state, Queue& queue, std::int64_t service);
// Part of bfq_bfqq_expire(): a queue that was slow, or has not used its budget in time, is charged
// for the time it took, as far as that is more than its service. `until`: end of its turn, without
// the time that was waited for it.
void charge_time(State& state, Queue& queue, Expiration reason, SimTime until);

}  // namespace wbsim::block::bfq
