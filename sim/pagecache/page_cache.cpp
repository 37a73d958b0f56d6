#include "sim/pagecache/page_cache.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/pagecache/super_block.hpp"

namespace wbsim::pagecache {

namespace {

// Slab memory behind the cached pages of a block device: a struct buffer_head (104 bytes, 39 to a
// page) for each page that has one, and the xarray nodes (576 bytes, 7 to a page). v5.10 and v6.1,
// x86-64.
constexpr std::int64_t kBufferHeadsPerPage = 39;
constexpr std::int64_t kTreeNodesPerPage = 7;

Pages slab_pages(const SlabUse& use) {
  const auto ceil_div = [](std::int64_t n, std::int64_t by) { return (n + by - 1) / by; };
  return Pages{ceil_div(use.buffer_heads, kBufferHeadsPerPage) +
               ceil_div(use.nodes, kTreeNodesPerPage)};
}

LruRun lru_run(const AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  return {static_cast<std::uint32_t>(mapping.lru_id),
          static_cast<std::uint32_t>(PageTree::leaf_number(page)), bits};
}

// Models: inactive_is_low(): below 1 GiB of file pages the lists are balanced 1:1, above that the
// inactive one may be smaller by isqrt(10 * GiB).
bool inactive_is_low(Pages inactive, Pages active) {
  constexpr std::int64_t kGibibyteInPages = std::int64_t{1} << 18;
  const std::int64_t gib = (inactive + active).count() / kGibibyteInPages;
  std::int64_t ratio = 1;
  while (gib > 0 && (ratio + 1) * (ratio + 1) <= 10 * gib) {
    ++ratio;
  }
  return inactive.count() * ratio < active.count();
}

}  // namespace

PageCache::PageCache(engine::Machine& machine, WbDomain& domain, Pages memory)
    : machine_{machine},
      domain_{domain},
      stat_{machine.cpus(), memory},
      ratelimits_(static_cast<std::size_t>(machine.cpus())) {}

void PageCache::add_mapping(AddressSpace& mapping) {
  mapping.lru_id = static_cast<int>(mappings_.size());
  mappings_.push_back(&mapping);
  BdiWriteback& wb = mapping.host.wb;
  if (wbs_.empty() ||
      (wbs_.back() != &wb && std::find(wbs_.begin(), wbs_.end(), &wb) == wbs_.end())) {
    wbs_.push_back(&wb);
  }
}

void PageCache::remove_mapping(AddressSpace& mapping) {
  SIM_CHECK(mapping.pages.pages() == Pages{0});
  mappings_[static_cast<std::size_t>(mapping.lru_id)] = nullptr;
  mapping.slab->nodes -= std::exchange(mapping.nodes_charged, 0);
  settle_slab(*mapping.slab);
}

// Keeps the free count in step with the slab memory behind one file.
void PageCache::charge_slab(AddressSpace& mapping) {
  SlabUse& slab = *mapping.slab;
  const std::int64_t heads = (mapping.pages.pages() - mapping.pages.bare()).count();
  const std::int64_t nodes = mapping.pages.nodes();
  slab.buffer_heads += heads - std::exchange(mapping.heads_charged, heads);
  slab.nodes += nodes - std::exchange(mapping.nodes_charged, nodes);
  settle_slab(slab);
}

void PageCache::settle_slab(SlabUse& slab) {
  const Pages needed = slab_pages(slab);
  stat_.nr_free -= needed - std::exchange(slab.charged, needed);
}

void PageCache::insert(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  const Pages count{std::popcount(bits)};
  mapping.pages.insert(page, bits);
  lru_.add(lru_run(mapping, page, bits));
  stat_.nr_free -= count;
  stat_.nr_inactive_file += count;
}

void PageCache::allocated(AddressSpace& mapping) {
  charge_slab(mapping);
  if (memory_listener_ != nullptr) {
    memory_listener_->pages_allocated();
  }
}

void PageCache::add_pages(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  insert(mapping, page, bits);
  allocated(mapping);
}

// A page of a readahead has no buffer head (do_mpage_readpage()).
void PageCache::add_for_read(AddressSpace& mapping, PageIndex page, std::uint64_t bits,
                             std::uint64_t readahead) {
  insert(mapping, page, bits);
  mapping.pages.set_flag(page, bits, Flag::kBare);
  mapping.pages.set_flag(page, bits, Flag::kLocked);
  mapping.pages.set_flag(page, bits, Flag::kNotUptodate);
  mapping.pages.set_flag(page, bits & readahead, Flag::kReadahead);
  allocated(mapping);
}

// Models: create_empty_buffers().
void PageCache::create_buffers(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  if ((mapping.pages.flagged(page, Flag::kBare) & bits) != 0) {
    mapping.pages.clear_flag(page, bits, Flag::kBare);
    charge_slab(mapping);
  }
}

void PageCache::lock(AddressSpace& mapping, PageIndex page) {
  const std::uint64_t bit = PageTree::mask(page, Pages{1});
  SIM_CHECK((mapping.pages.flagged(page, Flag::kLocked) & bit) == 0);
  mapping.pages.set_flag(page, bit, Flag::kLocked);
}

void PageCache::unlock(AddressSpace& mapping, PageIndex page) {
  mapping.pages.clear_flag(page, PageTree::mask(page, Pages{1}), Flag::kLocked);
  wake(mapping, page, page + Pages{1});
}

void PageCache::end_read(AddressSpace& mapping, PageIndex first, Pages count, bool failed) {
  const PageIndex end = first + count;
  for (PageIndex page = first; page < end;) {
    const std::uint64_t bits = PageTree::mask(page, end - page);
    SIM_CHECK((mapping.pages.flagged(page, Flag::kLocked) & bits) == bits);
    mapping.pages.clear_flag(page, bits, Flag::kLocked);
    if (!failed) {
      mapping.pages.clear_flag(page, bits, Flag::kNotUptodate);
    }
    page += Pages{std::popcount(bits)};
  }
  wake(mapping, first, end);
}

void PageCache::mark_accessed(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  const std::uint64_t again = mapping.pages.flagged(page, Flag::kReferenced) & bits;
  mapping.pages.set_flag(page, bits & ~again, Flag::kReferenced);
  if (again == 0) {
    return;
  }
  // A page that is active already keeps the flag.
  const std::uint64_t activated = lru_.activate(lru_run(mapping, page, again));
  mapping.pages.clear_flag(page, activated, Flag::kReferenced);
  stat_.nr_inactive_file -= Pages{std::popcount(activated)};
  stat_.nr_active_file += Pages{std::popcount(activated)};
}

void PageCache::set_dirty(TaskContext& task, AddressSpace& mapping, PageIndex page,
                          std::uint64_t bits, std::uint64_t write_id) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  SIM_CHECK(leaf != nullptr);
  const std::uint64_t fresh = bits & ~leaf->marked(Mark::kDirty);
  if (mapping.provenance.enabled()) {
    const auto first =
        PageIndex{PageTree::leaf_number(page) * PageTree::kFanOut} + Pages{std::countr_zero(bits)};
    mapping.provenance.dirtied(first, Pages{std::popcount(bits)},
                               {task.provenance_id, write_id, task.thread().now()});
  }
  if (fresh == 0) {
    return;
  }
  const std::int64_t n = std::popcount(fresh);
  const int cpu = task.cpu();
  mapping.pages.set_mark(page, fresh, Mark::kDirty);
  create_buffers(mapping, page, fresh);
  stat_.nr_file_dirty.add(cpu, n);
  stat_.nr_dirtied.add(cpu, n);
  BdiWriteback& wb = mapping.host.wb;
  wb.reclaimable.add(cpu, n);
  wb.dirtied.add(cpu, n);
  task.dirty.nr_dirtied += Pages{n};
  ratelimit_count(cpu) += n;
  if (!mapping.host.dirty_pages) {
    mark_inode_dirty(mapping.host, machine_.jiffies_now());
  }
}

