// The LRU lists of file pages, in runs of pages that share a leaf of their file's tree.
#pragma once

#include <bit>
#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/pagecache/indexed_list.hpp"

namespace wbsim::pagecache {

// Models: the inactive and active file lists of a node and PG_reclaim, mm/swap.c, mm/vmscan.c and
// end_page_writeback() of mm/filemap.c, v5.10 and v6.1.
// New pages enter the inactive list at the head, reclaim takes its tail.
// Pages that reclaim met dirty or under writeback are activated and flagged. The flag ends with
// the next writeback of the page; unless dirty again, the page then goes to the tail of the
// inactive list, from whichever list it is on by then. A page that is read twice is activated. The
// order of pages is exactly that of lists of single pages (property test).
class Lru {
 public:
  Lru() : inactive_{kInitialCapacity} {}

  // `run` enters the inactive list at its head: pages just read or written.
  void add(const LruRun& run);
  // Takes up to `wanted` of the oldest inactive pages, all from one leaf.
  std::optional<LruRun> take_oldest(int wanted);
  // Puts pages taken from the inactive list on the active list, flagged for reclaim.
  void activate_for_reclaim(const LruRun& run);
  // Pages that were read again move to the active list (folio_activate()); all are on a list.
  // Returns those that were not there yet. Simplified: at once, not in batches of 15 per CPU.
  std::uint64_t activate(const LruRun& run);
  // Sets the reclaim flag of pages on the inactive list (PG_readahead is the same bit).
  void flag(const LruRun& run) { flagged_[run.key()] |= run.bits; }
  // Writeback of these pages ended; `dirty` ones were dirtied again. Moves what was flagged for
  // reclaim to the inactive list's tail. Returns the pages that left the active list.
  std::uint64_t end_writeback(const LruRun& run, std::uint64_t dirty);
  // Takes up to `wanted` of the oldest active pages to the head of the inactive list
  // (shrink_active_list()). Returns how many.
  Pages deactivate_oldest(Pages wanted);

  // Takes pages, all of which are on a list, off it: they are dropped. Returns those that were
  // active.
  std::uint64_t remove(const LruRun& run);

  // Runs held by all lists: what they cost in memory.
  [[nodiscard]] std::size_t runs() const {
    return rotated_.size() + inactive_.size() + deactivated_.runs() + active_.runs();
  }

 private:
  static constexpr std::size_t kInitialCapacity = 64;

  // The number of the oldest run of inactive_.
  [[nodiscard]] std::int64_t front_number() const {
    return next_number_ - static_cast<std::int64_t>(inactive_.size());
  }
  std::uint64_t take_flags(const LruRun& run);
  [[nodiscard]] std::uint64_t stale(const LruRun& run) const;
  void drop_stale(LruRun& run);
  std::uint64_t take_rotated(const LruRun& run);
  void take_inactive(const LruRun& run);
  void tidy_inactive();
  void append(const LruRun& run);

  // The inactive list is kept as three. First in line are the pages rotated to its tail, the last
  // one first. The others stand in inactive_, except for those that came from the active list or
  // were in inactive_ before: each of their runs in deactivated_ knows the number of the run of
  // inactive_ that follows it. A page that leaves inactive_ out of order stays there as stale.
  std::vector<LruRun> rotated_;              // one page each; back: first to be reclaimed
  boost::circular_buffer<LruRun> inactive_;  // front: oldest
  std::int64_t next_number_ = 0;             // of the next run that enters inactive_ at its back
  IndexedList deactivated_;
  IndexedList active_;
  using PagesByLeaf = std::pmr::unordered_map<std::uint64_t, std::uint64_t>;
  std::pmr::unsynchronized_pool_resource nodes_;  // used again, as those of IndexedList
  PagesByLeaf flagged_{&nodes_};                  // pages with PG_reclaim
  PagesByLeaf stale_{&nodes_};                    // pages in inactive_ that are there no more
};

}  // namespace wbsim::pagecache
