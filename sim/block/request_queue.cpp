// Submission: from bio to plug (blk_mq_submit_bio() and the plug functions).
#include "sim/block/request_queue.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

namespace {

// Tags that were resized keep the words of their first size (blk_mq_tag_update_depth()): the
// driver's always; the elevator's where they became fewer.
TagSetOptions tag_options(const engine::Machine& machine, const DeviceModel& device,
                          const RequestQueueOptions& options) {
  const int made_for = options.elevator == nullptr ? device.queue_depth()
                                                   : default_nr_requests(device.queue_depth());
  return {.wake = options.tag_wake,
          .allocated = std::max(made_for, options.nr_requests),
          .cpus = machine.cpus()};
}

BlockQueueOptions common_options(const RequestQueueOptions& options) {
  return {.device = options.device,
          .limits = options.limits,
          .bio_priority = options.bio_priority,
          .disk_stats = options.disk_stats,
          .plug_issue_order = options.plug_issue_order,
          .plug_merging = options.plug_merging,
          .bio_runs = options.bio_runs,
          .trace = options.trace,
          .data_steps = options.data_steps,
          .driver = options.driver};
}

}  // namespace

RequestQueue::RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
                           DeviceModel& device, const RequestQueueOptions& options)
    : BlockQueue{machine, tracer, kblockd, device, common_options(options)},
      options_{options},
      tags_{options.nr_requests, tag_options(machine, device, options)},
      delayed_run_{engine::event_calling<&RequestQueue::on_delayed_run>(*this)},
      requeue_kick_{engine::event_calling<&RequestQueue::on_requeue_kick>(*this, "requeue")},
      flush_{*this, *this, machine.simulator()} {
  SIM_CHECK(options.plug_requests_max > 0);
  for (int number = 0; number < options.nr_requests; ++number) {
    requests_.push_back(std::make_unique<Request>(*this, number));
  }
  if (options.elevator == nullptr) {
    for (const auto& request : requests_) {
      request->tag = request->number;
      in_driver_.push_back(request.get());
    }
  } else {
    add_elevator(*options.elevator);
  }
  if (options.wbt) {
    wbt_.emplace(machine, tracer, options.device, *options.wbt);
  }
  if (options.driver.driver == Driver::kScsi) {
    budget_.emplace(device.queue_depth(), machine.jiffies().hz());
  }
  if (!options.cgroups.empty()) {
    ThrottleHost& host = *this;  // a private base: make_unique() may not convert to it
    throttle_ = std::make_unique<IoThrottle>(machine, host, options.cgroups, options.split_charge);
  }
  device.attach(*this);
}

void RequestQueue::add_elevator(const ElevatorType& type) {
  const int driver_tags = options_.driver_tags.value_or(device_.queue_depth());
  driver_tags_.emplace(driver_tags,
                       TagSetOptions{.wake = options_.tag_wake, .cpus = machine_.cpus()});
  in_driver_.resize(static_cast<std::size_t>(driver_tags));
  const int default_requests = default_nr_requests(device_.queue_depth());
  const ElevatorContext context{
      .machine = machine_,
      .host = this,
      .generation = options_.elevator_generation,
      .nr_requests = options_.nr_requests,
      .default_nr_requests = default_requests,
      .bits_per_word = tags_.bits_per_word(),
      .default_bits_per_word = Sbitmap::bits_per_word_for(default_requests),
      .tag_wake = options_.tag_wake,
      .rotational = options_.limits.rotational,
      .tunables = options_.iosched};
  elevator_.emplace(type.make(context), merger_, options_.limits, options_.nr_requests);
  tags_.set_min_word_depth(elevator_->elevator().min_word_depth());
}

RequestQueue::~RequestQueue() {
  machine_.simulator().cancel(delayed_run_);
  machine_.simulator().cancel(requeue_kick_);
  for (const auto& request : requests_) {
    cancel_interrupts(*request);
  }
  cancel_interrupts(flush_.flush_request());
}

std::size_t RequestQueue::in_flight() const {
  return static_cast<std::size_t>(tags_.in_use()) + bios_.in_use();
}

inline ElevatorQueue::BioMerge RequestQueue::attempt_queued_merge(Bio& bio, int cpu) {
  return elevator_
             ? elevator_->merge(bio, cpu)
             : ElevatorQueue::BioMerge{kind_of(merger_.merge_with_newest(ctx_list_, bio, cpu))};
}

