#include "sim/writeback/position_ratio.hpp"

#include <algorithm>

#include "sim/writeback/dirty_limits.hpp"

namespace wbsim::writeback {

namespace {

constexpr std::int64_t kOne = std::int64_t{1} << kRatelimitShift;
constexpr Pages kStrictLimitFree{8};  // below this a strictlimit device is not held back

// A divisor without a zero.
std::int64_t never_zero(std::int64_t n, ControlLaws laws) {
  return laws == ControlLaws::kV3_6 ? n + 1 : n | 1;
}

// Models: the BDI_CAP_STRICTLIMIT branch: only the device's own limits count.
std::int64_t strict_ratio(const PositionInput& in, std::int64_t global_ratio) {
  if (in.wb_dirty < kStrictLimitFree) {
    return std::min(2 * global_ratio, 2 * kOne);
  }
  if (in.wb_dirty >= in.wb_thresh) {
    return 0;
  }
  const Pages setpoint = dirty_freerun_ceiling(in.wb_thresh, in.wb_bg_thresh);
  if (setpoint == Pages{0} || setpoint == in.wb_thresh) {
    return 0;
  }
  return std::min(global_ratio, pos_ratio_polynom(setpoint, in.wb_dirty, in.wb_thresh));
}

}  // namespace

std::int64_t pos_ratio_polynom(Pages setpoint, Pages dirty, Pages limit, ControlLaws laws) {
  const std::int64_t room = (limit - setpoint).count();
  const std::int64_t x = ((setpoint - dirty).count() * kOne) / never_zero(room, laws);
  std::int64_t ratio = x;
  ratio = (ratio * x) >> kRatelimitShift;
  ratio = (ratio * x) >> kRatelimitShift;
  return laws == ControlLaws::kV3_6 ? ratio + kOne
                                    : std::clamp<std::int64_t>(ratio + kOne, 0, 2 * kOne);
}

PositionResult wb_position_ratio(const PositionInput& in) {
  PositionResult result;
  result.limit = hard_dirty_limit(in.dirty_limit, in.thresh);
  result.setpoint = (dirty_freerun_ceiling(in.thresh, in.bg_thresh) + result.limit) / 2;
  if (in.dirty >= result.limit) {
    return result;
  }
  std::int64_t ratio = pos_ratio_polynom(result.setpoint, in.dirty, result.limit, in.laws);
  if (in.strict_limit) {
    result.pos_ratio = strict_ratio(in, ratio);
    return result;
  }
  // A device that was idle has a tiny wb_thresh; a fraction of the free room is its floor.
  const std::int64_t thresh = in.thresh.count();
  const std::int64_t wb_thresh =
      std::max(std::min(in.wb_thresh.count(), thresh), (result.limit - in.dirty).count() / 8);
  const std::int64_t wb_dirty = in.wb_dirty.count();
  // x: the device's share of thresh in 16-bit fixed point.
  const std::int64_t x = (wb_thresh << 16) / never_zero(thresh, in.laws);
  const std::int64_t wb_setpoint = (result.setpoint.count() * x) >> 16;
  const std::int64_t span = ((thresh - wb_thresh + 8 * in.avg_write_bandwidth.count()) * x) >> 16;
  const std::int64_t x_intercept = wb_setpoint + span;
  if (wb_dirty < x_intercept - span / 4) {
    ratio = ratio * (x_intercept - wb_dirty) / never_zero(x_intercept - wb_setpoint, in.laws);
  } else {
    ratio /= 4;
  }
  const std::int64_t reserve = wb_thresh / 2;
  if (wb_dirty < reserve) {
    ratio = wb_dirty > reserve / 8 ? ratio * reserve / wb_dirty : ratio * 8;
  }
  result.pos_ratio = ratio;
  return result;
}

}  // namespace wbsim::writeback
