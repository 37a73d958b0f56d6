#include "sim/block/elevators/bfq/service.hpp"

#include <utility>

#include "sim/block/elevators/bfq/budget.hpp"
#include "sim/block/elevators/bfq/busy.hpp"
#include "sim/block/elevators/bfq/idling.hpp"
#include "sim/block/elevators/bfq/request_choice.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {

namespace {
constexpr Sectors kSmallRequest{32};

bool may_be_injected(const State& state, const Queue* queue) {
  return queue != nullptr && queue->busy && queue->next != nullptr && state.next_fits(*queue);
}
}  // namespace

Service::Service(State& state, engine::Simulator& simulator, ElevatorHost* host, const Rules& rules)
    : state_{state},
      simulator_{simulator},
      host_{host},
      rules_{rules},
      idle_timer_{engine::event_calling<&Service::on_idle_timer>(*this, "bfq idle timer")} {}

// Models: bfq_schedule_dispatch().
void Service::ask_for_dispatch() {
  if (state_.queued > 0 && host_ != nullptr) {
    host_->run_async(cpu_);
  }
}

void Service::stop_waiting() {
  state_.in_service->waits_for_request = false;
  simulator_.cancel(idle_timer_);
}

Request* Service::dispatch() {
  if (state_.busy_queues() == 0 || (state_.tuning.strict_guarantees && state_.in_driver > 0)) {
    return nullptr;
  }
  Queue* queue = select();
  if (queue == nullptr) {
    return nullptr;
  }
  Request& request = *queue->next;
  const bool in_service = queue == state_.in_service;
  serve(state_, *queue, state_.charge_of(request, *queue));
  if (in_service) {
    rules_.injection.dispatched_in_service(request);
  }
  ++queue->dispatched;
  rules_.peak_rate.dispatched(request, in_service);
  remove(request, *queue);
  if (in_service) {
    rules_.raising.request_dispatched(*queue);
    if (state_.busy_queues() > 1 && queue->io_class == kIdleClass) {
      expire(Expiration::kBudgetExhausted);
    }
  }
  ++state_.in_driver;
  request.started_by_elevator = true;
  return &request;
}

Queue* Service::select() {
  Queue* queue = state_.in_service;
  if (queue != nullptr && may_time_out(state_, *queue) && !must_idle(state_, *queue)) {
    expire(Expiration::kBudgetTimeout);
    queue = nullptr;
  }
  while (true) {
    if (queue == nullptr) {
      queue = put_next_in_service();
    }
    if (queue == nullptr) {
      return nullptr;
    }
    if (queue->next != nullptr && state_.next_fits(*queue)) {
      if (queue->waits_for_request) {
        stop_waiting();
      }
      return queue;
    }
    if (queue->next == nullptr && (queue->waits_for_request ||
                                   (queue->dispatched > 0 && is_better_to_idle(state_, *queue)))) {
      return choose_other(*queue);
    }
    expire(queue->next == nullptr ? Expiration::kNoMoreRequests : Expiration::kBudgetExhausted);
    queue = nullptr;
  }
}

Queue* Service::choose_other(Queue& waited_for) {
  const Process* owner = waited_for.owner;
  Queue* async = owner == nullptr ? nullptr : owner->queues[0];
  if (may_be_injected(state_, async) && async->next->elevator_process == owner) {
    return async;
  }
  if (Queue* waker = Wakers::waker_of(waited_for); may_be_injected(state_, waker)) {
    return waker;
  }
  if (state_.tuning.v6_1 && !waited_for.woken.empty()) {
    Queue& woken = waited_for.woken.front();
    if (may_be_injected(state_, &woken)) {
      return &woken;
    }
  }
  const bool others_allowed =
      !waited_for.is_raised() || state_.raised_busy > 1 || !waited_for.short_think_time;
  return !idling_speeds_up(state_, waited_for) && others_allowed ? rules_.injection.choose()
                                                                 : nullptr;
}

// Models: bfq_set_in_service_queue().
Queue* Service::put_next_in_service() {
  Queue* queue = state_.busy_queues() == 0 ? nullptr : &state_.wf2q.next_queue();
  if (queue != nullptr) {
    queue->fifo_checked = false;
    budget_assigned(state_);
    rules_.raising.service_begins(*queue);
    start_budget_timeout(state_, *queue);
  }
  state_.in_service = queue;
  if (state_.tuning.v6_1) {
    state_.last_position_in_service = Lba{0};
  }
  return queue;
}

void Service::expire(Expiration reason, SimTime until) {
  Queue& queue = *state_.in_service;
  charge_time(state_, queue, reason, until);
  if (!state_.tuning.v6_1 && reason == Expiration::kTooIdle &&
      queue.service <= 2 * queue.budget / 10) {
    queue.intensity.io_bound = false;
  }
  rules_.raising.expired(queue);
  rules_.injection.expired();
  adjust_budget(state_, queue, reason);
  Entity* group = queue.parent;
  if (end_turn(queue, reason)) {
    return;
  }
  if (!queue.busy && reason != Expiration::kBudgetTimeout &&
      reason != Expiration::kBudgetExhausted) {
    queue.expired_by_waiting = true;  // its service is kept: it may come back in time
  } else {
    queue.service = 0;
  }
  for (; group != nullptr; group = group->parent) {
    group->service = 0;
  }
}

