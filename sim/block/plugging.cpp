// Plugs: filling, merging into and issuing them (block/blk-core.c, block/blk-mq.c).
#include <algorithm>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

std::int64_t RequestQueue::merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                      std::int64_t wanted) const {
  const Plug* plug = io.plug();
  if (plug == nullptr || plug->empty() || !options_.plug_merging || limits().nomerges == 2) {
    return 0;
  }
  const Request& newest = plug->newest();
  if (&newest.queue != this || newest.no_merge || !newest.flags.write || newest.end() != sector ||
      newest.priority != submitted_priority(io, IoPriority{})) {
    return 0;
  }
  const Sectors by_size = limits().max_sectors - newest.length;
  const std::int64_t by_segments = limits().max_segments - newest.segments;
  if (unit * wanted <= by_size && wanted <= by_segments) {
    return wanted;  // the common case, without the division
  }
  return std::clamp<std::int64_t>(std::min(by_size / unit, by_segments), 0, wanted);
}

bool RequestQueue::follows_plug(const TaskIo& io, Lba sector) const {
  const Plug* plug = io.plug();
  return plug == nullptr || plug->empty() || plug->newest().end() == sector;
}

void RequestQueue::merge_run(TaskIo& io, Bio& run, SimDuration step) {
  Request& newest = io.plug()->newest();
  run.priority = newest.priority;
  merger_.begin_attempt(run.count);
  merger_.end_attempt(MergeKind::kBack, run.count);
  stats_.bios += run.count;
  stats_.back_merges += run.count;
  trace_bio(BioStep::kQueue, io.thread(), run, step);
  trace_bio(BioStep::kBackMerge, io.thread(), run, step);
  merger_.append(newest, run);
}

// Models: blk_add_rq_to_plug() and the limits before it. The size test looks at the previous
// request as it has grown by merging.
bool RequestQueue::plug_is_full(const Plug& plug) const {
  // A plug that several devices share holds twice as many (blk_plug_max_rq_count()).
  const std::size_t most = options_.plug_requests_max * (plug.multiple_queues ? 2 : 1);
  if (plug.count >= most) {
    return true;
  }
  const bool size_counts =
      options_.plug_size_limit == PlugSizeLimit::kAlways || options_.limits.nomerges < kNomergesAll;
  return size_counts && !plug.empty() && to_bytes(plug.newest().length) >= kPlugFlushSize;
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
      options_.plug_issue_order == PlugIssueOrder::kLifo && !plug.multiple_queues && !elevator_;
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
  if (dispatch_busy_ == 0 && !elevator_) {
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
  SimDuration cost = options_.trace.unplug;
  trace_unplug(io.thread(), list, true);
  while (!list.empty()) {
    insert_first(list, io.thread().name());
    cost += insert_cost();
  }
  run_queue_async(io.thread().cpu_index());
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

}  // namespace wbsim::block
