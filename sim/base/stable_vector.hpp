// StableVector: grows at its end and never moves what it holds.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace wbsim {

// Elements live in blocks of `kBlock`, a power of two, of which the first comes in parts: there are
// thousands of small ones of some owners. Beside std::deque: its blocks of 512 bytes need a table
// so long that finding one misses the cache, and a division to get there. Like a pointer, a const
// StableVector gives access to elements that are not.
template <class T, std::size_t kBlock>
class StableVector {
  static_assert((kBlock & (kBlock - 1)) == 0);

 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  // `index` < size(), unchecked.
  [[nodiscard]] T& operator[](std::size_t index) const {
    if (index >= kBlock) [[likely]] {
      return blocks_[kParts + index / kBlock - 1][index % kBlock];
    }
    const std::size_t part = part_of(index);
    return blocks_[part][index - start_of(part)];
  }

  // Appends T{}.
  T& emplace_back() {
    if (size_ == capacity_) {
      const std::size_t part = blocks_.size();
      const std::size_t length = part == 0 ? kFirst : part < kParts ? start_of(part) : kBlock;
      blocks_.push_back(std::make_unique<T[]>(length));
      capacity_ += length;
    }
    return (*this)[size_++];
  }

 private:
  // Parts of the first block: two of kFirst elements, each further one as long as all before it.
  static constexpr std::size_t kFirst = kBlock < 64 ? 1 : kBlock / 64;
  static constexpr std::size_t part_of(std::size_t index) {
    return static_cast<std::size_t>(std::bit_width(index / kFirst));
  }
  static constexpr std::size_t start_of(std::size_t part) {
    return part == 0 ? 0 : kFirst << (part - 1);
  }
  static constexpr std::size_t kParts = part_of(kBlock - 1) + 1;

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace wbsim
