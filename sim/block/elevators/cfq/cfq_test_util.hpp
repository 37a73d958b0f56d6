// Shared by the tests of cfq: what tasks of the rig do, each in its own part of the disk.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {

inline constexpr std::int64_t kFar = 1'000'000;  // sectors: where the n-th task works
inline constexpr IoPriority kRealTimePriority{IoClass::kRealTime, 4};
inline constexpr IoPriority kIdlePriority{IoClass::kIdle, 0};
inline IoPriority level(int level) {
  return {IoClass::kBestEffort, static_cast<std::uint8_t>(level)};
}

// Task `id` submits `count` requests, one behind the other with a gap.
inline void submit_many(SingleQueueRig& rig, int id, int count, bool is_write = false,
                        int first = 0) {
  for (int i = first; i < first + count; ++i) {
    rig.submit(id, is_write ? write(id * kFar + i * 16) : read(id * kFar + i * 16));
  }
}

// Task `id` reads `count` blocks that are `gap` apart, thinking for `ticks` after each.
inline void read_along(SingleQueueRig& rig, int id, int count, int ticks, std::int64_t gap = 8) {
  for (int i = 0; i < count; ++i) {
    rig.submit(id, read(id * kFar + i * gap));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(ticks);
  }
}

}  // namespace wbsim::block
