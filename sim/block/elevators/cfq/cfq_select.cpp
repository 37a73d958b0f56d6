// cfq: which queue is served, and how much of it at once.

#include <algorithm>
#include <limits>

#include "sim/block/elevators/cfq/cfq.hpp"

namespace wbsim::block {

// Models: cfq_select_queue().
CfqQueue* Cfq::select_queue() {
  CfqQueue* next = nullptr;
  if (active_ != nullptr) {
    if (queued_ == 0) {
      return nullptr;
    }
    const Verdict verdict = judge_active(*active_, next);
    if (verdict != Verdict::kReplace) {
      return verdict == Verdict::kServe ? active_ : nullptr;
    }
    expire_active(false);
  }
  if (next == nullptr) {
    turn_.choose(now(), busy_queues_);
    next = turn_.tree().first();
  }
  activate(next);
  return active_;
}

Cfq::Verdict Cfq::judge_active(CfqQueue& queue, CfqQueue*& replacement) {
  const auto wait_or_replace = [&] {
    return waits_for_group() ? Verdict::kWait : Verdict::kReplace;
  };
  if (queue.wait_busy && !queue.empty()) {
    return Verdict::kReplace;
  }
  if (queue.slice.used(now()) && !queue.must_dispatch) {
    return wait_or_replace();
  }
  if (!queue.empty()) {
    return Verdict::kServe;
  }
  replacement = close_cooperator(queue);
  if (replacement != nullptr) {
    CfqContexts::plan_merge(queue, *replacement);
    return Verdict::kReplace;
  }
  if (idle_timer_.pending()) {
    return Verdict::kWait;
  }
  // A seeking queue was idled for because it had many requests, but the device is through with
  // them before half of the slice is.
  if (queue.seeks.seeky() && queue.idle_window &&
      (queue.slice.is_new || queue.slice.left(now()) > now() - queue.slice.start)) {
    queue.deep = false;
    queue.idle_window = false;
  }
  return queue.dispatched > 0 && should_idle(queue) ? Verdict::kWait : wait_or_replace();
}

// The group's only queue has requests in the device and will be back soon.
bool Cfq::waits_for_group() const {
  return tunables_.group_idle > 0 && group_.queues == 1 && group_.dispatched > 0 &&
         !group_.think_time.exceeds(tunables_.group_idle);
}

// Models: cfq_close_cooperator().
CfqQueue* Cfq::close_cooperator(const CfqQueue& queue) {
  if (queue.is_idle_class() || !queue.sync || queue.seeks.seeky()) {
    return nullptr;
  }
  CfqQueue* close = close_queues_.near(queue.level, head_);
  if (close == nullptr || !close->sync || close->seeks.seeky() ||
      close->is_real_time() != queue.is_real_time()) {
    return nullptr;
  }
  return close;
}

// Models: cfq_may_dispatch() and cfq_slice_used_soon().
bool Cfq::may_dispatch(const CfqQueue& queue) const {
  if (should_idle(queue) && in_flight_[kCfqAsync] > 0) {
    return false;
  }
  if (!queue.sync && in_flight_[kCfqSync] > 0) {
    return false;
  }
  std::int64_t most = queue.is_idle_class() ? 1 : std::max<std::int64_t>(tunables_.quantum / 2, 1);
  if (queue.dispatched >= most) {
    if (queue.is_idle_class()) {
      return false;
    }
    const bool alone = busy_queues_ == 1 || (queue.sync && busy_sync_queues_ == 1);
    const bool used_soon =
        queue.slice.is_new || now() + tunables_.slice_idle * queue.dispatched > queue.slice.end;
    if (!alone && used_soon) {
      return false;
    }
    most = alone ? std::numeric_limits<std::int64_t>::max() : tunables_.quantum;
  }
  if (!queue.sync && tunables_.low_latency) {
    const std::int64_t depth = (now() - last_delayed_sync_) / tunables_.slice[kCfqSync];
    most = std::min(most, std::max<std::int64_t>(depth, 1));
  }
  return queue.dispatched < most;
}

// Models: cfq_check_fifo().
Request* Cfq::expired_request(CfqQueue& queue) const {
  if (queue.fifo_checked) {
    return nullptr;
  }
  queue.fifo_checked = true;
  Request& oldest = queue.fifo.front();
  return now() < static_cast<std::int64_t>(oldest.fifo_time) ? nullptr : &oldest;
}

// Models: cfq_dispatch_insert().
void Cfq::take(CfqQueue& queue, Request& request, DispatchList& list) {
  queue.next = next_after(queue, request);
  remove(queue, request);
  ++queue.dispatched;
  ++group_.dispatched;
  ++in_flight_[queue.kind()];
  list.add_sorted(request);
}

// Models: cfq_dispatch_requests().
int Cfq::dispatch_to(DispatchList& list, bool forced) {
  if (busy_queues_ == 0) {
    return 0;
  }
  if (forced) {
    return dispatch_everything(list);
  }
  CfqQueue* queue = select_queue();
  if (queue == nullptr || !may_dispatch(*queue)) {
    return 0;
  }
  Request* expired = expired_request(*queue);
  Request& request = expired != nullptr ? *expired : *queue->next;
  take(*queue, request, list);
  if (active_context_ == nullptr) {
    active_context_ = owner_of(request).context;
  }
  ++queue->slice.dispatched;
  queue->must_dispatch = false;
  const bool async_slice_over =
      !queue->sync && queue->slice.dispatched >= tunables_.async_requests_of(queue->level);
  if (busy_queues_ > 1 && (async_slice_over || queue->is_idle_class())) {
    expire_active(false);
  }
  return 1;
}

// Models: cfq_forced_dispatch().
int Cfq::dispatch_everything(DispatchList& list) {
  int dispatched = 0;
  expire_active(false);
  while (CfqQueue* queue = group_.first_of_any()) {
    activate(queue);
    while (queue->next != nullptr) {
      take(*queue, *queue->next, list);
      ++dispatched;
    }
    expire(*queue, false);
  }
  return dispatched;
}

}  // namespace wbsim::block
