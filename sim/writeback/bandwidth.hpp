// Estimates: a device's write bandwidth, the rate a task may dirty at, the slow dirty limit.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::writeback {

// INIT_BW: 100 MiB/s, in pages per second: what every rate of a new device starts with.
inline constexpr Pages kInitialBandwidth{25600};

struct WriteBandwidth {
  Pages current;  // write_bandwidth, pages/s
  Pages average;  // avg_write_bandwidth, pages/s: the smoothed one that throttling uses
};

// Models: wb_update_write_bandwidth(), mm/page-writeback.c, v5.10. `written`
// pages were completed in `elapsed` jiffies. With period = 3 s rounded up to a power of two:
//   current' = (written * HZ + current * (period - elapsed)) / period
// and the average moves an eighth of the way where two successive values agree on the direction.
// Longer than a period: both become the plain rate.
WriteBandwidth update_write_bandwidth(const WriteBandwidth& old, Pages written,
                                      std::int64_t elapsed, int hz);

// Models: update_dirty_limit(): up at once, down by 1/32 of the distance.
Pages update_dirty_limit(Pages limit, Pages thresh, Pages dirty);

struct RatelimitInput {
  Pages dirty_ratelimit;           // pages/s per task
  Pages balanced_dirty_ratelimit;  // of the previous update
  std::int64_t pos_ratio;
  Pages avg_write_bandwidth;
  Pages dirtied;         // since the last update
  std::int64_t elapsed;  // jiffies
  Pages dirty;
  Pages setpoint;
};

struct RatelimitResult {
  Pages dirty_ratelimit;
  Pages balanced_dirty_ratelimit;
  Pages dirty_rate;
  Pages task_ratelimit;
};

// Models: wb_update_dirty_ratelimit(). The balanced rate is what would make
// all tasks together dirty as fast as the device writes:
//   balanced = task_ratelimit * write_bandwidth / dirty_rate
// dirty_ratelimit steps towards it, by at most an eighth of the smallest distance that rate,
// task rate and the previous balanced rate agree on, and not at all for noise.
RatelimitResult update_dirty_ratelimit(const RatelimitInput& in, int hz);

}  // namespace wbsim::writeback
