// Shared by the tests of cfq: what tasks of the rig do, each in its own part of the disk.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {

inline constexpr std::int64_t kFar = 1'000'000;  // sectors: where the n-th task works
inline constexpr IoPriority kRealTimePriority{IoClass::kRealTime, 4};
inline constexpr IoPriority kIdlePriority{IoClass::kIdle, 0};
inline IoPriority level(int level) {
  return {IoClass::kBestEffort, static_cast<std::uint8_t>(level)};
}

// With cfq of v2.6.18.
inline SingleQueueRigOptions old_cfq(TunableValues tunables = {}) {
  return {.generation = ElevatorGeneration::kV2_6_18, .tunables = std::move(tunables)};
}

// Task `id` submits `count` requests, one behind the other with a gap.
inline void submit_many(SingleQueueRig& rig, int id, int count, bool is_write = false,
                        int first = 0) {
  for (int i = first; i < first + count; ++i) {
    rig.submit(id, is_write ? write(id * kFar + i * 16) : read(id * kFar + i * 16));
  }
}

// The tasks of what was served, a digit each.
inline std::string tasks_of(const Lines& lines) {
  std::string tasks;
  for (const std::string& line : lines) {
    tasks += static_cast<char>('0' + std::stoll(line.substr(2)) / kFar);
  }
  return tasks;
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
