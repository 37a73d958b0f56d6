// Tags, and the threads that wait for one.
#pragma once

#include <array>
#include <cstdint>

#include "sim/block/sbitmap.hpp"
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

struct TagSetOptions {
  TagWakeRule wake = TagWakeRule::kPerWaitQueue;
  int allocated = 0;  // depth it was made for before it was resized; 0: the same
  int cpus = 1;
};

// Models: sbitmap_queue, lib/sbitmap.c, and the sleeping part of blk_mq_get_tag(), v5.10 and v6.1.
class TagSet {
 public:
  static constexpr int kNoTag = Sbitmap::kNone;

  TagSet(int depth, const TagSetOptions& options);

  [[nodiscard]] int depth() const { return bitmap_.depth(); }
  [[nodiscard]] int in_use() const { return bitmap_.in_use(); }
  [[nodiscard]] int bits_per_word() const { return bitmap_.bits_per_word(); }

  // A free tag, for a task on `cpu`, among the first `word_depth` of each word, or kNoTag.
  int get(int cpu = 0, int word_depth = Sbitmap::kWholeWord);
  // Frees a tag that a task on `cpu` took; wakes a batch of waiters when enough have been freed.
  void put(int tag, int cpu = 0);
  // Sleeps until a batch of tags was freed. The caller found no free tag at this instant.
  engine::Task<> wait(engine::Thread& thread);

  // Announces that some users may have only so many bits of each word: batches must not be
  // larger than what these can have (sbitmap_queue_min_shallow_depth()).
  void set_min_word_depth(int bits);

 private:
  static constexpr std::size_t kWaitQueues = 8;  // SBQ_WAIT_QUEUES
  static constexpr int kWakeBatchMax = 8;        // SBQ_WAKE_BATCH

  void wake_per_queue();
  void wake_by_count();

  Sbitmap bitmap_;
  int wake_batch_ = 0;
  TagWakeRule rule_;
  std::array<engine::WaitQueue, kWaitQueues> queues_;
  std::array<int, kWaitQueues> wait_count_{};
  std::size_t wait_index_ = 0;
  std::size_t wake_index_ = 0;
  int waiting_ = 0;  // ws_active: from going to sleep until running again
  std::uint64_t completions_ = 0;
  std::uint64_t wakeups_ = 0;
};

}  // namespace wbsim::block
