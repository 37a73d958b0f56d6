// Submission: from bio to plug (blk_mq_submit_bio() and the plug functions).
#include "sim/block/request_queue.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

RequestQueue::RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
                           DeviceModel& device, const RequestQueueOptions& options)
    : machine_{machine},
      tracer_{tracer},
      kblockd_{kblockd},
      device_{device},
      options_{options},
      tags_{options.nr_requests, options.tag_wake},
      delayed_run_{engine::event_calling<&RequestQueue::on_delayed_run>(*this)},
      flush_{*this} {
  SIM_CHECK(options.plug_requests_max > 0);
  for (int tag = 0; tag < options.nr_requests; ++tag) {
    requests_.push_back(std::make_unique<Request>(*this, tag));
  }
  device.attach(*this);
}

RequestQueue::~RequestQueue() {
  machine_.simulator().cancel(delayed_run_);
  const auto cancel = [this](Request& request) {
    request.hard_irq.cancel(machine_.simulator());
    request.soft_irq.cancel(machine_.simulator());
  };
  for (const auto& request : requests_) {
    cancel(*request);
  }
  cancel(flush_.flush_request());
}

SimDuration RequestQueue::device_busy() const {
  return in_device_ > 0 ? busy_ + (machine_.simulator().now() - busy_since_) : busy_;
}

std::size_t RequestQueue::in_flight() const {
  return static_cast<std::size_t>(tags_.in_use()) + bios_.in_use();
}

Bio& RequestQueue::new_bio() {
  Bio& bio = bios_.acquire();
  bio.end_cost = costs().page_complete;
  return bio;
}

std::int64_t RequestQueue::merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                      std::int64_t wanted) const {
  const Plug* plug = io.plug();
  if (plug == nullptr || plug->empty() || !options_.plug_merging || limits().nomerges == 2) {
    return 0;
  }
  const Request& newest = plug->newest();
  if (&newest.queue != this || newest.no_merge || !newest.flags.write || newest.end() != sector) {
    return 0;
  }
  const std::int64_t by_size = (limits().max_sectors - newest.length) / unit;
  const std::int64_t by_segments = limits().max_segments - newest.segments;
  return std::clamp<std::int64_t>(std::min(by_size, by_segments), 0, wanted);
}

bool RequestQueue::follows_plug(const TaskIo& io, Lba sector) const {
  const Plug* plug = io.plug();
  return plug == nullptr || plug->empty() || plug->newest().end() == sector;
}

void RequestQueue::merge_run(TaskIo& io, Bio& run, SimDuration step) {
  Request& newest = io.plug()->newest();
  stats_.bios += run.count;
  stats_.back_merges += run.count;
  trace_bio(BioStep::kQueue, io.thread().name(), run, step);
  trace_bio(BioStep::kBackMerge, io.thread().name(), run, step);
  append_bio(newest, run);
}

// Adds a run at the end of a request's data. A run that continues the last one becomes part of it.
void RequestQueue::append_bio(Request& request, Bio& bio) {
  request.length += bio.length();
  request.segments += segments_of(bio, limits());
  request.bio_count += bio.count;
  request.end_cost += bio.end_cost * bio.count;
  Bio& last = *request.bio_tail;
  const bool continues = options_.bio_runs && last.end() == bio.sector && last.unit == bio.unit &&
                         last.end_io == bio.end_io && !last.is_part() &&
                         bio.split_off == Sectors{0};
  if (continues) {
    last.count += bio.count;
    last.writes.last = bio.writes.last;
    bios_.release(bio);
    return;
  }
  last.next = &bio;
  request.bio_tail = &bio;
}

// Models: the size and segment limits of ll_back_merge_fn() and ll_front_merge_fn(). A request
// that failed once is not tried again.
bool RequestQueue::fits(Request& request, const Bio& bio) {
  if (request.length + bio.length() > limits().max_sectors ||
      request.segments + segments_of(bio, limits()) > limits().max_segments) {
    request.no_merge = true;
    return false;
  }
  return true;
}

// Models: blk_attempt_bio_merge(), bio_attempt_back_merge() and bio_attempt_front_merge().
bool RequestQueue::attempt_merge(Request& request, Bio& bio) {
  if (request.no_merge || request.flags.write != bio.flags.write || request.bio == nullptr) {
    return false;
  }
  if (request.end() == bio.sector) {
    if (!fits(request, bio)) {
      return false;
    }
    stats_.back_merges += bio.count;
    append_bio(request, bio);
    return true;
  }
  if (bio.end() == request.sector) {
    if (!fits(request, bio)) {
      return false;
    }
    stats_.front_merges += bio.count;
    request.sector = bio.sector;
    request.length += bio.length();
    request.segments += segments_of(bio, limits());
    request.bio_count += bio.count;
    request.end_cost += bio.end_cost * bio.count;
    bio.next = request.bio;
    request.bio = &bio;
    return true;
  }
  return false;
}

