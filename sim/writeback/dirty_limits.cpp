#include "sim/writeback/dirty_limits.hpp"

#include <algorithm>
#include <bit>

#include "sim/pagecache/percpu_counter.hpp"

namespace wbsim::writeback {

namespace {

constexpr std::int64_t kPageUnits = 4096;  // PAGE_SIZE, the denominator of ratios
constexpr Pages kThreshMax{0xffffffffLL};  // limits in pages fit into 32 bits

Pages share_of(Bytes bytes, int ratio, Pages avail) {
  if (bytes > Bytes{0}) {
    return pages_ceil(bytes);
  }
  const std::int64_t parts = ratio * kPageUnits / 100;
  return Pages{parts * avail.count() / kPageUnits};
}

DirtyLimits raised_by_a_quarter(const DirtyLimits& limits) {
  return {limits.thresh + limits.thresh / 4, limits.bg_thresh + limits.bg_thresh / 4};
}

}  // namespace

DirtyLimits domain_dirty_limits(const VmSysctl& vm, Pages avail, Pages dirty_limit, bool rt) {
  DirtyLimits limits{share_of(vm.dirty_bytes, vm.dirty_ratio, avail),
                     share_of(vm.dirty_background_bytes, vm.dirty_background_ratio, avail)};
  if (rt) {
    limits.bg_thresh += limits.bg_thresh / 4 + dirty_limit / 32;
    limits.thresh += limits.thresh / 4 + dirty_limit / 32;
  }
  limits.thresh = std::min(limits.thresh, kThreshMax);
  if (limits.bg_thresh >= limits.thresh) {
    limits.bg_thresh = limits.thresh / 2;
  }
  return limits;
}

DirtyLimits global_dirty_limits(const VmSysctl& vm, Pages avail, bool raised) {
  const auto share = [avail](Bytes bytes, int ratio) {
    return bytes > Bytes{0} ? pages_ceil(bytes) : avail * ratio / 100;
  };
  DirtyLimits limits{share(vm.dirty_bytes, vm.dirty_ratio),
                     share(vm.dirty_background_bytes, vm.dirty_background_ratio)};
  if (limits.bg_thresh >= limits.thresh) {
    limits.bg_thresh = limits.thresh / 2;
  }
  return raised ? raised_by_a_quarter(limits) : limits;
}

DirtyLimits get_dirty_limits(const VmSysctl& vm, const MemoryUse& memory, bool raised) {
  constexpr int kRatioMin = 5;
  const std::int64_t mapped = memory.mapped.count() * 100 / memory.total.count();
  const auto unmapped = static_cast<int>(100 - mapped);
  const int ratio = std::max(std::min(vm.dirty_ratio, unmapped / 2), kRatioMin);
  const int background = vm.dirty_background_ratio >= ratio ? ratio / 2 : vm.dirty_background_ratio;
  const DirtyLimits limits{memory.total * ratio / 100, memory.total * background / 100};
  return raised ? raised_by_a_quarter(limits) : limits;
}

std::int64_t old_ratelimit_pages(Pages total, int cpus) {
  constexpr std::int64_t kMaximum = pages_floor(mebibytes(4)).count();
  return std::min(ratelimit_pages(total, cpus), kMaximum);
}

Pages wb_calc_thresh(Pages thresh, pagecache::Fraction share, const BdiRatios& ratios) {
  const std::int64_t shareable = thresh.count() * (100 - ratios.min_ratio_sum) / 100;
  std::int64_t wb_thresh = shareable * share.numerator / share.denominator;
  wb_thresh += thresh.count() * ratios.min_ratio / 100;
  return Pages{std::min(wb_thresh, thresh.count() * ratios.max_ratio / 100)};
}

Pages dirty_poll_interval(Pages dirty, Pages thresh) {
  if (thresh <= dirty) {
    return Pages{1};
  }
  const auto room = static_cast<std::uint64_t>((thresh - dirty).count());
  return Pages{std::int64_t{1} << ((std::bit_width(room) - 1) / 2)};
}

std::int64_t ratelimit_pages(Pages thresh, int cpus) {
  constexpr std::int64_t kMinimum = 16;
  return std::max(kMinimum, thresh.count() / (cpus * 32));
}

Pages wb_stat_error(int cpus) { return Pages{cpus * pagecache::wb_stat_batch(cpus)}; }

}  // namespace wbsim::writeback
