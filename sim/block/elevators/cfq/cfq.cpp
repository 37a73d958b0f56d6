#include "sim/block/elevators/cfq/cfq.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

// rw_is_sync(), cfq_bio_sync().
bool rw_is_sync(const engine::RwbsFlags& flags) { return !flags.write || flags.sync; }
CfqSync kind_of(const engine::RwbsFlags& flags) { return rw_is_sync(flags) ? kCfqSync : kCfqAsync; }

}  // namespace

Cfq::Cfq(const ElevatorContext& context)
    : machine_{context.machine},
      host_{context.single_queue},
      rotational_{context.rotational},
      tunables_{context},
      head_order_{tunables_.back_seek_max, tunables_.back_seek_penalty},
      group_{tunables_, now()},
      turn_{tunables_, group_},
      contexts_{*this},
      owners_(static_cast<std::size_t>(context.request_numbers)),
      last_delayed_sync_{now() - context.machine.jiffies().hz()},
      idle_timer_{engine::event_calling<&Cfq::on_idle_timer>(*this, "cfq idle timer")} {}

Cfq::~Cfq() { machine_.simulator().cancel(idle_timer_); }

// A request comes and goes.

void Cfq::set_request(Request& request, const Bio& bio) {
  CfqContext& context = contexts_.get(*bio.context, now());
  CfqQueue& queue = contexts_.queue_for_request(context, kind_of(request.flags));
  owner_of(request) = {&queue, &context};
}

void Cfq::finish_request(Request& request) {
  Owner& owner = owner_of(request);
  if (owner.queue != nullptr) {
    contexts_.put_request(*owner.queue);
    owner = {};
  }
}

MayQueue Cfq::may_queue(const Bio& bio) {
  CfqQueue* queue = queue_of(bio);
  if (queue == nullptr) {
    return MayQueue::kMay;
  }
  CfqContexts::update_priority(*queue, *contexts_.find(*bio.context));
  if (queue->wait_request && !queue->must_alloc_slice) {
    queue->must_alloc_slice = true;
    return MayQueue::kMust;
  }
  return MayQueue::kMay;
}

void Cfq::io_context_exits(const IoContext& context) {
  if (CfqContext* gone = contexts_.find(context)) {
    contexts_.exit(*gone);
  }
}

// Models: cfq_insert_request().
void Cfq::insert(Request& request) {
  const auto [queue, context] = owner_of(request);
  CfqContexts::update_priority(*queue, *context);
  request.in_elevator = true;
  request.fifo_time = static_cast<std::uint64_t>(now() + tunables_.fifo_expire[queue->kind()]);
  queue->fifo.push_back(request);
  add_sorted(*queue, request);
  noted_arrival(*queue, request);
}

// Models: cfq_add_rq_rb().
void Cfq::add_sorted(CfqQueue& queue, Request& request) {
  ++queue.queued;
  queue.sorted.add(request);
  if (!queue.busy) {
    add_busy(queue);
  }
  Request* before = queue.next;
  queue.next = better(queue.next, &request, head_);
  if (queue.next != before) {
    close_queues_.update(queue);
  }
}

// Models: cfq_remove_request(). A queue that runs empty stays busy until its slice is over. Callers
// have chosen another one if the request was the next.
void Cfq::remove(CfqQueue& queue, Request& request) {
  queue.fifo.erase(queue.fifo.iterator_to(request));
  queue.sorted.remove(request);
  --queue.queued;
  --queued_;
  if (request.flags.prio) {
    --queue.prio_pending;
  }
  if (queue.empty()) {
    close_queues_.remove(queue);
  }
}

// Models: cfq_choose_req(). All requests of a queue are synchronous, or none.
Request* Cfq::better(Request* a, Request* b, Lba head) const {
  if (a != nullptr && b != nullptr && a->flags.prio != b->flags.prio) {
    return a->flags.prio ? a : b;
  }
  return head_order_.better(a, b, head);
}

Request* Cfq::next_after(CfqQueue& queue, Request& request) const {
  const auto [next, former] = HeadOrder::neighbours(queue.sorted, request);
  return better(next, former, request.sector);
}

// Models: cfq_rq_enqueued().
void Cfq::noted_arrival(CfqQueue& queue, Request& request) {
  CfqContext& context = *owner_of(request).context;
  ++queued_;
  if (request.flags.prio) {
    ++queue.prio_pending;
  }
  if (queue.sync) {
    context.think_time.add_since_end(now(), 2 * tunables_.slice_idle);
    queue.tree->think_time.add_since_end(now(), 2 * tunables_.slice_idle);
  }
  group_.think_time.add_since_end(now(), 2 * tunables_.group_idle);
  queue.seeks.add(request, rotational_);
  update_idle_window(queue, context);

  if (&queue != active_) {
    if (should_preempt(queue, request)) {
      preempt(queue);
      host_->run_after_hook();
    }
    return;
  }
  if (!queue.wait_request) {
    return;
  }
  // A single page may be followed by more that merges with it, so it waits for the unplug; unless
  // it is larger than that already, or others wait for the disk too.
  if (request.length > kSectorsPerPage || busy_queues_ > 1) {
    stop_idle_timer();
    queue.wait_request = false;
    host_->run_after_hook();
  } else {
    queue.must_dispatch = true;
  }
}

