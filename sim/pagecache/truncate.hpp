// Taking pages out of a file for good.
#pragma once

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::pagecache {

// Models: truncate_inode_pages(), mm/truncate.c, v5.10 and v6.1: drops all pages from `first` on.
// What is dirty is never written. Pages under writeback or being read are passed over at first,
// then waited for.
engine::Task<> truncate_inode_pages(TaskContext& task, PageCache& cache, AddressSpace& mapping,
                                    PageIndex first);

}  // namespace wbsim::pagecache
