// Completion: from the device's interrupt to end_io and the freed tag.
#include <utility>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

Request& RequestQueue::request_of(const DeviceCommand& command) {
  return *in_driver_[static_cast<std::size_t>(command.tag)];
}

SimDuration RequestQueue::soft_irq_cost(const Request& request) const {
  return is_flush_request(request)
             ? costs().flush_done
             : costs().request_complete + request.end_cost + data_steps_of(request);
}

void RequestQueue::on_soft_irq(Request& request) {
  const int cpu = request.cpu;
  HardwareQueue& hctx = hctx_of(request);
  if (is_flush_request(request)) {
    accounting_.flush_ended(request);
  }
  if (wbt_ && request.flush_sequence) {
    // __blk_mq_end_request() of a data part: it is done, and is measured again when the whole ends.
    wbt_->add_sample(request);
    wbt_->done(request);
  }
  if (budget_) {
    end_command_budget(request);
  }
  if (!hctx.flush().completed(request, request.status)) {
    end_request(request);
  } else if (!is_flush_request(request)) {
    restart(hctx, cpu);  // mq_flush_data_end_io(): the tag is kept, but the device has room again
  }
  if (budget_ && budget_->run_wanted()) {
    run_all_async(cpu);
  }
}

// Models: scsi_finish_command().
void RequestQueue::end_command_budget(Request& request) {
  put_budget(request);
  budget_->unblock();
  if (request.status == BlkStatus::kOk) {
    budget_->command_ended_well(machine_.jiffies_now());
  }
}

// Models: scsi_queue_insert(), nvme_retry_req() and blk_mq_requeue_request().
void RequestQueue::retry(Request& request, SimDuration delay) {
  if (budget_) {
    if (request.command.answer.error == DeviceError::kQueueFull) {
      budget_->queue_full(machine_.jiffies_now());
    }
    budget_->block();
    put_budget(request);
  }
  hctx_of(request).put_driver_tag(request);
  if (wbt_) {
    wbt_->requeue(request);
  }
  if (elevator_) {
    elevator_->elevator().requeue_request(request);
  }
  request.prepared = true;
  waiting_.push_front(request);
  kick_requeue_list(delay, request.cpu);
}

// Models: blk_mq_kick_requeue_list(), blk_mq_delay_kick_requeue_list(): one piece of work, which is
// done when it was last asked for.
void RequestQueue::kick_requeue_list(SimDuration delay, int cpu) {
  engine::Simulator& simulator = machine_.simulator();
  if (delay > SimDuration::zero()) {
    const auto msecs = static_cast<std::uint64_t>(delay / milliseconds(1));
    const engine::Jiffies& jiffies = machine_.jiffies();
    simulator.reschedule(requeue_kick_,
                         jiffies.timer_time(simulator.now(), jiffies.from_msecs_ceil(msecs)));
    return;
  }
  simulator.cancel(requeue_kick_);
  requeue_.splice(requeue_.begin(), waiting_);
  hctx_of(cpu).run_requeue_list(cpu);
}

// Models: blk_mq_end_request(): bios end, then the tags are free.
void RequestQueue::end_request(Request& request) {
  end_bios(request);
  if (wbt_) {
    wbt_->add_sample(request);
  }
  if (elevator_) {
    elevator_->elevator().completed_request(request, machine_.simulator().now());
  }
  free_request(request);
}

void RequestQueue::io_context_exits(const IoContext& context) {
  elevator_->elevator().io_context_exits(context);
}

void RequestQueue::leave_device(Request& request) { hctx_of(request).put_driver_tag(request); }

// Models: blk_mq_free_request().
void RequestQueue::free_request(Request& request) {
  HardwareQueue& hctx = hctx_of(request);
  if (elevator_) {
    elevator_->elevator().finish_request(request);
    hctx.put_driver_tag(request);
  }
  if (wbt_) {
    wbt_->done(request);
  }
  hctx.free(request);
  --allocated_;
  restart(hctx, request.cpu);
}

}  // namespace wbsim::block