block::WriteIds PageCache::start_writeback(int cpu, AddressSpace& mapping, PageIndex page,
                                           std::uint64_t bits) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  SIM_CHECK(leaf != nullptr && (leaf->marked(Mark::kDirty) & bits) == bits);
  SIM_CHECK((leaf->marked(Mark::kWriteback) & bits) == 0);
  const std::int64_t n = std::popcount(bits);
  BdiWriteback& wb = mapping.host.wb;
  if (!mapping.pages.any(Mark::kWriteback)) {
    if (wb.listener != nullptr) {
      wb.listener->inode_writeback_start(wb);
    }
    if (mapping.host.sb != nullptr) {
      mapping.host.sb->inodes_wb.push_back(mapping.host);  // sb_mark_inode_writeback()
    }
  }
  mapping.pages.clear_mark(page, bits, Mark::kDirty);
  mapping.pages.clear_mark(page, bits, Mark::kToWrite);
  mapping.pages.set_mark(page, bits, Mark::kWriteback);
  stat_.nr_file_dirty.add(cpu, -n);
  stat_.nr_writeback.add(cpu, n);
  wb.reclaimable.add(cpu, -n);
  wb.writeback.add(cpu, n);
  const auto first =
      PageIndex{PageTree::leaf_number(page) * PageTree::kFanOut} + Pages{std::countr_zero(bits)};
  return mapping.provenance.take(first, Pages{n});
}

