// From a machine's memory to free pages, reserves and watermarks at boot.
#pragma once

#include "sim/base/units.hpp"
#include "sim/system/config.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::system {

struct MemoryLayout {
  Pages total;
  Pages free;
  Pages totalreserve;
  writeback::Watermarks watermarks;
};

// Models: init_per_zone_wmark_min(), set_recommended_min_free_kbytes() (transparent huge pages on,
// as distributions ship it), __setup_per_zone_wmarks(), calculate_totalreserve_pages(), v5.10.
// What the configuration states is taken as it is.
// Before v4.6 (kV3_6) watermarks are as far apart as a quarter of the lowest, whatever the size of
// memory; v2.6.18 knows no huge pages either, and the lowest goes with the root of memory.
MemoryLayout memory_layout(const MemoryConfig& memory,
                           WatermarkRules rules = WatermarkRules::kV5_10);

}  // namespace wbsim::system
