#include "sim/block/tag_set.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {
constexpr int kWordBits = 64;
}

TagSet::TagSet(int depth, TagWakeRule rule)
    : depth_{depth},
      wake_batch_{std::clamp(depth / static_cast<int>(kWaitQueues), 1, kWakeBatchMax)},
      rule_{rule},
      used_(static_cast<std::size_t>((depth + kWordBits - 1) / kWordBits)) {
  SIM_CHECK(depth > 0);
  wait_count_.fill(wake_batch_);
}

int TagSet::get() {
  if (in_use_ == depth_) {
    return kNoTag;
  }
  for (std::size_t word = 0; word < used_.size(); ++word) {
    if (used_[word] == ~std::uint64_t{0}) {
      continue;
    }
    const int tag = static_cast<int>(word) * kWordBits + std::countr_one(used_[word]);
    used_[word] |= std::uint64_t{1} << (tag % kWordBits);
    ++in_use_;
    return tag;
  }
  SIM_CHECK(false);
}

void TagSet::put(int tag) {
  std::uint64_t& word = used_[static_cast<std::size_t>(tag / kWordBits)];
  const std::uint64_t bit = std::uint64_t{1} << (tag % kWordBits);
  SIM_CHECK((word & bit) != 0);
  word &= ~bit;
  --in_use_;
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
