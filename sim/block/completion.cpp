// Completion: from the device's interrupt to end_io and the freed tag.
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::RequestStep;

namespace {
constexpr engine::TaskName kInterrupt{"?", 0};
}

void RequestQueue::hard_irq_thunk(void* request) {
  Request& rq = *static_cast<Request*>(request);
  rq.queue.on_hard_irq(rq);
}

void RequestQueue::soft_irq_thunk(void* request) {
  Request& rq = *static_cast<Request*>(request);
  rq.queue.on_soft_irq(rq);
}

void RequestQueue::complete(DeviceCommand& command, BlkStatus status) {
  Request& request = command.op == DeviceOp::kFlush
                         ? flush_.flush_request()
                         : *in_driver_[static_cast<std::size_t>(command.tag)];
  SIM_CHECK(in_device_ > 0);
  request.status = status;
  if (--in_device_ == 0) {
    busy_ += machine_.simulator().now() - busy_since_;
  }
  const SimDuration cost = costs().irq_complete + options_.trace.rq_complete;
  machine_.cpu(request.cpu).interrupt(request.hard_irq, cost);
}

void RequestQueue::on_hard_irq(Request& request) {
  SimDuration cost = costs().request_complete + request.end_cost;
  if (flush_.is_flush_request(request)) {
    cost = costs().flush_done;
  }
  trace_request(RequestStep::kComplete, kInterrupt, request);
  machine_.cpu(request.cpu).interrupt(request.soft_irq, cost);
}

void RequestQueue::on_soft_irq(Request& request) {
  if (!flush_.completed(request, request.status)) {
    end_request(request);
  } else if (!flush_.is_flush_request(request)) {
    restart(request.cpu);  // mq_flush_data_end_io(): the tag is kept, but the device has room again
  }
}

// Models: blk_mq_end_request(): bios end, then the tags are free.
void RequestQueue::end_request(Request& request) {
  Bio* bio = std::exchange(request.bio, nullptr);
  if (request.length == Sectors{0}) {
    // The end of a flush sequence without data is a completion of its own.
    trace_request(RequestStep::kComplete, kInterrupt, request);
  }
  while (bio != nullptr) {
    Bio* next = bio->next;
    end_bio(*bio, request.status, request.cpu);
    bio = next;
  }
  if (elevator_) {
    elevator_->elevator().completed_request(request, machine_.simulator().now());
  }
  free_request(request);
}

// Models: bio_endio() with chained bios: the one that was submitted ends when all its parts have,
// with the first error among them.
void RequestQueue::end_bio(Bio& bio, BlkStatus status, int cpu) {
  if (bio.status == BlkStatus::kOk) {
    bio.status = status;
  }
  if (--bio.remaining > 0) {
    return;
  }
  if (bio.is_part()) {
    Bio& submitted = *bio.chained_to;
    const BlkStatus of_part = bio.status;
    bios_.release(bio);
    end_bio(submitted, of_part, cpu);
    return;
  }
  bio.sector = bio.sector - bio.split_off;
  bio.unit += bio.split_off;
  bio.cpu = cpu;
  bio.end_io->end_bio(bio, bio.status);
  bios_.release(bio);
}

void RequestQueue::io_context_exits(int context) {
  if (elevator_) {
    elevator_->elevator().io_context_exits(context);
  }
}

// Models: blk_mq_free_request().
void RequestQueue::free_request(Request& request) {
  if (elevator_) {
    elevator_->elevator().finish_request(request);
    put_driver_tag(request);
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
