#include "sim/block/block_queue.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;

BlockQueue::BlockQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
                       DeviceModel& device, const BlockQueueOptions& options)
    : BioTarget{machine, tracer, options.device, options.limits, options.bio_runs},
      kblockd_{kblockd},
      device_{device},
      accounting_{machine, options.disk_stats},
      common_{options},
      page_step_{options.data_steps.page()},
      merger_{limits_, options.bio_runs, bios_, options.priority_merge} {
  if (options.driver.fallible != nullptr) {
    ErrorHost& host = *this;
    errors_.emplace(host, machine, options.driver);
  }
}

SimDuration BlockQueue::device_busy() const {
  return in_device_ > 0 ? busy_ + (machine_.simulator().now() - busy_since_) : busy_;
}

std::int64_t BlockQueue::merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                    std::int64_t wanted) const {
  const Plug* plug = io.plug();
  if (plug == nullptr || plug->empty() || !common_.plug_merging ||
      limits().nomerges == kNomergesAll || io.context().cgroup != 0 || page_step_ > SimDuration{}) {
    return 0;
  }
  const Request& newest = plug->newest();
  if (&newest.queue != this || newest.no_merge || !newest.flags.write || newest.flags.discard ||
      newest.end() != sector || !merger_.may_be_followed(newest) ||
      newest.priority != submitted_priority(io, IoPriority{})) {
    return 0;
  }
  const Sectors by_size = max_sectors_at(newest.sector, limits()) - newest.length;
  const std::int64_t by_segments = limits().max_segments - newest.segments;
  if (unit * wanted <= by_size && wanted <= by_segments) {
    return wanted;  // the common case, without the division
  }
  return std::clamp<std::int64_t>(std::min(by_size / unit, by_segments), 0, wanted);
}

MergeKind BlockQueue::attempt_merge_with_oldest(Plug& plug, Bio& bio, std::int64_t& scanned) {
  const auto oldest = std::find_if(plug.requests.begin(), plug.requests.end(),
                                   [this](const Request& each) { return &each.queue == this; });
  if (oldest == plug.requests.end()) {
    return MergeKind::kNone;
  }
  const MergeKind kind = kind_of(merger_.attempt_bio_merge(*oldest, bio));
  scanned += kind == MergeKind::kNone ? 1 : 0;
  return kind;
}

bool BlockQueue::follows_plug(const TaskIo& io, Lba sector) const {
  const Plug* plug = io.plug();
  return plug == nullptr || plug->empty() || plug->newest().end() == sector;
}

void BlockQueue::merge_run(TaskIo& io, Bio& run, SimDuration step) {
  Request& newest = io.plug()->newest();
  run.priority = newest.priority;
  merger_.begin_attempt(run.count);
  merger_.end_attempt(MergeKind::kBack, run.count);
  stats_.bios += run.count;
  stats_.back_merges += run.count;
  accounting_.bios_merged(newest, run.count);
  trace_bio(BioStep::kQueue, io.thread(), run, step);
  trace_bio(BioStep::kBackMerge, io.thread(), run, step);
  merger_.append(newest, run);
}

void BlockQueue::refuse_merge(const Bio& bio) {
  const bool flags = bio.is_flush() || bio.is_part();
  merger_.begin_attempt(bio.count);
  merger_.refuse_attempt(
      flags ? engine::MergeRefusal::kNoMergeBio : engine::MergeRefusal::kNomerges, bio.count);
}

void BlockQueue::take_plugged(Plug& plug, RequestChain& taken) const {
  for (auto it = plug.requests.begin(); it != plug.requests.end();) {
    const auto request = it++;
    if (&request->queue == this) {
      taken.splice(taken.end(), plug.requests, request);
      --plug.count;
    }
  }
  plug.multiple_queues &= !plug.empty();
}

// Models: init_request_from_bio().
void BlockQueue::fill_request(Request& request, const Bio& bio,
                              const engine::Thread& thread) const {
  request.cpu = thread.cpu_index();
  request.cgroup = bio.cgroup;
  request.sector = bio.sector;
  request.length = bio.length();
  request.flags = bio.flags;
  request.priority = bio.priority;
  request.context = bio.context;
  request.segments = segments_of(bio, limits());
  request.bio_count = bio.count;
  request.end_cost = bio.end_cost * bio.count;
  request.no_merge = bio.is_flush() || bio.is_part();
  request.in_elevator = false;
  request.elevator_process = nullptr;
  request.elevator_queue = nullptr;
  request.started_by_elevator = false;
  request.prepared = false;
  request.flush_sequence = false;
  request.flush_done = 0;
  request.status = BlkStatus::kOk;
  request.started = thread.now();
  request.bio = request.bio_tail = const_cast<Bio*>(&bio);
}

