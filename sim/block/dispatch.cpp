// Dispatch: from plug and lists to the driver (block/blk-mq-sched.c, blk_mq_dispatch_rq_list()).
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::RequestStep;
using engine::Task;

namespace {
constexpr std::uint64_t kResourceDelayMsecs = 3;  // BLK_MQ_RESOURCE_DELAY
constexpr int kBusyWeight = 8;                    // BLK_MQ_DISPATCH_BUSY_EWMA_WEIGHT
constexpr int kBusyFactor = 4;                    // BLK_MQ_DISPATCH_BUSY_EWMA_FACTOR
}  // namespace

// Models: blk_mq_update_dispatch_busy(). Integer EWMA: from idle 2, 3, ... 9, and back 7, 6, ... 0.
void RequestQueue::update_dispatch_busy(bool busy) {
  if (dispatch_busy_ == 0 && !busy) {
    return;
  }
  dispatch_busy_ =
      (dispatch_busy_ * (kBusyWeight - 1) + (busy ? 1 << kBusyFactor : 0)) / kBusyWeight;
}

bool RequestQueue::has_pending() const {
  return !dispatch_.empty() || !ctx_list_.empty() || !requeue_.empty() ||
         (elevator_ && elevator_->elevator().has_work());
}

// Models: blk_mq_run_hw_queue() with async. A single hardware queue is run where it was asked for
// (WORK_CPU_UNBOUND in blk_mq_hctx_next_cpu()); a delay in progress ends.
void RequestQueue::run_queue_async(int cpu) {
  machine_.simulator().cancel(delayed_run_);
  kblockd_.queue_work(*this, cpu);
}

void RequestQueue::run_async(int cpu) {
  if (has_pending()) {
    run_queue_async(cpu);
  }
}

// Models: blk_mq_delay_run_hw_queue(). There is one piece of work: the delay replaces a delay in
// progress and a run that has not begun (mod_delayed_work_on()).
void RequestQueue::run_queue_delayed(int cpu) {
  kblockd_.cancel_work(*this);
  delayed_run_cpu_ = cpu;
  const engine::Jiffies& jiffies = machine_.jiffies();
  const SimTime now = machine_.simulator().now();
  machine_.simulator().reschedule(
      delayed_run_, jiffies.timer_time(now, jiffies.from_msecs_ceil(kResourceDelayMsecs)));
}

// Models: blk_mq_get_driver_tag(). Without an elevator a request was allocated by its tag.
bool RequestQueue::get_driver_tag(Request& request) {
  if (request.tag != kNoTag) {
    return true;
  }
  request.tag = driver_tags_->get(request.cpu);
  if (request.tag == kNoTag) {
    return false;
  }
  in_driver_[static_cast<std::size_t>(request.tag)] = &request;
  return true;
}

// Models: blk_mq_put_driver_tag().
void RequestQueue::put_driver_tag(Request& request) {
  if (elevator_ && request.tag != kNoTag) {
    driver_tags_->put(std::exchange(request.tag, kNoTag), request.cpu);
  }
}

