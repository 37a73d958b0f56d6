// The position ratio: how far a task's rate is raised or lowered by where dirty memory stands.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::writeback {

inline constexpr int kRatelimitShift = 10;  // RATELIMIT_CALC_SHIFT: 1.0 is 1024

// What kernel generations reckon differently:
//   kV3_6   the ratio is not clamped to [0, 2]; divisors are raised by one where kV5_10 sets their
//           lowest bit; the update of the rate reckons a position of its own, before that of the
//           task that is held back, which thus sees the new estimates
enum class ControlLaws { kV3_6, kV5_10 };

// Models: pos_ratio_polynom(), mm/page-writeback.c, v5.10, and the first part of
// bdi_position_ratio(), v3.6. Fixed point.
//
//   f(dirty) = 1 + ((setpoint - dirty) / (limit - setpoint))^3
//
//  2 |*
//    | *                         Properties:
//    |   *                       1. f(setpoint) = 1
//  1 |      *  *  *              2. f(limit) = 0
//    |               *           3. f'(setpoint) = 0: gentle near the set-point
//    |                 *         4. monotone falling, clamped to [0, 2]
//  0 +------|----|-----|------   Shifts floor, so it is slightly asymmetric.
//     freerun setpoint limit
std::int64_t pos_ratio_polynom(Pages setpoint, Pages dirty, Pages limit,
                               ControlLaws laws = ControlLaws::kV5_10);

// What wb_position_ratio() looks at. Rates in pages per second.
struct PositionInput {
  Pages dirty;  // global: dirty + writeback
  Pages thresh;
  Pages bg_thresh;
  Pages dirty_limit;  // of the domain
  Pages wb_dirty;     // of the device
  Pages wb_thresh;
  Pages wb_bg_thresh;
  Pages avg_write_bandwidth;
  bool strict_limit = false;
  ControlLaws laws = ControlLaws::kV5_10;
};

struct PositionResult {
  std::int64_t pos_ratio = 0;  // fixed point; 0: stop
  Pages setpoint;
  Pages limit;
};

// Models: wb_position_ratio(), v5.10, and bdi_position_ratio(), v3.6: the global ratio times a line
// through the device's own set-point, raised where the device has fewer dirty pages than it could
// write (reserve area), so the result may reach 8 * 2.
PositionResult wb_position_ratio(const PositionInput& in);

}  // namespace wbsim::writeback
