// Completion: from the device's interrupt to end_io and the freed tag.
#include <utility>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

Request& RequestQueue::request_of(const DeviceCommand& command) {
  return command.op == DeviceOp::kFlush ? flush_.flush_request()
                                        : *in_driver_[static_cast<std::size_t>(command.tag)];
}

SimDuration RequestQueue::soft_irq_cost(const Request& request) const {
  return flush_.is_flush_request(request) ? costs().flush_done
                                          : costs().request_complete + request.end_cost;
}

void RequestQueue::on_soft_irq(Request& request) {
  if (flush_.is_flush_request(request)) {
    accounting_.flush_ended(request);
  }
  if (wbt_ && request.flush_sequence) {
    // __blk_mq_end_request() of a data part: it is done, and is measured again when the whole ends.
    wbt_->add_sample(request);
    wbt_->done(request);
  }
  if (!flush_.completed(request, request.status)) {
    end_request(request);
  } else if (!flush_.is_flush_request(request)) {
    restart(request.cpu);  // mq_flush_data_end_io(): the tag is kept, but the device has room again
  }
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

// Models: blk_mq_free_request().
void RequestQueue::free_request(Request& request) {
  if (elevator_) {
    elevator_->elevator().finish_request(request);
    put_driver_tag(request);
  }
  if (wbt_) {
    wbt_->done(request);
  }
  tags_.put(request.number, request.cpu);
  restart(request.cpu);
}

// Models: blk_mq_sched_restart().
void RequestQueue::restart(int cpu) {
  if (std::exchange(restart_, false) && has_pending()) {
    run_queue_async(cpu);
  }
}

}  // namespace wbsim::block
