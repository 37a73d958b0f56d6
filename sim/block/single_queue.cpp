// Submission to a single queue: merging, allocation, plugs, insertion.
#include "sim/block/single_queue.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

namespace {

constexpr int kUnplugThreshold = 4;  // unplug_thresh, blk_queue_make_request()

BlockQueueOptions common_options(const SingleQueueOptions& options) {
  return {.device = options.device,
          .limits = options.limits,
          .priority_merge = PriorityMerge::kKeepsBest,
          .disk_stats = options.disk_stats,
          .plug_issue_order = PlugIssueOrder::kByDevice,
          .plug_merging = options.plug_merging,
          .bio_runs = options.bio_runs,
          .trace = options.trace,
          .data_steps = options.data_steps,
          .driver = options.driver};
}

}  // namespace

SingleQueue::SoftIrqRun::SoftIrqRun(SingleQueue& owner, int own_cpu)
    : queue{owner}, cpu{own_cpu}, interrupt{&SingleQueue::soft_irq_run_thunk, this} {}

SingleQueue::SingleQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
                         DeviceModel& device, const SingleQueueOptions& options)
    : BlockQueue{machine, tracer, kblockd, device, common_options(options)},
      options_{options},
      pool_{*this, machine, options.nr_requests, options.request_classes, options.congestion},
      dispatch_{options.sorted_directions},
      flush_{*this, *this, machine.simulator()},
      ordered_{*this, options_.limits, dispatch_},
      by_tag_(static_cast<std::size_t>(device.queue_depth())),
      delay_{engine::event_calling<&SingleQueue::on_delay>(*this)} {
  SIM_CHECK(options.elevator != nullptr);
  const ElevatorContext context{.machine = machine,
                                .host = this,
                                .generation = options.elevator_generation,
                                .nr_requests = options.nr_requests,
                                .default_nr_requests = options.nr_requests,
                                .rotational = options.limits.rotational,
                                .tunables = options_.iosched,
                                .single_queue = this,
                                .request_numbers = pool_.numbers()};
  elevator_.emplace(options.elevator->make(context), merger_, options_.limits, pool_.numbers());
  dispatch_.attach(*elevator_);
  for (int tag = device.queue_depth() - 1; tag >= 0; --tag) {
    free_tags_.push_back(tag);
  }
  for (int cpu = 0; cpu < machine.cpus(); ++cpu) {
    softirq_runs_.push_back(std::make_unique<SoftIrqRun>(*this, cpu));
  }
  device.attach(*this);
}

SingleQueue::~SingleQueue() {
  dispatch_.clear();  // of requests that end before it
  machine_.simulator().cancel(delay_);
  for (const auto& request : pool_.requests()) {
    cancel_interrupts(*request);
  }
  for (Request* request :
       {&flush_.flush_request(), &ordered_.pre_flush(), &ordered_.data(), &ordered_.post_flush()}) {
    cancel_interrupts(*request);
  }
  for (const auto& run : softirq_runs_) {
    run->interrupt.cancel(machine_.simulator());
  }
}

std::size_t SingleQueue::in_flight() const {
  return static_cast<std::size_t>(pool_.allocated()) + bios_.in_use();
}

// Models: bio_add_page() on an empty bio, page after page, none contiguous with the one before.
Sectors SingleQueue::bio_sectors_max(Lba /*at*/) const {
  const Pages most = std::min(
      {kBioPagesMax, pages_floor(to_bytes(limits().max_sectors)), Pages{limits().max_segments}});
  return to_sectors(most);
}

// Models: "bio too big device" in generic_make_request(): nothing is split.
bool SingleQueue::refuses(const Bio& bio) const {
  return sectors_in_limits(bio, limits()) < bio.unit;
}

// A write with data that has flush flags is what v2.6.18 calls a barrier; one without data is
// blkdev_issue_flush(), which has a command of its own.
SingleQueue::Where SingleQueue::place_of(const Bio& bio) const {
  if (!bio.is_flush()) {
    return Where::kSort;
  }
  if (options_.cache_flush == CacheFlush::kSequences) {
    return Where::kFlush;
  }
  return bio.unit == Sectors{0} ? Where::kFront : Where::kBarrier;
}