// Models: blk_mq_start_request() of one that the device takes.
SubmitResult RequestQueue::start(Request& request, engine::TaskName task) {
  const SubmitResult result = issue(request, task);
  if (wbt_ && result == SubmitResult::kAccepted) {
    wbt_->issue(request);
  }
  return result;
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
// whatever follows; the rest stays in `list`.
Task<> RequestQueue::issue_directly(TaskIo& io, RequestChain& list) {
  engine::Thread& thread = io.thread();
  while (!list.empty()) {
    co_await thread.run(costs().request_issue + options_.trace.rq_issue);
    Request& request = list.front();
    list.pop_front();
    const bool budget = take_budget(request);
    const bool accepted = budget && start(request, thread.name()) == SubmitResult::kAccepted;
    if (budget) {
      update_dispatch_busy(!accepted);
    }
    if (!accepted) {
      put_budget(request);
      dispatch_.push_back(request);
      if (list.empty()) {
        co_await run_queue(io);
      }
      co_return;
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

// Models: insert_requests() of an elevator, or __blk_mq_insert_req_list().
void RequestQueue::insert_one(Request& request, engine::TaskName task) {
  RequestChain absorbed;
  if (!elevator_) {
    ctx_list_.push_back(request);
  } else if (!elevator_->insert(request, absorbed)) {
    while (!absorbed.empty()) {
      Request& merged = absorbed.front();
      absorbed.pop_front();
      end_absorbed(merged, task);
    }
    return;
  }
  trace_request(RequestStep::kInsert, task, request);
}

Task<> RequestQueue::run_from_kblockd(TaskIo& io) {
  // Models: blk_mq_requeue_work(). Each request goes to the head of the dispatch list, one after
  // the other: data parts, queued newest first, come out oldest first, and a flush precedes them.
  // What a driver gave back goes to its tail.
  while (!requeue_.empty()) {
    Request& request = requeue_.front();
    requeue_.pop_front();
    dispatch_.insert(std::exchange(request.prepared, false) ? dispatch_.end() : dispatch_.begin(),
                     request);
  }
  co_await run_queue(io);
}

// Models: blk_mq_sched_dispatch_requests(). Under load there is mostly nothing to be done but to
// wait for a driver tag: dispatch_list() would find the same, but for who has no budget either.
Task<> RequestQueue::run_queue(TaskIo& io) {
  if (!budget_ && !dispatch_.empty() && !get_driver_tag(dispatch_.front())) {
    restart_ = true;
    update_dispatch_busy(true);
    return {};
  }
  return run_queue_twice(io);
}

Task<> RequestQueue::run_queue_twice(TaskIo& io) {
  DispatchResult result = co_await dispatch_requests(io);
  if (result == DispatchResult::kAgain) {
    result = co_await dispatch_requests(io);
    if (result == DispatchResult::kAgain) {
      run_queue_async(io.thread().cpu_index());
    }
  }
}

// Models: __blk_mq_sched_dispatch_requests(). What was left over goes first; only if it went
// completely, more is taken out of where it can still be merged and sorted.
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_requests(TaskIo& io) {
  const bool left_over = !dispatch_.empty();
  if (left_over) {
    RequestChain list;
    list.swap(dispatch_);
    restart_ = true;
    const bool all = co_await dispatch_list(io, list);
    if (!all) {
      co_return DispatchResult::kDone;
    }
  }
  if (elevator_) {
    co_return co_await dispatch_from_elevator(io);
  }
  if (left_over || dispatch_busy_ > 0) {
    co_return co_await dispatch_ctx_one_by_one(io);
  }
  if (!ctx_list_.empty()) {
    RequestChain list;
    list.swap(ctx_list_);
    co_await dispatch_list(io, list);
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
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_from_elevator(TaskIo& io) {
  engine::Thread& thread = io.thread();
  const SimTime start = thread.now();
  while (true) {
    RequestChain list;
    const DispatchResult pulled = pull_from_elevator(thread, list);
    bool dispatched = false;
    if (!list.empty()) {
      dispatched = co_await dispatch_list(io, list);
    }
    if (pulled == DispatchResult::kAgain) {
      co_return pulled;
    }
    if (!dispatched) {
      co_return DispatchResult::kDone;
    }
    if (thread.need_resched() || lasted_too_long(start)) {
      run_queue_async(thread.cpu_index());
      co_return DispatchResult::kDone;
    }
  }
}

// Models: __blk_mq_do_dispatch_sched() up to the driver: one request where the device has been
// busy, else all that are wanted. kAgain: a flush has come in between.
RequestQueue::DispatchResult RequestQueue::pull_from_elevator(const engine::Thread& thread,
                                                              RequestChain& list) {
  const int most = dispatch_busy_ > 0 ? 1 : options_.nr_requests;
  for (int count = 0; count < most && elevator_->elevator().has_work(); ++count) {
    if (!dispatch_.empty()) {
      return DispatchResult::kAgain;
    }
    if (!take_budget()) {
      break;
    }
    Request* request = elevator_->dispatch();
    if (request == nullptr) {
      put_untaken_budget();
      if (count == 0) {
        run_queue_delayed(thread.cpu_index());
      }
      break;
    }
    request->has_budget = budget_.has_value();
    list.push_back(*request);
    if (options_.elevator_pull == ElevatorPull::kWhileTags && !get_driver_tag(*request)) {
      break;
    }
  }
  return DispatchResult::kProgress;
}

// Models: blk_mq_do_dispatch_ctx().
Task<RequestQueue::DispatchResult> RequestQueue::dispatch_ctx_one_by_one(TaskIo& io) {
  while (dispatch_.empty()) {
    if (ctx_list_.empty()) {
      co_return DispatchResult::kDone;
    }
    if (!take_budget()) {
      co_return DispatchResult::kDone;
    }
    ctx_list_.front().has_budget = budget_.has_value();
    RequestChain one;
    one.splice(one.end(), ctx_list_, ctx_list_.begin());
    const bool dispatched = co_await dispatch_list(io, one);
    if (!dispatched) {
      co_return DispatchResult::kDone;
    }
  }
  co_return DispatchResult::kAgain;
}

// Models: blk_mq_dispatch_rq_list(). True when the whole list went to the device. Without a driver
// tag a completion has to come first (blk_mq_mark_tag_wait(): RESTART, as tags are not shared).
Task<bool> RequestQueue::dispatch_list(TaskIo& io, RequestChain& list) {
  engine::Thread& thread = io.thread();
  RequestChain zone_list;
  SubmitResult result = SubmitResult::kAccepted;
  bool no_budget = false;
  while (!list.empty()) {
    Request& request = list.front();
    no_budget = !take_budget(request);
    if (no_budget) {
      put_driver_tag(request);
      break;
    }
    if (!get_driver_tag(request)) {
      restart_ = true;
      break;
    }
    co_await thread.run(costs().request_issue + options_.trace.rq_issue);
    list.pop_front();  // before start(): what is in the device is in no list
    result = start(request, thread.name());
    if (result == SubmitResult::kAccepted) {
      continue;
    }
    put_driver_tag(request);
    if (result == SubmitResult::kZoneResource) {
      zone_list.push_back(request);
      continue;
    }
    if (!list.empty()) {
      put_driver_tag(list.front());  // it was taken ahead, to know whether more follows
    }
    list.push_front(request);
    break;
  }
  if (list.empty() && zone_list.empty()) {
    update_dispatch_busy(false);
    co_return true;
  }
  const bool zone_locked = !zone_list.empty();
  list.splice(list.end(), zone_list);
  leave_undispatched(thread, list, result == SubmitResult::kResource || zone_locked || no_budget);
  co_return false;
}

// What the device refused waits on the dispatch list for a completion (RESTART), for 3 ms in
// jiffies where no completion is sure to help, or is tried again at once where nobody else would.
// A locked zone counts as the second, as since v6.3: before, its request could wait for ever.
void RequestQueue::leave_undispatched(const engine::Thread& thread, RequestChain& list,
                                      bool no_completion_will_help) {
  for (Request& request : list) {
    put_budget(request);  // blk_mq_release_budgets()
  }
  dispatch_.splice(dispatch_.end(), list);
  update_dispatch_busy(true);
  if (!restart_) {
    run_queue_async(thread.cpu_index());
  } else if (no_completion_will_help) {
    run_queue_delayed(thread.cpu_index());
  }
}

}  // namespace wbsim::block
