// What file systems need of the layers below.
#pragma once

#include "sim/pagecache/page_cache.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::fs {

struct Memory {
  pagecache::PageCache& cache;
  writeback::DirtyThrottle& throttle;
  writeback::Kswapd& kswapd;
};

}  // namespace wbsim::fs
