#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"

namespace wbsim::block {

inline constexpr int kNomergesAll = 2;  // QUEUE_FLAG_NOMERGES: no merging at all

// What one request may be at most, and how the queue treats merges and flushes (struct
// queue_limits and queue flags, v5.10). Defaults: blk_set_default_limits().
struct QueueLimits {
  Sectors max_sectors{2560};  // max_sectors_kb 1280
  std::int64_t max_segments = 128;
  Bytes max_segment_size{65536};
  int nomerges = 0;          // up to kNomergesAll
  bool write_cache = false;  // QUEUE_FLAG_WC
  bool fua = false;          // QUEUE_FLAG_FUA
  bool rotational = false;
  // What a bio should be made of; 0 in io_opt and chunk_sectors: nothing is known.
  Bytes logical_block{512};
  Bytes physical_block{512};
  Bytes io_min{512};
  Bytes io_opt{0};
  Bytes alignment_offset{0};
  bool misaligned = false;
  Sectors chunk_sectors{0};  // no request crosses a multiple of it
  // In memory, parts of a request may meet only at multiples of it; 0: anywhere.
  Bytes virt_boundary{0};
  // Of discards. With one segment a discard is a range of sectors, and grows by what is adjacent;
  // with more it is a list of ranges, wherever they are.
  Sectors max_discard_sectors{0};  // 0: the device has none
  int max_discard_segments = 1;
  Bytes discard_granularity{0};
  Bytes discard_alignment{0};
};

// Sectors of one segment of a bio: memory that is contiguous, as far as the limits allow.
[[nodiscard]] inline Sectors segment_in_limits(const Bio& bio, const QueueLimits& limits) {
  const Sectors contiguous = bio.segment == Sectors{0} ? bio.unit : bio.segment;
  return std::min(contiguous, sectors_floor(limits.max_segment_size));
}

// Segments of all bios of a run; they are not coalesced across bios.
[[nodiscard]] inline std::int64_t segments_of(const Bio& bio, const QueueLimits& limits) {
  if (bio.unit == Sectors{0}) {
    return 0;
  }
  if (bio.flags.discard) [[unlikely]] {
    return bio.count;  // a range each
  }
  const Sectors segment = segment_in_limits(bio, limits);
  if (segment == bio.unit) {
    return bio.count;  // the common case, without the division
  }
  return bio.count * ((bio.unit + segment - Sectors{1}) / segment);
}

// The most sectors that a request from `at` may have (blk_max_size_offset()).
[[nodiscard]] inline Sectors max_sectors_at(Lba at, const QueueLimits& limits) {
  if (limits.chunk_sectors == Sectors{0}) {
    return limits.max_sectors;
  }
  const Sectors chunk = limits.chunk_sectors;
  return std::min(limits.max_sectors, chunk - (at - Lba{0}) % chunk);
}

// How many sectors of a single discard may become one request: what follows begins at a multiple of
// the granularity. Models: blk_bio_discard_split() (v5.10), bio_split_discard() (v6.1).
[[nodiscard]] Sectors discard_in_limits(const Bio& bio, const QueueLimits& limits);

// How many sectors of a single bio may become one request: all of it, or what the limits leave of
// it from its start. Models: blk_bio_segment_split() (v5.10), bio_split_rw() (v6.1), for logical
// blocks of 512 bytes.
[[nodiscard]] inline Sectors sectors_in_limits(const Bio& bio, const QueueLimits& limits) {
  if (bio.flags.discard) [[unlikely]] {
    return discard_in_limits(bio, limits);
  }
  const Sectors by_segments = segment_in_limits(bio, limits) * limits.max_segments;
  return std::min(std::min(bio.unit, max_sectors_at(bio.sector, limits)), by_segments);
}

}  // namespace wbsim::block
