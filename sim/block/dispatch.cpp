// Dispatch: from plug and lists to the driver (block/blk-mq-sched.c, blk_mq_dispatch_rq_list()).
#include <algorithm>
#include <utility>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::RequestStep;
using engine::Task;

// Models: blk_mq_start_request() and queue_rq() of one request.
SubmitResult RequestQueue::start(HardwareQueue& hctx, Request& request, engine::TaskName task) {
  in_driver_[static_cast<std::size_t>(request.tag)] = &request;
  const SubmitResult result = batches() ? announce(request, task) : issue(request, task);
  if (result != SubmitResult::kAccepted) {
    return result;
  }
  if (wbt_) {
    wbt_->issue(request);
  }
  if (tag_host_.shared()) {
    note_activity();
  }
  if (batches()) {
    hctx.batch().push_back(request);
  }
  return result;
}

// Models: commit_rqs(), and what queue_rq() does with the last of a batch: nvme_write_sq_db(),
// virtqueue_notify(). False: the device has refused some of it.
bool RequestQueue::ring_for_batch(HardwareQueue& hctx) {
  bool all = true;
  while (!hctx.batch().empty()) {
    Request& request = hctx.batch().front();
    hctx.batch().pop_front();
    if (!hand_over(request)) {
      take_back(hctx, request);
      all = false;
    }
  }
  return all;
}

// A device that refuses what its driver has queued already is tried again later.
void RequestQueue::take_back(HardwareQueue& hctx, Request& request) {
  hctx.put_driver_tag(request);
  put_budget(request);
  if (wbt_) {
    wbt_->requeue(request);
  }
  hctx.dispatch_list().push_back(request);
  hctx.mark_restart();
  hctx.update_dispatch_busy(true);
  hctx.run_delayed(request.cpu);
}

// Models: blk_mq_get_dispatch_budget().
bool RequestQueue::take_budget() { return !budget_ || budget_->take(); }

// For a request that is about to be issued, unless it has got some. False: there is none.
bool RequestQueue::take_budget(Request& request) {
  if (budget_ && !request.has_budget) {
    request.has_budget = budget_->take();
    return request.has_budget;
  }
  return true;
}

// Models: blk_mq_put_dispatch_budget().
void RequestQueue::put_budget(Request& request) {
  if (std::exchange(request.has_budget, false)) {
    budget_->put();
  }
}

void RequestQueue::put_untaken_budget() {
  if (budget_) {
    budget_->put();
  }
}

// Models: blk_mq_try_issue_directly() of one request, blk_mq_try_issue_list_directly() of several.
// The request that the device refuses waits on the dispatch list, where it is tried again with
// whatever follows; the rest stays in `list`. A single one for which there is no budget or tag
// waits in its software queue instead, where it can still be merged with.
Task<> RequestQueue::issue_directly(TaskIo& io, RequestChain& list, DirectIssue issue) {
  engine::Thread& thread = io.thread();
  HardwareQueue* hctx = nullptr;
  while (!list.empty()) {
    co_await thread.run(costs().request_issue + options_.trace.rq_issue);
    Request& request = list.front();
    list.pop_front();
    if (hctx != nullptr && hctx != &hctx_of(request)) {
      ring(*hctx);
    }
    hctx = &hctx_of(request);
    const bool tried = take_budget(request) && hctx->get_driver_tag(request);
    const bool accepted = tried && start(*hctx, request, thread.name()) == SubmitResult::kAccepted;
    if (tried) {
      hctx->update_dispatch_busy(!accepted);
    }
    if (!accepted) {
      ring(*hctx);
      put_budget(request);
      if (!tried && issue == DirectIssue::kOne) {
        co_await thread.run(insert_cost());
        insert_one(request, thread.name());
      } else {
        hctx->dispatch_list().push_back(request);
      }
      if (list.empty() || issue == DirectIssue::kPlug) {
        co_await run_hw_queue(io, *hctx);
      }
      co_return;
    }
    if (list.empty()) {
      ring(*hctx);
    }
  }
}

Task<> RequestQueue::insert(TaskIo& io, RequestChain& list) {
  while (!list.empty() && io.thread().try_run(insert_cost())) {
    insert_first(list, io.thread().name());
  }
  return list.empty() ? Task<>{} : insert_rest(io, list);
}

Task<> RequestQueue::insert_rest(TaskIo& io, RequestChain& list) {
  while (!list.empty()) {
    co_await io.thread().run(insert_cost());
    insert_first(list, io.thread().name());
  }
}

