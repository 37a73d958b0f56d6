// The LRU lists of file pages, in runs of pages that share a leaf of their file's tree.
#pragma once

#include <algorithm>
#include <bit>
#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sim/base/units.hpp"
#include "sim/pagecache/active_list.hpp"

namespace wbsim::pagecache {

// Models: the inactive and active file lists of a node, mm/swap.c and mm/vmscan.c, v5.10.
// New pages enter the inactive list at the head, reclaim takes its tail.
// Pages that reclaim met dirty or under writeback are activated and flagged; such a page goes to
// the tail of the inactive list when its writeback ends. The order of pages is exactly that of a
// list of single pages (property test).
// Simplified: a flagged page that was deactivated meanwhile is not rotated.
class Lru {
 public:
  Lru() : inactive_{kInitialCapacity} {}

  // `run` enters the inactive list at its head: pages just read or written.
  void add(const LruRun& run);
  // Takes up to `wanted` of the oldest inactive pages, all from one leaf.
  std::optional<LruRun> take_oldest(int wanted);
  // Puts pages taken from the inactive list on the active list, flagged for reclaim.
  void activate_for_reclaim(const LruRun& run) { active_.push(run); }
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
    const auto take = [&](const LruRun& run, Pages& count) {
      const std::uint64_t bits = run.mapping == mapping ? run.bits & chosen(run) : 0;
      if (bits != 0) {
        gone(LruRun{run.mapping, run.leaf, bits});
        count += Pages{std::popcount(bits)};
      }
      return bits;
    };
    Removed removed;
    for (LruRun& run : inactive_) {
      run.bits &= ~take(run, removed.inactive);
    }
    inactive_.erase(std::remove_if(inactive_.begin(), inactive_.end(),
                                   [](const LruRun& run) { return run.bits == 0; }),
                    inactive_.end());
    active_.remove_if([&](const LruRun& run) { return take(run, removed.active); });
    return removed;
  }

  // Runs held by both lists: what they cost in memory.
  [[nodiscard]] std::size_t runs() const { return inactive_.size() + active_.runs(); }

 private:
  static constexpr std::size_t kInitialCapacity = 64;

  boost::circular_buffer<LruRun> inactive_;  // front: oldest
  ActiveList active_;
};

}  // namespace wbsim::pagecache
