#include "sim/block/stacking/stack_limits.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace wbsim::block {
namespace {

constexpr Pages kReadaheadPages{32};               // VM_READAHEAD_PAGES
constexpr Sectors kSectorsNoLimit{0xffffffff};     // UINT_MAX
constexpr std::int64_t kSegmentsNoLimit = 0xffff;  // USHRT_MAX
constexpr Bytes kSegmentSizeNoLimit{0xffffffff};   // UINT_MAX

Bytes lcm_not_zero(Bytes a, Bytes b) {
  if (a == Bytes{0} || b == Bytes{0}) {
    return std::max(a, b);
  }
  return Bytes{std::lcm(a.count(), b.count())};
}

// queue_limit_alignment_offset(): of the byte `start` sectors into a device.
Bytes alignment_at(const QueueLimits& limits, Sectors start) {
  const Bytes granularity = std::max(limits.physical_block, limits.io_min);
  const Bytes into = to_bytes(start) % granularity;
  return (granularity + limits.alignment_offset - into) % granularity;
}

bool multiple(Bytes a, Bytes b) { return a % b == Bytes{0}; }

// Do the blocks of `top` still begin where blocks of a member do?
bool line_up(const QueueLimits& top, const QueueLimits& bottom, Bytes alignment) {
  const Bytes a = std::max(top.physical_block, top.io_min) + top.alignment_offset;
  const Bytes b = std::max(bottom.physical_block, bottom.io_min) + alignment;
  return multiple(std::max(a, b), std::min(a, b));
}

// Makes each size a multiple of the smaller ones; false where one was not.
bool fit_sizes(QueueLimits& top) {
  bool fits = true;
  if (!multiple(top.physical_block, top.logical_block)) {
    top.physical_block = top.logical_block;
    fits = false;
  }
  if (!multiple(top.io_min, top.physical_block)) {
    top.io_min = top.physical_block;
    fits = false;
  }
  if (!multiple(top.io_opt, top.physical_block)) {
    top.io_opt = Bytes{0};
    fits = false;
  }
  if (!multiple(to_bytes(top.chunk_sectors), top.physical_block)) {
    top.chunk_sectors = Sectors{0};
    fits = false;
  }
  return fits;
}

}  // namespace

QueueLimits stacking_limits() {
  QueueLimits limits;
  limits.max_sectors = kSectorsNoLimit;
  limits.max_segments = kSegmentsNoLimit;
  limits.max_segment_size = kSegmentSizeNoLimit;
  return limits;
}

void stack_limits(QueueLimits& top, const QueueLimits& bottom, Sectors start) {
  const Bytes alignment = alignment_at(bottom, start);
  bool fits = !bottom.misaligned;
  if (top.alignment_offset != alignment) {
    fits &= line_up(top, bottom, alignment);
  }
  top.max_sectors = std::min(top.max_sectors, bottom.max_sectors);
  top.max_segments = std::min(top.max_segments, bottom.max_segments);
  top.max_segment_size = std::min(top.max_segment_size, bottom.max_segment_size);
  top.logical_block = std::max(top.logical_block, bottom.logical_block);
  top.physical_block = std::max(top.physical_block, bottom.physical_block);
  top.io_min = std::max(top.io_min, bottom.io_min);
  top.io_opt = lcm_not_zero(top.io_opt, bottom.io_opt);
  if (bottom.chunk_sectors > Sectors{0}) {
    top.chunk_sectors = Sectors{std::gcd(top.chunk_sectors.count(), bottom.chunk_sectors.count())};
  }
  fits &= fit_sizes(top);
  top.alignment_offset =
      lcm_not_zero(top.alignment_offset, alignment) % std::max(top.physical_block, top.io_min);
  fits &= multiple(top.alignment_offset, top.logical_block);
  top.misaligned |= !fits;
  const Sectors block = sectors_floor(top.logical_block);
  top.max_sectors = std::max(top.max_sectors - top.max_sectors % block, kSectorsPerPage);
  // Flags, not limits: a flush is worth while where one member has a volatile cache, FUA is kept
  // where one can do it, and one rotating member makes the device a rotating one.
  top.write_cache |= bottom.write_cache;
  top.fua |= bottom.fua;
  top.rotational |= bottom.rotational;
}

QueueLimits partition_limits(const QueueLimits& whole, Lba start) {
  QueueLimits limits = whole;
  limits.alignment_offset = alignment_at(whole, start - Lba{0});
  return limits;
}

Pages stacked_readahead(const QueueLimits& limits) {
  return std::max(pages_floor(limits.io_opt * 2), kReadaheadPages);
}

}  // namespace wbsim::block
