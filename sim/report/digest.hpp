// XXH3-128 digests: equal digests mean equal runs. Written as 32 hexadecimal digits.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
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

  // A template for the sake of extents known at compile time, which need no call to copy.
  template <std::size_t extent>
  void add(std::span<const std::uint64_t, extent> words) {
    if (words.size() > buffer_.size() - buffered_) {
      flush();
    }
    if (words.size() > buffer_.size()) {
      update(words.data(), words.size_bytes());
      return;
    }
    std::copy(words.begin(), words.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
    buffered_ += words.size();
  }
  void add(std::string_view text);
  // Of everything added so far.
  [[nodiscard]] Digest digest();

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  void update(const void* data, std::size_t size);
  void flush();

  // Words wait here: an update of the state costs as much for 8 bytes as for 500.
  std::array<std::uint64_t, 64> buffer_;
  std::size_t buffered_ = 0;
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace wbsim::report
