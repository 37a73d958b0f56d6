// The hold model: N events pending; pop the earliest, schedule it again later. Increments grow with
// N, so that one event falls per 100 ns of simulated time whatever N is, and ties stay rare.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/rng.hpp"

namespace wbsim::bench {

enum class Increments {
  kExponential,
  kBimodal,  // 90 % short (5 us at N = 1024), 10 % long (0.4 to 0.8 ms)
};

// A table walked round and round: drawing a number costs a load. All sides of a comparison use the
// same table in the same order.
class IncrementTable {
 public:
  IncrementTable(Increments kind, std::size_t pending) {
    Rng rng = Rng::stream(42, "bench/hold");
    const auto exponential = [&rng](double mean) {
      return -std::log((static_cast<double>(rng.uniform(kScale)) + 0.5) / kScale) * mean;
    };
    const auto n = static_cast<double>(pending);
    for (std::uint32_t& increment : table_) {
      double value = 0;
      if (kind == Increments::kExponential) {
        value = exponential(100 * n);
      } else if (rng.uniform(10) != 0) {
        value = n / 1024 * (2000 + exponential(3000));
      } else {
        value = n / 1024 * (400'000 + static_cast<double>(rng.uniform(400'000)));
      }
      increment = static_cast<std::uint32_t>(value) + 1;
    }
  }

  std::uint32_t next() { return table_[position_++ % kEntries]; }

 private:
  static constexpr std::size_t kEntries = 32'768;
  static constexpr std::uint64_t kScale = 1U << 24;

  std::vector<std::uint32_t> table_ = std::vector<std::uint32_t>(kEntries);
  std::size_t position_ = 0;
};

}  // namespace wbsim::bench
