// Writing files: the buffered write loop and writing dirty pages back on request.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/pagecache/writeback_control.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::writeback {

// Models: do_writepages(), mm/page-writeback.c. v6.1 keeps the bandwidth estimate here.
engine::Task<> do_writepages(pagecache::TaskContext& task, DirtyThrottle& throttle,
                             pagecache::AddressSpace& mapping, pagecache::WritebackControl& wbc);

// Models: __filemap_fdatawrite_range(WB_SYNC_ALL), inclusive range.
engine::Task<> fdatawrite_range(pagecache::TaskContext& task, DirtyThrottle& throttle,
                                pagecache::AddressSpace& mapping, PageIndex first, PageIndex last);

// Makes a page that is to be written in part ready for it: cached, up to date and not locked.
// Models: __block_write_begin() of a page whose only block is written in part, and sb_bread(), for
// block devices and files. Returns 0 or a negative errno.
engine::Task<int> read_whole_page(pagecache::TaskContext& task, pagecache::PageCache& cache,
                                  Kswapd& kswapd, pagecache::AddressSpace& mapping, PageIndex page);

// Models: generic_perform_write(), mm/filemap.c, v5.10. The throttle is asked after each page; the
// task sleeps inside. A page that is written in part is read first, unless it is cached. Pages that
// nothing can come between are written at once (Thread::steps_ahead()). A file system gives room
// for each page first (write_begin()); where there is none, the write ends. `write_id` is for
// provenance. Returns the bytes written, fewer than asked for before a page that cannot be read, or
// a negative errno. Charges the fixed part of the write(2) too, so that the callers need not be
// coroutines: one costs as much as dirtying a page.
engine::Task<std::int64_t> generic_perform_write(pagecache::TaskContext& task,
                                                 DirtyThrottle& throttle,
                                                 pagecache::PageCache& cache, Kswapd& kswapd,
                                                 pagecache::AddressSpace& mapping, FileOffset at,
                                                 Bytes length, std::uint64_t write_id);

}  // namespace wbsim::writeback