void BlockQueue::cancel_interrupts(Request& request) {
  request.hard_irq.cancel(machine_.simulator());
  request.soft_irq.cancel(machine_.simulator());
}

void BlockQueue::prepare_command(Request& request) {
  request.issued = machine_.simulator().now();
  request.command = {.op = request.flags.flush     ? DeviceOp::kFlush
                           : request.flags.discard ? DeviceOp::kDiscard
                           : request.flags.write   ? DeviceOp::kWrite
                                                   : DeviceOp::kRead,
                     .fua = request.flags.fua,
                     .tag = request.tag,
                     .sector = request.sector,
                     .length = request.length,
                     .submitted = {}};
}

SubmitResult BlockQueue::issue(Request& request, engine::TaskName task) {
  prepare_command(request);
  if (errors_ && errors_->recovering()) {
    return SubmitResult::kResource;
  }
  const SubmitResult result = device_.submit(request.command);
  if (result == SubmitResult::kAccepted) {
    note_in_device(request);
    trace_issue(request, task);
  }
  return result;
}

SubmitResult BlockQueue::announce(Request& request, engine::TaskName task) {
  prepare_command(request);
  if (errors_ && errors_->recovering()) {
    return SubmitResult::kResource;
  }
  trace_issue(request, task);
  return SubmitResult::kAccepted;
}

bool BlockQueue::hand_over(Request& request) {
  if (device_.submit(request.command) != SubmitResult::kAccepted) {
    trace_request(RequestStep::kRequeue, kInterruptTask, request);
    return false;
  }
  note_in_device(request);
  return true;
}

void BlockQueue::note_in_device(Request& request) {
  if (errors_) {
    errors_->on_issue(request);
  }
  accounting_.issued(request);
  if (in_device_++ == 0) {
    busy_since_ = machine_.simulator().now();
  }
  ++(request.flags.flush ? stats_.flushes : stats_.requests);
}

void BlockQueue::trace_issue(Request& request, engine::TaskName task) {
  if (!request.flags.flush) {
    trace_request(RequestStep::kIssue, task, request);
    return;
  }
  engine::RequestTrace trace{.time = request.issued,
                             .task = traced(task, request.cpu),
                             .device = common_.device,
                             .sector = Lba{0},
                             .length = Sectors{0},
                             .rwbs = request.flags,
                             .started = request.started,
                             .issued = request.issued};
  trace.rwbs.preflush = true;  // REQ_OP_FLUSH | REQ_PREFLUSH prints as FF
  tracer_.emit(&engine::Observer::on_request, RequestStep::kIssue, trace);
}

void BlockQueue::hard_irq_thunk(void* request) {
  Request& rq = *static_cast<Request*>(request);
  rq.queue.on_hard_irq(rq);
}

void BlockQueue::soft_irq_thunk(void* request) {
  Request& rq = *static_cast<Request*>(request);
  rq.queue.end_or_retry(rq);
}

void BlockQueue::end_or_retry(Request& request) {
  if (request.errors.verdict.retry) {
    retry(request, std::exchange(request.errors.verdict, {}).delay);
  } else {
    on_soft_irq(request);
  }
}

void BlockQueue::note_left_device(const Request& request) {
  SIM_CHECK(in_device_ > 0);
  accounting_.left_driver(request);
  if (--in_device_ == 0) {
    busy_ += machine_.simulator().now() - busy_since_;
  }
}

void BlockQueue::complete(DeviceCommand& command, BlkStatus status) {
  Request& request = request_of(command);
  request.status = status;
  if (errors_) {
    errors_->on_end(request);
  }
  note_left_device(request);
  SimDuration cost = costs().irq_complete + common_.trace.rq_complete;
  if (common_.completes_in_irq) {
    cost += end_cost(request);
  }
  machine_.cpu(request.cpu).interrupt(request.hard_irq, cost);
  if (errors_) {
    errors_->look_for_recovery();
  }
}

// In the context of a worker or of the error handler, which is not simulated.
void BlockQueue::end_given_up(Request& request) {
  note_left_device(request);
  trace_failure(request);
  end_or_retry(request);
  errors_->look_for_recovery();
}

// CPU time of what follows the interrupt.
SimDuration BlockQueue::end_cost(const Request& request) const {
  return request.errors.verdict.retry ? costs().request_complete : soft_irq_cost(request);
}

