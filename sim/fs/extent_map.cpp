#include "sim/fs/extent_map.hpp"

#include <iterator>

#include "sim/base/check.hpp"

namespace wbsim::fs {

ExtentMap::Piece ExtentMap::find(PageIndex page) const {
  const auto next = extents_.upper_bound(page);
  if (next != extents_.begin()) {
    const auto& [first, extent] = *std::prev(next);
    const Pages before = page - first;
    if (before < extent.length) {
      return {.hole = false,
              .unwritten = extent.unwritten,
              .block = extent.block + to_blocks(before),
              .length = extent.length - before};
    }
  }
  return {.length = next == extents_.end() ? Pages::max() : next->first - page};
}

void ExtentMap::insert(PageIndex page, FsBlock block, Pages length, bool unwritten) {
  const Piece here = find(page);
  SIM_CHECK(here.hole && length > Pages{0} && here.length >= length);
  const auto it = extents_.emplace(page, Extent{block, length, unwritten}).first;
  blocks_ += to_blocks(length);
  join(it);
  if (it != extents_.begin()) {
    join(std::prev(it));
  }
}

// Makes one of an extent and the one behind it, where they are in a row.
void ExtentMap::join(Extents::iterator left) {
  const auto right = std::next(left);
  if (right == extents_.end()) {
    return;
  }
  Extent& extent = left->second;
  const bool adjacent = left->first + extent.length == right->first &&
                        extent.block + to_blocks(extent.length) == right->second.block;
  if (adjacent && extent.unwritten == right->second.unwritten) {
    extent.length += right->second.length;
    extents_.erase(right);
  }
}

// Makes `at` the first page of an extent if it lies inside one.
void ExtentMap::cut(PageIndex at) {
  auto it = extents_.upper_bound(at);
  if (it == extents_.begin()) {
    return;
  }
  --it;
  const Pages head = at - it->first;
  Extent& extent = it->second;
  if (head == Pages{0} || head >= extent.length) {
    return;
  }
  extents_.emplace(at,
                   Extent{extent.block + to_blocks(head), extent.length - head, extent.unwritten});
  extent.length = head;
}

void ExtentMap::mark_written(PageIndex page, Pages length) {
  const Piece here = find(page);
  SIM_CHECK(!here.hole && here.unwritten && here.length >= length);
  cut(page);
  cut(page + length);
  const auto it = extents_.find(page);
  it->second.unwritten = false;
  join(it);
  if (it != extents_.begin()) {
    join(std::prev(it));
  }
}

std::vector<ExtentMap::Blocks> ExtentMap::remove_from(PageIndex from) {
  cut(from);
  std::vector<Blocks> removed;
  for (auto it = extents_.lower_bound(from); it != extents_.end();) {
    removed.push_back({it->second.block, to_blocks(it->second.length)});
    blocks_ -= removed.back().length;
    it = extents_.erase(it);
  }
  return removed;
}

std::optional<FsBlock> ExtentMap::goal(PageIndex page) const {
  const auto next = extents_.lower_bound(page);
  if (next == extents_.begin()) {
    return std::nullopt;
  }
  const Extent& extent = std::prev(next)->second;
  return extent.block + to_blocks(extent.length);
}

}  // namespace wbsim::fs
