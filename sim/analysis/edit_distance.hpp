// Levenshtein distance of two long sequences: the least number of insertions, deletions and
// substitutions (one each) that turn one into the other.
#pragma once

#include <cstdint>
#include <vector>

namespace wbsim::analysis {

struct EditDistance {
  std::int64_t lower = 0;  // the distance is at least this
  std::int64_t upper = 0;  // and at most this; equal unless the sequences were too long
  [[nodiscard]] bool exact() const { return lower == upper; }
};

// Elements are compared as numbers; the caller gives equal things equal numbers. `work_max` bounds
// n * m / 64, the machine words touched (about 1.5 ns each); above it only bounds are returned.
inline constexpr std::int64_t kEditWorkMax = std::int64_t{1} << 33;
EditDistance edit_distance(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                           std::int64_t work_max = kEditWorkMax);

}  // namespace wbsim::analysis
