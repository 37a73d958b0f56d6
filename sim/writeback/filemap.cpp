#include "sim/writeback/filemap.hpp"

#include <algorithm>
#include <bit>

namespace wbsim::writeback {

using engine::Task;
using pagecache::AddressSpace;
using pagecache::Mark;
using pagecache::PageTree;
using pagecache::TaskContext;
using pagecache::WritebackControl;

Task<> do_writepages(TaskContext& task, DirtyThrottle& throttle, AddressSpace& mapping,
                     WritebackControl& wbc) {
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
  co_await do_writepages(task, throttle, mapping, wbc);
}

namespace {

// A run of pages, from `first` on and within its leaf, that cost the same to write.
struct WriteRun {
  Pages count;
  SimDuration cost;  // of one page
  bool cached;
};

WriteRun next_run(const AddressSpace& mapping, PageIndex first, Pages wanted,
                  const engine::CpuCosts& costs, bool reclaiming) {
  const int slot = PageTree::slot(first);
  const Pages in_leaf = std::min(wanted, Pages{PageTree::kFanOut - slot});
  const PageTree::Leaf* leaf = mapping.pages.find(first);
  const std::uint64_t present = leaf == nullptr ? 0 : leaf->present >> slot;
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
  if ((dirty & 1) == 0) {
    return {run(present & ~dirty), costs.write_page_clean, true};
  }
  return {run(dirty), costs.write_page_dirty, true};
}

}  // namespace

Task<std::int64_t> generic_perform_write(TaskContext& task, DirtyThrottle& throttle,
                                         pagecache::PageCache& cache, Kswapd& kswapd,
                                         AddressSpace& mapping, PageIndex first, Pages count,
                                         std::uint64_t write_id) {
  engine::Thread& thread = task.thread();
  co_await thread.run(task.costs().write_call);
  pagecache::BdiWriteback& wb = mapping.host.wb;
  PageIndex page = first;
  Pages left = count;
  while (left > Pages{0}) {
    WriteRun run = next_run(mapping, page, left, task.costs(), kswapd.active());
    if (!run.cached && kswapd.below_min()) {
      co_await kswapd.direct_reclaim(task);
      // Another writer may have cached the page meanwhile.
      run = next_run(mapping, page, left, task.costs(), kswapd.active());
    }
    std::int64_t pages = std::min(run.count.count(), throttle.pages_before_check(task, wb));
    if (!run.cached) {
      pages = std::min(pages, kswapd.pages_before_wakeup());
    }
    // The page that makes the file dirty may wake the flusher: it goes alone.
    pages = mapping.host.dirty_pages ? thread.steps_ahead(run.cost, pages) : 1;
    const std::uint64_t bits = PageTree::mask(page, Pages{pages});
    if (!run.cached) {
      cache.add_pages(mapping, page, bits);
    }
    cache.set_dirty(task, mapping, page, bits, write_id);
    co_await thread.run(run.cost * pages);
    page += Pages{pages};
    left -= Pages{pages};
    co_await thread.cond_resched();
    if (throttle.check_due(task, wb)) {
      co_await throttle.balance_dirty_pages(task, wb);
    }
  }
  co_return to_bytes(count).count();
}

}  // namespace wbsim::writeback
