// Reading files: the buffered read loop and the pages that readahead brings in.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/readahead.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::writeback {

// Reads a page that is cached, not up to date and locked by the caller, and waits. Returns 0, a
// negative errno, or kPageGone where the page is no longer cached.
engine::Task<int> read_page(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                            PageIndex page, pagecache::ReadKind kind);
inline constexpr int kPageGone = 1;

// Reads one file through the page cache.
// Models: generic_file_buffered_read(), v5.10, filemap_read(), v6.1 (mm/filemap.c), and what
// carries out the decisions of pagecache/readahead.hpp (mm/readahead.c).
// v5.10 looks at one page after the other, v6.1 at up to 15 at a time: these are copied after the
// last of them was waited for.
// Simplified: a page that is waited for or copied is not pinned; reclaim may take it, and it is
// read again.
class FileReader {
 public:
  FileReader(pagecache::PageCache& cache, Kswapd& kswapd, pagecache::AddressSpace& mapping,
             Bytes size, const pagecache::ReadaheadLimits& limits)
      : cache_{cache}, kswapd_{kswapd}, mapping_{mapping}, size_{size}, limits_{limits} {}

  [[nodiscard]] const pagecache::ReadaheadLimits& limits() const { return limits_; }
  // After the file has grown or was truncated.
  void set_size(Bytes size) { size_ = size; }

  // Copies bytes of the file, which it does not end before. Returns how many, or a negative errno
  // where there are none. Charges the fixed part of the read(2) too (generic_perform_write()).
  engine::Task<std::int64_t> read(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                  pagecache::FileReadahead& ra);
  // force_page_cache_ra(): starts to read what is not cached of a range, 2 MiB at a time.
  engine::Task<> force_readahead(pagecache::TaskContext& task, const pagecache::FileReadahead& ra,
                                 PageIndex first, Pages count);

 private:
  // Where a read is: the bytes from `pos` to `end` are still to be copied.
  struct Position {
    FileOffset pos;
    FileOffset end;
    [[nodiscard]] PageIndex page() const { return page_containing(pos); }
    // Pages that are still to be read, whole or in part.
    [[nodiscard]] Pages pages() const {
      return page_containing(end - Bytes{1}) - page() + Pages{1};
    }
  };
  // Pages looked up together: some to copy, and one at the end that is marked or not up to date.
  struct Batch {
    Pages ready{0};
    bool marked = false;
    bool not_uptodate = false;
    [[nodiscard]] bool special() const { return marked || not_uptodate; }
    [[nodiscard]] bool empty() const { return ready == Pages{0} && !special(); }
  };

  [[nodiscard]] Batch look_up(PageIndex first, Pages most) const;
  engine::Task<int> get_pages(pagecache::TaskContext& task, const Position& at,
                              pagecache::FileReadahead& ra, Batch& batch);
  engine::Task<int> update_page(pagecache::TaskContext& task, PageIndex page,
                                pagecache::FileReadahead& ra, Batch& batch);
  engine::Task<int> create_page(pagecache::TaskContext& task, PageIndex page,
                                pagecache::FileReadahead& ra);
  engine::Task<> copy(pagecache::TaskContext& task, Position& at, Pages count,
                      pagecache::FileReadahead& ra);
  engine::Task<> sync_readahead(pagecache::TaskContext& task, PageIndex page, Pages wanted,
                                pagecache::FileReadahead& ra);
  engine::Task<> async_readahead(pagecache::TaskContext& task, PageIndex page, Pages wanted,
                                 pagecache::FileReadahead& ra);
  engine::Task<> read_window(pagecache::TaskContext& task,
                             const pagecache::ReadaheadWindow& window);

  pagecache::PageCache& cache_;
  Kswapd& kswapd_;
  pagecache::AddressSpace& mapping_;
  Bytes size_;
  pagecache::ReadaheadLimits limits_;
};

}  // namespace wbsim::writeback
