// Where a job writes next.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// A permutation of [0, n) that costs no memory: a Feistel network on the next power of four, walked
// until it lands inside. Stands for fio's random map: every block once a pass.
class RandomPermutation {
 public:
  RandomPermutation(std::uint64_t n, std::uint64_t key);
  [[nodiscard]] std::uint64_t operator()(std::uint64_t i) const;

 private:
  [[nodiscard]] std::uint64_t encrypt(std::uint64_t value) const;

  std::uint64_t n_;
  std::uint64_t key_;
  int half_bits_;
};

// The offsets of one job: sequential, random with or without a map, or given. Sequential and mapped
// offsets start again when the region is used up.
class AddressPattern {
 public:
  // Offsets that are given stay in `job`, which outlives the pattern.
  AddressPattern(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed);
  AddressPattern(JobSpec&&, const JobExtent&, std::uint64_t) = delete;

  FileOffset next();
  // A new loop of a job starts at its region's beginning.
  void restart() { sequence_ = 0; }

 private:
  JobExtent extent_;
  Bytes block_size_;
  Pattern pattern_;
  bool random_map_;
  std::uint64_t blocks_;
  Rng rng_;
  RandomPermutation permutation_;
  std::uint64_t sequence_ = 0;
  const std::vector<FileOffset>& replay_;
};

}  // namespace wbsim::workload