// Models: blk_attempt_plug_merge(). `scanned` counts the requests looked at in vain.
bool RequestQueue::attempt_plug_merge(Plug& plug, Bio& bio, std::int64_t& scanned) {
  for (auto it = plug.requests.rbegin(); it != plug.requests.rend(); ++it) {
    if (&it->queue != this) {
      continue;
    }
    if (attempt_merge(*it, bio)) {
      return true;
    }
    ++scanned;
    if (options_.plug_merge == PlugMergeRule::kNewestOnly) {
      break;
    }
  }
  return false;
}

// Models: bio_split() and bio_chain(): the part that fits becomes a bio of its own, which is not
// merged; `bio` keeps the rest.
Bio& RequestQueue::split_off(Bio& bio, Sectors length, engine::TaskName task) {
  Bio& part = bios_.acquire(bio);
  part.unit = length;
  part.chained_to = &bio;
  part.split_off = Sectors{0};
  part.remaining = 1;
  bio.sector = bio.sector + length;
  bio.unit = bio.unit - length;
  bio.split_off += length;
  ++bio.remaining;
  trace_bio(BioStep::kSplit, task, bio);
  return part;
}

Task<> RequestQueue::submit_bio(TaskIo& io, Bio& bio) {
  bio.next = nullptr;
  // Models: submit_bio_noacct(): flush flags mean nothing to a queue without a volatile cache.
  if (!limits().write_cache) {
    bio.flags.preflush = false;
    bio.flags.fua = false;
  }
  const bool whole = bio.count > 1 || sectors_in_limits(bio, limits()) == bio.unit;
  return whole ? submit_in_limits(io, bio) : submit_in_parts(io, bio);
}

// Models: __blk_queue_split(): each part is submitted before the next is split off.
Task<> RequestQueue::submit_in_parts(TaskIo& io, Bio& bio) {
  const engine::TaskName task = io.thread().name();
  ++stats_.bios;
  trace_bio(BioStep::kQueue, task, bio);
  co_await io.thread().run(options_.trace_block);
  for (Sectors fits = sectors_in_limits(bio, limits()); fits < bio.unit;
       fits = sectors_in_limits(bio, limits())) {
    co_await submit_in_limits(io, split_off(bio, fits, task));
  }
  co_await submit_in_limits(io, bio);
}

// Models: blk_mq_submit_bio() after the split.
Task<> RequestQueue::submit_in_limits(TaskIo& io, Bio& bio) {
  engine::Thread& thread = io.thread();
  const engine::TaskName task = thread.name();
  if (bio.unit == Sectors{0} && !bio.is_flush()) {
    end_bio(bio, BlkStatus::kOk, thread.cpu_index());  // a flush to a device that needs none
    co_return;
  }
  const bool flush = bio.is_flush();
  if (!bio.is_part() && bio.split_off == Sectors{0}) {
    ++stats_.bios;
    trace_bio(BioStep::kQueue, task, bio);
    co_await thread.run(options_.trace_block);
  }
  const bool mergeable =
      !flush && !bio.is_part() && options_.plug_merging && limits().nomerges != 2;
  if (mergeable && io.plug() != nullptr) {
    // The bio is gone once it is merged: what the trace needs is kept.
    const Bio copy = bio;
    const std::int64_t front_merges = stats_.front_merges;
    std::int64_t scanned = 0;
    if (attempt_plug_merge(*io.plug(), bio, scanned)) {
      const bool front = stats_.front_merges != front_merges;
      trace_bio(front ? BioStep::kFrontMerge : BioStep::kBackMerge, task, copy);
      co_await thread.run(costs().bio_merge + costs().plug_scan * scanned + options_.trace_block);
      co_return;
    }
    co_await thread.run(costs().plug_scan * std::max<std::int64_t>(scanned - 1, 0));
  }
  Request* request = co_await get_request(io, bio);
  const SimDuration cost = flush ? costs().flush_submit : costs().request_get;
  co_await thread.run(cost + options_.trace_block);
  if (flush) {
    if (!flush_.insert(*request)) {
      dispatch_.push_back(*request);
      run_queue_async();
    }
    co_return;
  }
  if (io.plug() != nullptr) {
    co_await add_to_plug(io, *request);
    co_return;
  }
  RequestChain list;
  list.push_back(*request);
  if (dispatch_busy_ > 0) {
    co_await insert(io, list);
    run_queue_async();
    co_return;
  }
  co_await issue_directly(io, list);
}

