#include "sim/system/memory_layout.hpp"

#include <algorithm>
#include <cmath>

namespace wbsim::system {

namespace {

constexpr Pages kPageblock{512};                          // pageblock_nr_pages
constexpr std::int64_t kMigrateTypes = 3;                 // MIGRATE_PCPTYPES
constexpr Pages kNormalZoneStart{std::int64_t{3} << 18};  // above about 3 GiB a third zone exists
// The DMA zone (15 MiB) is protected by lowmem_reserve: page cache does not reach it, and what is
// free there shows in the machine's total. Seen on the truth rig.
constexpr Pages kDmaZone{3840};
constexpr Pages kDmaZoneFree{1970};
// What lowmem_reserve adds to the high watermarks in totalreserve_pages on the truth rig.
constexpr Pages kLowmemReserve{906};

Pages min_free(Pages total) {
  const std::int64_t zones = total > kNormalZoneStart ? 3 : 2;
  const Pages recommended =
      kPageblock * zones * 2 + kPageblock * (zones * kMigrateTypes * kMigrateTypes);
  return std::min(recommended, total / 20);  // at most 5 % of memory
}

// Models: init_per_zone_pages_min(), v2.6.18: KiB, sixteen times the root of memory.
Pages old_min_free(Pages total) {
  constexpr std::int64_t kMinKib = 128;
  constexpr std::int64_t kMaxKib = 65'536;
  const auto root = static_cast<std::int64_t>(
      std::sqrt(static_cast<double>(to_bytes(total).count() / 1024 * 16)));
  return pages_floor(kibibytes(std::clamp(root, kMinKib, kMaxKib)));
}

}  // namespace

MemoryLayout memory_layout(const MemoryConfig& memory, WatermarkRules rules) {
  MemoryLayout layout;
  layout.total = pages_floor(memory.total);
  const Pages min =
      rules == WatermarkRules::kV2_6_18 ? old_min_free(layout.total) : min_free(layout.total);
  // watermark_scale_factor 10: a thousandth of the zone, at least a quarter of min.
  const Pages step =
      rules == WatermarkRules::kV5_10 ? std::max(min / 4, layout.total / 1000) : min / 4;
  const auto whole_machine = [&](Pages zones) {
    const Pages dma_share{zones.count() * kDmaZone.count() /
                          std::max(layout.total, kDmaZone).count()};
    return zones - dma_share + std::min(kDmaZoneFree, layout.total / 100);
  };
  layout.watermarks = {whole_machine(min), whole_machine(min + step),
                       whole_machine(min + 2 * step)};
  layout.totalreserve =
      memory.totalreserve.value_or(min + 2 * step + std::min(kLowmemReserve, layout.total / 100));
  // A fiftieth of memory is the kernel's own.
  const Pages unused = layout.total - pages_ceil(memory.anon) - layout.total / 50 -
                       memory.active_file - memory.inactive_file;
  layout.free = memory.free.value_or(std::max(unused, Pages{0}));
  return layout;
}

}  // namespace wbsim::system
