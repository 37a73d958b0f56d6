#include "sim/writeback/filemap.hpp"

#include <algorithm>
#include <bit>

#include "sim/pagecache/page_wait.hpp"
#include "sim/writeback/file_read.hpp"

namespace wbsim::writeback {

using engine::Task;
using pagecache::AddressSpace;
using pagecache::Flag;
using pagecache::Mark;
using pagecache::PageTree;
using pagecache::TaskContext;
using pagecache::WritebackControl;

Task<> do_writepages(TaskContext& task, DirtyThrottle& throttle, AddressSpace& mapping,
                     WritebackControl& wbc) {
  if (wbc.nr_to_write <= 0) {
    co_return;
  }
  const bool here = throttle.options().bandwidth_update == BandwidthUpdate::kDoWritepages;
  pagecache::BdiWriteback& wb = mapping.host.wb;
  if (here) {
    throttle.bandwidth_estimate_start(wb);
  }
  co_await mapping.ops.writepages(task, mapping, wbc);
  if (here && throttle.bandwidth_due(wb)) {
    throttle.update_bandwidth(wb, 0);
  }
}

Task<> fdatawrite_range(TaskContext& task, DirtyThrottle& throttle, AddressSpace& mapping,
                        PageIndex first, PageIndex last) {
  if (!mapping.pages.any(Mark::kDirty)) {
    co_return;
  }
  WritebackControl wbc{.range_start = first, .range_end = last, .sync_all = true};
  if (throttle.options().writepages == pagecache::WritepagesRules::kV2_6_18) {
    wbc.nr_to_write = 2 * mapping.pages.pages().count();  // nothing else stops it from going on
  }
  co_await do_writepages(task, throttle, mapping, wbc);
}

// The write is under a plug, which going to sleep for the read issues.
Task<int> read_whole_page(TaskContext& task, pagecache::PageCache& cache, Kswapd& kswapd,
                          AddressSpace& mapping, PageIndex page) {
  const engine::CpuCosts& costs = task.costs();
  const std::uint64_t bit = PageTree::mask(page, Pages{1});
  while ((mapping.pages.uptodate(page) & bit) == 0 || pagecache::locked(mapping, page)) {
    if (pagecache::locked(mapping, page)) {
      co_await pagecache::wait_on_page_locked(task, mapping, page);
      continue;
    }
    const PageTree::Leaf* leaf = mapping.pages.find(page);
    if (leaf == nullptr || (leaf->present & bit) == 0) {
      if (kswapd.below_min()) {
        co_await kswapd.direct_reclaim(task);
        continue;
      }
      cache.add_for_read(mapping, page, bit, 0);
      co_await task.thread().run(
          std::max(costs.write_page_new - costs.write_page_clean, SimDuration{}));
    } else {
      cache.lock(mapping, page);
    }
    task.io().start_plug();
    const int error = co_await read_page(task, mapping, page, pagecache::ReadKind::kBuffer);
    co_await task.io().finish_plug();
    if (error < 0) {
      co_return error;
    }
  }
  co_return 0;
}

namespace {

// A run of pages, from `first` on and within its leaf, that cost the same to write. None where the
// first one is locked, or under writeback where a write waits for that.
struct WriteRun {
  Pages count;
  SimDuration cost;  // of one page
  bool cached;
};

WriteRun next_run(const AddressSpace& mapping, PageIndex first, Pages wanted,
                  const engine::CpuCosts& costs, bool reclaiming, bool waits) {
  const int slot = PageTree::slot(first);
  const Pages in_leaf = std::min(wanted, Pages{PageTree::kFanOut - slot});
  const PageTree::Leaf* leaf = mapping.pages.find(first);
  std::uint64_t present = leaf == nullptr ? 0 : leaf->present >> slot;
  const std::uint64_t dirty = leaf == nullptr ? 0 : leaf->marked(Mark::kDirty) >> slot;
  const auto run = [in_leaf](std::uint64_t bits) {
    return std::min(in_leaf, Pages{std::countr_one(bits)});
  };
  if ((present & 1) == 0) {
    const SimDuration cost =
        costs.write_page_new + (reclaiming ? costs.write_page_full : SimDuration{});
    // The first page of a node costs more, unless a sequential write amortises it.
    const bool scattered = leaf == nullptr && slot != 0;
    return scattered ? WriteRun{Pages{1}, cost + costs.cache_slot_new, false}
                     : WriteRun{run(~present), cost, false};
  }
  if (mapping.pages.any_flags()) {
    present &= ~(mapping.pages.flagged(first, Flag::kLocked) >> slot);
  }
  if (waits) {
    present &= ~(leaf->marked(Mark::kWriteback) >> slot);
  }
  if ((dirty & 1) == 0) {
    return {run(present & ~dirty), costs.write_page_clean, true};
  }
  return {run(waits ? present & dirty : dirty), costs.write_page_dirty, true};
}

// Pages that a write covers as a whole, from its position on.
Pages whole_pages(FileOffset pos, FileOffset end) {
  return pos.value() % kPageSize.count() == 0 ? pages_floor(end - pos) : Pages{0};
}

FileOffset page_end(PageIndex page) { return FileOffset{(page.value() + 1) << kPageShift}; }

// Puts the pages into the cache, unless they are `cached`, and makes them dirty.
void write_to_cache(TaskContext& task, const DirtyThrottle& throttle, pagecache::PageCache& cache,
                    AddressSpace& mapping, PageIndex page, std::uint64_t bits, bool cached,
                    std::uint64_t write_id) {
  if (!cached) {
    cache.add_pages(mapping, page, bits);
  } else if (mapping.pages.any_flags()) {
    cache.set_uptodate(mapping, page, bits);
  }
  if (throttle.options().write_marks_accessed) {
    cache.mark_accessed(mapping, page, bits);
  }
  cache.set_dirty(task, mapping, page, bits, write_id);
}

}  // namespace

Task<std::int64_t> generic_perform_write(TaskContext& task, DirtyThrottle& throttle,
                                         pagecache::PageCache& cache, Kswapd& kswapd,
                                         AddressSpace& mapping, FileOffset at, Bytes length,
                                         std::uint64_t write_id) {
  engine::Thread& thread = task.thread();
  co_await thread.run(task.costs().write_call);
  pagecache::BdiWriteback& wb = mapping.host.wb;
  const bool waits = throttle.options().write_begin_waits;
  const FileOffset end = at + length;
  FileOffset pos = at;
  Pages unchecked{0};
  const bool checks_before = throttle.options().dirty_check == DirtyCheck::kBeforePage;
  while (pos < end) {
    if (checks_before && throttle.check_due(task, wb, unchecked)) {
      co_await throttle.balance_dirty_pages(task, wb);
    }
    const PageIndex page = page_containing(pos);
    Pages left = whole_pages(pos, end);
    if (left == Pages{0}) {
      const int error = co_await read_whole_page(task, cache, kswapd, mapping, page);
      if (error != 0) {
        co_return pos == at ? error : (pos - at).count();
      }
      left = Pages{1};
    }
    WriteRun run = next_run(mapping, page, left, task.costs(), kswapd.active(), waits);
    if (run.count == Pages{0}) {
      co_await pagecache::wait_on_page_locked(task, mapping, page);
      if (waits) {  // grab_cache_page_write_begin(), v3.0 to v3.8
        co_await pagecache::wait_on_page_writeback(task, mapping, page);
      }
      continue;
    }
    if (!run.cached && kswapd.below_min()) {
      co_await kswapd.direct_reclaim(task);
      continue;  // another task may have cached the page meanwhile
    }
    std::int64_t pages = std::min(run.count.count(), throttle.pages_before_check(task, wb));
    if (!run.cached) {
      pages = std::min(pages, kswapd.pages_before_wakeup());
    }
    // The page that makes the file dirty may wake the flusher: it goes alone.
    pages = mapping.host.dirty_pages ? thread.steps_ahead(run.cost, pages) : 1;
    if (mapping.prepares_writes) {
      pages = mapping.ops.write_begin(mapping, page, Pages{pages});
      if (pages < 0) {
        co_return pos == at ? pages : (pos - at).count();
      }
    }
    write_to_cache(task, throttle, cache, mapping, page, PageTree::mask(page, Pages{pages}),
                   run.cached, write_id);
    pos = std::min(end, page_end(page + Pages{pages - 1}));
    if (mapping.prepares_writes) {
      mapping.ops.write_end(mapping, pos);
    }
    co_await thread.run(run.cost * pages);
    co_await thread.cond_resched();
    unchecked = Pages{pages};
    if (!checks_before && throttle.check_due(task, wb, unchecked)) {
      co_await throttle.balance_dirty_pages(task, wb);
    }
  }
  co_return length.count();
}

}  // namespace wbsim::writeback
