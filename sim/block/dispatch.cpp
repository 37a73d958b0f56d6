// Dispatch: from plug and lists to the driver (block/blk-mq-sched.c, blk_mq_dispatch_rq_list()).
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::RequestStep;
using engine::Task;

namespace {
constexpr SimDuration kResourceDelay = milliseconds(3);  // BLK_MQ_RESOURCE_DELAY
constexpr int kBusyWeight = 8;                           // BLK_MQ_DISPATCH_BUSY_EWMA_WEIGHT
constexpr int kBusyFactor = 4;                           // BLK_MQ_DISPATCH_BUSY_EWMA_FACTOR
}  // namespace

// Models: blk_mq_update_dispatch_busy(). Integer EWMA: from idle 2, 3, ... 9, and back 7, 6, ... 0.
void RequestQueue::update_dispatch_busy(bool busy) {
  if (dispatch_busy_ == 0 && !busy) {
    return;
  }
  dispatch_busy_ = (dispatch_busy_ * (kBusyWeight - 1) + (busy ? 1 << kBusyFactor : 0)) /
                   kBusyWeight;
}

bool RequestQueue::has_pending() const {
  return !dispatch_.empty() || !ctx_list_.empty() || !requeue_.empty();
}

void RequestQueue::run_queue_async() { kblockd_.queue_work(*this, 0); }

// queue_rq(): hands one request to the device. On refusal nothing has changed.
SubmitResult RequestQueue::issue(Request& request, engine::TaskName task) {
  request.issued = machine_.simulator().now();
  request.command = {.op = request.flags.flush   ? DeviceOp::kFlush
                           : request.flags.write ? DeviceOp::kWrite
                                                 : DeviceOp::kRead,
                     .fua = request.flags.fua,
                     .tag = request.tag,
                     .sector = request.sector,
                     .length = request.length,
                     .submitted = {}};
  const SubmitResult result = device_.submit(request.command);
  if (result != SubmitResult::kAccepted) {
    return result;
  }
  if (in_device_++ == 0) {
    busy_since_ = machine_.simulator().now();
  }
  if (request.flags.flush) {
    ++stats_.flushes;
    engine::RequestTrace trace{.time = request.issued,
                               .task = task,
                               .device = options_.device,
                               .sector = Lba{0},
                               .length = Sectors{0},
                               .rwbs = request.flags,
                               .started = request.started,
                               .issued = request.issued};
    trace.rwbs.preflush = true;  // REQ_OP_FLUSH | REQ_PREFLUSH prints as FF
    tracer_.emit(&engine::Observer::on_request, RequestStep::kIssue, trace);
  } else {
    ++stats_.requests;
    trace_request(RequestStep::kIssue, task, request);
  }
  return result;
}

// Models: blk_mq_try_issue_list_directly() (v5.10) and blk_mq_plug_issue_direct() (v6.1). Where
// the device is known to be busy, requests go through the software queue instead.
Task<> RequestQueue::issue_plug_directly(TaskIo& io, RequestList& list) {
  if (dispatch_busy_ > 0) {
    co_await insert_and_run(io, list);
    co_return;
  }
  engine::Thread& thread = io.thread();
  for (std::size_t i = 0; i < list.size(); ++i) {
    co_await thread.run(costs().request_issue + options_.trace_request);
    const SubmitResult result = issue(*list[i], thread.name());
    if (result == SubmitResult::kAccepted) {
      update_dispatch_busy(false);
      continue;
    }
    update_dispatch_busy(true);
    dispatch_.push_back(list[i]);
    RequestList rest(list.begin() + static_cast<std::ptrdiff_t>(i) + 1, list.end());
    co_await insert_and_run(io, rest);
    co_return;
  }
}

Task<> RequestQueue::insert_and_run(TaskIo& io, RequestList& list) {
  engine::Thread& thread = io.thread();
  for (Request* request : list) {
    co_await thread.run(costs().request_insert + options_.trace_request);
    ctx_list_.push_back(request);
    trace_request(RequestStep::kInsert, thread.name(), *request);
  }
  co_await run_queue(io);
}

Task<> RequestQueue::run_from_kblockd(TaskIo& io) {
  // Models: blk_mq_requeue_work(): requeued requests go to the head of the dispatch list.
  while (!requeue_.empty()) {
    dispatch_.push_front(requeue_.back());
    requeue_.pop_back();
  }
  co_await run_queue(io);
}

// Models: __blk_mq_sched_dispatch_requests() without an elevator.
Task<> RequestQueue::run_queue(TaskIo& io) {
  if (!dispatch_.empty()) {
    std::deque<Request*> list = std::exchange(dispatch_, {});
    restart_ = true;
    if (co_await dispatch_list(io, list)) {
      co_await dispatch_ctx_one_by_one(io);
    }
  } else if (dispatch_busy_ > 0) {
    co_await dispatch_ctx_one_by_one(io);
  } else if (!ctx_list_.empty()) {
    std::deque<Request*> list = std::exchange(ctx_list_, {});
    co_await dispatch_list(io, list);
  }
}

// Models: blk_mq_do_dispatch_ctx().
Task<> RequestQueue::dispatch_ctx_one_by_one(TaskIo& io) {
  while (!ctx_list_.empty() && dispatch_.empty()) {
    std::deque<Request*> one{ctx_list_.front()};
    ctx_list_.pop_front();
    if (!co_await dispatch_list(io, one)) {
      co_return;
    }
  }
}

// Models: blk_mq_dispatch_rq_list(). True when the whole list went to the device.
Task<bool> RequestQueue::dispatch_list(TaskIo& io, std::deque<Request*>& list) {
  engine::Thread& thread = io.thread();
  std::deque<Request*> zone_list;
  SubmitResult result = SubmitResult::kAccepted;
  while (!list.empty()) {
    co_await thread.run(costs().request_issue + options_.trace_request);
    Request& request = *list.front();
    result = issue(request, thread.name());
    if (result == SubmitResult::kResource || result == SubmitResult::kDevResource) {
      break;
    }
    list.pop_front();
    if (result == SubmitResult::kZoneResource) {
      zone_list.push_back(&request);
    }
  }
  if (list.empty() && zone_list.empty()) {
    update_dispatch_busy(false);
    co_return true;
  }
  leave_undispatched(list, zone_list, result);
  co_return false;
}

// What the device refused waits on the dispatch list for a completion (RESTART), for 3 ms where no
// completion is sure to help, or is tried again at once where nobody else would.
void RequestQueue::leave_undispatched(std::deque<Request*>& list,
                                      std::deque<Request*>& zone_list, SubmitResult why) {
  list.insert(list.end(), zone_list.begin(), zone_list.end());
  dispatch_.insert(dispatch_.end(), list.begin(), list.end());
  update_dispatch_busy(true);
  if (!restart_) {
    run_queue_async();
  } else if (why == SubmitResult::kResource && !delayed_run_.pending()) {
    machine_.simulator().schedule_after(delayed_run_, kResourceDelay);
  }
}

}  // namespace wbsim::block