Task<> SingleQueue::submit_bio(TaskIo& io, Bio& bio) {
  engine::Thread& thread = io.thread();
  bio.next = nullptr;
  bio.context = &io.context();
  bio.context->add_user(*this);
  if (!limits().write_cache) {
    const bool keeps = options_.cache_flush == CacheFlush::kBarriers && bio.unit > Sectors{0};
    bio.flags.preflush &= keeps;
    bio.flags.fua &= keeps;
  }
  const bool pointless = bio.unit == Sectors{0} && !bio.is_flush();
  if (pointless || refuses(bio)) {
    end_bio(bio, pointless ? BlkStatus::kOk : BlkStatus::kIoError, thread.cpu_index());
    co_return;
  }
  ++stats_.bios;
  trace_bio(BioStep::kQueue, thread, bio);
  co_await thread.run(options_.trace.bio_queue + data_steps_of(bio));
  const Where where = place_of(bio);
  const bool sync = bio.flags.sync;
  if (where != Where::kSort) {
    refuse_merge(bio);
  } else if (co_await attempt_merge(io, bio)) {
    if (sync && remove_plug()) {
      co_await run_queue(io);
    }
    co_return;
  }
  Request& request = *co_await get_request(io, bio, where);
  const SimDuration cost = where == Where::kSort ? costs().request_get : costs().flush_submit;
  co_await thread.run(cost + options_.trace.getrq);
  if (options_.plugging == QueuePlugging::kPerTask && io.plug() != nullptr) {
    co_await add_to_plug(io, request);
    co_return;
  }
  co_await thread.run(costs().request_insert + options_.trace.rq_insert);
  if (options_.plugging == QueuePlugging::kPerQueue) {
    co_await submit_to_plugged_queue(io, request, where);
  } else {
    add_request(request, where, thread.name());
    co_await run_queue(io);
  }
}

// Models: attempt_plug_merge() and elv_merge(). The plug is tried whatever nomerges says (v3.6).
// `trace`: of the bio, which is gone once it is merged; null where nobody wants it.
SimDuration SingleQueue::merge(TaskIo& io, Bio& bio, const engine::BioTrace* trace, bool& merged) {
  const std::int64_t bios = bio.count;
  std::int64_t scanned = 0;
  MergeKind kind = MergeKind::kNone;
  Request* absorbed = nullptr;
  merger_.begin_attempt(bios);
  if (io.plug() != nullptr && options_.plug_merging) {
    kind = attempt_plug_merge(*io.plug(), bio, PlugMergeRule::kAllRequests, scanned);
  }
  if (kind == MergeKind::kNone) {
    scanned = std::max<std::int64_t>(scanned - 1, 0);
    const ElevatorQueue::BioMerge queued = elevator_->merge(bio, io.thread().cpu_index());
    kind = queued.kind;
    absorbed = queued.absorbed;
  }
  SimDuration cost = costs().plug_scan * scanned;
  merged = kind != MergeKind::kNone;
  if (!merged) {
    merger_.end_attempt(kind, bios);
  } else {
    account_merge(kind, bios, trace);
    cost += costs().bio_merge + options_.trace.bio_merge;
  }
  if (absorbed != nullptr) {
    end_absorbed(*absorbed, io.thread().name());
    cost += options_.trace.rq_merge;
  }
  return cost;
}

// True: the bio has become part of a request.
Task<bool> SingleQueue::attempt_merge(TaskIo& io, Bio& bio) {
  bool merged = false;
  SimDuration cost{};
  if (tracer_.active()) {
    const engine::BioTrace trace = trace_of(io.thread(), bio);
    cost = merge(io, bio, &trace, merged);
  } else {
    cost = merge(io, bio, nullptr, merged);
  }
  co_await io.thread().run(cost);
  co_return merged;
}

// Frees a request whose data another one has taken over.
void SingleQueue::end_absorbed(Request& request, engine::TaskName task) {
  ++stats_.request_merges;
  accounting_.request_merged(request);
  trace_request(RequestStep::kMerge, task, request);
  free_request(request);
}

// Models: get_request().
Request* SingleQueue::try_get_request(TaskIo& io, Bio& bio, Where where) {
  Elevator& elevator = elevator_->elevator();
  Request* request = pool_.get(pool_.class_of(bio.flags), io.context(), elevator.may_queue(bio));
  if (request == nullptr) {
    return nullptr;
  }
  fill_request(*request, bio, io.thread());
  request->flags.flush = where == Where::kFront;
  if (!request->flags.flush) {
    accounting_.started(*request, bio);
  }
  request->barrier = where == Where::kBarrier;
  request->seen = request->soft_barrier = request->sorted = false;
  request->elevator_data = where == Where::kSort || where == Where::kBarrier;
  if (request->elevator_data) {
    elevator.set_request(*request, bio);
  }
  trace_bio(BioStep::kGetRequest, io.thread(), bio);
  return request;
}

// Models: get_request_wait(). In v2.6.18 who is about to sleep takes the plug away.
Task<Request*> SingleQueue::get_request(TaskIo& io, Bio& bio, Where where) {
  engine::Thread& thread = io.thread();
  while (true) {
    if (Request* request = try_get_request(io, bio, where)) {
      co_return request;
    }
    if (remove_plug()) {
      co_await run_queue(io);
      continue;  // a request may have been freed meanwhile
    }
    co_await pool_.wait(thread, io.context(), pool_.class_of(bio.flags));
    co_await thread.run(costs().sleeper_wake + costs().tag_wait);
  }
}

