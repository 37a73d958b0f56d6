// cfq: which queues are busy, and the slice of the active one.

#include "sim/block/elevators/cfq/cfq.hpp"

namespace wbsim::block {

// Models: cfq_add_cfqq_rr(). The group's number of queues, which the place depends on, is that
// without this one.
void Cfq::add_busy(CfqQueue& queue) {
  queue.busy = true;
  ++busy_queues_;
  busy_sync_queues_ += queue.sync ? 1 : 0;
  resort(queue);
  ++group_.queues;
}

// Models: cfq_del_cfqq_rr(). A group that has no queue left forgets what was due in it.
void Cfq::remove_busy(CfqQueue& queue) {
  queue.busy = false;
  ServiceTree::remove(queue);
  if (--group_.queues == 0) {
    group_.saved.slice = 0;
  }
  --busy_queues_;
  busy_sync_queues_ -= queue.sync ? 1 : 0;
}

// Models: cfq_resort_rr_list().
void Cfq::resort(CfqQueue& queue) {
  const std::int64_t key = group_.service_key(queue, now(), machine_.jiffies().hz());
  group_.tree_for(queue).put(queue, key);
  close_queues_.update(queue);
}

// Models: __cfq_set_active_queue().
void Cfq::activate(CfqQueue* queue) {
  if (queue != nullptr) {
    const std::int64_t residual = queue->slice.residual;
    queue->slice = {.residual = residual};
    queue->wait_request = false;
    queue->must_dispatch = false;
    queue->must_alloc_slice = false;
    queue->fifo_checked = false;
    stop_idle_timer();
  }
  active_ = queue;
}

// Models: cfq_set_prio_slice().
void Cfq::start_slice(CfqQueue& queue) {
  queue.slice.is_new = false;
  queue.slice.start = now();
  queue.slice.end = now() + group_.scaled_slice(queue);
}

// Models: __cfq_slice_expired().
void Cfq::expire(CfqQueue& queue, bool timed_out) {
  if (queue.wait_request) {
    stop_idle_timer();
  }
  queue.wait_request = false;
  queue.wait_busy = false;
  if (queue.coop && queue.seeks.seeky()) {
    queue.split_coop = true;
  }
  if (timed_out) {
    queue.slice.residual =
        queue.slice.is_new ? group_.scaled_slice(queue) : queue.slice.left(now());
  }
  turn_.save(now());
  if (queue.busy && queue.empty()) {
    remove_busy(queue);
  }
  if (queue.busy) {
    resort(queue);
  }
  if (active_ == &queue) {
    active_ = nullptr;
  }
  active_context_ = nullptr;
}

void Cfq::expire_active(bool timed_out) {
  if (active_ != nullptr) {
    expire(*active_, timed_out);
  }
}

// Models: cfq_exit_cfqq() and the end of cfq_put_queue().
void Cfq::forget_queue(CfqQueue& queue) {
  if (active_ == &queue) {
    expire(queue, false);
    kick();
  }
}

// Models: cfq_should_preempt(). `queue`, which is not the active one, has got `request`.
bool Cfq::should_preempt(const CfqQueue& queue, const Request& request) {
  if (active_ == nullptr || queue.is_idle_class()) {
    return false;
  }
  const CfqQueue& active = *active_;
  if (active.is_idle_class()) {
    return true;
  }
  if (active.is_real_time() && !queue.is_real_time()) {
    return false;
  }
  if (queue.sync && !active.sync) {
    return true;
  }
  if (active.slice.used(now())) {
    return true;
  }
  // Seeking queues share their idling: it is done for the last one, and this is another.
  if (turn_.workload() == CfqWorkload::kSyncNoIdle &&
      queue.workload() == CfqWorkload::kSyncNoIdle && queue.tree->size() == 2 && active.empty()) {
    return true;
  }
  if (request.flags.prio && active.prio_pending == 0) {
    return true;
  }
  if (queue.is_real_time() && !active.is_real_time()) {
    return true;
  }
  if (active.empty() && !should_idle(active)) {
    return true;
  }
  return active_context_ != nullptr && active.wait_request && CloseQueues::is_close(request, head_);
}

// Models: cfq_preempt_queue(). The turn of another workload would keep the queue waiting, so it
// ends.
void Cfq::preempt(CfqQueue& queue) {
  const CfqWorkload before = active_->workload();
  expire_active(true);
  if (before != queue.workload()) {
    group_.saved.slice = 0;
  }
  const std::int64_t key = group_.front_key(queue, now(), machine_.jiffies().hz());
  group_.tree_for(queue).put(queue, key);
}

// Models: cfq_should_idle().
bool Cfq::should_idle(const CfqQueue& queue) const {
  if (tunables_.slice_idle == 0 || queue.is_idle_class()) {
    return false;
  }
  if (queue.idle_window && !needs_no_idling()) {
    return true;
  }
  return queue.tree->size() == 1 && queue.sync &&
         !queue.tree->think_time.exceeds(tunables_.slice_idle);
}

// Models: cfq_should_wait_busy(): the only queue of a group has run empty just when its slice ends;
// a little more and the group keeps its place.
bool Cfq::should_wait_busy(const CfqQueue& queue) const {
  if (!queue.empty() || group_.queues > 1 || group_.think_time.exceeds(tunables_.group_idle)) {
    return false;
  }
  if (queue.slice.used(now()) || queue.slice.left(now()) == 1) {
    return true;
  }
  return active_context_ != nullptr && active_context_->think_time.exceeds(queue.slice.left(now()));
}

// Models: cfq_arm_slice_timer().
void Cfq::arm_idle_timer(CfqQueue& queue) {
  if (needs_no_idling()) {
    return;
  }
  const bool for_group = !should_idle(queue);
  if (for_group && tunables_.group_idle == 0) {
    return;
  }
  if (queue.dispatched > 0 || active_context_ == nullptr || active_context_->owner.exited) {
    return;
  }
  if (active_context_->think_time.exceeds(queue.slice.left(now()))) {
    return;
  }
  if (for_group && group_.queues > 1) {
    return;
  }
  queue.wait_request = true;
  const std::int64_t wait = for_group ? tunables_.group_idle : tunables_.slice_idle;
  stop_idle_timer();
  machine_.simulator().schedule(
      idle_timer_,
      machine_.jiffies().timer_time(machine_.simulator().now(), static_cast<std::uint64_t>(wait)));
}

void Cfq::stop_idle_timer() { machine_.simulator().cancel(idle_timer_); }

// Models: cfq_idle_slice_timer().
void Cfq::on_idle_timer() {
  bool timed_out = true;
  if (active_ != nullptr) {
    timed_out = false;
    const bool used = active_->slice.used(now());
    if (active_->must_dispatch || (!used && !active_->empty())) {
      kick();
      return;
    }
    if (!used) {
      active_->deep = false;
    }
  }
  expire_active(timed_out);
  kick();
}

// Models: cfq_update_idle_window().
void Cfq::update_idle_window(CfqQueue& queue, const CfqContext& context) {
  constexpr int kDeep = 4;
  if (!queue.sync || queue.is_idle_class()) {
    return;
  }
  if (queue.queued >= kDeep) {
    queue.deep = true;
  }
  // REQ_NOIDLE: of synchronous writes all but direct ones announce that nothing follows.
  const auto announces_nothing = [](const Request& request) {
    return request.flags.write && request.flags.sync && !request.flags.idle;
  };
  if (announces_nothing(*queue.next) || context.owner.exited || tunables_.slice_idle == 0 ||
      (!queue.deep && queue.seeks.seeky())) {
    queue.idle_window = false;
  } else if (context.think_time.valid()) {
    queue.idle_window = !context.think_time.exceeds(tunables_.slice_idle);
  }
}

}  // namespace wbsim::block
