#include "sim/writeback/bandwidth.hpp"

#include <algorithm>
#include <bit>

#include "sim/writeback/position_ratio.hpp"

namespace wbsim::writeback {

WriteBandwidth update_write_bandwidth(const WriteBandwidth& old, Pages written,
                                      std::int64_t elapsed, int hz) {
  const auto period = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(3 * hz)));
  const std::int64_t done = std::max<std::int64_t>(written.count(), 0) * hz;
  if (elapsed > period) {
    const Pages rate{done / elapsed};
    return {rate, std::max(rate, Pages{1})};
  }
  const int shift = std::countr_zero(static_cast<std::uint64_t>(period));
  const Pages current{(done + old.current.count() * (period - elapsed)) >> shift};
  Pages average = old.average;
  if (average > old.current && old.current >= current) {
    average -= Pages{(average - old.current).count() >> 3};
  }
  if (average < old.current && old.current <= current) {
    average += Pages{(old.current - average).count() >> 3};
  }
  return {current, std::max(average, Pages{1})};
}

Pages update_dirty_limit(Pages limit, Pages thresh, Pages dirty) {
  if (limit < thresh) {
    return thresh;
  }
  const Pages target = std::max(thresh, dirty);
  return limit > target ? limit - Pages{(limit - target).count() >> 5} : limit;
}

RatelimitResult update_dirty_ratelimit(const RatelimitInput& in, int hz) {
  const std::int64_t rate = in.dirtied.count() * hz / in.elapsed;
  const std::int64_t bandwidth = in.avg_write_bandwidth.count();
  std::int64_t limit = in.dirty_ratelimit.count();
  const std::int64_t task = ((limit * in.pos_ratio) >> kRatelimitShift) + 1;
  const std::int64_t balanced = std::min(bandwidth, task * bandwidth / (rate | 1));
  const std::int64_t previous = in.balanced_dirty_ratelimit.count();

  std::int64_t step = 0;
  if (in.dirty < in.setpoint) {
    const std::int64_t lowest = std::min({previous, balanced, task});
    step = std::max<std::int64_t>(lowest - limit, 0);
  } else {
    const std::int64_t highest = std::max({previous, balanced, task});
    step = std::max<std::int64_t>(limit - highest, 0);
  }
  // Large distances are followed at once, those near the noise not at all.
  const std::int64_t shift = limit / (2 * step + 1);
  step = shift < 64 ? ((step >> shift) + 7) / 8 : 0;
  limit += limit < balanced ? step : -step;
  return {Pages{std::max<std::int64_t>(limit, 1)}, Pages{balanced}, Pages{rate}, Pages{task}};
}

}  // namespace wbsim::writeback
