// Runs of hardware queues: who has one run, and what kblockd does for it.
#include <optional>
#include <utility>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::Task;

// An elevator with one state for all hardware queues has work for each of them: in v5.10 only for
// one by which requests were inserted that it still has (elevator_queued).
bool RequestQueue::has_work(const HardwareQueue& hctx) const {
  const bool any = options_.multi_queue == MultiQueueRules::kV6_1 || hctxs_.size() == 1 ||
                   elevator_->goes_by_hw_queue();
  return (any || hctx.elevator_queued > 0) && elevator_->has_work_for(hctx.index());
}

// Models: blk_mq_hctx_has_pending().
bool RequestQueue::has_pending(HardwareQueue& hctx) const {
  return !hctx.dispatch_list().empty() || !hctx.software().empty() || !requeue_.empty() ||
         (elevator_ && has_work(hctx));
}

// Models: blk_mq_get_sq_hctx() (v6.1): such an elevator gains nothing by being asked on behalf of
// all hardware queues, so only that of the CPU asks, and those with requests that pass it by.
bool RequestQueue::is_run_for(HardwareQueue& hctx, const HardwareQueue& asking) const {
  const bool all = !elevator_ || elevator_->goes_by_hw_queue() ||
                   options_.multi_queue == MultiQueueRules::kV5_10;
  return all || &hctx == &asking || !hctx.dispatch_list().empty();
}

// Models: blk_mq_run_hw_queue() with async.
void RequestQueue::run_pending_async(HardwareQueue& hctx, int cpu) {
  if (has_pending(hctx)) {
    hctx.run_async(cpu);
  }
}

// Models: blk_mq_run_hw_queues() with async.
void RequestQueue::run_all_async(int cpu) {
  for (const auto& hctx : hctxs_) {
    if (is_run_for(*hctx, hctx_of(cpu))) {
      run_pending_async(*hctx, cpu);
    }
  }
}

// Models: blk_mq_delay_run_hw_queues(). What is to be run already is not put off, or one hardware
// queue could keep others from ever running (since v5.18 and in stable series).
void RequestQueue::run_all_delayed(HardwareQueue& asking, int cpu) {
  for (const auto& hctx : hctxs_) {
    const bool waits_already = hctxs_.size() > 1 && (hctx->delay_pending() || hctx->queued());
    if (is_run_for(*hctx, asking) && !waits_already) {
      hctx->run_delayed(cpu);
    }
  }
}

// Models: blk_mq_run_hw_queue() without async: by the task itself where its CPU is mapped to it.
Task<> RequestQueue::run_hw_queue(TaskIo& io, HardwareQueue& hctx) {
  const int cpu = io.thread().cpu_index();
  if (&hctx_of(cpu) == &hctx) {
    return run_queue(io, hctx);
  }
  hctx.run_async(cpu);
  return {};
}

Task<> RequestQueue::run_from_kblockd(TaskIo& io, HardwareQueue& hctx) {
  // Models: blk_mq_requeue_work(). Each request goes to the head of the dispatch list, one after
  // the other: data parts, queued newest first, come out oldest first, and a flush precedes them.
  // What a driver gave back goes to its tail. Then all hardware queues are run.
  const bool requeued = !requeue_.empty();
  while (!requeue_.empty()) {
    Request& request = requeue_.front();
    requeue_.pop_front();
    RequestChain& list = hctx_of(request).dispatch_list();
    list.insert(std::exchange(request.prepared, false) ? list.end() : list.begin(), request);
  }
  if (requeued && hctxs_.size() > 1) {
    run_others_async(hctx, io.thread().cpu_index());
  }
  co_await run_queue(io, hctx);
}

void RequestQueue::run_others_async(const HardwareQueue& hctx, int cpu) {
  for (const auto& each : hctxs_) {
    if (each.get() != &hctx && is_run_for(*each, hctx)) {
      run_pending_async(*each, cpu);
    }
  }
}

// Models: blk_mq_sched_dispatch_requests(). Under load there is mostly nothing to be done but to
// wait for a driver tag: dispatch_list() would find the same, but for who has no budget either.
Task<> RequestQueue::run_queue(TaskIo& io, HardwareQueue& hctx) {
  if (!budget_ && !hctx.shares_tags() && !hctx.dispatch_list().empty() &&
      !hctx.get_driver_tag(hctx.dispatch_list().front())) {
    hctx.mark_restart();
    hctx.update_dispatch_busy(true);
    return {};
  }
  return run_queue_twice(io, hctx);
}

Task<> RequestQueue::run_queue_twice(TaskIo& io, HardwareQueue& hctx) {
  DispatchResult result = co_await dispatch_requests(io, hctx);
  if (result == DispatchResult::kAgain) {
    result = co_await dispatch_requests(io, hctx);
    if (result == DispatchResult::kAgain) {
      hctx.run_async(io.thread().cpu_index());
    }
  }
}

// Models: blk_mq_sched_restart().
void RequestQueue::restart(HardwareQueue& hctx, int cpu) {
  if (hctx.take_restart()) {
    run_pending_async(hctx, cpu);
  }
}

// The timer of commands that are too late runs for every driver: without any command it finds the
// queue idle. The deadline is that of a driver that is not asked for another one.
void RequestQueue::note_activity() {
  activity_timer_.arm(machine_.jiffies_now() +
                      timeout_in_jiffies(options_.driver.timeout, machine_.jiffies()));
}

// Models: blk_mq_timeout_work().
void RequestQueue::on_activity_timer() {
  std::optional<SimTime> oldest;
  const auto look_at = [&](const Request& request) {
    if (request.counted && (!oldest || request.issued < *oldest)) {
      oldest = request.issued;
    }
  };
  for (const auto& hctx : hctxs_) {
    for (const auto& request : hctx->requests()) {
      look_at(*request);
    }
    look_at(hctx->flush().flush_request());
  }
  if (oldest) {
    const engine::Jiffies& jiffies = machine_.jiffies();
    activity_timer_.expire_at(jiffies.at(*oldest) +
                              timeout_in_jiffies(options_.driver.timeout, jiffies));
    return;
  }
  for (const auto& hctx : hctxs_) {
    hctx->become_idle(0);
  }
}

}  // namespace wbsim::block