// Merging.

CfqQueue* Cfq::queue_of(const Bio& bio) const {
  const CfqContext* context = contexts_.find(*bio.context);
  return context == nullptr ? nullptr : context->queues[kind_of(bio.flags)];
}

Request* Cfq::find_front_merge(const Bio& bio) {
  CfqQueue* queue = queue_of(bio);
  return queue == nullptr ? nullptr : queue->sorted.find(bio.end());
}

// Models: cfq_allow_merge(). No queue has both synchronous and asynchronous requests, so that this
// need not be looked at.
bool Cfq::allow_merge(const Request& request, const Bio& bio) {
  const CfqQueue* queue = queue_of(bio);
  return queue != nullptr && queue == owners_[static_cast<std::size_t>(request.number)].queue;
}

void Cfq::request_merged(Request& request, MergeKind kind) {
  if (kind == MergeKind::kFront) {
    CfqQueue& queue = *owner_of(request).queue;
    queue.sorted.remove(request);
    --queue.queued;
    add_sorted(queue, request);
  }
}

// Models: cfq_merged_requests(). Both are of one queue, where neighbours are looked for, and the
// queue keeps one of them.
void Cfq::requests_merged(Request& request, Request& next) {
  if (!next.in_elevator) {
    return;  // was merged instead of being inserted
  }
  CfqQueue& queue = *owner_of(request).queue;
  SIM_CHECK(owner_of(next).queue == &queue);
  if (next.fifo_time < request.fifo_time) {
    queue.fifo.splice(queue.fifo.iterator_to(next), queue.fifo, queue.fifo.iterator_to(request));
    request.fifo_time = next.fifo_time;
  }
  if (queue.next == &next) {
    queue.next = &request;
  }
  remove(queue, next);
}

Request* Cfq::former_request(Request& request) {
  return owner_of(request).queue->sorted.former(request);
}

Request* Cfq::latter_request(Request& request) {
  return owner_of(request).queue->sorted.latter(request);
}

// The driver.

void Cfq::activate_request(Request& request) {
  if (owner_of(request).queue != nullptr) {
    ++in_driver_;
    head_ = request.end();
  }
}

void Cfq::deactivate_request(Request& request) {
  in_driver_ -= owner_of(request).queue != nullptr ? 1 : 0;
}

// Models: cfq_completed_request().
void Cfq::completed_request(Request& request, SimTime /*now*/) {
  CfqQueue* queue = owner_of(request).queue;
  if (queue == nullptr) {
    return;  // a flush
  }
  hw_tag_.sample(
      {.queued = queued_,
       .in_driver = in_driver_,
       .idles = active_ != nullptr && active_->idle_window,
       .active_requests = active_ == nullptr ? 0 : active_->dispatched + active_->queued});
  --in_driver_;
  --queue->dispatched;
  --group_.dispatched;
  --in_flight_[queue->kind()];
  SIM_CHECK(in_driver_ >= 0 && queue->dispatched >= 0);
  noted_end(*queue, request);
  if (in_driver_ == 0) {
    kick();
  }
}

void Cfq::noted_end(CfqQueue& queue, Request& request) {
  if (queue.sync) {
    owner_of(request).context->think_time.ended(now());
    ServiceTree& tree = queue.busy ? *queue.tree : group_.tree_for(queue);
    tree.think_time.ended(now());
    const auto started = static_cast<std::int64_t>(machine_.jiffies().at(request.started));
    if (now() - started >= tunables_.fifo_expire[kCfqSync]) {
      last_delayed_sync_ = now();
    }
  }
  group_.think_time.ended(now());
  if (active_ != &queue) {
    return;
  }
  if (queue.slice.is_new) {
    start_slice(queue);
  }
  if (should_wait_busy(queue)) {
    queue.slice.end =
        now() + (tunables_.slice_idle > 0 ? tunables_.slice_idle : tunables_.group_idle);
    queue.wait_busy = true;
  }
  if (queue.slice.used(now()) || queue.is_idle_class()) {
    expire_active(true);
  } else if (queue.sync && queue.empty() && close_cooperator(queue) == nullptr) {
    arm_idle_timer(queue);
  }
}

// cfq_schedule_dispatch().
void Cfq::kick() {
  if (busy_queues_ > 0) {
    host_->run_async(0);
  }
}

}  // namespace wbsim::block
