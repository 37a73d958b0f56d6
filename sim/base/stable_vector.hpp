// StableVector: grows at its end and never moves what it holds.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace wbsim {

// Elements live in blocks of `kBlock`, a power of two. Beside std::deque: its blocks of 512 bytes
// need a table so long that finding one misses the cache, and a division to get there. Like a
// pointer, a const StableVector gives access to elements that are not.
template <class T, std::size_t kBlock>
class StableVector {
  static_assert((kBlock & (kBlock - 1)) == 0);

 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  // `index` < size(), unchecked.
  [[nodiscard]] T& operator[](std::size_t index) const {
    return blocks_[index / kBlock][index % kBlock];
  }

  // Appends T{}.
  T& emplace_back() {
    if (size_ == blocks_.size() * kBlock) {
      blocks_.push_back(std::make_unique<T[]>(kBlock));
    }
    return (*this)[size_++];
  }

 private:
  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace wbsim
