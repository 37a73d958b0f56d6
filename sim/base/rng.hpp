// Rng: reproducible random numbers.
//
// Every consumer has a stream of its own, named by what it is ("workload/job1/offsets"), derived
// from the simulation's seed and the name alone: adding a consumer moves no other stream. There
// are no floating-point numbers here, so results do not depend on a library or compiler.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wbsim {

class Rng {
 public:
  static Rng stream(std::uint64_t seed, std::string_view name);

  // Uniform over all 64-bit values.
  std::uint64_t next_u64();
  // Uniform over [0, n), without bias. n must not be 0.
  std::uint64_t uniform(std::uint64_t n);
  // True with probability numerator / denominator, exactly. 0 <= numerator <= denominator > 0.
  bool bernoulli(std::uint64_t numerator, std::uint64_t denominator);

 private:
  explicit Rng(std::uint64_t state_seed);

  std::array<std::uint64_t, 4> state_;
};

}  // namespace wbsim
