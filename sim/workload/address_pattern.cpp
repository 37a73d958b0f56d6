#include "sim/workload/address_pattern.hpp"

#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::workload {

namespace {

constexpr int kRounds = 4;

// One round of mixing: a multiplication by an odd constant (2^64 / golden ratio) and a fold.
std::uint64_t mix(std::uint64_t value, std::uint64_t key) {
  value = (value ^ key) * 0x9E3779B97F4A7C15ULL;
  return value ^ (value >> 32);
}

std::uint64_t stream_seed(const JobSpec& job, std::uint64_t run_seed) {
  return job.random_repeat ? job.random_seed : job.random_seed ^ run_seed;
}

}  // namespace

RandomPermutation::RandomPermutation(std::uint64_t n, std::uint64_t key)
    : n_{n}, key_{key}, half_bits_{(static_cast<int>(std::bit_width(n)) + 1) / 2} {
  SIM_CHECK(n > 0);
}

std::uint64_t RandomPermutation::encrypt(std::uint64_t value) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_;
  std::uint64_t right = value & mask;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t mixed = mix(right, key_ + static_cast<std::uint64_t>(round)) & mask;
    const std::uint64_t swapped = left ^ mixed;
    left = right;
    right = swapped;
  }
  return (left << half_bits_) | right;
}

std::uint64_t RandomPermutation::operator()(std::uint64_t i) const {
  std::uint64_t value = encrypt(i);
  while (value >= n_) {
    value = encrypt(value);
  }
  return value;
}

AddressPattern::AddressPattern(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed)
    : extent_{extent},
      block_size_{job.block_size},
      pattern_{job.pattern},
      random_map_{job.random_map},
      blocks_{static_cast<std::uint64_t>(extent.length / job.block_size)},
      rng_{Rng::stream(stream_seed(job, run_seed),
                       "workload/" + job.name + "/" + std::to_string(job.clone) + "/offsets")},
      permutation_{blocks_, rng_.next_u64()},
      replay_{job.replay} {}

FileOffset AddressPattern::next() {
  const std::uint64_t number = sequence_++;
  if (!replay_.empty()) {
    return replay_[number % replay_.size()];
  }
  std::uint64_t block = number % blocks_;
  if (pattern_ == Pattern::kRandom) {
    block = random_map_ ? permutation_(block) : rng_.uniform(blocks_);
  }
  return extent_.begin + block_size_ * static_cast<std::int64_t>(block);
}

}  // namespace wbsim::workload
