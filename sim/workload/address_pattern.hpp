// Where a job reads or writes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// The stream of random numbers that a job has for `purpose`. With randrepeat=0 the run's seed
// counts as well.
Rng job_stream(const JobSpec& job, std::uint64_t run_seed, std::string_view purpose);

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

// Blocks that were visited and not: fio's random map where lengths vary. One bit a block.
class RandomMap {
 public:
  explicit RandomMap(std::uint64_t blocks);

  [[nodiscard]] bool full() const { return left_ == 0; }
  void clear();
  // The first block at or after `from`, going round at the end, that is not taken. Not when full.
  [[nodiscard]] std::uint64_t next_free(std::uint64_t from) const;
  // Takes up to `wanted` blocks in a row from `first`, a free one; returns how many were free.
  std::uint64_t take(std::uint64_t first, std::uint64_t wanted);

 private:
  std::uint64_t blocks_;
  std::uint64_t left_;
  std::vector<std::uint64_t> taken_;
};

// The offsets of one job: sequential, random with or without a map. Each direction has a sequence
// of its own, a map is common to both. Sequential offsets start again when the region is used up,
// and so does a map when every block has been visited, in another order.
class AddressPattern {
 public:
  // `file`: number of the file among those of the job, each of which has a stream of its own.
  AddressPattern(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed,
                 std::size_t file = 0);

  // Where the next I/O of `length` bytes goes. A map may shorten it to what is not visited yet.
  Io next(Direction direction, Bytes length);
  // Nothing is left of this pass: next() would begin the next one. Never without a map, nor where
  // holes lead around the region's ends.
  [[nodiscard]] bool used_up(Direction direction) const;
  // `length` bytes lie within what is left; of the next pass when this one is used up.
  [[nodiscard]] bool fits(Direction direction, Bytes length) const;
  // A new loop of a job: from the region's beginning, and where the job repeats its order
  // (randrepeat) in that of the first.
  void restart();

 private:
  [[nodiscard]] FileOffset sequential_at(Direction direction) const;
  [[nodiscard]] FileOffset next_sequential(Direction direction, Bytes length);
  void new_order();
  [[nodiscard]] FileOffset random_unmapped(Direction direction, Bytes length);
  Io next_mapped(Direction direction, Bytes length);

  struct Position {
    std::optional<FileOffset> at;  // end of the I/O before, with the hole behind it
    std::int64_t streak = 0;       // I/Os left of a streak
  };

  JobExtent extent_;
  Pattern pattern_;
  PerDirection<Bytes> unit_;  // offsets are multiples of it, from the region's beginning
  Bytes hole_;
  bool goes_round_;  // sequential, and holes lead around the region's ends
  std::int64_t streak_;
  PerDirection<Position> positions_;
  std::uint64_t blocks_;
  bool repeats_;
  Rng first_rng_;  // rng_ of the first loop
  Rng rng_;
  RandomPermutation permutation_;  // of a map whose blocks are all visited whole
  std::uint64_t sequence_ = 0;     // in the permutation
  std::optional<RandomMap> map_;   // where lengths vary
  bool random_map_;
};

}  // namespace wbsim::workload