void PageCache::end_writeback(int cpu, AddressSpace& mapping, PageIndex first, Pages count) {
  BdiWriteback& wb = mapping.host.wb;
  PageIndex page = first;
  const PageIndex end = first + count;
  while (page < end) {
    const std::uint64_t bits = PageTree::mask(page, end - page);
    const std::int64_t n = std::popcount(bits);
    const PageTree::Leaf* leaf = mapping.pages.find(page);
    SIM_CHECK(leaf != nullptr && (leaf->marked(Mark::kWriteback) & bits) == bits);
    mapping.pages.clear_mark(page, bits, Mark::kWriteback);
    // PG_readahead is PG_reclaim: what is left of it rotates the page.
    if (const std::uint64_t ahead = mapping.pages.flagged(page, Flag::kReadahead) & bits;
        ahead != 0) {
      mapping.pages.clear_flag(page, ahead, Flag::kReadahead);
      lru_.flag(lru_run(mapping, page, ahead));
    }
    const std::uint64_t deactivated =
        lru_.end_writeback(lru_run(mapping, page, bits), leaf->marked(Mark::kDirty));
    stat_.nr_active_file -= Pages{std::popcount(deactivated)};
    stat_.nr_inactive_file += Pages{std::popcount(deactivated)};
    stat_.nr_writeback.add(cpu, -n);
    stat_.nr_written.add(cpu, n);
    wb.writeback.add(cpu, -n);
    wb.written.add(cpu, n);
    domain_.writeout(wb.completions, cpu, n, wb.max_ratio);
    page += Pages{n};
  }
  if (!mapping.pages.any(Mark::kWriteback)) {
    if (wb.listener != nullptr) {
      wb.listener->inode_writeback_end(wb);
    }
    mapping.host.wb_hook.unlink();  // sb_clear_inode_writeback()
  }
  wake(mapping, first, end);
}

void PageCache::wake(AddressSpace& mapping, PageIndex first, PageIndex end) {
  std::vector<PageWaiter>& waiters = mapping.waiters;
  while (true) {
    // Page after page, as if each ended by itself; of one page in order of arrival.
    auto next = waiters.end();
    for (auto it = waiters.begin(); it != waiters.end(); ++it) {
      const bool ended = it->page >= first && it->page < end;
      if (ended && (next == waiters.end() || it->page < next->page)) {
        next = it;
      }
    }
    if (next == waiters.end()) {
      return;
    }
    next->thread->wake();
    waiters.erase(next);
  }
}

