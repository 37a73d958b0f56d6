// Runs of pages in the order of an LRU list, and a list of them with removal from its middle.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
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

// A list of pages that leave it at the old end, or out of order when their writeback ends: so each
// run knows the run before it that names the same leaf. A run that lost all its pages stays until
// it is the oldest, or until half of the list is such runs.
class IndexedList {
 public:
  IndexedList() : runs_{kInitialCapacity} {}

  // Pages that are not on the list enter at the new end. `place` is kept with them; it never
  // decreases from one call to the next.
  void push(const LruRun& run, std::int64_t place = 0);
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  // The places of the oldest and the newest pages. The list may not be empty.
  [[nodiscard]] std::int64_t oldest_place() const { return runs_.front().place; }
  [[nodiscard]] std::int64_t newest_place() const { return runs_.back().place; }
  // Those of the pages that are on the list.
  [[nodiscard]] std::uint64_t listed(const LruRun& run) const;
  // Removes those of the pages that are on the list; returns them.
  std::uint64_t take(const LruRun& run);
  // Removes up to `wanted` of the oldest pages, all from one leaf.
  std::optional<LruRun> take_oldest(int wanted);

  // Runs held, with and without pages: what the list costs in memory.
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }

 private:
  static constexpr std::size_t kInitialCapacity = 64;
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  struct Run {
    LruRun pages;
    std::uint64_t older;  // number of the previous run of this leaf, or kNone
    std::int64_t place;
  };
  struct Leaf {
    std::uint64_t listed = 0;  // all its pages on the list
    std::uint64_t newest = 0;  // number of its newest run
  };

  void forget(const LruRun& run);
  void remove_from(Run& run, std::uint64_t bits);
  void tidy();
  void compact();

  boost::circular_buffer<Run> runs_;  // front: oldest
  std::uint64_t first_ = 0;           // number of the front run
  std::size_t empty_ = 0;             // runs without pages
  // Nodes are used again, so that a list of constant length allocates nothing.
  std::pmr::unsynchronized_pool_resource nodes_;
  std::pmr::unordered_map<std::uint64_t, Leaf> leaves_{&nodes_};
};

}  // namespace wbsim::pagecache