void RequestQueue::insert_first(RequestChain& list, engine::TaskName task) {
  Request& request = list.front();
  list.pop_front();
  insert_one(request, task);
}

// Models: insert_requests() of an elevator, or __blk_mq_insert_req_list(). v5.10 counts also what
// is merged then.
void RequestQueue::insert_one(Request& request, engine::TaskName task) {
  RequestChain absorbed;
  HardwareQueue& hctx = hctx_of(request);
  if (!elevator_) {
    hctx.software().push_back(request);
    trace_request(RequestStep::kInsert, task, request);
    return;
  }
  ++hctx.elevator_queued;
  if (!elevator_->insert(request, absorbed)) {
    while (!absorbed.empty()) {
      Request& merged = absorbed.front();
      absorbed.pop_front();
      end_absorbed(merged, task);
    }
    return;
  }
  trace_request(RequestStep::kInsert, task, request);
}

// Models: __blk_mq_sched_dispatch_requests(). What was left over goes first; only if it went
// completely, more is taken out of where it can still be merged and sorted.
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_requests(TaskIo& io,
                                                                   HardwareQueue& hctx) {
  const bool left_over = !hctx.dispatch_list().empty();
  if (left_over) {
    RequestChain list;
    list.swap(hctx.dispatch_list());
    hctx.mark_restart();
    const bool all = co_await dispatch_list(io, hctx, list);
    if (!all) {
      co_return DispatchResult::kDone;
    }
  }
  if (elevator_) {
    co_return co_await dispatch_from_elevator(io, hctx);
  }
  if (left_over || hctx.dispatch_busy() > 0) {
    co_return co_await dispatch_ctx_one_by_one(io, hctx);
  }
  if (!hctx.software().empty()) {
    RequestChain list;
    hctx.software().take_all(list);
    co_await dispatch_list(io, hctx, list);
  }
  co_return DispatchResult::kDone;
}

// time_is_before_jiffies(end) with an end a second after `start`.
bool RequestQueue::lasted_too_long(SimTime start) const {
  const SimTime now = machine_.simulator().now();
  const engine::Jiffies& jiffies = machine_.jiffies();
  return now - start >= seconds(1) &&
         jiffies.at(now) > jiffies.at(start) + static_cast<std::uint64_t>(jiffies.hz());
}

// Models: blk_mq_do_dispatch_sched(): round after round, for a second at most.
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_from_elevator(TaskIo& io,
                                                                        HardwareQueue& hctx) {
  engine::Thread& thread = io.thread();
  const SimTime start = thread.now();
  while (true) {
    RequestChain list;
    const DispatchResult pulled = pull_from_elevator(thread, hctx, list);
    bool dispatched = false;
    if (!list.empty()) {
      dispatched = co_await dispatch_pulled(io, hctx, list);
    }
    if (pulled == DispatchResult::kAgain) {
      co_return pulled;
    }
    if (!dispatched) {
      co_return DispatchResult::kDone;
    }
    if (thread.need_resched() || lasted_too_long(start)) {
      hctx.run_async(thread.cpu_index());
      co_return DispatchResult::kDone;
    }
  }
}

// Models: __blk_mq_do_dispatch_sched() up to the driver: one request where the device has been
// busy, else all that are wanted. kAgain: a flush has come in between.
RequestQueue::DispatchResult RequestQueue::pull_from_elevator(const engine::Thread& thread,
                                                              HardwareQueue& hctx,
                                                              RequestChain& list) {
  const int most = hctx.dispatch_busy() > 0 ? 1 : options_.nr_requests;
  for (int count = 0; count < most && has_work(hctx); ++count) {
    if (!hctx.dispatch_list().empty()) {
      return DispatchResult::kAgain;
    }
    if (!take_budget()) {
      break;
    }
    Request* request = elevator_->dispatch(hctx.index());
    if (request == nullptr) {
      put_untaken_budget();
      if (count == 0) {
        run_all_delayed(hctx, thread.cpu_index());
      }
      break;
    }
    --hctx_of(*request).elevator_queued;
    request->has_budget = budget_.has_value();
    list.push_back(*request);
    if (options_.elevator_pull == ElevatorPull::kWhileTags &&
        !hctx_of(*request).get_driver_tag(*request)) {
      break;
    }
  }
  return DispatchResult::kProgress;
}

