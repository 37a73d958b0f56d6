#include "sim/writeback/pause.hpp"

#include <algorithm>
#include <bit>

namespace wbsim::writeback {

namespace {

constexpr std::int64_t kDirtyPollThresh = 128 >> 2;  // DIRTY_POLL_THRESH: 128 KiB in pages

std::int64_t round_up_power_of_two(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}

std::int64_t ilog2(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(n))) - 1;
}

}  // namespace

std::int64_t wb_max_pause(Pages wb_dirty, Pages avg_write_bandwidth, int hz) {
  const std::int64_t pause_max = std::max(hz / 5, 1);  // MAX_PAUSE
  const std::int64_t step = round_up_power_of_two(1 + hz / 8);
  const std::int64_t t = wb_dirty.count() / (1 + avg_write_bandwidth.count() / step) + 1;
  return std::min(t, pause_max);
}

MinPause wb_min_pause(std::int64_t max_pause, Pages avg_write_bandwidth, Pages dirty_ratelimit,
                      Pages task_ratelimit, int hz) {
  const std::int64_t high = ilog2(avg_write_bandwidth.count());
  const std::int64_t low = ilog2(dirty_ratelimit.count());
  const std::int64_t second = round_up_power_of_two(hz);
  std::int64_t t = std::max(1, hz / 100);
  if (high > low) {
    t += (high - low) * (10 * hz) / 1024;
  }
  t = std::min(t, 1 + max_pause / 2);
  std::int64_t pages = dirty_ratelimit.count() * t / second;
  if (pages < kDirtyPollThresh) {
    t = max_pause;
    pages = dirty_ratelimit.count() * t / second;
    if (pages > kDirtyPollThresh) {
      pages = kDirtyPollThresh;
      t = hz * kDirtyPollThresh / dirty_ratelimit.count();
    }
  }
  const std::int64_t pause = hz * pages / (task_ratelimit.count() + 1);
  if (pause > max_pause) {
    t = max_pause;
    pages = task_ratelimit.count() * t / second;
  }
  return {pages >= kDirtyPollThresh ? 1 + t / 2 : t, Pages{pages}};
}

}  // namespace wbsim::writeback
