#include "sim/block/elevators/bfq/bfq.hpp"

#include "sim/block/elevators/bfq/request_choice.hpp"

namespace wbsim::block::bfq {

namespace {
// Models: bfq_update_depths(): v6.12 looks at nr_requests before they are changed.
int full_depth_of(const ElevatorContext& context) {
  return shallow_depth_of(context.generation) == ShallowDepth::kAll ? context.default_nr_requests
                                                                    : context.bits_per_word;
}
}  // namespace

Bfq::Bfq(const ElevatorContext& context)
    : clock_{context.machine},
      tuning_{context, clock_},
      state_{clock_, tuning_, *this, context.cgroups},
      peak_rate_{state_},
      raising_{state_, peak_rate_},
      bursts_{state_},
      wakers_{state_},
      injection_{state_},
      queueing_{state_},
      cooperators_{state_, raising_},
      service_{state_,
               context.machine.simulator(),
               context.host,
               {raising_, cooperators_, injection_, peak_rate_, queueing_}},
      membership_{state_, cooperators_, service_},
      processes_{state_, cooperators_, bursts_, membership_},
      depths_{state_, context.nr_requests, full_depth_of(context),
              shallow_depth_of(context.generation)} {}

// v5.10 also asks for work while a queue without requests is waited for.
bool Bfq::has_work() const { return tuning_.v6_1 ? state_.queued > 0 : state_.busy_queues() > 0; }

// Models: bfq_bio_merge().
void Bfq::bio_merge_begins(const Bio& bio) {
  bio_process_ = processes_.find(bio.context->id);
  bio_queue_ = nullptr;
  if (bio_process_ != nullptr) {
    membership_.follow(*bio_process_, state_.groups.of(bio.cgroup));
    bio_queue_ = bio_process_->queues[is_sync(bio.flags) ? 1 : 0];
  }
}

void Bfq::insert_begins(Request& request) { processes_.admit(request); }

Request* Bfq::find_front_merge(const Bio& bio) {
  return bio_queue_ == nullptr ? nullptr : bio_queue_->sorted.find(bio.end());
}

// Models: bfq_allow_bio_merge(): only into the process's own queue, which it may come to share just
// now. `request` need not be adjacent.
bool Bfq::allow_merge(const Request& request, const Bio& bio) {
  if ((is_sync(bio.flags) && !is_sync(request.flags)) || bio_queue_ == nullptr) {
    return false;
  }
  if (Queue* target = cooperators_.find(*bio_queue_, *bio_process_, bio.sector)) {
    while (bio_queue_ != target) {
      bio_queue_ = &cooperators_.merge(*bio_process_, *bio_queue_);
    }
  }
  return bio_queue_ == request.elevator_queue;
}

void Bfq::choose_next(Queue& queue, Request& candidate) {
  Request* before = queue.next;
  queue.next = choose_request(tuning_, before, &candidate, state_.last_position);
  if (before != queue.next) {
    service_.next_changed(queue);
    cooperators_.update_position(queue);
  }
}

// Models: bfq_request_merged().
void Bfq::request_merged(Request& request, MergeKind kind) {
  Queue& queue = *request.elevator_queue;
  const Request* former = kind == MergeKind::kFront ? queue.sorted.former(request) : nullptr;
  if (former != nullptr && request.sector < former->sector) {
    queue.sorted.remove(request);
    queue.sorted.add(request);
    choose_next(queue, request);
  }
}

// Models: bfq_requests_merged(). `next` is out of its queue at once, as in v6.1.
void Bfq::requests_merged(Request& request, Request& next) {
  Queue& queue = *request.elevator_queue;
  Queue& queue_of_next = *next.elevator_queue;
  if (&queue == &queue_of_next && next.queuelist.is_linked() &&
      next.fifo_time < request.fifo_time) {
    queue.fifo.splice(queue.fifo.iterator_to(next), queue.fifo, queue.fifo.iterator_to(request));
    request.fifo_time = next.fifo_time;
  }
  if (queue.next == &next) {
    queue.next = &request;
  }
  if (next.sort.is_linked()) {
    service_.remove(next, queue_of_next);
  }
}

Request* Bfq::former_request(Request& request) {
  return request.elevator_queue->sorted.former(request);
}

Request* Bfq::latter_request(Request& request) {
  return request.elevator_queue->sorted.latter(request);
}

int Bfq::word_depth_for(const Bio& bio) {
  return depths_.depth(bio.flags, processes_.find(bio.context->id));
}

// Models: bfq_finish_requeue_request().
void Bfq::finish_request(Request& request) {
  if (request.elevator_queue == nullptr) {
    return;  // passed by the elevator: a flush
  }
  if (request.started_by_elevator) {
    service_.completed(request, *request.elevator_queue);
  }
  injection_.forget(request);
  processes_.request_freed(request);
}

// Models: bfq_exit_icq().
void Bfq::io_context_exits(const IoContext& context) {
  Process* process = processes_.find(context.id);
  if (process == nullptr) {
    return;
  }
  cooperators_.process_exits(*process);
  for (const bool sync : {true, false}) {
    if (const Queue* queue = process->queues[sync ? 1 : 0]) {
      service_.process_exits(*queue);
    }
    processes_.exits(*process, sync);
  }
  process->exited = true;
  processes_.forget_if_done(*process);
}

}  // namespace wbsim::block::bfq
