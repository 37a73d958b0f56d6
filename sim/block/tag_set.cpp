#include "sim/block/tag_set.hpp"

#include <algorithm>

namespace wbsim::block {

TagSet::TagSet(int depth, const TagSetOptions& options)
    : bitmap_{depth, options.allocated == 0 ? depth : options.allocated, options.cpus},
      rule_{options.wake} {
  set_min_word_depth(Sbitmap::kWholeWord);
}

// Models: sbq_calc_wake_batch().
void TagSet::set_min_word_depth(int bits) {
  const int word = bits_per_word();
  const int usable = std::min(bits, word);
  const int depth = this->depth() / word * usable + std::min(this->depth() % word, usable);
  wake_batch_ = std::clamp(depth / static_cast<int>(kWaitQueues), 1, kWakeBatchMax);
  wait_count_.fill(wake_batch_);
}

int TagSet::get(int cpu, int word_depth) { return bitmap_.get(cpu, word_depth); }

void TagSet::put(int tag, int cpu) {
  bitmap_.put(tag, cpu);
  if (waiting_ == 0) {
    return;
  }
  if (rule_ == TagWakeRule::kPerWaitQueue) {
    wake_per_queue();
  } else {
    wake_by_count();
  }
}

void TagSet::wake_per_queue() {
  for (std::size_t i = 0; i < kWaitQueues; ++i) {
    const std::size_t index = (wake_index_ + i) % kWaitQueues;
    if (!queues_[index].has_waiters()) {
      continue;
    }
    wake_index_ = index;
    if (--wait_count_[index] <= 0) {
      wait_count_[index] = wake_batch_;
      wake_index_ = (index + 1) % kWaitQueues;
      queues_[index].wake(static_cast<std::size_t>(wake_batch_));
    }
    return;
  }
}

void TagSet::wake_by_count() {
  ++completions_;
  if (completions_ - wakeups_ < static_cast<std::uint64_t>(wake_batch_)) {
    return;
  }
  wakeups_ += static_cast<std::uint64_t>(wake_batch_);
  for (std::size_t i = 0; i < kWaitQueues; ++i) {
    const std::size_t index = wake_index_;
    wake_index_ = (wake_index_ + 1) % kWaitQueues;
    if (queues_[index].wake(static_cast<std::size_t>(wake_batch_)) > 0) {
      return;
    }
  }
}

engine::Task<> TagSet::wait(engine::Thread& thread) {
  const std::size_t index = wait_index_;
  wait_index_ = (wait_index_ + 1) % kWaitQueues;
  ++waiting_;
  co_await queues_[index].wait(thread);
  --waiting_;
}

}  // namespace wbsim::block
