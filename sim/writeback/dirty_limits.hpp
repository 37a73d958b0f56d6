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

// Whose limits: what their base is and how they are rounded.
//   kV2_6_18  parts of all memory, less where much is mapped; bytes cannot be given
//   kV3_6     parts of dirtyable memory, of which the reserve is taken as a whole
//   kV5_10    the same in steps of 1/4096; the reserve is free memory at most
enum class LimitRules { kV2_6_18, kV3_6, kV5_10 };

// Models: global_dirty_limits(), mm/page-writeback.c, v3.6. A real-time task, or one with
// PF_LESS_THROTTLE (`raised`), sees both raised by a quarter.
DirtyLimits global_dirty_limits(const VmSysctl& vm, Pages avail, bool raised);

// What v2.6.18 takes the ratios of.
struct MemoryUse {
  Pages total{0};   // total_pages: what the page cache could fill above the high watermarks
  Pages mapped{0};  // NR_FILE_MAPPED and NR_ANON_PAGES
};

// Models: get_dirty_limits(), v2.6.18. Half of the memory that is not mapped may be dirty at most,
// and 5 % at least, whatever dirty_ratio says. `raised` as above.
DirtyLimits get_dirty_limits(const VmSysctl& vm, const MemoryUse& memory, bool raised);

// Models: set_ratelimit(), v2.6.18: pages dirtied on one CPU before a task looks; 4 MiB at most.
std::int64_t old_ratelimit_pages(Pages total, int cpus);

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
