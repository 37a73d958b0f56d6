// Tags, and who waits for one.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
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
  kWholeBatches,     // v6.6: the same; who wakes fewer than a batch goes on with the next queue
};

struct TagSetOptions {
  TagWakeRule wake = TagWakeRule::kPerWaitQueue;
  int allocated = 0;  // depth it was made for before it was resized; 0: the same
  int cpus = 1;
  ShallowDepth limits = ShallowDepth::kEachWord;
};

// Somebody who does not sleep until tags were freed, but is told so.
// Models: struct sbq_wait with a wake function of its own (non-exclusive: it uses up no wake-up).
class TagWaiter : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  [[nodiscard]] bool waiting() const { return is_linked(); }

 protected:
  ~TagWaiter() = default;

 private:
  friend class TagSet;
  // It waits no longer. Called by who frees the tag, on `cpu`: it must neither sleep nor wait again
  // at once.
  virtual void on_tags_freed(int cpu) = 0;

  std::size_t next_queue_ = 0;  // wait_index of a hardware queue: where it waits next time
};

// Models: sbitmap_queue, lib/sbitmap.c, and the sleeping part of blk_mq_get_tag(), v5.10 to
// v6.12.
class TagSet {
 public:
  static constexpr int kNoTag = Sbitmap::kNone;

  TagSet(int depth, const TagSetOptions& options);

  [[nodiscard]] int depth() const { return bitmap_.depth(); }
  [[nodiscard]] int in_use() const { return bitmap_.in_use(); }
  [[nodiscard]] int bits_per_word() const { return bitmap_.bits_per_word(); }

  // A free tag, for a task on `cpu`, among as many as `limit` allows (Sbitmap::get()), or kNoTag.
  int get(int cpu = 0, int limit = Sbitmap::kWholeWord);
  // Frees a tag that a task on `cpu` took; wakes a batch of waiters when enough have been freed.
  void put(int tag, int cpu = 0);
  // Sleeps until a batch of tags was freed. The caller found no free tag at this instant. Of a set
  // that several share each uses the wait queues in an order of its own (wait_index of struct
  // blk_mq_hw_ctx), that of `who`.
  engine::Task<> wait(engine::Thread& thread) { return wait(thread, wait_index_); }
  engine::Task<> wait(engine::Thread& thread, TagWaiter& who) {
    return wait(thread, who.next_queue_);
  }
  // A task that was woken takes its tag elsewhere: another one may have its turn.
  void pass_on_wakeup(int cpu);

  // Waits until a batch of tags was freed, in the next of the wait queues.
  void add_waiter(TagWaiter& waiter);
  // Waits no longer.
  void remove_waiter(TagWaiter& waiter);

  // sbitmap_queue_resize(): to at most the depth it was made for. Tags beyond it end when put.
  void resize(int depth);
  // Announces that some users may have only so many bits (ShallowDepth): batches must not be
  // larger than what these can have (sbitmap_queue_min_shallow_depth()).
  void set_min_word_depth(int bits);
  // So many take from it, each its share: batches must not be larger than what one may have
  // (sbitmap_queue_recalculate_wake_batch(), v6.1).
  void set_users(int users);
  // sbitmap_queue_wake_all(): one sleeper of each wait queue, and all who are told.
  void wake_all(int cpu);

 private:
  static constexpr std::size_t kWaitQueues = 8;  // SBQ_WAIT_QUEUES
  static constexpr int kWakeBatchMax = 8;        // SBQ_WAKE_BATCH

  using Waiters = boost::intrusive::list<TagWaiter, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] int wake_batch_of(int depth) const;
  void set_wake_batch(int batch);
  [[nodiscard]] bool has_waiters(std::size_t index) const {
    return !waiters_[index].empty() || queues_[index].has_waiters();
  }
  engine::Task<> wait(engine::Thread& thread, std::size_t& wait_index);
  std::size_t wake(std::size_t index, int cpu, int sleepers);
  void wake_per_queue(int cpu);
  void wake_by_count(int cpu);

  Sbitmap bitmap_;
  ShallowDepth limits_;
  int min_word_depth_ = Sbitmap::kWholeWord;
  int wake_batch_ = 0;
  TagWakeRule rule_;
  std::array<engine::WaitQueue, kWaitQueues> queues_;
  std::array<Waiters, kWaitQueues> waiters_;  // of the same queues
  std::array<int, kWaitQueues> wait_count_{};
  std::size_t wait_index_ = 0;
  std::size_t wake_index_ = 0;
  int waiting_ = 0;  // ws_active: sleepers from going to sleep until running again, and waiters
  std::uint64_t completions_ = 0;
  std::uint64_t wakeups_ = 0;
};

}  // namespace wbsim::block
