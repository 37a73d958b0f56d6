// What a control group may do on one device, and its share: io.max, io.bfq.weight of cgroup v2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::block {

// In a second, of one direction. Absent: "max".
struct IoLimits {
  std::optional<Bytes> bps;
  std::optional<std::int64_t> iops;

  [[nodiscard]] bool any() const { return bps.has_value() || iops.has_value(); }
  friend bool operator==(const IoLimits&, const IoLimits&) = default;
};

// As in bio_data_dir().
inline constexpr std::size_t kReads = 0;
inline constexpr std::size_t kWrites = 1;
inline constexpr std::size_t kThrottledDirections = 2;

inline constexpr int kBfqWeightMin = 1;        // BFQ_MIN_WEIGHT
inline constexpr int kBfqWeightMax = 1000;     // BFQ_MAX_WEIGHT
inline constexpr int kBfqWeightDefault = 100;  // CGROUP_WEIGHT_DFL

// A control group as a queue sees it.
struct ControlGroup {
  int parent = 0;
  std::array<IoLimits, kThrottledDirections> limits{};
  int bfq_weight = kBfqWeightDefault;  // io.bfq.weight, of which the root has none
};

// Of one queue, by number. The first is the root, which is its own parent and has no limits; all
// others come behind their parents. Empty: there are no control groups.
using ControlGroups = std::vector<ControlGroup>;

// How the parts of a bio that the queue's limits split count as I/Os:
//   kAfterwards  one at once, the others with what comes next (blk_throtl_charge_bio_split(),
//                stable v5.10, v5.15)
//   kEachPart    what is left waits for its turn like any other bio (BIO_BPS_THROTTLED, v6.1)
enum class SplitCharge { kAfterwards, kEachPart };

}  // namespace wbsim::block
