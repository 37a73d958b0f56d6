// cfq of v2.6.18: the active queue, its slice, and what it gives to the driver.

#include <algorithm>

#include "sim/block/elevators/cfq/cfq_rounds.hpp"

namespace wbsim::block {

// Models: cfq_select_queue().
CfqRoundsQueue* CfqRounds::select_queue() {
  if (active_ == nullptr) {
    return activate_next();
  }
  const bool used = !active_->must_dispatch && now() > active_->slice_end;
  if (!used) {
    if (!active_->empty()) {
      return active_;
    }
    if (active_->dispatched > 0 || (active_->sync && arm_idle_timer(*active_))) {
      return nullptr;
    }
  }
  expire_active(false);
  return activate_next();
}

// Models: cfq_set_active_queue().
CfqRoundsQueue* CfqRounds::activate_next() {
  CfqRoundsQueue* queue = rounds_.next();
  if (queue == nullptr && rounds_.next_idle() != nullptr) {
    const std::int64_t grace_end = last_end_ + machine_.jiffies().hz() / 10;  // CFQ_IDLE_GRACE
    if (now() >= grace_end) {
      queue = rounds_.next_idle();
    } else {
      start_timer(idle_class_timer_, grace_end - now());
    }
  }
  activate(queue);
  return queue;
}

// Models: __cfq_set_active_queue().
void CfqRounds::activate(CfqRoundsQueue* queue) {
  if (queue != nullptr) {
    machine_.simulator().cancel(idle_class_timer_);
    queue->slice_end = 0;
    queue->must_alloc_slice = false;
    queue->fifo_expired = false;
  }
  active_ = queue;
}

// Models: __cfq_slice_expired().
void CfqRounds::expire(CfqRoundsQueue& queue, bool preempted) {
  if (queue.wait_request) {
    stop_idle_timer();
  }
  if (!preempted && queue.dispatched == 0) {
    queue.service_last = now();
    kick();
  }
  queue.must_dispatch = false;
  queue.wait_request = false;
  if (queue.busy) {
    rounds_.put(queue, preempted);
  }
  if (active_ == &queue) {
    active_ = nullptr;
  }
  active_context_ = nullptr;
  slice_requests_ = 0;
}

void CfqRounds::expire_active(bool preempted) {
  if (active_ != nullptr) {
    expire(*active_, preempted);
  }
}

// Models: cfq_preempt_queue().
void CfqRounds::preempt(CfqRoundsQueue& queue) {
  rounds_.break_turn();
  expire_active(true);
  activate(&queue);
}

// Models: cfq_arm_slice_timer(). A task that seeks has a little time all the same, so that it gets
// its slice of time if it comes back at once.
bool CfqRounds::arm_idle_timer(CfqRoundsQueue& queue) {
  if (tunables_.slice_idle == 0 || !queue.idle_window || active_context_ == nullptr ||
      active_context_->owner.exited) {
    return false;
  }
  constexpr std::uint64_t kSeekyWait = 2;  // ms
  queue.must_dispatch = true;
  queue.wait_request = true;
  std::int64_t wait = tunables_.slice_idle;
  if (active_context_->seeks.valid() && active_context_->seeky()) {
    const std::uint64_t ticks = machine_.jiffies().from_msecs_ceil(kSeekyWait);
    wait = std::min(wait, static_cast<std::int64_t>(ticks));
  }
  start_timer(idle_timer_, wait);
  return true;
}

void CfqRounds::start_timer(engine::Event& timer, std::int64_t jiffies) {
  engine::Simulator& simulator = machine_.simulator();
  simulator.cancel(timer);
  simulator.schedule(
      timer, machine_.jiffies().timer_time(simulator.now(), static_cast<std::uint64_t>(jiffies)));
}

void CfqRounds::stop_idle_timer() { machine_.simulator().cancel(idle_timer_); }

// Models: cfq_idle_slice_timer(). What is waited for stops the timer, so that it has not come.
void CfqRounds::on_idle_timer() {
  if (active_ != nullptr && now() <= active_->slice_end && busy_queues_ == 0) {
    return;  // there is nobody to make room for
  }
  expire_active(false);
  kick();
}

// Models: cfq_idle_class_timer().
void CfqRounds::on_idle_class_timer() {
  const std::int64_t grace_end = last_end_ + machine_.jiffies().hz() / 10;
  if (now() < grace_end) {
    start_timer(idle_class_timer_, grace_end - now());
  } else {
    kick();
  }
}

// Models: cfq_check_fifo().
Request* CfqRounds::expired_request(CfqRoundsQueue& queue) const {
  if (queue.fifo_expired || queue.fifo.empty()) {
    return nullptr;
  }
  Request& oldest = queue.fifo.front();
  const auto started = static_cast<std::int64_t>(machine_.jiffies().at(oldest.started));
  if (now() <= started + tunables_.fifo_expire[queue.kind()]) {
    return nullptr;
  }
  queue.fifo_expired = true;
  return &oldest;
}

// Models: cfq_dispatch_insert().
void CfqRounds::take(CfqRoundsQueue& queue, Request& request, DispatchList& list) {
  queue.next = next_after(queue, request);
  remove(queue, request);
  ++queue.dispatched;
  list.add_sorted(request);
  head_ = list.last().end();
}

// Models: __cfq_dispatch_requests().
int CfqRounds::dispatch_turn(CfqRoundsQueue& queue, DispatchList& list) {
  const std::int64_t most = queue.is_idle_class() ? 1 : tunables_.quantum;
  int dispatched = 0;
  do {
    Request* expired = expired_request(queue);
    Request& request = expired != nullptr ? *expired : *queue.next;
    take(queue, request, list);
    ++slice_requests_;
    ++dispatched;
    active_context_ = owner_of(request).context;  // of all requests, where they are waited for
  } while (!queue.empty() && dispatched < most);
  if (queue.slice_end == 0) {
    queue.slice_end = now() + tunables_.slice_of(queue.kind(), queue.level);
  }
  const bool writes_done =
      !queue.sync && slice_requests_ >= tunables_.async_requests_of(queue.level);
  if (writes_done || queue.is_idle_class() || !queue.idle_window) {
    expire_active(false);
  }
  return dispatched;
}

// Models: cfq_dispatch_requests(): goes on from queue to queue until it meets one that is worth
// staying with, or the same one again.
int CfqRounds::dispatch_to(DispatchList& list, bool forced) {
  if (busy_queues_ == 0) {
    return 0;
  }
  if (forced) {
    return dispatch_everything(list);
  }
  int dispatched = 0;
  const CfqRoundsQueue* former = nullptr;
  while (CfqRoundsQueue* queue = select_queue()) {
    if (queue == former) {
      break;
    }
    queue->must_dispatch = false;
    queue->wait_request = false;
    dispatched += dispatch_turn(*queue, list);
    if (active_ != nullptr) {
      break;
    }
    former = queue;
  }
  return dispatched;
}

// Models: cfq_forced_dispatch().
int CfqRounds::dispatch_everything(DispatchList& list) {
  int dispatched = 0;
  while (CfqRoundsQueue* queue = rounds_.any()) {
    while (queue->next != nullptr) {
      take(*queue, *queue->next, list);
      ++dispatched;
    }
  }
  expire_active(false);
  return dispatched;
}

}  // namespace wbsim::block
