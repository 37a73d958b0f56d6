// A bare page cache: the least work per page that keeps what a page cache keeps. One object of 32
// bytes per page on an LRU list, a table of leaves of 64 pages with bits for present, dirty and
// writeback, two counters. No devices, no limits beyond a count of dirtied pages, no checks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wbsim::yardsticks {

class BarePageCache {
 public:
  explicit BarePageCache(std::uint64_t file_pages)
      : leaf_of_(file_pages / kFanOut + 1), dirty_leaves_(file_pages / (kFanOut * kFanOut) + 1) {}

  // Inserts the page if it is not cached, at the head of the LRU list; makes it dirty.
  void write(std::uint64_t page) {
    std::uint32_t& id = leaf_of_[page / kFanOut];
    if (id == 0) {
      id = take(free_leaves_, leaves_);
      leaves_[id] = Leaf{};
    }
    Leaf& leaf = leaves_[id];
    const std::uint64_t bit = std::uint64_t{1} << page % kFanOut;
    if ((leaf.present & bit) == 0) {
      leaf.present |= bit;
      leaf.page[page % kFanOut] = link_newest(page);
    }
    if ((leaf.dirty & bit) == 0) {
      leaf.dirty |= bit;
      const std::uint64_t number = page / kFanOut;
      dirty_leaves_[number / kFanOut] |= std::uint64_t{1} << number % kFanOut;
      Page& object = pages_[leaf.page[page % kFanOut]];
      object.flags |= kDirty;
      object.dirtied_when = ++clock_;
      ++nr_dirty_;
      if (++dirtied_ >= kRatelimit) {
        dirtied_ = 0;
        ++checks_;
      }
    }
  }

  // Takes all dirty pages to writeback, in order of the file: submit(first page, number of pages)
  // for each run within a leaf.
  template <class Submit>
  void write_back(Submit submit) {
    for (std::uint64_t group = 0; group < dirty_leaves_.size(); ++group) {
      for (std::uint64_t rest = dirty_leaves_[group]; rest != 0; rest &= rest - 1) {
        const auto in_group = static_cast<std::uint64_t>(std::countr_zero(rest));
        start_writeback(group * kFanOut + in_group, submit);
      }
      dirty_leaves_[group] = 0;
    }
  }

  // Ends writeback of a run that write_back() submitted.
  void complete(std::uint64_t first, std::uint64_t count) {
    Leaf& leaf = leaves_[leaf_of_[first / kFanOut]];
    for (std::uint64_t slot = first % kFanOut; slot < first % kFanOut + count; ++slot) {
      leaf.writeback &= ~(std::uint64_t{1} << slot);
      pages_[leaf.page[slot]].flags &= ~kWriteback;
    }
    nr_writeback_ -= count;
  }

  // Frees the oldest page. False when there is none.
  bool reclaim_oldest() {
    if (oldest_ == 0) {
      return false;
    }
    const std::uint32_t id = oldest_;
    const std::uint64_t page = pages_[id].number;
    oldest_ = pages_[id].newer;
    (oldest_ == 0 ? newest_ : pages_[oldest_].older) = 0;
    free_pages_.push_back(id);
    std::uint32_t& leaf = leaf_of_[page / kFanOut];
    leaves_[leaf].present &= ~(std::uint64_t{1} << page % kFanOut);
    if (leaves_[leaf].present == 0) {
      free_leaves_.push_back(leaf);
      leaf = 0;
    }
    return true;
  }

  [[nodiscard]] std::uint64_t dirty_or_writeback() const { return nr_dirty_ + nr_writeback_; }
  [[nodiscard]] std::uint64_t checks() const { return checks_; }

 private:
  static constexpr std::uint64_t kFanOut = 64;
  static constexpr std::uint64_t kRatelimit = 32;
  static constexpr std::uint32_t kDirty = 1;
  static constexpr std::uint32_t kWriteback = 2;

  struct Page {
    std::uint64_t number = 0;
    std::uint64_t dirtied_when = 0;
    std::uint32_t older = 0;
    std::uint32_t newer = 0;
    std::uint32_t flags = 0;
  };
  struct Leaf {
    std::uint64_t present = 0;
    std::uint64_t dirty = 0;
    std::uint64_t writeback = 0;
    std::uint32_t page[kFanOut] = {};
  };

  template <class T>
  static std::uint32_t take(std::vector<std::uint32_t>& free, std::vector<T>& all) {
    if (free.empty()) {
      all.emplace_back();
      return static_cast<std::uint32_t>(all.size() - 1);
    }
    const std::uint32_t id = free.back();
    free.pop_back();
    return id;
  }

  std::uint32_t link_newest(std::uint64_t number) {
    const std::uint32_t id = take(free_pages_, pages_);
    pages_[id] = {number, 0, newest_, 0, 0};
    (newest_ == 0 ? oldest_ : pages_[newest_].newer) = id;
    newest_ = id;
    return id;
  }

  template <class Submit>
  void start_writeback(std::uint64_t leaf_number, Submit submit) {
    Leaf& leaf = leaves_[leaf_of_[leaf_number]];
    std::uint64_t rest = leaf.dirty;
    leaf.writeback |= rest;
    leaf.dirty = 0;
    while (rest != 0) {
      const auto slot = static_cast<std::uint64_t>(std::countr_zero(rest));
      const auto count = static_cast<std::uint64_t>(std::countr_one(rest >> slot));
      for (std::uint64_t i = slot; i < slot + count; ++i) {
        pages_[leaf.page[i]].flags = kWriteback;
        rest &= ~(std::uint64_t{1} << i);
      }
      nr_dirty_ -= count;
      nr_writeback_ += count;
      submit(leaf_number * kFanOut + slot, count);
    }
  }

  std::vector<std::uint32_t> leaf_of_;  // by leaf number; 0: none
  std::vector<std::uint64_t> dirty_leaves_;
  std::vector<Leaf> leaves_{1};  // leaf 0 and page 0 mean none
  std::vector<Page> pages_{1};
  std::vector<std::uint32_t> free_leaves_;
  std::vector<std::uint32_t> free_pages_;
  std::uint32_t oldest_ = 0;
  std::uint32_t newest_ = 0;
  std::uint64_t nr_dirty_ = 0;
  std::uint64_t nr_writeback_ = 0;
  std::uint64_t dirtied_ = 0;
  std::uint64_t clock_ = 0;
  std::uint64_t checks_ = 0;
};

}  // namespace wbsim::yardsticks
