// Submission: from bio to plug (blk_mq_submit_bio() and the plug functions).
#include "sim/block/request_queue.hpp"

#include <algorithm>

namespace wbsim::block {

using engine::BioStep;
using engine::RequestStep;
using engine::Task;

inline ElevatorQueue::BioMerge RequestQueue::attempt_queued_merge(Bio& bio, int cpu) {
  return elevator_ ? elevator_->merge(bio, cpu)
                   : ElevatorQueue::BioMerge{kind_of(
                         merger_.merge_with_newest(hctx_of(cpu).software().of(cpu), bio, cpu))};
}

// Models: blk_mq_attempt_bio_merge(): first the task's plug, then what is queued.
inline RequestQueue::MergeAttempt RequestQueue::attempt_merge(TaskIo& io, Bio& bio,
                                                              const engine::BioTrace* trace) {
  const engine::Thread& thread = io.thread();
  const std::int64_t bios = bio.count;
  std::int64_t scanned = 0;
  merger_.begin_attempt(bios);
  if (io.plug() != nullptr && options_.plug_merging) {
    const MergeKind kind = attempt_plug_merge(*io.plug(), bio, options_.plug_merge, scanned);
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

// Models: __submit_bio(): since v6.9 a task without a plug has one for each bio.
inline Task<> RequestQueue::submit_one(TaskIo& io, Bio& bio) {
  return options_.plugs_each_bio && io.plug() == nullptr ? submit_plugged(io, bio)
                                                         : submit_in_limits(io, bio);
}

Task<> RequestQueue::submit_plugged(TaskIo& io, Bio& bio) {
  io.start_plug();
  co_await submit_in_limits(io, bio);
  co_await io.finish_plug();
}

// Models: submit_bio_noacct_nocheck() (v6.1).
inline Task<> RequestQueue::submit_allowed(TaskIo& io, Bio& bio) {
  engine::Thread& thread = io.thread();
  ++stats_.bios;
  trace_bio(BioStep::kQueue, thread, bio);
  const bool whole = bio.count > 1 || sectors_in_limits(bio, limits()) == bio.unit;
  return whole && thread.try_run(options_.trace.bio_queue + data_steps_of(bio))
             ? submit_one(io, bio)
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
    trace_split(io.thread(), bio, part);
    co_await io.thread().run(options_.trace.split);
    const bool held = throttle_ != nullptr && throttle_->hold_rest(bio);
    co_await submit_one(io, part);
    if (held) {
      co_return;
    }
  }
  co_await submit_one(io, bio);
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
    const bool sequenced = co_await submit_flush(io, *request);
    if (sequenced) {
      co_return;
    }
  }
  Plug* plug = io.plug();
  if (plug != nullptr && uses_whole_plug()) {
    if (plug_is_full(*plug)) {
      co_await io.flush_plug();  // all of it, also what belongs to other queues
    }
    if (plug->empty()) {
      trace_plug(thread);
      co_await thread.run(options_.trace.plug);
    }
    plug->push_back(*request);
  } else if (plug != nullptr && !elevator_ && limits().nomerges != kNomergesAll) {
    co_await add_alone_to_plug(io, *plug, *request);
  } else {
    RequestChain list;
    list.push_back(*request);
    HardwareQueue& hctx = hctx_of(*request);
    const bool sync_of_many = hctxs_.size() > 1 && is_sync(request->flags);
    if (!elevator_ && (hctx.dispatch_busy() == 0 || sync_of_many)) {
      co_await issue_directly(io, list, DirectIssue::kOne);
      co_return;
    }
    co_await insert(io, list);
    hctx.run_async(thread.cpu_index());
  }
}

// Models: blk_insert_flush(). False: it has to go the way of other requests.
Task<bool> RequestQueue::submit_flush(TaskIo& io, Request& request) {
  HardwareQueue& hctx = hctx_of(request);
  const bool as_others = options_.fua_issue == FuaIssue::kAsOthers;
  if (hctx.flush().insert(request, as_others)) {
    co_return true;
  }
  if (as_others) {
    request.no_merge = true;
    co_return false;
  }
  hctx.dispatch_list().push_back(request);
  if (options_.fua_issue == FuaIssue::kSubmitter) {
    co_await run_hw_queue(io, hctx);
  } else {
    hctx.run_async(io.thread().cpu_index());
  }
  co_return true;
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
  const int cpu = thread.cpu_index();
  Request* request = hctx_of(cpu).allocate(cpu, word_depth);
  if (request == nullptr) {
    return nullptr;
  }
  ++allocated_;
  fill_request(*request, bio, thread);
  accounting_.started(*request, bio);
  trace_bio(BioStep::kGetRequest, thread, bio);
  return request;
}

// Models: the sleep in blk_mq_get_tag().
Task<Request*> RequestQueue::wait_for_request(TaskIo& io, const Bio& bio) {
  engine::Thread& thread = io.thread();
  while (true) {
    HardwareQueue& hctx = hctx_of(thread.cpu_index());
    co_await run_queue(io, hctx);  // hands on what waits, before the first sleep and after each
    if (Request* request = try_get_request(thread, bio)) {
      co_return request;
    }
    TagSet& tags = hctx.allocation_tags();
    co_await tags.wait(thread, hctx);
    if (&hctx_of(thread.cpu_index()).allocation_tags() != &tags) {
      tags.pass_on_wakeup(thread.cpu_index());  // it woke up on a CPU of another hardware queue
    }
    co_await thread.run(costs().sleeper_wake + costs().tag_wait);
  }
}

}  // namespace wbsim::block
