#include "sim/block/flush_machinery.hpp"

#include "sim/base/check.hpp"
#include "sim/block/block_queue.hpp"

namespace wbsim::block {

namespace {
constexpr SimDuration kFlushPendingTimeout = seconds(5);  // FLUSH_PENDING_TIMEOUT
}  // namespace

FlushMachinery::FlushMachinery(BlockQueue& queue, FlushHost& host,
                               const engine::Simulator& simulator)
    : queue_{queue}, host_{host}, simulator_{simulator}, flush_request_{queue, kNoTag} {
  flush_request_.flags.flush = true;
  flush_request_.sector = Lba{-1};
}

bool FlushMachinery::is_flush_request(const Request& request) const {
  return &request == &flush_request_;
}

// Models: blk_flush_policy() and blk_insert_flush().
bool FlushMachinery::insert(Request& request, bool data_as_others) {
  const QueueLimits& limits = queue_.limits();
  unsigned steps = 0;
  if (request.length > Sectors{0}) {
    steps |= kFlushData;
  }
  if (limits.write_cache && request.flags.preflush) {
    steps |= kFlushPre;
  }
  if (limits.write_cache && request.flags.fua && !limits.fua) {
    steps |= kFlushPost;
  }
  request.flags.preflush = false;
  if (!limits.fua) {
    request.flags.fua = false;
  }
  request.flags.sync = true;
  if (steps == kFlushData) {
    return false;
  }
  request.flush_sequence = true;
  if (data_as_others && steps == (kFlushData | kFlushPost)) {
    request.flush_done = kFlushPre;
    data_in_flight_.push_back(request);
    return false;
  }
  request.flush_done = 0;
  next_step(request, kFlushAll & ~steps, request.cpu);
  return true;
}

// Models: blk_flush_complete_seq(). The next step is the first that is not done.
void FlushMachinery::next_step(Request& request, unsigned finished, int cpu) {
  request.flush_done |= finished;
  if ((request.flush_done & kFlushPre) == 0 ||
      ((request.flush_done & kFlushData) != 0 && (request.flush_done & kFlushPost) == 0)) {
    FlushChain& list = pending_[pending_index_];
    if (list.empty()) {
      pending_since_ = simulator_.now();
    }
    list.push_back(request);
  } else if ((request.flush_done & kFlushData) == 0) {
    data_in_flight_.push_back(request);
    host_.queue_flush_data(request, cpu);
  } else {
    request.flush_sequence = false;
    host_.end_flushed(request);
  }
  kick(cpu);
}

// Models: blk_kick_flush().
void FlushMachinery::kick(int cpu) {
  const FlushChain& list = pending_[pending_index_];
  if (pending_index_ != running_index_ || list.empty()) {
    return;
  }
  const SimTime now = simulator_.now();
  if (!data_in_flight_.empty() && now < pending_since_ + kFlushPendingTimeout) {
    return;
  }
  pending_index_ ^= 1U;
  flush_request_.started = now;
  flush_request_.cpu = list.front().cpu;
  // Without an elevator it borrows the tag of a request that is not in the device meanwhile; with
  // one that has none (kNoTag), and it takes one when it is issued.
  flush_request_.tag = list.front().tag;
  host_.queue_flush(flush_request_, cpu);
}

// Models: flush_end_io() and mq_flush_data_end_io().
bool FlushMachinery::completed(Request& request, BlkStatus status) {
  if (is_flush_request(request)) {
    host_.leave_device(request);
    FlushChain running;
    running.swap(pending_[running_index_]);
    running_index_ ^= 1U;
    while (!running.empty()) {
      Request& waiting = running.front();
      running.pop_front();
      if (status != BlkStatus::kOk) {
        waiting.status = status;
      }
      const bool pre = (waiting.flush_done & kFlushPre) == 0;
      // An error ends the sequence, whatever steps are left.
      const unsigned finished = status != BlkStatus::kOk ? kFlushAll : pre ? kFlushPre : kFlushPost;
      next_step(waiting, finished, request.cpu);
    }
    return true;
  }
  if (!request.flush_sequence) {
    return false;
  }
  host_.leave_device(request);
  data_in_flight_.erase(data_in_flight_.iterator_to(request));
  next_step(request, status != BlkStatus::kOk ? kFlushAll : kFlushData, request.cpu);
  return true;
}

}  // namespace wbsim::block