// Models: blk_mq_attempt_bio_merge(): first the task's plug, then what is queued.
inline RequestQueue::MergeAttempt RequestQueue::attempt_merge(TaskIo& io, Bio& bio,
                                                              const engine::BioTrace* trace) {
  const engine::Thread& thread = io.thread();
  const std::int64_t bios = bio.count;
  std::int64_t scanned = 0;
  merger_.begin_attempt(bios);
  if (io.plug() != nullptr && options_.plug_merging) {
    const bool newest_only = options_.plug_merge == PlugMergeRule::kNewestOnly;
    const MergeKind kind = attempt_plug_merge(*io.plug(), bio, newest_only, scanned);
    if (kind != MergeKind::kNone) {
      account_merge(kind, bios, trace);
      return {true, costs().bio_merge + costs().plug_scan * scanned + options_.trace.bio_merge};
    }
  }
  const SimDuration scan = costs().plug_scan * std::max<std::int64_t>(scanned - 1, 0);
  const auto [kind, absorbed] = attempt_queued_merge(bio, thread.cpu_index());
  if (kind == MergeKind::kNone) {
    merger_.end_attempt(kind, bios);
    return {false, scan};
  }
  account_merge(kind, bios, trace);
  SimDuration cost = scan + costs().bio_merge + options_.trace.bio_merge;
  if (absorbed != nullptr) {
    end_absorbed(*absorbed, thread.name());
    cost += options_.trace.rq_merge;
  }
  return {true, cost};
}

// The bio is gone once it is merged: its trace is made before, where anybody wants it.
RequestQueue::MergeAttempt RequestQueue::attempt_merge(TaskIo& io, Bio& bio) {
  if (!tracer_.active()) {
    return attempt_merge(io, bio, nullptr);
  }
  const engine::BioTrace trace = trace_of(io.thread(), bio);
  return attempt_merge(io, bio, &trace);
}

// Models: blk_mq_submit_bio() after the split. Most bios of a sequential stream end here, merged:
// that takes no coroutine.
inline Task<> RequestQueue::submit_in_limits(TaskIo& io, Bio& bio) {
  if (bio.is_flush() || bio.is_part() || limits().nomerges == kNomergesAll) {
    refuse_merge(bio);
    return submit_unmerged(io, bio, SimDuration{});
  }
  const MergeAttempt attempt = attempt_merge(io, bio);
  if (!attempt.merged) {
    return submit_unmerged(io, bio, attempt.cost);
  }
  return io.thread().try_run(attempt.cost) ? Task<>{} : run(io.thread(), attempt.cost);
}

// Models: submit_bio_noacct_nocheck() (v6.1).
inline Task<> RequestQueue::submit_allowed(TaskIo& io, Bio& bio) {
  engine::Thread& thread = io.thread();
  ++stats_.bios;
  trace_bio(BioStep::kQueue, thread, bio);
  const bool whole = bio.count > 1 || sectors_in_limits(bio, limits()) == bio.unit;
  return whole && thread.try_run(options_.trace.bio_queue + data_steps_of(bio))
             ? submit_in_limits(io, bio)
             : submit_in_parts(io, bio);
}

Task<> RequestQueue::submit_bio(TaskIo& io, Bio& bio) {
  engine::Thread& thread = io.thread();
  bio.next = nullptr;
  bio.context = &io.context();
  bio.priority = submitted_priority(io, bio.priority);
  if (elevator_) {
    bio.context->add_user(*this);
  }
  // Models: submit_bio_noacct(): flush flags mean nothing to a queue without a volatile cache.
  if (!limits().write_cache) {
    bio.flags.preflush = false;
    bio.flags.fua = false;
  }
  if (bio.unit == Sectors{0} && !bio.is_flush()) {
    end_bio(bio, BlkStatus::kOk, thread.cpu_index());  // a flush to a device that needs none
    return {};
  }
  if (throttle_ != nullptr) {
    bio.cgroup = io.context().cgroup;
    if (throttle_->hold(bio)) {
      return {};
    }
  }
  return submit_allowed(io, bio);
}

// By kthrotld, whose I/O it is from here on: elevators know it by that task. What is left of a bio
// was traced when it began.
Task<> RequestQueue::submit_released(TaskIo& io, Bio& bio) {
  bio.next = nullptr;
  bio.context = &io.context();
  if (elevator_) {
    bio.context->add_user(*this);
  }
  return bio.split_off > Sectors{0} ? submit_rest(io, bio) : submit_allowed(io, bio);
}

