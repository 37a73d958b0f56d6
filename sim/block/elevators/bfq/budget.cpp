#include "sim/block/elevators/bfq/budget.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block::bfq {

namespace {

constexpr int kBudgetsForStatistics = 194;  // bfq_stats_min_budgets
constexpr std::int64_t kMinBudgetShare = 32;
constexpr SimDuration kMeasurable = milliseconds(1);
constexpr SimDuration kReliable = milliseconds(20);
constexpr std::int64_t kSliceIdleMs = 8;  // bfq_slice_idle, whatever the tunable

bool has_statistics(const State& state) { return state.budgets_assigned >= kBudgetsForStatistics; }

std::int64_t at_least_next(const State& state, const Queue& queue) {
  return std::max(queue.max_budget, state.charge_of(*queue.next, queue));
}

// Models: bfq_bfqq_is_slow(). Less than 20 ms say too little about the rate.
bool is_slow(const State& state, const Queue& queue, SimDuration took) {
  return took >= kReliable + microseconds(1) ? queue.service < state.max_budget / 2 : queue.seeky();
}

}  // namespace

std::int64_t max_budget(const State& state) {
  return has_statistics(state) ? state.max_budget : kDefaultMaxBudget;
}

std::int64_t min_budget(const State& state) { return max_budget(state) / kMinBudgetShare; }

void budget_assigned(State& state) {
  state.budgets_assigned = (state.budgets_assigned * 7 + 256) / 8;
}

bool assign_for_activation(const State& state, Queue& queue, bool in_time) {
  if (queue.expired_by_waiting && in_time && queue.budget_left() > 0) {
    queue.budget = std::min(queue.budget_left(), queue.max_budget);
    queue.service = 0;
    return true;
  }
  queue.service = 0;
  queue.budget = at_least_next(state, queue);
  queue.expired_by_waiting = false;
  return false;
}

bool assign_for_next_request(const State& state, Queue& queue) {
  if (queue.next == nullptr || &queue == state.in_service) {
    return false;
  }
  const std::int64_t budget = std::max(at_least_next(state, queue), queue.service);
  return std::exchange(queue.budget, budget) != budget;
}

void adjust_budget(const State& state, Queue& queue, Expiration reason) {
  const std::int64_t least = min_budget(state);
  const std::int64_t most = state.max_budget;
  std::int64_t budget = queue.is_raised() ? 2 * least : queue.max_budget;
  if (!queue.sync) {
    budget = most;
  } else if (!queue.is_raised()) {
    switch (reason) {
      case Expiration::kTooIdle:
        if (queue.dispatched > 0) {
          budget = std::min(budget * 2, most);
        } else {
          budget = budget > 5 * least ? budget - 4 * least : least;
        }
        break;
      case Expiration::kBudgetTimeout:
        budget = std::min(budget * 2, most);
        break;
      case Expiration::kBudgetExhausted:
        budget = std::min(budget * 4, most);
        break;
      case Expiration::kNoMoreRequests:
        budget = std::max(queue.service, least);
        break;
      case Expiration::kPreempted:
        return;
    }
  }
  queue.max_budget = budget;
  if (has_statistics(state) && state.tuning.user_max_budget == 0) {
    queue.max_budget = std::min(queue.max_budget, most);
  }
  if (queue.next != nullptr) {
    queue.budget = at_least_next(state, queue);
  }
}

void start_budget_timeout(State& state, Queue& queue) {
  const bool soft_real_time = queue.raising.longest == state.tuning.raise_soft_real_time;
  const int factor = soft_real_time ? 1 : queue.weight / queue.own_weight;
  state.budget_began = state.clock.now();
  queue.budget_timeout =
      state.clock.jiffies() + state.tuning.timeout * static_cast<std::uint64_t>(factor);
}

bool may_time_out(const State& state, const Queue& queue) {
  const bool much_left = queue.budget_left() >= queue.budget / 3;
  return (!queue.waits_for_request || much_left) && state.clock.is_reached(queue.budget_timeout);
}

void serve(State& state, Queue& queue, std::int64_t service) {
  if (queue.service_since_backlogged == 0) {
    queue.first_io = state.clock.jiffies();
  }
  if (queue.is_raised()) {
    queue.raising.service += service;
  }
  queue.service_since_backlogged += service;
  state.wf2q.serve(queue, service);
}

// Models: bfq_bfqq_charge_time(). An asynchronous queue has no measured time.
void charge_time(State& state, Queue& queue, Expiration reason, SimTime until) {
  const SimDuration took = until - state.budget_began;
  const bool slow = queue.sync && is_slow(state, queue, took);
  const bool wasted =
      reason == Expiration::kBudgetTimeout && queue.budget_left() >= queue.budget / 3;
  if (queue.is_raised() || !(slow || wasted)) {
    return;
  }
  std::int64_t ms = 0;
  if (queue.sync && took < kMeasurable) {
    ms = state.tuning.rotational ? kSliceIdleMs : kShortThinkTime / milliseconds(1);
  } else if (queue.sync) {
    ms = took / milliseconds(1);
  }
  const auto timeout_ms =
      static_cast<std::int64_t>(state.clock.to_msecs(state.tuning.usual_timeout));
  const std::int64_t for_time = state.max_budget * std::min(ms, timeout_ms) / timeout_ms;
  const std::int64_t total = std::max(for_time, queue.service);
  queue.budget = std::max(queue.budget, total);
  serve(state, queue, total - queue.service);
}

}  // namespace wbsim::block::bfq