// Models: __blk_mq_alloc_request() and the sleep in blk_mq_get_tag().
Task<Request*> RequestQueue::get_request(TaskIo& io, const Bio& bio) {
  engine::Thread& thread = io.thread();
  int tag = tags_.get();
  while (tag == TagSet::kNoTag) {
    co_await run_queue(io);  // hands on what waits, before the first sleep and after each
    tag = tags_.get();
    if (tag == TagSet::kNoTag) {
      co_await tags_.wait(thread);
      co_await thread.run(costs().sleeper_wake + costs().tag_wait);
    }
  }
  Request& request = *requests_[static_cast<std::size_t>(tag)];
  request.cpu = thread.cpu_index();
  request.sector = bio.sector;
  request.length = bio.length();
  request.flags = bio.flags;
  request.segments = segments_of(bio, limits());
  request.bio_count = bio.count;
  request.end_cost = bio.end_cost * bio.count;
  request.no_merge = bio.is_flush() || bio.is_part();
  request.flush_sequence = false;
  request.flush_done = 0;
  request.status = BlkStatus::kOk;
  request.started = thread.now();
  request.bio = request.bio_tail = const_cast<Bio*>(&bio);
  trace_bio(BioStep::kGetRequest, thread.name(), bio);
  co_return &request;
}

// Models: blk_add_rq_to_plug() and the limits before it. The size test looks at the previous
// request as it has grown by merging.
Task<> RequestQueue::add_to_plug(TaskIo& io, Request& request) {
  Plug& plug = *io.plug();
  // A plug that several devices share holds twice as many (blk_plug_max_rq_count()).
  const std::size_t most = options_.plug_requests_max * (plug.multiple_queues ? 2 : 1);
  const bool full = plug.count >= most;
  const bool large = !plug.empty() && to_bytes(plug.newest().length) >= kPlugFlushSize;
  if (full || large) {
    co_await io.flush_plug();  // all of it, also what belongs to other queues
  }
  if (plug.empty()) {
    co_await io.thread().run(options_.trace_block);  // block_plug
  }
  plug.push_back(request);
}

// Takes this queue's requests out of a plug, oldest first.
void RequestQueue::take_plugged(Plug& plug, RequestChain& taken) const {
  for (auto it = plug.requests.begin(); it != plug.requests.end();) {
    const auto request = it++;
    if (&request->queue == this) {
      taken.splice(taken.end(), plug.requests, request);
      --plug.count;
    }
  }
  plug.multiple_queues &= !plug.empty();
}

Task<> RequestQueue::flush_plug(TaskIo& io) {
  Plug& plug = *io.plug();
  const bool newest_first =
      options_.plug_issue_order == PlugIssueOrder::kLifo && !plug.multiple_queues;
  RequestChain list;
  take_plugged(plug, list);
  if (newest_first) {
    // Models: blk_mq_plug_issue_direct(): whether the device has been busy is not asked.
    list.reverse();
    co_await issue_directly(io, list);
    if (list.empty()) {
      co_return;
    }
    co_await run_queue(io);  // what the device refused, before the others are inserted
    list.reverse();
  }
  // Models: blk_mq_sched_insert_requests(), oldest first in every version.
  trace_unplug(io.thread(), list, false);
  if (dispatch_busy_ == 0) {
    co_await issue_directly(io, list);
  }
  if (!list.empty()) {
    co_await insert(io, list);
    co_await run_queue(io);
  }
}

SimDuration RequestQueue::flush_plug_from_schedule(TaskIo& io) {
  RequestChain list;
  take_plugged(*io.plug(), list);
  SimDuration cost = options_.trace_block;  // block_unplug
  for (const Request& request : list) {
    trace_request(RequestStep::kInsert, io.thread().name(), request);
    cost += costs().request_insert + options_.trace_request;
  }
  trace_unplug(io.thread(), list, true);
  ctx_list_.splice(ctx_list_.end(), list);
  run_queue_async();
  return cost;
}

void RequestQueue::trace_unplug(const engine::Thread& thread, const RequestChain& list,
                                bool from_schedule) {
  if (tracer_.active()) {
    const engine::UnplugTrace trace{thread.now(), thread.name(), static_cast<int>(list.size()),
                                    from_schedule};
    tracer_.emit(&engine::Observer::on_unplug, trace);
  }
}

void RequestQueue::trace_bio(BioStep step, engine::TaskName task, const Bio& bio,
                             SimDuration pace) {
  if (!tracer_.active()) {
    return;
  }
  const engine::BioTrace trace{machine_.simulator().now(),
                               task,
                               options_.device,
                               bio.sector,
                               bio.unit,
                               bio.flags,
                               bio.count,
                               pace};
  tracer_.emit(&engine::Observer::on_bio, step, trace);
}

void RequestQueue::trace_request(RequestStep step, engine::TaskName task, const Request& request) {
  if (!tracer_.active()) {
    return;
  }
  const engine::RequestTrace trace{.time = machine_.simulator().now(),
                                   .task = task,
                                   .device = options_.device,
                                   .sector = request.sector,
                                   .length = request.length,
                                   .rwbs = request.flags,
                                   .error = request.status == BlkStatus::kOk ? 0 : -5,
                                   .bios = request.bio_count,
                                   .started = request.started,
                                   .issued = request.issued};
  tracer_.emit(&engine::Observer::on_request, step, trace);
}

}  // namespace wbsim::block