// Models: __bfq_bfqq_expire(). An empty queue that is preempted, but owed to be waited for, stays
// scheduled. True where the queue is gone.
bool Service::end_turn(Queue& queue, Expiration reason) {
  if (queue.shared && queue.seeky()) {
    queue.split_wanted = true;
  }
  const bool stays = reason == Expiration::kPreempted && idling_is_owed(state_, queue);
  if (queue.empty() && !stays) {
    if (queue.dispatched == 0) {
      queue.budget_timeout = state_.clock.jiffies();
    }
    remove_busy(state_, queue, true);
  } else {
    state_.wf2q.requeue(queue, true, true);
    if (!queue.empty()) {
      rules_.cooperators.update_position(queue);
    }
  }
  stop_waiting();
  state_.in_service = nullptr;
  Wf2q::reset_in_service(queue);
  const bool gone = queue.unused();
  state_.keeper.dereferenced(queue);
  return gone;
}

void Service::process_exits(const Queue& queue) {
  if (&queue == state_.in_service) {
    end_turn(*state_.in_service, Expiration::kBudgetTimeout);
    ask_for_dispatch();
  }
}

// A small request may be joined by others soon, so that waiting goes on where it is for speed.
void Service::request_arrived(Queue& queue, const Request& request) {
  if (&queue != state_.in_service || !queue.waits_for_request) {
    return;
  }
  const bool small =
      queue.queued[is_sync(request.flags) ? 1 : 0] == 1 && request.length < kSmallRequest;
  const bool out_of_time = state_.clock.is_reached(queue.budget_timeout);
  if (small && idling_speeds_up(state_, queue) && !out_of_time) {
    return;
  }
  stop_waiting();
  if (out_of_time) {
    expire(Expiration::kBudgetTimeout);
  }
}

void Service::next_changed(Queue& queue) {
  if (assign_for_next_request(state_, queue)) {
    state_.wf2q.requeue(queue, false, false);
  }
}

void Service::remove(Request& request, Queue& queue) {
  if (queue.next == &request) {
    queue.next = find_next_request(state_, queue, request);
    next_changed(queue);
  }
  if (request.queuelist.is_linked()) {
    queue.fifo.erase(queue.fifo.iterator_to(request));
  }
  --queue.queued[is_sync(request.flags) ? 1 : 0];
  --state_.queued;
  queue.sorted.remove(request);
  if (!queue.empty()) {
    rules_.cooperators.update_position(queue);
    return;
  }
  queue.next = nullptr;
  if (queue.busy && &queue != state_.in_service) {
    remove_busy(state_, queue, false);  // the request still refers to the queue
    queue.budget = queue.service = 0;
  }
  rules_.cooperators.remove_position(queue);
}

void Service::completed(const Request& request, Queue& queue) {
  cpu_ = request.cpu;
  rules_.injection.completed(request, queue);
  rules_.queueing.before_completion();
  --state_.in_driver;
  --queue.dispatched;
  if (queue.dispatched == 0 && !queue.busy) {
    queue.budget_timeout = state_.clock.jiffies();
    stop_counting(state_, queue);
  }
  const SimTime now = state_.clock.now();
  queue.think_time.last_end = now;
  rules_.peak_rate.completed(now);
  state_.last_completion = now;
  state_.last_completed = state_.tuning.v6_1 && queue.shared ? nullptr : &queue;
  rules_.raising.completed(queue);
  if (state_.in_service == &queue) {
    if (must_idle(state_, queue)) {
      if (queue.dispatched == 0) {
        queue.waits_for_request = true;
        state_.idling_began = now;
        simulator_.reschedule(idle_timer_, now + idle_time(state_, queue));
      }
      return;
    }
    if (may_time_out(state_, queue)) {
      expire(Expiration::kBudgetTimeout);
    } else if (queue.empty() && (queue.dispatched == 0 || !is_better_to_idle(state_, queue))) {
      expire(Expiration::kNoMoreRequests);
    }
  }
  if (state_.in_driver == 0) {
    ask_for_dispatch();
  }
}

void Service::on_idle_timer() {
  if (state_.in_service == nullptr) {
    return;
  }
  Queue& queue = *state_.in_service;
  queue.waits_for_request = false;
  if (state_.clock.is_reached(queue.budget_timeout)) {
    expire(Expiration::kBudgetTimeout, state_.idling_began);
  } else if (queue.queued[0] + queue.queued[1] == 0) {
    expire(Expiration::kTooIdle, state_.idling_began);
  }
  ask_for_dispatch();
}

}  // namespace wbsim::block::bfq