void BlockQueue::on_hard_irq(Request& request) {
  const SimDuration cost = common_.completes_in_irq ? SimDuration{} : end_cost(request);
  if (request.status == BlkStatus::kOk) {
    trace_request(RequestStep::kComplete, kInterruptTask, request);
  } else {
    trace_failure(request);
  }
  if (common_.completes_in_irq) {
    end_or_retry(request);
  } else {
    machine_.cpu(request.cpu).interrupt(request.soft_irq, cost);
  }
}

// Of SCSI the good sectors end first, even if there are none, also of what a reset has undone
// (scsi_io_completion()).
void BlockQueue::trace_failure(Request& request) {
  const bool again = request.errors.verdict.retry;
  const Lba first = request.sector;
  const Sectors length = request.length;
  const Sectors good = request.errors.verdict.good;
  const bool scsi = common_.driver.driver == Driver::kScsi;
  if (scsi && (!again || request.command.answer.error == DeviceError::kUnitAttention)) {
    const BlkStatus status = std::exchange(request.status, BlkStatus::kOk);
    request.length = good;
    trace_request(RequestStep::kPartComplete, kInterruptTask, request);
    request.status = status;
    request.sector = first + good;
    request.length = length - good;
  }
  if (again) {
    request.status = BlkStatus::kOk;
    trace_request(RequestStep::kRequeue, kInterruptTask, request);
    return;
  }
  trace_request(RequestStep::kComplete, kInterruptTask, request);
  request.sector = first;
  request.length = length;
}

// Models: blk_update_request() of the sectors that were transferred. A bio that holds the first bad
// sector ends with those that follow.
void BlockQueue::end_good_bios(Request& request) {
  Sectors good = std::exchange(request.errors.verdict.good, Sectors{0});
  while (request.bio != nullptr && good >= request.bio->unit) {
    Bio& bio = *request.bio;
    const std::int64_t bios = std::min(bio.count, good / bio.unit);
    good -= bio.unit * bios;
    if (bios == bio.count) {
      request.bio = bio.next;
      end_bio(bio, BlkStatus::kOk, request.cpu);
      continue;
    }
    Bio& part = bios_.acquire(bio);  // of a run
    part.count = bios;
    bio.sector = bio.sector + bio.unit * bios;
    bio.count -= bios;
    end_bio(part, BlkStatus::kOk, request.cpu);
    return;
  }
}

// Bios end in order of their sectors; what end_io does may submit nothing. A sequence of flushes
// without data ends with a completion of its own.
void BlockQueue::end_bios(Request& request) {
  if (request.errors.verdict.good > Sectors{0}) {
    end_good_bios(request);
  }
  Bio* bio = std::exchange(request.bio, nullptr);
  if (!request.flags.flush) {
    accounting_.ended(request);
  }
  if (request.length == Sectors{0} && !request.flags.flush) {
    trace_request(RequestStep::kComplete, kInterruptTask, request);
  }
  while (bio != nullptr) {
    Bio* next = bio->next;
    end_bio(*bio, request.status, request.cpu);
    bio = next;
  }
}

void BlockQueue::trace_request(RequestStep step, engine::TaskName task, const Request& request) {
  if (!tracer_.active()) {
    return;
  }
  const engine::RequestTrace trace{.time = machine_.simulator().now(),
                                   .task = traced(task, request.cpu),
                                   .device = common_.device,
                                   .sector = request.sector,
                                   .length = request.length,
                                   .rwbs = request.flags,
                                   .error = errno_of(request.status),
                                   .bios = request.bio_count,
                                   .started = request.started,
                                   .issued = request.issued,
                                   .priority_class = static_cast<int>(request.priority.io_class),
                                   .priority_level = request.priority.level};
  tracer_.emit(&engine::Observer::on_request, step, trace);
}

engine::TaskName BlockQueue::traced(engine::TaskName task, int cpu) const {
  return task.pid == kInterruptTask.pid ? machine_.cpu(cpu).interrupt_name() : task;
}

void BlockQueue::trace_plug(const engine::Thread& thread) {
  if (tracer_.active()) {
    const engine::PlugTrace trace{machine_.simulator().now(), thread.name()};
    tracer_.emit(&engine::Observer::on_plug, trace);
  }
}

void BlockQueue::trace_unplug(const engine::Thread& thread, const RequestChain& list,
                              bool from_schedule) {
  if (tracer_.active()) {
    trace_unplug(thread.name(), static_cast<int>(list.size()), from_schedule);
  }
}

void BlockQueue::trace_unplug(engine::TaskName task, int requests, bool from_schedule) {
  if (tracer_.active()) {
    const engine::UnplugTrace trace{machine_.simulator().now(), traced(task, 0), requests,
                                    from_schedule};
    tracer_.emit(&engine::Observer::on_unplug, trace);
  }
}

}  // namespace wbsim::block
