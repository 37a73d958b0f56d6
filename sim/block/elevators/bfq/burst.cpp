#include "sim/block/elevators/bfq/burst.hpp"

namespace wbsim::block::bfq {

namespace {
constexpr int kLargeBurst = 8;                    // bfq_large_burst_thresh
constexpr std::uint64_t kSplitGrace = 10;         // ms after a split in which nothing is noted
constexpr std::uint64_t kForgottenAfter = 10000;  // ms
}  // namespace

void Bursts::first_request_of(Queue& queue) {
  if (size_ == 0 && state_.busy_queues() > 0) {
    return;
  }
  const Clock& clock = state_.clock;
  if (queue.burst_link.is_linked() || queue.in_large_burst ||
      !clock.is_past(queue.split_time + clock.from_msecs(kSplitGrace))) {
    return;
  }
  if (clock.is_past(last_added_ + state_.tuning.burst_interval) || queue.parent != group_) {
    begin_anew(queue);
  } else if (large_) {
    queue.in_large_burst = true;
  } else {
    add(queue);
  }
  last_added_ = clock.jiffies();
}

void Bursts::begin_anew(Queue& queue) {
  large_ = false;
  list_.clear();
  size_ = 0;
  if (state_.busy_queues() == 0) {
    list_.push_front(queue);
    size_ = 1;
  }
  group_ = queue.parent;
}

void Bursts::add(Queue& queue) {
  ++size_;
  if (size_ != kLargeBurst) {
    list_.push_front(queue);
    return;
  }
  large_ = true;
  for (Queue& member : list_) {
    member.in_large_burst = true;
  }
  queue.in_large_burst = true;
  list_.clear();
}

void Bursts::becomes_busy(Queue& queue, bool idle_for_long) const {
  const Clock& clock = state_.clock;
  if (!queue.just_created && idle_for_long &&
      clock.is_past(queue.budget_timeout + clock.from_msecs(kForgottenAfter))) {
    queue.burst_link.unlink();
    queue.in_large_burst = false;
  }
}

void Bursts::restore(Queue& queue, const SavedState& saved) {
  if ((saved.was_in_burst && large_) || saved.in_large_burst) {
    queue.in_large_burst = true;
    return;
  }
  queue.in_large_burst = false;
  if (saved.was_in_burst && !queue.burst_link.is_linked()) {
    list_.push_front(queue);
  }
}

void Bursts::unused(Queue& queue) {
  if (!queue.burst_link.is_linked()) {
    return;
  }
  queue.burst_link.unlink();
  if (queue.owner != nullptr && size_ > 0) {
    --size_;
  }
}

}  // namespace wbsim::block::bfq
