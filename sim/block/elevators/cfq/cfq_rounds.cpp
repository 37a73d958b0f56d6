#include "sim/block/elevators/cfq/cfq_rounds.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

CfqRounds::CfqRounds(const ElevatorContext& context)
    : machine_{context.machine},
      host_{context.single_queue},
      tunables_{context},
      head_order_{tunables_.back_seek_max, tunables_.back_seek_penalty},
      owners_(static_cast<std::size_t>(context.request_numbers)),
      last_end_{now() - context.machine.jiffies().hz()},
      idle_timer_{engine::event_calling<&CfqRounds::on_idle_timer>(*this, "cfq idle timer")},
      idle_class_timer_{
          engine::event_calling<&CfqRounds::on_idle_class_timer>(*this, "cfq idle class timer")} {}

CfqRounds::~CfqRounds() {
  machine_.simulator().cancel(idle_timer_);
  machine_.simulator().cancel(idle_class_timer_);
}

// Models: cfq_insert_request().
void CfqRounds::insert(Request& request) {
  const auto [queue, context] = owner_of(request);
  update_priority(*queue, *context);
  request.in_elevator = true;
  add_sorted(*queue, request);
  queue->fifo.push_back(request);
  noted_arrival(*queue, request);
}

// Models: cfq_add_crq_rb().
void CfqRounds::add_sorted(CfqRoundsQueue& queue, Request& request) {
  ++queue.queued;
  while (Request* alias = queue.sorted.find(request.sector)) {
    take(queue, *alias, host_->dispatch_list());
  }
  queue.sorted.add(request);
  if (!queue.busy) {
    queue.busy = true;
    ++busy_queues_;
    rounds_.put(queue, false);
  }
  queue.next = head_order_.better(queue.next, &request, head_);
}

// Models: cfq_remove_request(). A queue that runs empty leaves the lists at once.
void CfqRounds::remove(CfqRoundsQueue& queue, Request& request) {
  --queue.queued;
  if (queue.next == &request) {
    queue.next = next_after(queue, request);
  }
  queue.sorted.remove(request);
  queue.fifo.erase(queue.fifo.iterator_to(request));
  if (queue.busy && queue.sorted.empty()) {
    queue.busy = false;
    --busy_queues_;
    PriorityRounds::remove(queue);
  }
}

Request* CfqRounds::next_after(CfqRoundsQueue& queue, Request& request) const {
  const auto [next, former] = HeadOrder::neighbours(queue.sorted, request);
  return head_order_.better(next, former, head_);
}

// Models: cfq_crq_enqueued().
void CfqRounds::noted_arrival(CfqRoundsQueue& queue, Request& request) {
  Context& context = *owner_of(request).context;
  if (!queue.sync) {
    // Who is waited for writes instead, so there will be no read soon.
    if (&context == active_context_ && idle_timer_.pending()) {
      expire_active(false);
      host_->run_after_hook();
    }
    return;
  }
  context.think_time.add_since_end(now(), 2 * tunables_.slice_idle);
  context.seeks.add(distance(request.sector, context.last_end));
  update_idle_window(queue, context);
  context.last_end = request.end();
  if (&queue == active_) {
    if (queue.wait_request) {
      stop_idle_timer();
      host_->run_after_hook();
    }
  } else if (active_ != nullptr && active_->is_idle_class() && !queue.is_idle_class()) {
    preempt(queue);
    queue.must_dispatch = true;
    host_->run_after_hook();
  }
}

// Models: cfq_update_idle_window().
void CfqRounds::update_idle_window(CfqRoundsQueue& queue, const Context& context) {
  if (context.owner.exited || tunables_.slice_idle == 0 || (hw_tag_ && context.seeky())) {
    queue.idle_window = false;
  } else if (context.think_time.valid()) {
    queue.idle_window = !context.think_time.exceeds(tunables_.slice_idle);
  }
}

// Merging: a bio may join any request behind which it fits, whoever's it is (v2.6.18 had no
// allow_merge()), but a request before which it fits only in its own queue.

Request* CfqRounds::find_front_merge(const Bio& bio) {
  CfqRoundsQueue* queue = queue_of(bio);
  return queue == nullptr ? nullptr : queue->sorted.find(bio.end());
}

void CfqRounds::request_merged(Request& request, MergeKind kind) {
  if (kind != MergeKind::kFront) {
    return;
  }
  CfqRoundsQueue& queue = *owner_of(request).queue;
  if (queue.next == &request) {
    queue.next = next_after(queue, request);
  }
  queue.sorted.remove(request);
  --queue.queued;
  add_sorted(queue, request);
}

// Models: cfq_merged_requests(). An older `next` does not lend its place: its age has passed to
// `request` before the kernel compares the two.
void CfqRounds::requests_merged(Request& /*request*/, Request& next) {
  if (next.in_elevator) {
    remove(*owner_of(next).queue, next);
  }
}

Request* CfqRounds::former_request(Request& request) {
  return owner_of(request).queue->sorted.former(request);
}

Request* CfqRounds::latter_request(Request& request) {
  return owner_of(request).queue->sorted.latter(request);
}

// The driver.

void CfqRounds::activate_request(Request& request) {
  if (owner_of(request).queue == nullptr) {
    return;
  }
  constexpr int kDepth = 4;
  ++in_driver_;
  hw_tag_ = hw_tag_ || in_driver_ > kDepth;
}

void CfqRounds::deactivate_request(Request& request) {
  in_driver_ -= owner_of(request).queue != nullptr ? 1 : 0;
}

// Models: cfq_completed_request().
void CfqRounds::completed_request(Request& request, SimTime /*now*/) {
  const auto [queue, context] = owner_of(request);
  if (queue == nullptr) {
    return;  // a flush
  }
  --in_driver_;
  --queue->dispatched;
  SIM_CHECK(in_driver_ >= 0 && queue->dispatched >= 0);
  if (!queue->is_idle_class()) {
    last_end_ = now();
  }
  if (queue->dispatched == 0 && queue->busy) {
    queue->service_last = now();
    rounds_.put(*queue, false);
  }
  if (queue->sync) {
    context->think_time.ended(now());
  }
  if (queue != active_) {
    return;
  }
  if (now() > queue->slice_end) {
    expire_active(false);
  } else if (queue->sync && queue->empty() && !arm_idle_timer(*queue)) {
    kick();
  }
}

// cfq_schedule_dispatch().
void CfqRounds::kick() {
  if (busy_queues_ > 0) {
    host_->run_async(0);
  }
}

}  // namespace wbsim::block
