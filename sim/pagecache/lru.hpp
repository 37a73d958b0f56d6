// The LRU lists of file pages, in runs of pages that share a leaf of their file's tree.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include <boost/circular_buffer.hpp>

#include "sim/base/units.hpp"

namespace wbsim::pagecache {

// Pages of one leaf, oldest at the lowest bit: 16 bytes for up to 64 pages.
struct LruRun {
  std::uint32_t mapping = 0;  // AddressSpace::lru_id
  std::uint32_t leaf = 0;     // PageTree::leaf_number
  std::uint64_t bits = 0;
};

// Models: the inactive and active file lists of a node, mm/swap.c and mm/vmscan.c, v5.10
// (kernel-facts 2.12). New pages enter the inactive list at the head, reclaim takes its tail.
// Pages that reclaim met dirty or under writeback are activated and flagged; such a page goes to
// the tail of the inactive list when its writeback ends. The order of pages is exactly that of a
// list of single pages (property test).
class Lru {
 public:
  Lru() : inactive_{kInitialCapacity}, active_{kInitialCapacity} {}

  // `run` enters the inactive list at its head: pages just read or written.
  void add(const LruRun& run);
  // Takes up to `wanted` of the oldest inactive pages, all from one leaf.
  std::optional<LruRun> take_oldest(int wanted);
  // Puts pages taken from the inactive list on the active list, flagged for reclaim.
  void activate_for_reclaim(const LruRun& run);
  // Of pages whose writeback ended, moves those flagged for reclaim to the inactive list's tail.
  // Returns them: they left the active list.
  std::uint64_t rotate_reclaimable(const LruRun& run);
  // Takes up to `wanted` of the oldest active pages to the head of the inactive list
  // (shrink_active_list()). Returns how many.
  Pages deactivate_oldest(Pages wanted);

  struct Removed {
    Pages inactive{0};
    Pages active{0};
  };
  // Takes pages of one mapping off the lists: those that `chosen(run)` names (a mask). Calls
  // `gone(run)` for each run taken. Slow: walks both lists.
  template <class Chosen, class Gone>
  Removed remove_if(std::uint32_t mapping, Chosen chosen, Gone gone) {
    Removed removed;
    removed.inactive = remove_from(inactive_, mapping, chosen, gone, false);
    removed.active = remove_from(active_, mapping, chosen, gone, true);
    return removed;
  }

 private:
  using List = boost::circular_buffer<LruRun>;
  struct Flags {
    std::uint64_t active = 0;
    std::uint64_t reclaim = 0;
  };
  static constexpr std::size_t kInitialCapacity = 64;

  [[nodiscard]] static std::uint64_t key(const LruRun& run) {
    return (std::uint64_t{run.mapping} << 32) | run.leaf;
  }
  static void push_head(List& list, const LruRun& run);
  [[nodiscard]] std::uint64_t active_bits(const LruRun& run) const;

  template <class Chosen, class Gone>
  Pages remove_from(List& list, std::uint32_t mapping, Chosen chosen, Gone gone, bool active) {
    Pages count{0};
    for (LruRun& run : list) {
      if (run.mapping != mapping) {
        continue;
      }
      LruRun taken = run;
      taken.bits &= chosen(run) & (active ? active_bits(run) : ~std::uint64_t{0});
      if (taken.bits == 0) {
        continue;
      }
      run.bits &= ~taken.bits;
      forget(taken);
      gone(taken);
      count += Pages{std::popcount(taken.bits)};
    }
    list.erase(std::remove_if(list.begin(), list.end(),
                              [](const LruRun& run) { return run.bits == 0; }),
               list.end());
    return count;
  }
  void forget(const LruRun& run);

  List inactive_;  // front: oldest
  List active_;    // runs may name pages that left meanwhile; flags_ tells which are active
  std::unordered_map<std::uint64_t, Flags> flags_;  // only leaves with a flagged page
};

}  // namespace wbsim::pagecache
