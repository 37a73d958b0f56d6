// Reclaim: kswapd and direct reclaim of clean file pages.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// Free pages of the whole machine at which reclaim starts and stops.
struct Watermarks {
  Pages min{0};
  Pages low{0};
  Pages high{0};
};

// A task needs a page, none is free, and none will be: where the kernel calls its OOM killer.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Models: kswapd, balance_pgdat() and the order-0 slow path of the page allocator, mm/vmscan.c and
// mm/page_alloc.c, v5.10, in their basic form: one node, file pages only,
// dirty pages are never written from reclaim. kswapd wakes below the low watermark and frees up
// to the high one; below the min watermark the allocating task reclaims itself.
class Kswapd final : public pagecache::MemoryListener {
 public:
  Kswapd(engine::Machine& machine, pagecache::PageCache& cache, const Watermarks& watermarks,
         ReclaimWakeup wakeup = ReclaimWakeup::kDirtyBatches);

  void pages_allocated() override;
  // True from wake-up until the high watermark is reached.
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] bool below_min() const;
  // Pages that can be allocated one by one before kswapd would be woken; >= 1, never too many.
  [[nodiscard]] std::int64_t pages_before_wakeup() const;
  // Frees a batch in the caller's thread; sleeps where nothing can be freed now. Throws OutOfMemory
  // after MAX_RECLAIM_RETRIES rounds in vain while no page is dirty or under writeback.
  engine::Task<> direct_reclaim(pagecache::TaskContext& task);
  // The same for allocations that may fail (__GFP_NORETRY, readahead): false, without a sleep,
  // where a look at all inactive pages frees nothing.
  engine::Task<bool> direct_reclaim_once(pagecache::TaskContext& task);

 private:
  engine::Task<> run();
  [[nodiscard]] bool nothing_on_its_way() const;
  engine::Task<bool> shrink_batch(engine::Thread& thread);

  engine::Machine& machine_;
  pagecache::PageCache& cache_;
  Watermarks watermarks_;
  ReclaimWakeup wakeup_;
  bool active_ = false;
  engine::Thread thread_;
};

}  // namespace wbsim::writeback
