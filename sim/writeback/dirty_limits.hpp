// Dirty limits: from sysctls and memory to thresholds.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/pagecache/proportions.hpp"

namespace wbsim::writeback {

// The vm.dirty_* sysctls. Bytes win over ratios when non-zero; setting one of a pair zeroes the
// other (VmSysctl::set()).
struct VmSysctl {
  int dirty_ratio = 20;             // percent of dirtyable memory
  int dirty_background_ratio = 10;  // percent
  Bytes dirty_bytes{0};
  Bytes dirty_background_bytes{0};
  int dirty_writeback_centisecs = 500;  // 0: no periodic writeback
  int dirty_expire_centisecs = 3000;
};

struct DirtyLimits {
  Pages thresh;
  Pages bg_thresh;
};

// Models: domain_dirty_limits(), mm/page-writeback.c, v5.10. Ratios are taken in steps of 1/4096,
// bytes are rounded up to pages, bg_thresh is halved when it is not below thresh.
// A real-time task (`rt`) sees both raised by a quarter and dirty_limit / 32.
DirtyLimits domain_dirty_limits(const VmSysctl& vm, Pages avail, Pages dirty_limit, bool rt);

// Models: dirty_freerun_ceiling(). No task is throttled up to here.
constexpr Pages dirty_freerun_ceiling(Pages thresh, Pages bg_thresh) {
  return (thresh + bg_thresh) / 2;
}

// Models: hard_dirty_limit().
constexpr Pages hard_dirty_limit(Pages dirty_limit, Pages thresh) {
  return dirty_limit > thresh ? dirty_limit : thresh;
}

// The bdi's ratios, in percent, and the sum of all bdis' min ratios.
struct BdiRatios {
  int min_ratio = 0;
  int max_ratio = 100;
  int min_ratio_sum = 0;
};

// Models: __wb_calc_thresh(): a device's share of `thresh` by its share of recent completions.
Pages wb_calc_thresh(Pages thresh, pagecache::Fraction share, const BdiRatios& ratios);

// Models: dirty_poll_interval(): pages a task may dirty before it looks again.
Pages dirty_poll_interval(Pages dirty, Pages thresh);

// Models: writeback_set_ratelimit(): pages dirtied on one CPU before any task looks.
std::int64_t ratelimit_pages(Pages thresh, int cpus);

// Models: wb_stat_error(): how far the cheap sum of a per-CPU counter may be off.
Pages wb_stat_error(int cpus);

}  // namespace wbsim::writeback
