#include "sim/block/elevators/bfq/idling.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {
constexpr SimDuration kRaisedIdleMin = milliseconds(20);
constexpr int kForeignRequests = 4;
}  // namespace

// Models: idling_boosts_thr_without_issues().
bool idling_speeds_up(const State& state, const Queue& queue) {
  if (queue.processes == 0) {
    return false;
  }
  const bool no_queueing = state.queueing == Queueing::kNo;
  const bool rotational = state.tuning.rotational;
  const bool sequential = !queue.seeky() && queue.intensity.io_bound && queue.short_think_time;
  const bool faster = (rotational && no_queueing) || ((rotational || no_queueing) && sequential);
  return faster && state.raised_busy == 0;
}

// Models: idling_needed_for_service_guarantees().
bool idling_is_owed(const State& state, const Queue& queue) {
  if (queue.processes == 0) {
    return false;
  }
  const int busy = state.busy_queues();
  const bool raised_among_others =
      queue.is_raised() &&
      (state.raised_busy < busy || state.in_driver >= queue.dispatched + kForeignRequests);
  return raised_among_others || state.is_asymmetric(queue) || (state.tuning.v6_1 && busy == 1);
}

bool is_better_to_idle(const State& state, const Queue& queue) {
  if (queue.processes == 0) {
    return false;
  }
  if (state.tuning.strict_guarantees) {
    return true;
  }
  if (state.tuning.slice_idle == SimDuration::zero() || !queue.sync ||
      queue.io_class == kIdleClass) {
    return false;
  }
  return idling_speeds_up(state, queue) || idling_is_owed(state, queue);
}

SimDuration idle_time(const State& state, const Queue& queue) {
  const SimDuration usual = state.tuning.slice_idle;
  if (queue.is_raised()) {
    return std::max(usual, kRaisedIdleMin);
  }
  return queue.seeky() && !state.is_asymmetric(queue) ? std::min(usual, kShortThinkTime) : usual;
}

}  // namespace wbsim::block::bfq
