#include "sim/block/ordered_sequence.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

OrderedSequence::OrderedSequence(BlockQueue& owner, const QueueLimits& limits, DispatchQueue& list)
    : limits_{limits},
      list_{list},
      pre_flush_{owner, kNoTag},
      data_{owner, kNoTag},
      post_flush_{owner, kNoTag} {
  for (Request* flush : {&pre_flush_, &post_flush_}) {
    flush->flags.flush = true;
    flush->sector = Lba{-1};
  }
}

// Models: blk_ordered_cur_seq(): the first step that is not done.
unsigned OrderedSequence::current() const { return 1U << std::countr_one(done_); }

// Models: blk_ordered_req_seq().
unsigned OrderedSequence::step_of(const Request& request) const {
  if (&request == &pre_flush_) {
    return kPreFlush;
  }
  if (&request == &data_) {
    return kData;
  }
  if (&request == &post_flush_) {
    return kPostFlush;
  }
  return request.color == barrier_->color ? kDrain : kDone;
}

void OrderedSequence::add(Request& request) {
  request.color = color_;
  if (request.barrier) {
    color_ = !color_;
  }
}

Request* OrderedSequence::admit(int in_flight, SimTime now) {
  Request& first = list_.front();
  if (!is_active()) {
    return first.barrier ? start(in_flight, now) : &first;
  }
  const bool special = first.flags.flush && !is_proxy(first);
  return special || step_of(first) <= current() ? &first : nullptr;
}

// Models: start_ordered(). The steps are put before all that waits, the last one first.
Request* OrderedSequence::start(int in_flight, SimTime now) {
  const bool flushes = limits_.write_cache;
  const bool fua = flushes && limits_.fua;
  barrier_ = &list_.front();
  list_.pop_front();
  done_ = kStarted;
  for (Request* proxy : {&pre_flush_, &data_, &post_flush_}) {
    proxy->started = now;
    proxy->cpu = barrier_->cpu;
    proxy->seen = false;
    proxy->status = BlkStatus::kOk;
  }
  data_.sector = barrier_->sector;
  data_.length = barrier_->length;
  data_.flags = barrier_->flags;
  data_.flags.preflush = false;
  data_.flags.fua = fua;
  data_.bio_count = barrier_->bio_count;
  data_.end_cost = barrier_->end_cost;
  if (flushes && !fua) {
    list_.push_front(post_flush_);
  } else {
    done_ |= kPostFlush;
  }
  list_.push_front(data_);
  if (flushes) {
    list_.push_front(pre_flush_);
  } else {
    done_ |= kPreFlush;
  }
  if (in_flight > 0) {
    return nullptr;
  }
  done_ |= kDrain;
  return &list_.front();
}

Request* OrderedSequence::completed(Request& proxy, BlkStatus status) {
  if (barrier_->status == BlkStatus::kOk) {
    barrier_->status = status;
  }
  return complete(step_of(proxy));
}

// Models: blk_ordered_complete_seq().
Request* OrderedSequence::complete(unsigned step) {
  SIM_CHECK((done_ & step) == 0);
  done_ |= step;
  if (current() != kDone) {
    return nullptr;
  }
  done_ = 0;
  return std::exchange(barrier_, nullptr);
}

// Models: the end of elv_completed_request().
bool OrderedSequence::drained(int in_flight) {
  if (!is_active() || in_flight > 0 || current() != kDrain || step_of(list_.front()) <= kDrain) {
    return false;
  }
  complete(kDrain);
  return true;
}

// Models: ELEVATOR_INSERT_REQUEUE in elv_insert().
void OrderedSequence::requeue(Request& request) {
  if (!is_active()) {
    list_.push_front(request);
    return;
  }
  const unsigned step = step_of(request);
  list_.insert_before(std::find_if(list_.begin(), list_.end(),
                                   [&](const Request& other) { return step <= step_of(other); }),
                      request);
}

}  // namespace wbsim::block
