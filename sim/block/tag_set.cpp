#include "sim/block/tag_set.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

TagSet::TagSet(int depth, const TagSetOptions& options)
    : bitmap_{depth, options.allocated == 0 ? depth : options.allocated, options.cpus,
              options.limits},
      limits_{options.limits},
      rule_{options.wake} {
  wake_batch_ = wake_batch_of(depth);
  wait_count_.fill(wake_batch_);
}

// Models: sbq_calc_wake_batch().
int TagSet::wake_batch_of(int depth) const {
  if (limits_ == ShallowDepth::kAll) {
    return std::clamp(std::min(depth, min_word_depth_) / static_cast<int>(kWaitQueues), 1,
                      kWakeBatchMax);
  }
  const int word = bits_per_word();
  const int usable = std::min(min_word_depth_, word);
  const int usable_depth = depth / word * usable + std::min(depth % word, usable);
  return std::clamp(usable_depth / static_cast<int>(kWaitQueues), 1, kWakeBatchMax);
}

// Models: sbitmap_queue_update_wake_batch(). With counters per wait queue, the next tag freed wakes
// the waiters of a queue, which then count by the new batch.
void TagSet::set_wake_batch(int batch) {
  if (batch != wake_batch_) {
    wake_batch_ = batch;
    wait_count_.fill(1);
  }
}

void TagSet::set_min_word_depth(int bits) {
  min_word_depth_ = bits;
  set_wake_batch(wake_batch_of(depth()));
}

void TagSet::resize(int depth) {
  set_wake_batch(wake_batch_of(depth));
  bitmap_.resize(depth);
}

int TagSet::get(int cpu, int limit) { return bitmap_.get(cpu, limit); }

// Models: sbitmap_queue_recalculate_wake_batch().
void TagSet::set_users(int users) {
  const int share = (depth() + users - 1) / users;
  wake_batch_ = std::clamp(share / static_cast<int>(kWaitQueues), 1, kWakeBatchMax);
}

void TagSet::put(int tag, int cpu) {
  bitmap_.put(tag, cpu);
  if (waiting_ > 0) {
    pass_on_wakeup(cpu);
  }
}

// Models: sbitmap_queue_wake_up() of one tag.
void TagSet::pass_on_wakeup(int cpu) {
  if (waiting_ == 0) {
    return;
  }
  if (rule_ == TagWakeRule::kPerWaitQueue) {
    wake_per_queue(cpu);
  } else {
    wake_by_count(cpu);
  }
}

// Models: wake_up_nr(): all that are told, who are at the head, and so many sleepers; how many were
// there is returned.
std::size_t TagSet::wake(std::size_t index, int cpu, int sleepers) {
  while (!waiters_[index].empty()) {
    TagWaiter& waiter = waiters_[index].front();
    remove_waiter(waiter);
    waiter.on_tags_freed(cpu);
  }
  return queues_[index].wake(static_cast<std::size_t>(sleepers));
}

void TagSet::wake_all(int cpu) {
  for (std::size_t i = 0; i < kWaitQueues; ++i) {
    wake((wake_index_ + i) % kWaitQueues, cpu, 1);
  }
}

void TagSet::wake_per_queue(int cpu) {
  for (std::size_t i = 0; i < kWaitQueues; ++i) {
    const std::size_t index = (wake_index_ + i) % kWaitQueues;
    if (!has_waiters(index)) {
      continue;
    }
    wake_index_ = index;
    if (--wait_count_[index] <= 0) {
      wait_count_[index] = wake_batch_;
      wake_index_ = (index + 1) % kWaitQueues;
      wake(index, cpu, wake_batch_);
    }
    return;
  }
}

void TagSet::wake_by_count(int cpu) {
  ++completions_;
  if (completions_ - wakeups_ < static_cast<std::uint64_t>(wake_batch_)) {
    return;
  }
  wakeups_ += static_cast<std::uint64_t>(wake_batch_);
  int left = wake_batch_;
  for (std::size_t i = 0; i < kWaitQueues; ++i) {
    const std::size_t index = wake_index_;
    wake_index_ = (wake_index_ + 1) % kWaitQueues;
    if (!has_waiters(index)) {
      continue;
    }
    const auto woken = static_cast<int>(wake(index, cpu, left));
    if (woken == left || (woken > 0 && rule_ == TagWakeRule::kCompletionCount)) {
      return;
    }
    left -= woken;
  }
}

void TagSet::add_waiter(TagWaiter& waiter) {
  SIM_CHECK(!waiter.waiting());
  waiters_[waiter.next_queue_].push_front(waiter);
  waiter.next_queue_ = (waiter.next_queue_ + 1) % kWaitQueues;
  ++waiting_;
}

void TagSet::remove_waiter(TagWaiter& waiter) {
  waiter.unlink();
  --waiting_;
}

engine::Task<> TagSet::wait(engine::Thread& thread, std::size_t& wait_index) {
  const std::size_t index = wait_index;
  wait_index = (wait_index + 1) % kWaitQueues;
  ++waiting_;
  co_await queues_[index].wait(thread);
  --waiting_;
}

}  // namespace wbsim::block
