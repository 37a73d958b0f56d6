// How long a throttled task sleeps. Times in jiffies.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::writeback {

// Models: wb_max_pause(), mm/page-writeback.c, v5.10: at most 200 ms, less when the device would
// run dry meanwhile. Rates in pages per second.
std::int64_t wb_max_pause(Pages wb_dirty, Pages avg_write_bandwidth, int hz);

struct MinPause {
  std::int64_t pause;      // shorter computed pauses are not slept
  Pages nr_dirtied_pause;  // pages until the next pause
};

// Models: wb_min_pause(): aims at pauses of 10 ms, longer where many tasks share the device, and
// at no fewer than 32 pages between two pauses.
MinPause wb_min_pause(std::int64_t max_pause, Pages avg_write_bandwidth, Pages dirty_ratelimit,
                      Pages task_ratelimit, int hz);

}  // namespace wbsim::writeback
