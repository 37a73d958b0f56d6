// Walking a file's dirty pages.
#pragma once

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"

namespace wbsim::pagecache {

// Pages looked up at a time; the walker may be rescheduled in between (PAGEVEC_SIZE, v5.10, v6.1).
inline constexpr std::int64_t kPagevecSize = 15;

// What kernel generations do differently when range-cyclic writeback comes to the end of the file.
//   kV2_6_18  begins again at the start if it met no page at all (mpage_writepages.cpp)
//   kV3_6     begins again, up to where it began
//   kV5_10    leaves the rest to the next call
enum class WritepagesRules { kV2_6_18, kV3_6, kV5_10 };

// How a file system writes dirty pages (->writepage()).
class PageWriter {
 public:
  // Takes some of the `count` consecutive dirty pages from `first`, at least one, to writeback and
  // submits their bios. Returns how many. May sleep.
  virtual engine::Task<Pages> write_run(TaskContext& task, AddressSpace& mapping, PageIndex first,
                                        Pages count, const WritebackControl& wbc) = 0;

 protected:
  ~PageWriter() = default;
};

// Models: write_cache_pages(), mm/page-writeback.c, v5.10 and v6.1. Data-integrity and tagged
// writeback first mark all dirty pages TOWRITE and write just those. Pages under writeback are
// skipped, or waited for with WB_SYNC_ALL. Range-cyclic writeback wraps inside a call in v3.6 only.
// Pages are looked up kPagevecSize at a time: one dirtied meanwhile is met by a later look-up, if
// there is one, and one that is clean when its turn comes is skipped.
// Simplified: pages that were looked up are neither locked nor pinned.
engine::Task<> write_cache_pages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                 PageWriter& writer,
                                 WritepagesRules rules = WritepagesRules::kV5_10);

// Models: mpage_writepages() without get_block, fs/mpage.c, v2.6.18. Properties:
//  1. Looks up 14 pages at a time, and writes all it looked up: more than nr_to_write.
//  2. nr_to_write holds for data integrity too, which marks nothing first.
//  3. With `nonblocking` a congested device ends it, before it begins or after a look-up.
//  4. Range-cyclic writeback goes on behind the last look-up, and wraps if that found nothing.
engine::Task<> mpage_writepages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                PageWriter& writer);

// The one of the two that `rules` ask for: generic_writepages(), mpage_writepages().
engine::Task<> go_through_pages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                PageWriter& writer, WritepagesRules rules);

// Models: __filemap_fdatawait_range(): waits until no page of the range that is under writeback
// now still is, in index order.
engine::Task<> fdatawait_range(TaskContext& task, AddressSpace& mapping, PageIndex first,
                               PageIndex last);

}  // namespace wbsim::pagecache
