#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::block {

// What one request may be at most, and how the queue treats merges and flushes (struct
// queue_limits and queue flags, v5.10). Defaults: blk_set_default_limits().
struct QueueLimits {
  Sectors max_sectors{2560};  // max_sectors_kb 1280
  std::int64_t max_segments = 128;
  Bytes max_segment_size{65536};
  int nomerges = 0;          // 2: no merging at all
  bool write_cache = false;  // QUEUE_FLAG_WC
  bool fua = false;          // QUEUE_FLAG_FUA
  bool rotational = false;
};

}  // namespace wbsim::block