// Models: the end of __blk_mq_do_dispatch_sched(), blk_mq_dispatch_hctx_list(): what an elevator
// gives up may belong to other hardware queues, each of which gets its own at once.
Task<bool> RequestQueue::dispatch_pulled(TaskIo& io, HardwareQueue& hctx, RequestChain& list) {
  const auto is_other = [&](const Request& each) { return &hctx_of(each) != &hctx; };
  if (hctxs_.size() == 1 || std::none_of(list.begin(), list.end(), is_other)) {
    return dispatch_list(io, hctx, list);
  }
  return dispatch_by_hw_queue(io, list);
}

Task<bool> RequestQueue::dispatch_by_hw_queue(TaskIo& io, RequestChain& list) {
  list.sort([this](const Request& a, const Request& b) {
    return hctx_of(a).index() < hctx_of(b).index();
  });
  bool dispatched = false;
  while (!list.empty()) {
    HardwareQueue& owner = hctx_of(list.front());
    const auto next = std::find_if(list.begin(), list.end(),
                                   [&](const Request& each) { return &hctx_of(each) != &owner; });
    RequestChain own;
    own.splice(own.end(), list, list.begin(), next);
    const bool all = co_await dispatch_list(io, owner, own);
    dispatched |= all;
  }
  co_return dispatched;
}

// Models: blk_mq_do_dispatch_ctx().
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_ctx_one_by_one(TaskIo& io,
                                                                         HardwareQueue& hctx) {
  while (hctx.dispatch_list().empty()) {
    if (hctx.software().empty()) {
      co_return DispatchResult::kDone;
    }
    if (!take_budget()) {
      co_return DispatchResult::kDone;
    }
    Request& request = hctx.software().take_next();
    request.has_budget = budget_.has_value();
    RequestChain one;
    one.push_back(request);
    const bool dispatched = co_await dispatch_list(io, hctx, one);
    if (!dispatched) {
      co_return DispatchResult::kDone;
    }
  }
  co_return DispatchResult::kAgain;
}

// Models: blk_mq_dispatch_rq_list(). True when the whole list went to the device.
Task<bool> RequestQueue::dispatch_list(TaskIo& io, HardwareQueue& hctx, RequestChain& list) {
  engine::Thread& thread = io.thread();
  RequestChain zone_list;
  SubmitResult result = SubmitResult::kAccepted;
  bool no_budget = false;
  while (!list.empty()) {
    Request& request = list.front();
    no_budget = !take_budget(request);
    if (no_budget) {
      hctx.put_driver_tag(request);
      break;
    }
    if (!hctx.get_driver_tag(request)) {
      hctx.wait_for_driver_tag();
      break;
    }
    co_await thread.run(costs().request_issue + options_.trace.rq_issue);
    list.pop_front();  // before start(): what is in the device is in no list
    result = start(hctx, request, thread.name());
    if (result == SubmitResult::kAccepted) {
      continue;
    }
    hctx.put_driver_tag(request);
    if (result == SubmitResult::kZoneResource) {
      zone_list.push_back(request);
      continue;
    }
    if (!list.empty()) {
      hctx.put_driver_tag(list.front());  // it was taken ahead, to know whether more follows
    }
    list.push_front(request);
    break;
  }
  const bool batch_accepted = ring(hctx);
  if (list.empty() && zone_list.empty()) {
    if (batch_accepted) {
      hctx.update_dispatch_busy(false);
    }
    co_return batch_accepted;
  }
  const bool zone_locked = !zone_list.empty();
  list.splice(list.end(), zone_list);
  leave_undispatched(thread, hctx, list,
                     result == SubmitResult::kResource || zone_locked || no_budget);
  co_return false;
}

// What the device refused waits on the dispatch list for a completion (RESTART), for 3 ms in
// jiffies where no completion is sure to help, or is tried again at once where nobody else would.
// A locked zone counts as the second, as since v6.3: before, its request could wait for ever.
void RequestQueue::leave_undispatched(const engine::Thread& thread, HardwareQueue& hctx,
                                      RequestChain& list, bool no_completion_will_help) {
  for (Request& request : list) {
    put_budget(request);  // blk_mq_release_budgets()
  }
  hctx.dispatch_list().splice(hctx.dispatch_list().end(), list);
  hctx.update_dispatch_busy(true);
  if (!hctx.needs_restart()) {
    hctx.run_async(thread.cpu_index());
  } else if (no_completion_will_help) {
    hctx.run_delayed(thread.cpu_index());
  }
}

}  // namespace wbsim::block