std::optional<PageCache::Shrunk> PageCache::shrink_inactive(int wanted) {
  const std::optional<LruRun> run = lru_.take_oldest(wanted);
  if (!run) {
    return std::nullopt;
  }
  AddressSpace& mapping = *mappings_[run->mapping];
  const PageIndex page{static_cast<std::int64_t>(run->leaf) * PageTree::kFanOut};
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  SIM_CHECK(leaf != nullptr && (leaf->present & run->bits) == run->bits);
  const std::uint64_t locked = run->bits & mapping.pages.flagged(page, Flag::kLocked);
  const std::uint64_t queued = run->bits & leaf->marked(Mark::kWriteback) & ~locked;
  const std::uint64_t dirty = run->bits & leaf->marked(Mark::kDirty) & ~queued & ~locked;
  const std::uint64_t busy = dirty | queued;
  const std::uint64_t clean = run->bits & ~busy & ~locked;
  if (locked != 0) {
    lru_.add({run->mapping, run->leaf, locked});  // back to the head: they are being read
  }
  // page_check_references(): having been read once protects nothing, but it is forgotten.
  mapping.pages.clear_flag(page, busy, Flag::kReferenced);
  if (busy != 0) {
    lru_.activate_for_reclaim({run->mapping, run->leaf, busy});
    stat_.nr_inactive_file -= Pages{std::popcount(busy)};
    stat_.nr_active_file += Pages{std::popcount(busy)};
  }
  if (clean != 0) {
    mapping.pages.erase(page, clean);
    stat_.nr_inactive_file -= Pages{std::popcount(clean)};
    stat_.nr_free += Pages{std::popcount(clean)};
    charge_slab(mapping);
  }
  return Shrunk{Pages{std::popcount(run->bits)}, Pages{std::popcount(clean)},
                Pages{std::popcount(dirty)}, Pages{std::popcount(queued)}};
}

// Takes pages without marks out of the file and off the LRU lists.
void PageCache::drop(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  const std::uint64_t active = lru_.remove(lru_run(mapping, page, bits));
  mapping.pages.erase(page, bits);
  stat_.nr_active_file -= Pages{std::popcount(active)};
  stat_.nr_inactive_file -= Pages{std::popcount(bits & ~active)};
  stat_.nr_free += Pages{std::popcount(bits)};
}

void PageCache::cancel_dirty(int cpu, AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  const std::uint64_t dirty = leaf == nullptr ? 0 : bits & leaf->marked(Mark::kDirty);
  if (dirty == 0) {
    return;
  }
  const std::int64_t n = std::popcount(dirty);
  mapping.pages.clear_mark(page, dirty, Mark::kDirty);
  mapping.pages.clear_mark(page, dirty, Mark::kToWrite);
  stat_.nr_file_dirty.add(cpu, -n);
  mapping.host.wb.reclaimable.add(cpu, -n);
  const PageIndex start{PageTree::leaf_number(page) * PageTree::kFanOut};
  for (std::uint64_t left = dirty; left != 0; left &= left - 1) {
    mapping.provenance.take(start + Pages{std::countr_zero(left)}, Pages{1});
  }
}

void PageCache::discard(int cpu, AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  cancel_dirty(cpu, mapping, page, bits);
  drop(mapping, page, bits);
  charge_slab(mapping);
}

void PageCache::drop_clean(AddressSpace& mapping, PageIndex first, PageIndex last) {
  for (auto page = mapping.pages.next_present(first); page && *page <= last;) {
    const PageTree::Leaf* leaf = mapping.pages.find(*page);
    const Pages here = std::min(last - *page, Pages{PageTree::kFanOut - 1}) + Pages{1};
    const std::uint64_t bits = PageTree::mask(*page, here) & leaf->present &
                               ~leaf->marked(Mark::kDirty) & ~leaf->marked(Mark::kWriteback) &
                               ~mapping.pages.flagged(*page, Flag::kLocked);
    if (bits != 0) {
      drop(mapping, *page, bits);
    }
    page = mapping.pages.next_present(
        PageIndex{(PageTree::leaf_number(*page) + 1) * PageTree::kFanOut});
  }
  charge_slab(mapping);
}

void PageCache::wakeup_flushers(engine::WbReason reason, std::int64_t nr_pages) {
  if (flusher_waker_ != nullptr) {
    flusher_waker_->wakeup_flushers(reason, nr_pages);
    return;
  }
  for (BdiWriteback* wb : wbs_) {
    if (wb->listener != nullptr) {
      wb->listener->start_writeback(*wb, reason, nr_pages);
    }
  }
}

Pages PageCache::balance_active() {
  constexpr Pages kBatch{32};  // SWAP_CLUSTER_MAX
  if (!inactive_is_low(stat_.nr_inactive_file, stat_.nr_active_file)) {
    return Pages{0};
  }
  const Pages moved = lru_.deactivate_oldest(kBatch);
  stat_.nr_active_file -= moved;
  stat_.nr_inactive_file += moved;
  return moved;
}

}  // namespace wbsim::pagecache
