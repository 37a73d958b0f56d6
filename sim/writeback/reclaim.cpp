#include "sim/writeback/reclaim.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wbsim::writeback {

using engine::Task;

namespace {

constexpr int kMaxReclaimRetries = 16;  // MAX_RECLAIM_RETRIES
constexpr int kKswapdPid = 30;
constexpr int kBatch = 32;  // SWAP_CLUSTER_MAX

}  // namespace

Kswapd::Kswapd(engine::Machine& machine, pagecache::PageCache& cache, const Watermarks& watermarks,
               ReclaimWakeup wakeup)
    : machine_{machine},
      cache_{cache},
      watermarks_{watermarks},
      wakeup_{wakeup},
      thread_{machine, "kswapd0", kKswapdPid} {
  cache.set_memory_listener(*this);
  machine.simulator().spawn("kswapd", run());
}

bool Kswapd::below_min() const { return cache_.stat().nr_free < watermarks_.min; }

void Kswapd::pages_allocated() {
  if (!active_ && cache_.stat().nr_free < watermarks_.low) {
    active_ = true;
    thread_.wake();
  }
}

// Slab memory comes on top of each page, so only half the room is taken at once.
std::int64_t Kswapd::pages_before_wakeup() const {
  const Pages mark = active_ ? watermarks_.min : watermarks_.low;
  return std::max<std::int64_t>((cache_.stat().nr_free - mark).count() / 2, 1);
}

// One batch from the tail of the inactive list. False when no page was freed.
Task<bool> Kswapd::shrink_batch(engine::Thread& thread) {
  cache_.balance_active();
  Pages scanned{0};
  Pages freed{0};
  Pages unqueued_dirty{0};
  while (scanned < Pages{kBatch}) {
    const auto shrunk = cache_.shrink_inactive(static_cast<int>(kBatch - scanned.count()));
    if (!shrunk) {
      break;
    }
    scanned += shrunk->scanned;
    freed += shrunk->freed;
    unqueued_dirty += shrunk->unqueued_dirty;
  }
  // shrink_inactive_list(): nothing but dirty pages that nobody writes.
  if (wakeup_ == ReclaimWakeup::kDirtyBatches && scanned > Pages{0} && unqueued_dirty == scanned) {
    cache_.wakeup_flushers(engine::WbReason::kVmscan, pagecache::kAllPages);
  }
  co_await thread.run(thread.costs().kswapd_page * scanned.count());
  co_return freed > Pages{0};
}

Task<> Kswapd::run() {
  co_await thread_.begin();
  const auto pause = static_cast<std::uint64_t>(machine_.jiffies().hz() / 10);
  while (true) {
    while (!active_) {
      co_await thread_.block();
    }
    // A scan of the whole list that frees nothing means that all pages are dirty: wait for I/O.
    Pages fruitless{0};
    while (cache_.stat().nr_free < watermarks_.high) {
      if (co_await shrink_batch(thread_)) {
        fruitless = Pages{0};
      } else if ((fruitless += Pages{kBatch}) > cache_.stat().nr_inactive_file) {
        co_await thread_.schedule_timeout(pause);
        fruitless = Pages{0};
      }
      co_await thread_.cond_resched();
    }
    active_ = false;
  }
}

Task<> Kswapd::direct_reclaim(pagecache::TaskContext& task) {
  const auto pause = static_cast<std::uint64_t>(machine_.jiffies().hz() / 10);
  for (int tried = 0; below_min() && !co_await direct_reclaim_once(task); ++tried) {
    if (tried == kMaxReclaimRetries && nothing_on_its_way()) {
      throw OutOfMemory{fmt::format(
          "out of memory: {} needs a page, {} are free (watermark min: {}) and the page cache has "
          "none to give; the configuration leaves too little beside memory.anon",
          task.thread().name().comm, cache_.stat().nr_free.count(), watermarks_.min.count())};
    }
    co_await task.thread().schedule_timeout(pause);
  }
}

bool Kswapd::nothing_on_its_way() const {
  const pagecache::VmStat& stat = cache_.stat();
  return stat.nr_file_dirty.sum() == 0 && stat.nr_writeback.sum() == 0;
}

Task<bool> Kswapd::direct_reclaim_once(pagecache::TaskContext& task) {
  bool freed = false;
  Pages scanned{0};
  while (!freed && scanned <= cache_.stat().nr_inactive_file) {
    freed = co_await shrink_batch(task.thread());
    scanned += freed ? Pages{0} : Pages{kBatch};
  }
  // do_try_to_free_pages(), v2.6.18 and v3.6: half as much again as it wants, and nothing freed.
  if (wakeup_ == ReclaimWakeup::kDirectScans && scanned > Pages{kBatch + kBatch / 2}) {
    cache_.wakeup_flushers(engine::WbReason::kVmscan, scanned.count());
  }
  co_return freed;
}

}  // namespace wbsim::writeback
