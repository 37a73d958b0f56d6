// Dispatch and completion of a single queue: what the SCSI midlayer makes of its request_fn.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/single_queue.hpp"

namespace wbsim::block {

using engine::Task;

namespace {

constexpr std::uint64_t kScsiQueueDelayMsecs = 3;  // SCSI_QUEUE_DELAY
constexpr int kDeviceBlockedMax = 3;               // SCSI_DEFAULT_DEVICE_BLOCKED
constexpr int kHostBlockedMax = 7;                 // SCSI_DEFAULT_HOST_BLOCKED

// unplug_delay: 3 ms in jiffies, rounded down, at least one.
std::uint64_t unplug_delay(const engine::Jiffies& jiffies) {
  return std::max<std::uint64_t>(3 * static_cast<std::uint64_t>(jiffies.hz()) / 1000, 1);
}

}  // namespace

// Models: elv_queue_empty().
bool SingleQueue::queue_is_empty() const {
  return dispatch_.empty() && !elevator_->elevator().has_work();
}

// Models: blk_plug_device(), v2.6.18.
void SingleQueue::plug_device() {
  if (std::exchange(plugged_, true)) {
    return;
  }
  const SimTime now = machine_.simulator().now();
  machine_.simulator().reschedule(
      delay_, machine_.jiffies().timer_time(now, unplug_delay(machine_.jiffies())));
}

// Models: blk_remove_plug(), v2.6.18.
bool SingleQueue::remove_plug() {
  if (!std::exchange(plugged_, false)) {
    return false;
  }
  machine_.simulator().cancel(delay_);
  return true;
}

// Models: blk_unplug_timeout(), v2.6.18; the end of blk_delay_queue(), v3.6.
void SingleQueue::on_delay() {
  if (plugged_) {
    trace_unplug(kInterruptTask, pool_.allocated(), true);
  }
  kblockd_.queue_work(*this, 0);
}

// The driver comes back in 3 ms. Models: blk_plug_device() by scsi_request_fn(), v2.6.18;
// blk_delay_queue(), v3.6, where a delay that is under way stays as it is.
void SingleQueue::hold_back() {
  if (options_.plugging == QueuePlugging::kPerQueue) {
    plug_device();
  } else if (!delay_.pending()) {
    const engine::Jiffies& jiffies = machine_.jiffies();
    const SimTime now = machine_.simulator().now();
    machine_.simulator().schedule(
        delay_, jiffies.timer_time(now, jiffies.from_msecs_ceil(kScsiQueueDelayMsecs)));
  }
}

// Models: blk_backing_dev_unplug(), v2.6.18.
Task<> SingleQueue::unplug(TaskIo& io) {
  if (remove_plug()) {
    trace_unplug(io.thread().name(), pool_.allocated(), false);
    co_await run_queue(io);
  }
}

// Models: blk_delay_work() and blk_run_queue_async(), v3.6; blk_unplug_work() and the work of an
// elevator, which does not ask for a plug, v2.6.18.
Task<> SingleQueue::run_from_kblockd(TaskIo& io) {
  const bool per_task = options_.plugging == QueuePlugging::kPerTask;
  const bool unplugged = remove_plug();
  if (std::exchange(kicked_, false) || unplugged || per_task) {
    co_await run_queue(io);
  }
}

// Models: blk_run_queue_async(), v3.6: a delay in progress ends.
void SingleQueue::run_later(int cpu) {
  if (options_.plugging == QueuePlugging::kPerTask) {
    machine_.simulator().cancel(delay_);
  }
  kblockd_.queue_work(*this, cpu);
}

void SingleQueue::run_async(int cpu) {
  kicked_ = true;
  run_later(cpu);
}

void SingleQueue::io_context_exits(const IoContext& context) {
  elevator_->elevator().io_context_exits(context);
}

// Models: elv_next_request() (v2.6.18), blk_peek_request() (v3.6). While the device flushes and
// could take nothing beside it, the queue waits: flushes that come meanwhile are folded into one.
Request* SingleQueue::peek() {
  while (true) {
    if (!dispatch_.empty()) {
      Request* request = options_.cache_flush == CacheFlush::kBarriers
                             ? ordered_.admit(in_driver_, machine_.simulator().now())
                             : &dispatch_.front();
      if (request != nullptr && dispatch_.look_at_front() && request->sorted) {
        elevator_->elevator().activate_request(*request);
      }
      return request;
    }
    if (flush_.is_flushing() && !options_.flush_queueable) {
      flush_delayed_ = true;
      return nullptr;
    }
    if (elevator_->elevator().dispatch_to(dispatch_, false) == 0) {
      return nullptr;
    }
  }
}

// Models: scsi_dev_queue_ready() and scsi_host_queue_ready(): after a refusal an idle device is
// left alone for some runs, a busy one until a command completes.
bool SingleQueue::device_is_ready() {
  if (device_busy_ == 0 && blocked_ > 0 && --blocked_ > 0) {
    hold_back();
  }
  return blocked_ == 0 && !free_tags_.empty();
}

// The next request for the device, started: on its way there. Null: none, or no room for it.
Request* SingleQueue::take_next() {
  if (plugged_) {
    return nullptr;
  }
  Request* request = peek();
  if (request == nullptr || !device_is_ready()) {
    return nullptr;
  }
  dispatch_.pop_front();
  ++device_busy_;
  in_driver_ += request->flags.flush ? 0 : 1;
  request->tag = free_tags_.back();
  free_tags_.pop_back();
  by_tag_[static_cast<std::size_t>(request->tag)] = request;
  return request;
}

// Models: scsi_request_fn().
Task<> SingleQueue::run_queue(TaskIo& io) {
  run_wanted_ = false;
  while (Request* request = take_next()) {
    co_await io.thread().run(costs().request_issue + options_.trace.rq_issue);
    dispatch_command(*request, io.thread().name());
  }
}

Task<> SingleQueue::run_where_elevator_asked(TaskIo& io) {
  if (run_wanted_) {
    remove_plug();
    co_await run_queue(io);
  }
}

// Models: scsi_dispatch_cmd().
void SingleQueue::dispatch_command(Request& request, engine::TaskName task) {
  const SubmitResult result = issue(request, task);
  if (result != SubmitResult::kAccepted) {
    requeue(request, result);
  }
}

// Models: scsi_queue_insert(). The request goes before all others; the driver looks at the queue
// again at once, finds the device blocked and comes back later.
void SingleQueue::requeue(Request& request, SubmitResult reason) {
  end_part(request);
  blocked_ = reason == SubmitResult::kResource ? kHostBlockedMax : kDeviceBlockedMax;
  if (request.sorted) {
    elevator_->elevator().deactivate_request(request);
  }
  request.seen = false;
  ordered_.requeue(request);
}

// The driver is done with a command.
void SingleQueue::end_part(Request& request) {
  SIM_CHECK(device_busy_ > 0);
  --device_busy_;
  in_driver_ -= request.flags.flush ? 0 : 1;
  blocked_ = 0;
  free_tags_.push_back(std::exchange(request.tag, kNoTag));
}

// Models: scsi_run_queue() of scsi_next_command(). Another run on this CPU looks at the queue
// again when it has issued what it holds.
void SingleQueue::run_in_softirq(int cpu) {
  SoftIrqRun& run = *softirq_runs_[static_cast<std::size_t>(cpu)];
  run_wanted_ = false;
  if (run.request != nullptr) {
    return;
  }
  run.request = take_next();
  if (run.request != nullptr) {
    machine_.cpu(cpu).interrupt(run.interrupt, costs().request_issue + options_.trace.rq_issue);
  }
}

void SingleQueue::soft_irq_run_thunk(void* run) {
  SoftIrqRun& self = *static_cast<SoftIrqRun*>(run);
  self.queue.dispatch_command(*std::exchange(self.request, nullptr), kInterruptTask);
  self.queue.run_in_softirq(self.cpu);
}

Request& SingleQueue::request_of(const DeviceCommand& command) {
  return *by_tag_[static_cast<std::size_t>(command.tag)];
}

SimDuration SingleQueue::soft_irq_cost(const Request& request) const {
  return request.flags.flush ? costs().flush_done
                             : costs().request_complete + request.end_cost + data_steps_of(request);
}

// Models: scsi_softirq_done(): the command ends, then the queue runs, plugged or not.
void SingleQueue::on_soft_irq(Request& request) {
  const int cpu = request.cpu;
  end_part(request);
  if (options_.cache_flush == CacheFlush::kSequences) {
    end_in_sequence(request);
  } else if (!ordered_.is_proxy(request)) {
    end_request(request);
  } else if (Request* barrier = ordered_.completed(request, request.status)) {
    end_request(*barrier);
  }
  ordered_.drained(in_driver_);
  remove_plug();
  run_in_softirq(cpu);
}

// Models: scsi_queue_insert(), which looks at the queue again itself (v2.6.18) or has kblockd do so
// (v3.6).
void SingleQueue::retry(Request& request, SimDuration /*delay*/) {
  const int cpu = request.cpu;
  requeue(request, SubmitResult::kDevResource);
  if (options_.plugging == QueuePlugging::kPerQueue) {
    run_in_softirq(cpu);
  } else {
    run_later(cpu);
  }
}

// Models: flush_end_io() and flush_data_end_io(), v3.6.
void SingleQueue::end_in_sequence(Request& request) {
  const int cpu = request.cpu;
  const bool flush = flush_.is_flush_request(request);
  if (!flush_.completed(request, request.status)) {
    end_request(request);
    return;
  }
  const bool delayed = flush && std::exchange(flush_delayed_, false);
  if (std::exchange(flush_queued_, false) || delayed) {
    run_later(cpu);
  }
}

void SingleQueue::queue_flush_data(Request& request, int /*cpu*/) {
  request.seen = false;
  dispatch_.push_front(request);
  flush_queued_ = true;
}

void SingleQueue::queue_flush(Request& flush_request, int /*cpu*/) {
  flush_request.seen = false;
  dispatch_.push_back(flush_request);
  flush_queued_ = true;
}

void SingleQueue::end_request(Request& request) {
  end_bios(request);
  if (request.sorted) {
    elevator_->elevator().completed_request(request, machine_.simulator().now());
  }
  free_request(request);
}

// Models: __blk_put_request().
void SingleQueue::free_request(Request& request) {
  if (request.elevator_data) {
    elevator_->elevator().finish_request(request);
  }
  pool_.put(request);
}

}  // namespace wbsim::block
