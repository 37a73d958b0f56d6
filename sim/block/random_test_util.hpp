// Shared by tests that do random things: how much of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace wbsim::block {

// How many runs of `steps` operations each: `usual`, or, where WBSIM_RANDOM_OPERATIONS asks for
// more, as many as have that many operations in all.
inline std::uint64_t random_runs(std::uint64_t usual, std::uint64_t steps) {
  const char* const text = std::getenv("WBSIM_RANDOM_OPERATIONS");
  const std::uint64_t wanted = text == nullptr ? 0 : std::stoull(text);
  return std::max(usual, (wanted + steps - 1) / steps);
}

}  // namespace wbsim::block
