#include "sim/pagecache/page_tree.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

namespace {
constexpr std::uint64_t bit(int slot) { return std::uint64_t{1} << slot; }
constexpr std::size_t at(Mark mark) { return static_cast<std::size_t>(mark); }
constexpr std::size_t at(Flag flag) { return static_cast<std::size_t>(flag); }
}  // namespace

PageTree::PageTree() { root_ = new_node(); }

std::uint32_t PageTree::new_node() {
  ++nodes_in_use_;
  std::uint32_t id;
  if (free_nodes_.empty()) {
    id = static_cast<std::uint32_t>(node_pool_.size());
    node_pool_.emplace_back();
  } else {
    id = free_nodes_.back();
    free_nodes_.pop_back();
    node_pool_[id] = Node{};
  }
  node_pool_[id].child.fill(kNone);
  return id;
}

std::uint32_t PageTree::new_leaf() {
  ++leaves_in_use_;
  if (free_leaves_.empty()) {
    leaf_pool_.emplace_back();
    leaf_flags_.emplace_back() = kNone;
    return static_cast<std::uint32_t>(leaf_pool_.size() - 1);
  }
  const std::uint32_t id = free_leaves_.back();
  free_leaves_.pop_back();
  leaf_pool_[id] = Leaf{};
  return id;
}

bool PageTree::descend(std::int64_t leaf_number) const {
  path_.leaf_number = leaf_number;
  path_.leaf = nullptr;
  if (levels_ < kLevelsMax && (leaf_number >> (6 * levels_)) != 0) {
    return false;
  }
  std::uint32_t id = root_;
  for (int level = levels_ - 1; level >= 0; --level) {
    Node& node = node_pool_[id];
    path_.nodes[static_cast<std::size_t>(level)] = &node;
    id = node.child[static_cast<std::size_t>(child_slot(leaf_number, level))];
    if (id == kNone) {
      return false;
    }
  }
  path_.leaf = &leaf_pool_[id];
  return true;
}

// Puts a new root above the old one.
void PageTree::grow() {
  SIM_CHECK(levels_ < kLevelsMax);
  const std::uint32_t old = root_;
  root_ = new_node();
  Node& node = node_pool_[root_];
  const Node& below = node_pool_[old];
  node.child[0] = old;
  node.occupied = bit(0);
  for (std::size_t mark = 0; mark < kMarks; ++mark) {
    node.marks[mark] = below.marks[mark] != 0 ? bit(0) : 0;
  }
  ++levels_;
  path_ = {};
}

void PageTree::create(std::int64_t leaf_number) {
  while (levels_ < kLevelsMax && (leaf_number >> (6 * levels_)) != 0) {
    grow();
  }
  std::uint32_t id = root_;
  for (int level = levels_ - 1; level >= 0; --level) {
    Node& node = node_pool_[id];
    path_.nodes[static_cast<std::size_t>(level)] = &node;
    const int slot_here = child_slot(leaf_number, level);
    std::uint32_t& child = node.child[static_cast<std::size_t>(slot_here)];
    if (child == kNone) {
      child = level == 0 ? new_leaf() : new_node();
      node.occupied |= bit(slot_here);
    }
    id = child;
  }
  path_.leaf_number = leaf_number;
  path_.leaf = &leaf_pool_[id];
}

void PageTree::insert(PageIndex page, std::uint64_t bits) {
  if (!locate(leaf_number(page))) {
    create(leaf_number(page));
  }
  Leaf& leaf = *path_.leaf;
  SIM_CHECK((leaf.present & bits) == 0);
  leaf.present |= bits;
  pages_ += Pages{std::popcount(bits)};
}

