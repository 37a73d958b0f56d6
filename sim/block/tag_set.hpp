// Driver tags and the threads that wait for one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

// When freed tags wake sleepers. Both wake in batches of
// clamp(depth / 8, 1, 8) and use eight wait queues in turn.
enum class TagWakeRule {
  kPerWaitQueue,     // v5.10: each wait queue counts its own freed tags
  kCompletionCount,  // v6.1 (stable): freed tags are counted per set while anybody waits
};

// Models: sbitmap_queue, lib/sbitmap.c, and the sleeping part of blk_mq_get_tag(), v5.10 and v6.1.
// Simplified: tags are handed out lowest first (no per-CPU hint); their numbers affect nothing.
class TagSet {
 public:
  static constexpr int kNoTag = -1;

  TagSet(int depth, TagWakeRule rule);

  [[nodiscard]] int depth() const { return depth_; }
  [[nodiscard]] int in_use() const { return in_use_; }

  // The lowest free tag, or kNoTag.
  int get();
  // Frees a tag; wakes a batch of waiters when enough have been freed.
  void put(int tag);
  // Sleeps until a batch of tags was freed. The caller found no free tag at this instant.
  engine::Task<> wait(engine::Thread& thread);

 private:
  static constexpr std::size_t kWaitQueues = 8;  // SBQ_WAIT_QUEUES
  static constexpr int kWakeBatchMax = 8;        // SBQ_WAKE_BATCH

  void wake_per_queue();
  void wake_by_count();

  int depth_;
  int in_use_ = 0;
  int wake_batch_;
  TagWakeRule rule_;
  std::vector<std::uint64_t> used_;  // one bit per tag
  std::array<engine::WaitQueue, kWaitQueues> queues_;
  std::array<int, kWaitQueues> wait_count_{};
  std::size_t wait_index_ = 0;
  std::size_t wake_index_ = 0;
  int waiting_ = 0;  // ws_active: from going to sleep until running again
  std::uint64_t completions_ = 0;
  std::uint64_t wakeups_ = 0;
};

}  // namespace wbsim::block
