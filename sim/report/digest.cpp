#include "sim/report/digest.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::report {

static_assert(std::endian::native == std::endian::little,
              "Hasher::add(words) hands over the bytes of words as they are in memory");

namespace {

Digest to_digest(XXH128_hash_t hash) { return {.high = hash.high64, .low = hash.low64}; }

}  // namespace

std::string to_string(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

Digest digest_of(std::string_view text) {
  return to_digest(XXH3_128bits(text.data(), text.size()));
}

Hasher::Hasher() : state_{XXH3_createState()} {
  SIM_CHECK(state_ != nullptr);
  XXH3_128bits_reset(state_.get());
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(std::span<const std::uint64_t> words) {
  XXH3_128bits_update(state_.get(), words.data(), words.size_bytes());
}

void Hasher::add(std::string_view text) {
  XXH3_128bits_update(state_.get(), text.data(), text.size());
}

Digest Hasher::digest() const { return to_digest(XXH3_128bits_digest(state_.get())); }

void Hasher::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

}  // namespace wbsim::report
