// XXH3-128 digests: equal digests mean equal runs. Written as 32 hexadecimal digits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;  // of xxhash.h, which only digest.cpp has to see

namespace wbsim::report {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

std::string to_string(const Digest& digest);

Digest digest_of(std::string_view text);

// A digest of data that arrives bit by bit. Words enter as their little-endian bytes.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void add(std::span<const std::uint64_t> words);
  void add(std::string_view text);
  // Of everything added so far.
  [[nodiscard]] Digest digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace wbsim::report
