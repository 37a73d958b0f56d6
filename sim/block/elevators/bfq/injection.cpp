#include "sim/block/elevators/bfq/injection.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {
constexpr std::uint64_t kReset = 1000;       // ms
constexpr std::uint64_t kSettle = 10;        // ms
constexpr std::uint64_t kThinkChange = 100;  // ms
}  // namespace

// Models: bfq_reset_inject_limit().
void Injection::reset(Queue& queue) {
  queue.injection.baseline = SimDuration::zero();
  measured_ = nullptr;
  queue.injection.limit = queue.short_think_time ? 0 : 1;
  queue.injection.decreased = state_.clock.jiffies();
}

void Injection::first_request(Queue& queue) {
  const Clock& clock = state_.clock;
  if (clock.is_reached(queue.injection.decreased + clock.from_msecs(kReset))) {
    reset(queue);
  }
  const bool for_baseline = state_.in_driver == 0;
  const bool for_limit =
      queue.injection.baseline > SimDuration::zero() && injected_ && state_.in_driver > 0;
  if (&queue != state_.in_service || !(for_baseline || for_limit) ||
      !clock.is_reached(queue.injection.decreased + clock.from_msecs(kSettle))) {
    return;
  }
  measured_since_ = clock.now();
  measures_ = true;
  if (for_baseline) {
    injected_ = false;  // what was injected before has ended
  }
}

void Injection::dispatched_in_service(const Request& request) {
  if (measures_) {
    measures_ = false;
    measured_ = &request;
  }
}

void Injection::completed(const Request& request, Queue& queue) {
  if (&request == measured_) {
    update_limit(queue);
  }
}

void Injection::forget(const Request& request) {
  if (&request == measured_) {
    measured_ = nullptr;
  }
}

// Models: bfq_update_inject_limit(). State::in_driver still counts the request.
void Injection::update_limit(Queue& queue) {
  InjectionLimit& own = queue.injection;
  const SimDuration took = state_.clock.now() - measured_since_;
  const unsigned before = own.limit;
  if (own.baseline > SimDuration::zero() && injected_) {
    const SimDuration bearable = own.baseline * 3 / 2;
    if (took >= bearable && before > 0) {
      --own.limit;
      own.decreased = state_.clock.jiffies();
    } else if (took < bearable && static_cast<int>(before) <= state_.in_driver_max) {
      ++own.limit;
    }
  }
  const bool alone = state_.in_driver == 1;
  const bool first = own.baseline == SimDuration::zero();
  if ((first && alone) || took < own.baseline) {
    if (first) {
      own.limit = std::max(1U, before);
    }
    own.baseline = took;
  } else if (!injected_ && alone) {
    own.baseline = took;
  }
  measured_ = nullptr;
  injected_ = false;
}

void Injection::expired() {
  injected_ = false;
  measures_ = false;
  measured_ = nullptr;
}

void Injection::think_time_changed(Queue& queue) {
  const Clock& clock = state_.clock;
  const bool settled = clock.is_reached(queue.injection.decreased + clock.from_msecs(kThinkChange));
  if (queue.injection.baseline == SimDuration::zero() && (settled || !queue.short_think_time)) {
    reset(queue);
  }
}

Queue* Injection::choose() {
  const Queue& waited_for = *state_.in_service;
  const bool any = !waited_for.is_raised() || !waited_for.short_think_time;
  auto limit = static_cast<int>(waited_for.injection.limit);
  if (state_.in_driver >= limit) {
    return nullptr;
  }
  for (Queue& queue : state_.wf2q.active_queues()) {
    if (queue.empty() || !(any || queue.is_raised()) || !state_.next_fits(queue)) {
      continue;
    }
    const bool large = !state_.tuning.rotational && queue.next->length >= kLargeRequest;
    limit = large ? std::min(1, limit) : static_cast<int>(waited_for.injection.limit);
    if (state_.in_driver < limit) {
      injected_ = true;
      return &queue;
    }
  }
  return nullptr;
}

}  // namespace wbsim::block::bfq