// Requests of this queue in a plug.
std::size_t SingleQueue::plugged_here(const Plug& plug) const {
  if (!plug.multiple_queues) {
    return !plug.empty() && &plug.requests.front().queue == this ? plug.count : 0;
  }
  const auto here =
      std::count_if(plug.requests.begin(), plug.requests.end(),
                    [this](const Request& request) { return &request.queue == this; });
  return static_cast<std::size_t>(here);
}

// Models: the end of blk_queue_bio(). Requests for the flush machinery do not look for a limit.
Task<> SingleQueue::add_to_plug(TaskIo& io, Request& request) {
  Plug& plug = *io.plug();
  const bool flush = request.flags.preflush || request.flags.fua;
  if (!flush && plugged_here(plug) >= options_.plug_requests_max) {
    co_await io.flush_plug();  // all of it, also what belongs to other queues
  }
  if (plug.empty()) {
    trace_plug(io.thread());
    co_await io.thread().run(options_.trace.plug);
  }
  plug.push_back(request);
}

// Models: blk_flush_plug_list(), v3.6.
Task<> SingleQueue::flush_plug(TaskIo& io) {
  engine::Thread& thread = io.thread();
  RequestChain list;
  take_plugged(*io.plug(), list);
  int depth = 0;
  for (; !list.empty(); ++depth) {
    co_await thread.run(costs().request_insert + options_.trace.rq_insert);
    Request& request = list.front();
    list.pop_front();
    const bool flush = request.flags.preflush || request.flags.fua;
    add_request(request, flush ? Where::kFlush : Where::kSortMerge, thread.name());
    co_await run_where_elevator_asked(io);
  }
  trace_unplug(thread.name(), depth, false);
  co_await run_queue(io);
}

SimDuration SingleQueue::flush_plug_from_schedule(TaskIo& io) {
  const engine::TaskName task = io.thread().name();
  RequestChain list;
  take_plugged(*io.plug(), list);
  SimDuration cost = options_.trace.unplug;
  int depth = 0;
  for (; !list.empty(); ++depth) {
    Request& request = list.front();
    list.pop_front();
    const bool flush = request.flags.preflush || request.flags.fua;
    add_request(request, flush ? Where::kFlush : Where::kSortMerge, task);
    cost += costs().request_insert + options_.trace.rq_insert;
  }
  trace_unplug(task, depth, true);
  run_later(io.thread().cpu_index());
  return cost;
}

// Models: the end of __make_request(), the end of elv_insert() and blk_execute_rq_nowait(),
// v2.6.18.
Task<> SingleQueue::submit_to_plugged_queue(TaskIo& io, Request& request, Where where) {
  const bool sync = request.flags.sync;
  if (where == Where::kFront || queue_is_empty()) {
    plug_device();
  }
  add_request(request, where, io.thread().name());
  if (where == Where::kBarrier) {
    remove_plug();
    co_await run_queue(io);
  }
  co_await run_where_elevator_asked(io);
  const bool enough = pool_.allocated() - in_driver_ >= kUnplugThreshold;
  if ((enough || sync || where == Where::kFront) && remove_plug()) {
    co_await run_queue(io);
  }
}

// Models: __elv_add_request().
void SingleQueue::add_request(Request& request, Where where, engine::TaskName task) {
  if (options_.cache_flush == CacheFlush::kBarriers) {
    ordered_.add(request);
  }
  switch (where) {
    case Where::kSort:
      add_to_elevator(request, InsertMerge::kNot, task);
      return;
    case Where::kSortMerge:
      add_to_elevator(request, InsertMerge::kOnce, task);
      return;
    case Where::kFlush:
      trace_request(RequestStep::kInsert, task, request);
      if (!flush_.insert(request)) {
        dispatch_.push_back(request);
      }
      flush_queued_ = false;  // its submitter runs the queue
      return;
    case Where::kBarrier:
      trace_request(RequestStep::kInsert, task, request);
      dispatch_.set_boundary(request);
      while (elevator_->elevator().dispatch_to(dispatch_, true) > 0) {
      }
      dispatch_.push_back(request);
      return;
    case Where::kFront:
      trace_request(RequestStep::kInsert, task, request);
      dispatch_.push_front(request);
      return;
  }
}

void SingleQueue::add_to_elevator(Request& request, InsertMerge merging, engine::TaskName task) {
  RequestChain absorbed;
  if (!elevator_->insert(request, absorbed, merging)) {
    while (!absorbed.empty()) {
      Request& merged = absorbed.front();
      absorbed.pop_front();
      end_absorbed(merged, task);
    }
    return;
  }
  request.sorted = true;
  trace_request(RequestStep::kInsert, task, request);
}

}  // namespace wbsim::block
