#pragma once

#include <cstdint>
#include <limits>

#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::pagecache {

inline constexpr std::int64_t kAllPages = std::numeric_limits<std::int64_t>::max();  // LONG_MAX

// Models: struct writeback_control, v5.10: one call's worth of writing one file.
struct WritebackControl {
  std::int64_t nr_to_write = kAllPages;
  std::int64_t pages_skipped = 0;
  PageIndex range_start{0};
  PageIndex range_end = PageIndex::max();  // inclusive
  bool sync_all = false;                   // WB_SYNC_ALL: data integrity
  bool tagged_writepages = false;          // SYNC_NONE that still avoids livelock
  bool for_kupdate = false;
  bool for_background = false;
  bool range_cyclic = false;
  bool for_sync = false;
  bool nonblocking = false;             // v2.6.18: leaves a device that is congested
  bool encountered_congestion = false;  // answer: it met one
};

}  // namespace wbsim::pagecache
