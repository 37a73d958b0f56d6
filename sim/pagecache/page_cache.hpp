// The page cache of one machine: state changes of pages, with all accounting that goes with them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/lru.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/vm_stat.hpp"
#include "sim/pagecache/wb_domain.hpp"
#include "sim/pagecache/writeback_control.hpp"

namespace wbsim::pagecache {

// Told when reclaim should look at memory. Implemented by kswapd (writeback/).
class MemoryListener {
 public:
  virtual void pages_allocated() = 0;

 protected:
  ~MemoryListener() = default;
};

// wakeup_flusher_threads(), wakeup_pdflush(): who starts to write so many dirty pages. Implemented
// where it is not a matter of each device (writeback/pdflush.hpp).
class FlusherWaker {
 public:
  virtual void wakeup_flushers(engine::WbReason reason, std::int64_t nr_pages) = 0;

 protected:
  ~FlusherWaker() = default;
};

// Models: the state changes of a page and their counters (account_page_dirtied(),
// clear_page_dirty_for_io(), __test_set_page_writeback(), test_clear_page_writeback(),
// mm/page-writeback.c, v5.10). Invariants: the counters equal the marks of all trees; a page is
// free, or clean, dirty or under writeback in exactly one file.
// Reads: a page is locked and not up to date from add_for_read() to end_read(), and neither dirty
// nor under writeback meanwhile.
//
// Pages are given as a first page and a mask of its leaf (PageTree::mask()).
class PageCache {
 public:
  PageCache(engine::Machine& machine, WbDomain& domain, Pages memory);

  // Every mapping is made known before its first page.
  void add_mapping(AddressSpace& mapping);
  // One without pages that goes away.
  void remove_mapping(AddressSpace& mapping);
  void set_flusher_waker(FlusherWaker& waker) { flusher_waker_ = &waker; }
  void set_memory_listener(MemoryListener& listener) { memory_listener_ = &listener; }

  [[nodiscard]] std::uint64_t jiffies_now() const { return machine_.jiffies_now(); }
  [[nodiscard]] VmStat& stat() { return stat_; }
  [[nodiscard]] const VmStat& stat() const { return stat_; }
  [[nodiscard]] Pages nr_dirty() const { return VmStat::read(stat_.nr_file_dirty); }
  [[nodiscard]] Pages nr_writeback() const { return VmStat::read(stat_.nr_writeback); }
  // Per-CPU count of pages dirtied since the last check (bdp_ratelimits).
  [[nodiscard]] std::int64_t& ratelimit_count(int cpu) {
    return ratelimits_[static_cast<std::size_t>(cpu)];
  }

  // Allocates pages that are not cached, for a write of all of each, and puts them into the file
  // and on the inactive list.
  void add_pages(AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  // The same for a read: they are locked and not up to date until end_read(). `readahead` ones
  // make whoever reads them start the next readahead.
  void add_for_read(AddressSpace& mapping, PageIndex page, std::uint64_t bits,
                    std::uint64_t readahead);
  // Locks a page that is cached and not locked, to read it or to change it.
  void lock(AddressSpace& mapping, PageIndex page);
  // Unlocks a page; wakes who waits for it.
  void unlock(AddressSpace& mapping, PageIndex page);
  // Ends the read of `count` consecutive locked pages: they are up to date, unless it failed.
  void end_read(AddressSpace& mapping, PageIndex first, Pages count, bool failed);
  // A page whose whole content was written, while it was locked or no read was under way.
  void set_uptodate(AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
    mapping.pages.clear_flag(page, bits, Flag::kNotUptodate);
  }
  // Gives pages the buffer heads that a readahead does without.
  void create_buffers(AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  // Cached pages were read (mark_page_accessed()): the second time activates them.
  void mark_accessed(AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  // Marks cached pages dirty. Those that are dirty already count for nothing.
  void set_dirty(TaskContext& task, AddressSpace& mapping, PageIndex page, std::uint64_t bits,
                 std::uint64_t write_id);
  // Takes dirty pages to writeback (clear_page_dirty_for_io() and set_page_writeback()). They may
  // not be under writeback. Returns which writes they carry.
  block::WriteIds start_writeback(int cpu, AddressSpace& mapping, PageIndex page,
                                  std::uint64_t bits);
  // Ends writeback of `count` consecutive pages; wakes who waits for them.
  void end_writeback(int cpu, AddressSpace& mapping, PageIndex first, Pages count);

  // Drops pages that are neither under writeback nor locked, dirty or not: nobody will ever ask for
  // what they hold (cancel_dirty_page(), delete_from_page_cache()).
  void discard(int cpu, AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  // What is dirty of the pages needs no writing (cancel_dirty_page()).
  void cancel_dirty(int cpu, AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  // Drops every page of the file that is neither dirty, nor under writeback, nor being read
  // (invalidate_mapping_pages()).
  void drop_clean(AddressSpace& mapping) { drop_clean(mapping, PageIndex{0}, PageIndex::max()); }
  // The same of the pages `first` to `last` (invalidate_inode_pages2_range()).
  void drop_clean(AddressSpace& mapping, PageIndex first, PageIndex last);

  // Takes up to `wanted` of the oldest inactive pages: clean ones are freed, others activated and
  // flagged. Returns how many were looked at and how many freed; nullopt when there are none.
  struct Shrunk {
    Pages scanned{0};
    Pages freed{0};
    Pages unqueued_dirty{0};  // dirty and not under writeback
    Pages writeback{0};       // under writeback
  };
  std::optional<Shrunk> shrink_inactive(int wanted);
  // Asks the flushers of all devices to write so many pages, or everything
  // (wakeup_flusher_threads()).
  void wakeup_flushers(engine::WbReason reason, std::int64_t nr_pages);
  // Moves active pages to the inactive list when that one is low (inactive_is_low()).
  Pages balance_active();

 private:
  void charge_slab(AddressSpace& mapping);
  void settle_slab(SlabUse& slab);
  void drop(AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  void insert(AddressSpace& mapping, PageIndex page, std::uint64_t bits);
  void allocated(AddressSpace& mapping);
  static void wake(AddressSpace& mapping, PageIndex first, PageIndex end);

  engine::Machine& machine_;
  WbDomain& domain_;
  VmStat stat_;
  std::vector<std::int64_t> ratelimits_;
  std::vector<AddressSpace*> mappings_;  // by lru_id, which is never given again
  std::vector<BdiWriteback*> wbs_;       // of these, each once
  Lru lru_;
  MemoryListener* memory_listener_ = nullptr;
  FlusherWaker* flusher_waker_ = nullptr;
};

}  // namespace wbsim::pagecache