Task<> RequestQueue::submit_in_parts(TaskIo& io, Bio& bio) {
  co_await io.thread().run(options_.trace.bio_queue + data_steps_of(bio));
  co_await submit_rest(io, bio);
}

// Models: __blk_queue_split(): each part is submitted before the next is split off. The rest, which
// comes back to submit_bio_noacct() before the part goes on, may have to wait there.
Task<> RequestQueue::submit_rest(TaskIo& io, Bio& bio) {
  for (Sectors fits = sectors_in_limits(bio, limits()); fits < bio.unit;
       fits = sectors_in_limits(bio, limits())) {
    Bio& part = split_off(bio, fits);
    trace_bio(BioStep::kSplit, io.thread(), bio);
    co_await io.thread().run(options_.trace.split);
    const bool held = throttle_ != nullptr && throttle_->hold_rest(bio);
    co_await submit_in_limits(io, part);
    if (held) {
      co_return;
    }
  }
  co_await submit_in_limits(io, bio);
}

Task<> RequestQueue::run(engine::Thread& thread, SimDuration cost) { co_await thread.run(cost); }

// `search`: CPU time of looking for something to merge with. Not inlined: its frame would cost the
// bios that are merged registers and stack.
[[gnu::noinline]] Task<> RequestQueue::submit_unmerged(TaskIo& io, Bio& bio, SimDuration search) {
  engine::Thread& thread = io.thread();
  const bool flush = bio.is_flush();
  co_await thread.run(search);
  // Merging has not helped, and nothing but a tag holds it back from here on.
  if (wbt_ && !wbt_->throttle({.flags = bio.flags})) {
    co_await wbt_->wait(thread, {.flags = bio.flags});
  }
  Request* request = try_get_request(thread, bio);
  if (request == nullptr) {
    request = co_await wait_for_request(io, bio);
  }
  if (wbt_) {
    wbt_->track(*request, {.flags = bio.flags});
  }
  const SimDuration cost = flush ? costs().flush_submit : costs().request_get;
  co_await thread.run(cost + options_.trace.getrq);
  if (flush) {
    co_await submit_flush(io, *request);
  } else if (Plug* plug = io.plug()) {
    if (plug_is_full(*plug)) {
      co_await io.flush_plug();  // all of it, also what belongs to other queues
    }
    if (plug->empty()) {
      co_await thread.run(options_.trace.plug);
    }
    plug->push_back(*request);
  } else {
    RequestChain list;
    list.push_back(*request);
    if (!elevator_ && dispatch_busy_ == 0) {
      co_await issue_directly(io, list);
      co_return;
    }
    co_await insert(io, list);
    run_queue_async(thread.cpu_index());
  }
}

// Models: blk_insert_flush().
Task<> RequestQueue::submit_flush(TaskIo& io, Request& request) {
  if (flush_.insert(request)) {
    co_return;
  }
  dispatch_.push_back(request);
  if (options_.fua_issue == FuaIssue::kSubmitter) {
    co_await run_queue(io);
  } else {
    run_queue_async(io.thread().cpu_index());
  }
}

// Frees a request whose data another one has taken over.
void RequestQueue::end_absorbed(Request& request, engine::TaskName task) {
  ++stats_.request_merges;
  accounting_.request_merged(request);
  trace_request(RequestStep::kMerge, task, request);
  free_request(request);
}

// Models: __blk_mq_alloc_requests(). Null where there is no tag for it.
Request* RequestQueue::try_get_request(engine::Thread& thread, const Bio& bio) {
  const int word_depth = elevator_ && !bio.is_flush() ? elevator_->elevator().word_depth_for(bio)
                                                      : Sbitmap::kWholeWord;
  const int number = tags_.get(thread.cpu_index(), word_depth);
  if (number == TagSet::kNoTag) {
    return nullptr;
  }
  Request& request = *requests_[static_cast<std::size_t>(number)];
  fill_request(request, bio, thread);
  accounting_.started(request, bio);
  trace_bio(BioStep::kGetRequest, thread, bio);
  return &request;
}

// Models: the sleep in blk_mq_get_tag().
Task<Request*> RequestQueue::wait_for_request(TaskIo& io, const Bio& bio) {
  engine::Thread& thread = io.thread();
  while (true) {
    co_await run_queue(io);  // hands on what waits, before the first sleep and after each
    if (Request* request = try_get_request(thread, bio)) {
      co_return request;
    }
    co_await tags_.wait(thread);
    co_await thread.run(costs().sleeper_wake + costs().tag_wait);
  }
}

}  // namespace wbsim::block
