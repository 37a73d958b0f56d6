#include "sim/workload/address_pattern.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "sim/base/check.hpp"

namespace wbsim::workload {

namespace {

constexpr int kRounds = 4;
constexpr std::uint64_t kWordBits = 64;

// One round of mixing: a multiplication by an odd constant (2^64 / golden ratio) and a fold.
std::uint64_t mix(std::uint64_t value, std::uint64_t key) {
  value = (value ^ key) * 0x9E3779B97F4A7C15ULL;
  return value ^ (value >> 32);
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

RandomMap::RandomMap(std::uint64_t blocks)
    : blocks_{blocks}, left_{blocks}, taken_((blocks + kWordBits - 1) / kWordBits) {
  SIM_CHECK(blocks > 0);
}

void RandomMap::clear() {
  taken_.assign(taken_.size(), 0);
  left_ = blocks_;
}

std::uint64_t RandomMap::next_free(std::uint64_t from) const {
  SIM_CHECK(left_ > 0 && from < blocks_);
  std::uint64_t block = from;
  while (true) {
    const std::uint64_t free = ~taken_[block / kWordBits] >> (block % kWordBits);
    const std::uint64_t found = block + static_cast<std::uint64_t>(std::countr_zero(free));
    if (free != 0 && found < blocks_) {
      return found;
    }
    block = (block / kWordBits + 1) * kWordBits;
    block = block < blocks_ ? block : 0;
  }
}

std::uint64_t RandomMap::take(std::uint64_t first, std::uint64_t wanted) {
  std::uint64_t taken = 0;
  for (; taken < wanted && first + taken < blocks_; ++taken) {
    const std::uint64_t block = first + taken;
    const std::uint64_t bit = std::uint64_t{1} << (block % kWordBits);
    if ((taken_[block / kWordBits] & bit) != 0) {
      break;
    }
    taken_[block / kWordBits] |= bit;
  }
  left_ -= taken;
  return taken;
}

Rng job_stream(const JobSpec& job, std::uint64_t run_seed, std::string_view purpose) {
  const std::uint64_t seed = job.random_repeat ? job.random_seed : job.random_seed ^ run_seed;
  return Rng::stream(
      seed, "workload/" + job.name + "/" + std::to_string(job.clone) + "/" + std::string{purpose});
}

AddressPattern::AddressPattern(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed,
                               std::size_t file)
    : extent_{extent},
      pattern_{job.pattern},
      unit_{job.blocks.read.min, job.blocks.write.min},
      hole_{job.hole},
      // Forwards only where the region is the device (get_next_seq_offset(), fio 3.33).
      goes_round_{job.hole < Bytes{0} || (job.hole > Bytes{0} && extent.whole_device)},
      streak_{job.random_streak},
      blocks_{static_cast<std::uint64_t>(extent.length / job.block_size())},
      repeats_{job.repeats_order},
      first_rng_{
          job_stream(job, run_seed, file == 0 ? "offsets" : "offsets/" + std::to_string(file))},
      rng_{first_rng_},
      permutation_{blocks_, rng_.next_u64()},
      random_map_{job.random_map} {
  const bool lengths_vary = job.block_size() != job.block_size_max() || streak_ > 1;
  if (pattern_ == Pattern::kRandom && random_map_ && lengths_vary) {
    unit_ = {job.block_size(), job.block_size()};
    map_.emplace(blocks_);
  }
}

void AddressPattern::restart() {
  positions_ = {};
  if (repeats_) {
    rng_ = first_rng_;
  }
  new_order();
}

// A pass over a map that is empty again.
void AddressPattern::new_order() {
  sequence_ = 0;
  permutation_ = RandomPermutation{blocks_, rng_.next_u64()};
  if (map_) {
    map_->clear();
  }
}

bool AddressPattern::used_up(Direction direction) const {
  if (pattern_ == Pattern::kSequential) {
    const FileOffset end = extent_.begin + extent_.length;
    return !goes_round_ && sequential_at(direction) + unit_[direction] > end;
  }
  if (!random_map_ || positions_[direction].streak > 0) {
    return false;
  }
  return map_ ? map_->full() : sequence_ >= blocks_;
}

bool AddressPattern::fits(Direction direction, Bytes length) const {
  if (pattern_ == Pattern::kSequential && !goes_round_ && !used_up(direction)) {
    return sequential_at(direction) + length <= extent_.begin + extent_.length;
  }
  return length <= extent_.length;
}

Io AddressPattern::next(Direction direction, Bytes length) {
  if (pattern_ == Pattern::kSequential) {
    return {direction, next_sequential(direction, length), length};
  }
  Position& position = positions_[direction];
  if (position.streak > 0) {
    --position.streak;
    return {direction, next_sequential(direction, length), length};
  }
  position.streak = streak_ - 1;
  Io io{direction, {}, length};
  if (map_) {
    io = next_mapped(direction, length);
  } else if (random_map_) {
    if (sequence_ >= blocks_) {
      new_order();
    }
    io.at = extent_.begin + unit_[direction] * static_cast<std::int64_t>(permutation_(sequence_++));
  } else {
    io.at = random_unmapped(direction, length);
  }
  position.at = io.at + io.length;
  return io;
}

FileOffset AddressPattern::sequential_at(Direction direction) const {
  return positions_[direction].at.value_or(extent_.begin);
}

// Models: fio's rule for holes: what would lie outside the region is at its beginning, going
// backwards one hole before its end. The first I/O is at the beginning either way.
FileOffset AddressPattern::next_sequential(Direction direction, Bytes length) {
  const FileOffset end = extent_.begin + extent_.length;
  FileOffset at = sequential_at(direction);
  if (at < extent_.begin || at + length > end) {
    at = hole_ < Bytes{0} ? std::max(extent_.begin, end + std::min(hole_, Bytes{0} - length))
                          : extent_.begin;
  }
  positions_[direction].at = at + length + hole_;
  return at;
}

FileOffset AddressPattern::random_unmapped(Direction direction, Bytes length) {
  const Bytes unit = unit_[direction];
  const std::int64_t places = (extent_.length - length) / unit + 1;
  const auto place = static_cast<std::int64_t>(rng_.uniform(static_cast<std::uint64_t>(places)));
  return extent_.begin + unit * place;
}

Io AddressPattern::next_mapped(Direction direction, Bytes length) {
  if (map_->full()) {
    map_->clear();
  }
  const Bytes unit = unit_[direction];
  const std::uint64_t first = map_->next_free(rng_.uniform(blocks_));
  const std::uint64_t taken = map_->take(first, static_cast<std::uint64_t>(length / unit));
  return {direction, extent_.begin + unit * static_cast<std::int64_t>(first),
          unit * static_cast<std::int64_t>(taken)};
}

}  // namespace wbsim::workload
