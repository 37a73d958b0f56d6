// The tunables of cfq under their sysfs names, and the slices that follow from them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/block/elevators/elevator.hpp"

namespace wbsim::block {

inline constexpr int kCfqLevels = 8;       // IOPRIO_BE_NR
inline constexpr int kCfqNormalLevel = 4;  // IOPRIO_NORM

// Indices of pairs: of asynchronous, of synchronous requests.
enum CfqSync : std::size_t { kCfqAsync, kCfqSync, kCfqSyncKinds };

// Times in jiffies.
struct CfqTunables {
  explicit CfqTunables(const ElevatorContext& context);
  static std::span<const Tunable> table();

  std::int64_t quantum;
  std::array<std::int64_t, kCfqSyncKinds> fifo_expire;
  Sectors back_seek_max;
  std::int64_t back_seek_penalty;
  std::array<std::int64_t, kCfqSyncKinds> slice;
  std::int64_t slice_async_rq;
  std::int64_t slice_idle;
  std::int64_t group_idle;      // v3.6
  std::int64_t target_latency;  // v3.6
  bool low_latency;             // v3.6

  // cfq_prio_slice(): a fifth of the base for each level above 4, as much less below.
  [[nodiscard]] std::int64_t slice_of(CfqSync kind, int level) const {
    constexpr std::int64_t kSliceScale = 5;  // CFQ_SLICE_SCALE
    return slice[kind] + slice[kind] / kSliceScale * (kCfqNormalLevel - level);
  }
  // cfq_prio_to_maxrq(): requests of an asynchronous queue's slice.
  [[nodiscard]] std::int64_t async_requests_of(int level) const {
    return 2 * slice_async_rq * (kCfqLevels - level);
  }
};

}  // namespace wbsim::block
