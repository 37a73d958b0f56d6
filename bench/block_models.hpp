// What the benchmarks of the block layer have in common: where bios go, and how results are given.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"

namespace wbsim::bench {

inline constexpr Sectors kBlock{8};  // of one bio
inline constexpr std::int64_t kBlocks = std::int64_t{1} << 33;

// Time for each of `bios`, as the counter per_bio.
inline void report_per_bio(benchmark::State& state, double bios) {
  state.counters["per_bio"] =
      benchmark::Counter(bios, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Where the next bio goes: anywhere, or on from the last one until a run of so many ends.
class Addresses {
 public:
  static constexpr std::int64_t kRunBlocks = 128;

  explicit Addresses(bool sequential) : sequential_{sequential} {}
  std::int64_t next() {
    if (!sequential_ || left_ == 0) {
      block_ = static_cast<std::int64_t>(rng_.uniform(kBlocks));
      left_ = kRunBlocks;
    }
    --left_;
    return kBlock.count() * block_++;
  }

 private:
  bool sequential_;
  Rng rng_ = Rng::stream(1, "bench");
  std::int64_t block_ = 0;
  std::int64_t left_ = 0;
};

}  // namespace wbsim::bench