void PageTree::erase(PageIndex page, std::uint64_t bits) {
  SIM_CHECK(locate(leaf_number(page)));
  Leaf& leaf = *path_.leaf;
  SIM_CHECK((leaf.present & bits) == bits);
  SIM_CHECK(((leaf.marks[0] | leaf.marks[1] | leaf.marks[2]) & bits) == 0);
  SIM_CHECK((flagged(page, Flag::kLocked) & bits) == 0);
  leaf.present &= ~bits;
  if (flags_index() != kNone) {
    Flags& flags = flags_of_leaf();
    bare_ -= Pages{std::popcount(flags[at(Flag::kBare)] & bits)};
    for (std::uint64_t& pages : flags) {
      pages &= ~bits;
    }
    tidy_flags();
  }
  pages_ -= Pages{std::popcount(bits)};
  if (leaf.present != 0) {
    return;
  }
  --leaves_in_use_;
  path_.leaf = nullptr;
  for (int level = 0; level < levels_; ++level) {
    Node& node = *path_.nodes[static_cast<std::size_t>(level)];
    const int slot_here = child_slot(path_.leaf_number, level);
    std::uint32_t& child = node.child[static_cast<std::size_t>(slot_here)];
    (level == 0 ? free_leaves_ : free_nodes_).push_back(child);
    child = kNone;
    node.occupied &= ~bit(slot_here);
    if (node.occupied != 0 || level == levels_ - 1) {
      return;
    }
    --nodes_in_use_;
  }
}

void PageTree::propagate_set(Mark mark) {
  for (int level = 0; level < levels_; ++level) {
    std::uint64_t& marks = path_.nodes[static_cast<std::size_t>(level)]->marks[at(mark)];
    const bool had = marks != 0;
    marks |= bit(child_slot(path_.leaf_number, level));
    if (had) {
      return;
    }
  }
}

void PageTree::propagate_clear(Mark mark) {
  for (int level = 0; level < levels_; ++level) {
    std::uint64_t& marks = path_.nodes[static_cast<std::size_t>(level)]->marks[at(mark)];
    marks &= ~bit(child_slot(path_.leaf_number, level));
    if (marks != 0) {
      return;
    }
  }
}

void PageTree::set_mark(PageIndex page, std::uint64_t bits, Mark mark) {
  SIM_CHECK(locate(leaf_number(page)));
  Leaf& leaf = *path_.leaf;
  SIM_CHECK((leaf.present & bits) == bits);
  std::uint64_t& marks = leaf.marks[at(mark)];
  const bool had = marks != 0;
  marks |= bits;
  if (!had) {
    propagate_set(mark);
  }
}

void PageTree::clear_mark(PageIndex page, std::uint64_t bits, Mark mark) {
  SIM_CHECK(locate(leaf_number(page)));
  std::uint64_t& marks = path_.leaf->marks[at(mark)];
  const bool had = marks != 0;
  marks &= ~bits;
  if (had && marks == 0) {
    propagate_clear(mark);
  }
}

// Of the leaf that path_ leads to.
std::uint32_t& PageTree::flags_index() const {
  const Node& parent = *path_.nodes[0];
  return leaf_flags_[parent.child[static_cast<std::size_t>(child_slot(path_.leaf_number, 0))]];
}

PageTree::Flags& PageTree::flags_of_leaf() {
  std::uint32_t& index = flags_index();
  if (index == kNone && free_flags_.empty()) {
    index = static_cast<std::uint32_t>(flags_pool_.size());
    flags_pool_.emplace_back();
  } else if (index == kNone) {
    index = free_flags_.back();
    free_flags_.pop_back();
  }
  return flags_pool_[index];
}

// Gives the flags of a leaf back once none is set.
void PageTree::tidy_flags() {
  const Flags& flags = flags_of_leaf();
  if (std::all_of(flags.begin(), flags.end(), [](std::uint64_t pages) { return pages == 0; })) {
    free_flags_.push_back(flags_index());
    flags_index() = kNone;
  }
}

std::uint64_t PageTree::flagged(PageIndex page, Flag flag) const {
  if (!locate(leaf_number(page))) {
    return 0;
  }
  const std::uint32_t index = flags_index();
  return index == kNone ? 0 : flags_pool_[index][at(flag)];
}

