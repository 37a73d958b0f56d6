// Plugs: filling, merging into and issuing them (block/blk-core.c, block/blk-mq.c).
#include <algorithm>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

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

}  // namespace wbsim::block
