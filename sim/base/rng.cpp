#include "sim/base/rng.hpp"

#include <bit>

#include "sim/base/check.hpp"

namespace wbsim {
namespace {

// FNV-1a, 64 bit (Fowler, Noll, Vo: offset basis and prime as published).
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01b3;
  }
  return hash;
}

// SplitMix64 (Steele, Lea, Flood 2014): turns any seed, also a small one, into well-mixed bits.
std::uint64_t splitmix(std::uint64_t& state) {
  state += 0x9e37'79b9'7f4a'7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return z ^ (z >> 31);
}

}  // namespace

Rng Rng::stream(std::uint64_t seed, std::string_view name) {
  // The seed is mixed before the name enters, so that (seed, name) pairs do not cancel out.
  return Rng{splitmix(seed) ^ hash_of(name)};
}

Rng::Rng(std::uint64_t state_seed) : state_{} {
  for (std::uint64_t& word : state_) {
    word = splitmix(state_seed);
  }
}

// xoshiro256** 1.0 (Blackman, Vigna 2018).
std::uint64_t Rng::next_u64() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

// Lemire 2019: the high half of a 64 x 64 bit product, rejecting the few low halves that would
// favour some results.
std::uint64_t Rng::uniform(std::uint64_t n) {
  SIM_CHECK(n > 0);
  using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(next_u64()) * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t rejected_below = (0 - n) % n;  // 2^64 mod n
    while (static_cast<std::uint64_t>(product) < rejected_below) {
      product = static_cast<Wide>(next_u64()) * n;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

bool Rng::bernoulli(std::uint64_t numerator, std::uint64_t denominator) {
  SIM_CHECK(numerator <= denominator);
  return uniform(denominator) < numerator;
}

}  // namespace wbsim