std::uint64_t PageTree::uptodate(PageIndex page) const {
  const Leaf* leaf = find(page);
  return leaf == nullptr ? 0 : leaf->present & ~flagged(page, Flag::kNotUptodate);
}

void PageTree::set_flag(PageIndex page, std::uint64_t bits, Flag flag) {
  if (bits == 0) {
    return;
  }
  SIM_CHECK(locate(leaf_number(page)));
  SIM_CHECK((path_.leaf->present & bits) == bits);
  std::uint64_t& pages = flags_of_leaf()[at(flag)];
  if (flag == Flag::kBare) {
    bare_ += Pages{std::popcount(bits & ~pages)};
  }
  pages |= bits;
}

void PageTree::clear_flag(PageIndex page, std::uint64_t bits, Flag flag) {
  const std::uint64_t cleared = flagged(page, flag) & bits;
  if (cleared == 0) {
    return;
  }
  flags_of_leaf()[at(flag)] &= ~cleared;
  if (flag == Flag::kBare) {
    bare_ -= Pages{std::popcount(cleared)};
  }
  tidy_flags();
}

Pages PageTree::count_marked(Mark mark) const {
  Pages count{0};
  for (auto page = next(mark, PageIndex{0}); page;) {
    count += Pages{std::popcount(find(*page)->marked(mark))};
    page = next(mark, PageIndex{(leaf_number(*page) + 1) * kFanOut});
  }
  return count;
}

bool PageTree::any(Mark mark) const { return node_pool_[root_].marks[at(mark)] != 0; }

std::uint64_t PageTree::children_with(const Node& node, std::size_t mark) {
  return mark == kPresent ? node.occupied : node.marks[mark];
}

std::uint64_t PageTree::pages_with(const Leaf& leaf, std::size_t mark) {
  return mark == kPresent ? leaf.present : leaf.marks[mark];
}

// The first leaf at or after number `from` that has a marked page: climbs to the lowest node with
// a marked slot to the right, then descends along the lowest marked slots.
std::optional<std::int64_t> PageTree::next_leaf(std::size_t mark, std::int64_t from) const {
  if (levels_ < kLevelsMax && (from >> (6 * levels_)) != 0) {
    return std::nullopt;
  }
  std::array<std::uint32_t, kLevelsMax> nodes{};
  std::uint32_t id = root_;
  int level = levels_ - 1;
  std::int64_t prefix = 0;  // number of the node's first leaf, in units of its children
  std::int64_t wanted = child_slot(from, level);
  while (true) {
    nodes[static_cast<std::size_t>(level)] = id;
    const std::uint64_t right =
        wanted >= kFanOut ? 0 : children_with(node_pool_[id], mark) & (~std::uint64_t{0} << wanted);
    if (right == 0) {
      if (++level >= levels_) {
        return std::nullopt;
      }
      id = nodes[static_cast<std::size_t>(level)];
      wanted = (prefix & (kFanOut - 1)) + 1;
      prefix >>= 6;
      continue;
    }
    const int found = std::countr_zero(right);
    const std::int64_t number = (prefix << 6) | found;
    if (level == 0) {
      return number;
    }
    id = node_pool_[id].child[static_cast<std::size_t>(found)];
    prefix = number;
    --level;
    wanted = number == (from >> (6 * (level + 1))) ? child_slot(from, level) : 0;
  }
}

std::optional<PageIndex> PageTree::next_page(std::size_t mark, PageIndex from) const {
  std::int64_t number = leaf_number(from);
  if (locate(number)) {
    const std::uint64_t here = pages_with(*path_.leaf, mark) & (~std::uint64_t{0} << slot(from));
    if (here != 0) {
      return PageIndex{(number << 6) + std::countr_zero(here)};
    }
  }
  const std::optional<std::int64_t> found = next_leaf(mark, number + 1);
  if (!found || !locate(*found)) {
    return std::nullopt;
  }
  return PageIndex{(*found << 6) + std::countr_zero(pages_with(*path_.leaf, mark))};
}

}  // namespace wbsim::pagecache
