// The index of cached pages of one file: a radix tree of fan-out 64 with marks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/stable_vector.hpp"
#include "sim/base/units.hpp"

namespace wbsim::pagecache {

enum class Mark : std::uint8_t { kDirty, kWriteback, kToWrite };
inline constexpr std::size_t kMarks = 3;

// Flags of a cached page that no look-up searches for; pages that were only written have none.
//   kReferenced   PG_referenced: read once since it was added, activated or passed by reclaim
//   kBare         not PG_private: it has no buffer head
//   kLocked       PG_locked, held while a read is under way
//   kNotUptodate  not PG_uptodate: its data is not (yet) what the device holds
//   kReadahead    PG_readahead: whoever reads it starts the next readahead
enum class Flag : std::uint8_t { kReferenced, kBare, kLocked, kNotUptodate, kReadahead };
inline constexpr std::size_t kFlags = 5;

// Models: the xarray of an address_space, lib/xarray.c, v5.10. Fan-out 64; each
// node has one bit per slot and mark, set when anything below has the mark. The state of a page
// is its bits in the leaf: present, dirty, writeback, to-write; and its flags.
//
// Pages are handled as masks of one leaf (64 consecutive pages). Memory: 36 bytes per leaf, 40 more
// where any of its pages has a flag, plus 0.07 bytes per page of inner nodes.
class PageTree {
 public:
  static constexpr std::int64_t kFanOut = 64;

  struct Leaf {
    std::uint64_t present = 0;
    std::array<std::uint64_t, kMarks> marks{};

    [[nodiscard]] std::uint64_t marked(Mark mark) const {
      return marks[static_cast<std::size_t>(mark)];
    }
  };

  PageTree();
  PageTree(const PageTree&) = delete;
  PageTree& operator=(const PageTree&) = delete;

  [[nodiscard]] Pages pages() const { return pages_; }
  [[nodiscard]] std::int64_t nodes() const { return nodes_in_use_ + leaves_in_use_; }

  [[nodiscard]] static std::int64_t leaf_number(PageIndex page) { return page.value() >> 6; }
  [[nodiscard]] static int slot(PageIndex page) { return static_cast<int>(page.value() & 63); }
  // Bits of up to `count` pages from `page` on that lie in its leaf.
  [[nodiscard]] static std::uint64_t mask(PageIndex page, Pages count) {
    SIM_CHECK(count > Pages{0});
    const int first = slot(page);
    const std::int64_t wanted = std::min<std::int64_t>(count.count(), kFanOut - first);
    return (~std::uint64_t{0} >> (kFanOut - wanted)) << first;
  }

  // The leaf of a page, or null when none of its pages is present. Valid until the next change.
  [[nodiscard]] const Leaf* find(PageIndex page) const {
    return locate(leaf_number(page)) ? path_.leaf : nullptr;
  }

  // Adds the pages of `bits` (a mask in the leaf of `page`); none of them may be present.
  void insert(PageIndex page, std::uint64_t bits);
  // Removes present pages without any mark; frees nodes that become empty.
  void erase(PageIndex page, std::uint64_t bits);
  void set_mark(PageIndex page, std::uint64_t bits, Mark mark);
  void clear_mark(PageIndex page, std::uint64_t bits, Mark mark);
  // Flags of present pages. A page is inserted without flags and loses them when it is erased; a
  // locked one may not be erased.
  void set_flag(PageIndex page, std::uint64_t bits, Flag flag);
  void clear_flag(PageIndex page, std::uint64_t bits, Flag flag);
  // Those of the leaf of `page` that have the flag.
  [[nodiscard]] std::uint64_t flagged(PageIndex page, Flag flag) const;
  // False where no page has any flag.
  [[nodiscard]] bool any_flags() const { return flags_pool_.size() > free_flags_.size(); }
  // The pages of the leaf that a reader may copy: present and up to date.
  [[nodiscard]] std::uint64_t uptodate(PageIndex page) const;
  // Pages without a buffer head.
  [[nodiscard]] Pages bare() const { return bare_; }

  // Counts marked pages one leaf after the other: for checks.
  [[nodiscard]] Pages count_marked(Mark mark) const;
  // True when any page has the mark: O(1).
  [[nodiscard]] bool any(Mark mark) const;
  // The first page at or after `from` with the mark.
  [[nodiscard]] std::optional<PageIndex> next(Mark mark, PageIndex from) const {
    return next_page(static_cast<std::size_t>(mark), from);
  }
  // The first page at or after `from`, marked or not.
  [[nodiscard]] std::optional<PageIndex> next_present(PageIndex from) const {
    return next_page(kPresent, from);
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr int kLevelsMax = 7;             // 64^7 pages: 16 EiB
  static constexpr std::size_t kPresent = kMarks;  // what any page has, beside the marks

  struct Node {
    std::array<std::uint32_t, kFanOut> child;
    std::uint64_t occupied = 0;
    std::array<std::uint64_t, kMarks> marks{};
  };
  // The leaf of that number, or null when there is none; with the leaf the nodes above it, from its
  // parent up to the root.
  struct Path {
    std::int64_t leaf_number = -1;
    Leaf* leaf = nullptr;
    std::array<Node*, kLevelsMax> nodes{};
  };

  using Flags = std::array<std::uint64_t, kFlags>;

  [[nodiscard]] static int child_slot(std::int64_t leaf_number, int level) {
    return static_cast<int>((leaf_number >> (6 * level)) & 63);
  }
  // Makes path_ lead to a leaf; false when there is none.
  bool locate(std::int64_t leaf_number) const {
    return path_.leaf_number == leaf_number ? path_.leaf != nullptr : descend(leaf_number);
  }
  // A mark by its number, or kPresent.
  [[nodiscard]] static std::uint64_t children_with(const Node& node, std::size_t mark);
  [[nodiscard]] static std::uint64_t pages_with(const Leaf& leaf, std::size_t mark);
  bool descend(std::int64_t leaf_number) const;
  void create(std::int64_t leaf_number);
  void grow();
  [[nodiscard]] std::uint32_t& flags_index() const;
  Flags& flags_of_leaf();
  void tidy_flags();
  std::uint32_t new_node();
  std::uint32_t new_leaf();
  void propagate_set(Mark mark);
  void propagate_clear(Mark mark);
  [[nodiscard]] std::optional<PageIndex> next_page(std::size_t mark, PageIndex from) const;
  [[nodiscard]] std::optional<std::int64_t> next_leaf(std::size_t mark, std::int64_t from) const;

  Pages pages_{0};
  Pages bare_{0};
  int levels_ = 1;  // inner levels above the leaves
  std::uint32_t root_;
  StableVector<Node, 64> node_pool_;
  StableVector<Leaf, 1024> leaf_pool_;
  std::vector<std::uint32_t> free_nodes_;
  std::vector<std::uint32_t> free_leaves_;
  StableVector<std::uint32_t, 1024> leaf_flags_;  // by leaf: where its flags are, or kNone
  StableVector<Flags, 1024> flags_pool_;
  std::vector<std::uint32_t> free_flags_;
  std::int64_t nodes_in_use_ = 0;
  std::int64_t leaves_in_use_ = 0;
  mutable Path path_;  // of the leaf used last: neighbours are used together
};

}  // namespace wbsim::pagecache
