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
  const PlugSizeLimit limit = options_.plug_size_limit;
  if (plug.empty() ||
      (limit != PlugSizeLimit::kAlways && options_.limits.nomerges == kNomergesAll)) {
    return false;
  }
  const Request& judged =
      limit == PlugSizeLimit::kOldestWhereMerging ? plug.oldest() : plug.newest();
  return to_bytes(judged.length) >= kPlugFlushSize;
}

// Models: the choice of blk_mq_submit_bio(), v5.10: holding requests back is worth it where they
// may be merged by a slow disk, or the driver hands several to the device at once, or there is
// nothing to be gained by issuing them on many queues.
bool RequestQueue::uses_whole_plug() const {
  return hctxs_.size() == 1 || options_.multi_queue == MultiQueueRules::kV6_1 ||
         options_.host_wide_tags || batches() || limits().rotational;
}

// Else a request is held back only until the next one, which might have been merged with it
// (same_queue_rq of blk_mq_submit_bio(), v5.10).
Task<> RequestQueue::add_alone_to_plug(TaskIo& io, Plug& plug, Request& request) {
  RequestChain previous;
  for (Request& each : plug.requests) {
    if (&each.queue == this) {
      previous.splice(previous.end(), plug.requests, plug.requests.iterator_to(each));
      --plug.count;
      break;
    }
  }
  plug.push_back(request);
  trace_plug(io.thread());
  co_await io.thread().run(options_.trace.plug);
  if (!previous.empty()) {
    trace_unplug(io.thread(), previous, false);
    co_await issue_directly(io, previous, DirectIssue::kOne);
  }
}

// Moves what is issued or inserted next: requests of one software queue, thus of one hardware
// queue. v5.10: those in a row; v6.1: all of the newest one's. Models: the loop of
// blk_mq_flush_plug_list(), v5.10; blk_mq_dispatch_plug_list(), v6.1, and v6.12: all of the oldest
// one's.
void RequestQueue::take_group(RequestChain& list, RequestChain& group) const {
  const PlugIssueOrder order = options_.plug_issue_order;
  const bool in_a_row = order == PlugIssueOrder::kFifo;
  const int cpu = order == PlugIssueOrder::kLifo ? list.back().cpu : list.front().cpu;
  const auto other = std::find_if(list.begin(), list.end(),
                                  [cpu](const Request& each) { return each.cpu != cpu; });
  if (in_a_row || other == list.end()) {
    group.splice(group.end(), list, list.begin(), other);
    return;
  }
  for (auto it = list.begin(); it != list.end();) {
    const auto request = it++;
    if (request->cpu == cpu) {
      group.splice(group.end(), list, request);
    }
  }
}

// Models: blk_mq_plug_issue_direct(): whether the device has been busy is not asked.
inline Task<> RequestQueue::issue_plug(TaskIo& io, RequestChain& list) {
  return batches() && !tag_host_.shared() ? issue_batches(io, list)
                                          : issue_directly(io, list, DirectIssue::kPlug);
}

// A driver of batches has queue_rqs(): it gives the device all of a hardware queue at once, oldest
// first (virtio_queue_rqs(), nvme_queue_rqs() since v6.1.120), but not of shared tags.
Task<> RequestQueue::issue_batches(TaskIo& io, RequestChain& list) {
  engine::Thread& thread = io.thread();
  HardwareQueue* hctx = nullptr;
  while (!list.empty()) {
    co_await thread.run(costs().request_issue + options_.trace.rq_issue);
    Request& request = list.front();
    list.pop_front();
    if (hctx != nullptr && hctx != &hctx_of(request)) {
      ring(*hctx);
    }
    hctx = &hctx_of(request);
    start(*hctx, request, thread.name());
    if (options_.plug_issue_order == PlugIssueOrder::kLifo) {
      RequestChain& batch = hctx->batch();
      batch.splice(batch.begin(), batch, batch.iterator_to(request));
    }
  }
  ring(*hctx);
}

Task<> RequestQueue::flush_plug(TaskIo& io) {
  Plug& plug = *io.plug();
  const PlugIssueOrder order = options_.plug_issue_order;
  const bool straight = order != PlugIssueOrder::kFifo && !plug.multiple_queues && !elevator_;
  RequestChain list;
  take_plugged(plug, list);
  if (straight) {
    if (order == PlugIssueOrder::kLifo) {
      list.reverse();
    } else {
      trace_unplug(io.thread(), list, false);
    }
    co_await issue_plug(io, list);
    if (list.empty()) {
      co_return;
    }
    if (order == PlugIssueOrder::kLifo) {
      list.reverse();
    }
  }
  // Models: blk_mq_sched_insert_requests(), oldest first in every version.
  while (!list.empty()) {
    RequestChain group;
    take_group(list, group);
    HardwareQueue& hctx = hctx_of(group.front());
    trace_unplug(io.thread(), group, false);
    if (hctx.dispatch_busy() == 0 && !elevator_) {
      co_await issue_directly(io, group, DirectIssue::kList);
    }
    if (!group.empty()) {
      co_await insert(io, group);
      co_await run_hw_queue(io, hctx);
    }
  }
}

SimDuration RequestQueue::flush_plug_from_schedule(TaskIo& io) {
  RequestChain list;
  take_plugged(*io.plug(), list);
  SimDuration cost = options_.trace.unplug;
  trace_unplug(io.thread(), list, true);
  while (!list.empty()) {
    HardwareQueue& hctx = hctx_of(list.front());
    insert_first(list, io.thread().name());
    cost += insert_cost();
    if (list.empty() || &hctx_of(list.front()) != &hctx) {
      hctx.run_async(io.thread().cpu_index());
    }
  }
  return cost;
}

}  // namespace wbsim::block
