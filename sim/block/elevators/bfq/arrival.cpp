// The way of a request into its queue (__bfq_insert_request(), bfq_add_request()).
#include <algorithm>

#include "sim/block/elevators/bfq/bfq.hpp"
#include "sim/block/elevators/bfq/budget.hpp"
#include "sim/block/elevators/bfq/busy.hpp"
#include "sim/block/elevators/bfq/idling.hpp"
#include "sim/block/elevators/bfq/request_choice.hpp"

namespace wbsim::block::bfq {

namespace {

constexpr int kInTimeSlices = 3;                             // of slice_idle
constexpr int kRequestsWithinTimer = 120;                    // bfq_requests_within_timer, v5.10
constexpr SimDuration kIntensityMemory = milliseconds(200);  // bfq_update_io_intensity(), v6.1
constexpr int kIdleShare = 5;  // more than a fifth of the time idle: not I/O bound

// Models: bfq_bfqq_higher_class_or_weight().
bool is_higher(const Queue& queue, const Queue& other) {
  if (queue.io_class < other.io_class) {
    return true;
  }
  const bool same_group = queue.parent == other.parent;
  const auto weight_of = [same_group](const Queue& which) {
    return same_group || which.parent == nullptr ? which.weight : which.parent->weight;
  };
  return weight_of(queue) > weight_of(other);
}

}  // namespace

// To the queue that it is to be merged into, if there is one.
Queue& Bfq::redirect(Request& request) {
  Queue& old = *request.elevator_queue;
  Process& process = *request.elevator_process;
  Queue* target = cooperators_.find(old, process, request.sector);
  if (target == nullptr) {
    return old;
  }
  count_requests(*target, 1);
  if (process.queues[1] == &old) {
    for (Queue* queue = &old; queue != target;) {
      queue = &cooperators_.merge(process, *queue);
    }
  }
  old.just_created = false;
  count_requests(old, -1);
  processes_.release_if_unused(old);
  request.elevator_queue = target;
  return *target;
}

void Bfq::insert(Request& request) {
  Queue& queue = redirect(request);
  update_think_time(queue);
  update_short_think_time(queue);
  update_seeks(queue, request);
  add(queue, request);
  const SimTime expires =
      clock_.now() + tuning_.fifo_expire[static_cast<std::size_t>(is_sync(request.flags))];
  request.fifo_time = static_cast<std::uint64_t>(expires.time_since_epoch().count());
  queue.fifo.push_back(request);
  queue.last_request = request.end();
  service_.request_arrived(queue, request);
}

// Models: bfq_update_io_thinktime(). v6.1 leaves out what comes while requests are pending. A new
// queue has ended its last request in the future, which counts as long ago.
void Bfq::update_think_time(Queue& queue) {
  if (tuning_.v6_1 && (queue.dispatched > 0 || queue.busy)) {
    return;
  }
  const SimDuration most = 2 * tuning_.slice_idle;
  const SimDuration elapsed = clock_.now() - queue.think_time.last_end;
  queue.think_time.add(elapsed < SimDuration::zero() ? most : std::min(elapsed, most));
}

// Models: bfq_update_has_short_ttime().
void Bfq::update_short_think_time(Queue& queue) {
  if (!queue.sync || queue.io_class == kIdleClass || tuning_.slice_idle == SimDuration::zero() ||
      !clock_.is_past(queue.split_time + tuning_.raise_min_idle)) {
    return;
  }
  const SimDuration bound = tuning_.v6_1 ? tuning_.slice_idle / 2 : tuning_.slice_idle;
  const bool is_short = !queue.think_time.is_valid() ||
                        queue.think_time.mean <= static_cast<std::uint64_t>(bound.count());
  if (std::exchange(queue.short_think_time, is_short) != is_short) {
    injection_.think_time_changed(queue);
  }
}

// Models: bfq_update_io_seektime().
void Bfq::update_seeks(Queue& queue, const Request& request) {
  const bool seek = state_.is_seek(queue.last_request, request);
  queue.seek_history = (queue.seek_history << 1U) | static_cast<std::uint32_t>(seek);
  raising_.seek_noted(queue);
}

// Models: bfq_update_io_intensity(), v6.1.
void Bfq::update_intensity(Queue& queue) const {
  Intensity& own = queue.intensity;
  const SimTime now = clock_.now();
  const SimDuration total = now - own.since;
  if (queue.empty() && queue.dispatched == 0) {
    own.idle += now - queue.think_time.last_end;
  }
  if (queue.just_created) {
    return;
  }
  own.io_bound = own.idle * kIdleShare <= total;
  if (total > kIntensityMemory) {
    own.since = now - total / 2;
    own.idle /= 2;
  }
}

// v5.10: 120 requests in a row that come in time make a queue I/O bound again.
void Bfq::count_requests_in_time(Queue& queue, bool in_time) const {
  Intensity& own = queue.intensity;
  if (tuning_.v6_1 || own.io_bound) {
    return;
  }
  own.requests_within_timer = in_time ? own.requests_within_timer + 1 : 0;
  own.io_bound = own.requests_within_timer >= kRequestsWithinTimer;
}

// Models: bfq_add_request().
void Bfq::add(Queue& queue, Request& request) {
  const Process& process = *request.elevator_process;
  const bool was_raised = queue.is_raised();
  ++queue.queued[is_sync(request.flags) ? 1 : 0];
  ++state_.queued;
  const bool first = tuning_.v6_1 ? process.requests <= 1 : queue.empty();
  if (queue.sync && first) {
    wakers_.first_request(queue);
    injection_.first_request(queue);
  }
  if (tuning_.v6_1 && queue.sync) {
    update_intensity(queue);
  }
  queue.sorted.add(request);
  Request* before = queue.next;
  queue.next = choose_request(tuning_, before, &request, state_.last_position);
  const bool changed = before != queue.next;
  if (changed) {
    cooperators_.update_position(queue);
  }
  bool interactive = false;
  if (!queue.busy) {
    interactive = becomes_busy(queue, process).interactive;
  } else {
    raising_.request_added(queue, request, was_raised);
    if (changed) {
      service_.next_changed(queue);
    }
  }
  raising_.note_arrival(queue, was_raised, interactive);
}

// Models: bfq_bfqq_handle_idle_busy_switch().
WeightRaising::Claim Bfq::becomes_busy(Queue& queue, const Process& process) {
  const WeightRaising::Claim claim = raising_.claim_of(queue, process);
  const bool in_time =
      clock_.now() <= queue.think_time.last_end + kInTimeSlices * tuning_.slice_idle;
  const bool wants_to_preempt = assign_for_activation(state_, queue, in_time);
  bursts_.becomes_busy(queue, claim.idle_for_long);
  queue.just_created = false;
  count_requests_in_time(queue, in_time);
  raising_.becomes_busy(queue, claim);
  queue.backlogged_since = clock_.jiffies();
  queue.service_since_backlogged = 0;
  queue.soft_real_time_pending = false;
  add_busy(state_, queue);
  wakers_.becomes_busy(queue);
  if (may_preempt(queue, wants_to_preempt)) {
    service_.expire(Expiration::kPreempted);
  }
  return claim;
}

bool Bfq::may_preempt(const Queue& queue, bool wants_to) const {
  const Queue* served = state_.in_service;
  if (served == nullptr || !state_.wf2q.next_may_preempt()) {
    return false;
  }
  return (wants_to && queue.coefficient >= served->coefficient) || is_higher(queue, *served) ||
         (tuning_.v6_1 && !is_better_to_idle(state_, *served));
}

}  // namespace wbsim::block::bfq
