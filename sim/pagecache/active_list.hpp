// Runs of pages in the order of an LRU list, and the active list with removal from its middle.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "sim/base/units.hpp"

namespace wbsim::pagecache {

// Pages of one leaf, oldest at the lowest bit: 16 bytes for up to 64 pages.
struct LruRun {
  std::uint32_t mapping = 0;  // AddressSpace::lru_id
  std::uint32_t leaf = 0;     // PageTree::leaf_number
  std::uint64_t bits = 0;

  // Names the leaf among those of all mappings.
  [[nodiscard]] std::uint64_t key() const { return (std::uint64_t{mapping} << 32) | leaf; }
  // True when `later` may join this run and the order of pages stays that of the bits.
  [[nodiscard]] bool can_append(const LruRun& later) const;
};

// Makes room for one more run. By half, not by doubling: with one run per page a list then never
// takes more than 24 bytes per page.
template <class Run>
void make_room(boost::circular_buffer<Run>& list) {
  if (list.full()) {
    list.set_capacity(list.capacity() + list.capacity() / 2);
  }
}

// The lowest `count` set bits.
std::uint64_t lowest_bits(std::uint64_t bits, int count);

// The active list. Pages leave it at the old end, and out of order when their writeback ends, so
// each run knows the run before it that names the same leaf. A run that lost all its pages stays
// until it is the oldest, or until half of the list is such runs.
class ActiveList {
 public:
  ActiveList() : runs_{kInitialCapacity} {}

  // Pages that are not on the list enter at the new end.
  void push(const LruRun& run);
  // Removes those of the pages that are on the list; returns them.
  std::uint64_t take(const LruRun& run);
  // Removes up to `wanted` of the oldest pages, all from one leaf.
  std::optional<LruRun> take_oldest(int wanted);

  // Calls `choose(run)` for each run, oldest first; removes the pages whose bits it returns.
  template <class Choose>
  void remove_if(Choose choose) {
    for (Run& run : runs_) {
      const LruRun pages{run.pages};
      const std::uint64_t chosen = pages.bits == 0 ? 0 : choose(pages) & pages.bits;
      if (chosen != 0) {
        forget({pages.mapping, pages.leaf, chosen});
        remove_from(run, chosen);
      }
    }
    tidy();
  }

  // Runs held, with and without pages: what the list costs in memory.
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }

 private:
  static constexpr std::size_t kInitialCapacity = 64;
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  struct Run {
    LruRun pages;
    std::uint64_t older;  // number of the previous run of this leaf, or kNone
  };
  struct Leaf {
    std::uint64_t active = 0;  // all its pages on the list
    std::uint64_t newest = 0;  // number of its newest run
  };

  void forget(const LruRun& run);
  void remove_from(Run& run, std::uint64_t bits);
  void tidy();
  void compact();

  boost::circular_buffer<Run> runs_;  // front: oldest
  std::uint64_t first_ = 0;           // number of the front run
  std::size_t empty_ = 0;             // runs without pages
  std::unordered_map<std::uint64_t, Leaf> leaves_;
};

}  // namespace wbsim::pagecache
