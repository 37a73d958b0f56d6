// Where the data of a file is on its device.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/fs/fs_blocks.hpp"

namespace wbsim::fs {

// Extents: runs of pages that lie in a row on the device. Neighbours in both places are one.
// Unwritten ones were allocated ahead (fallocate) and read as zeros.
class ExtentMap {
 public:
  // What lies from a page on: in a hole `block` means nothing.
  struct Piece {
    bool hole = true;
    bool unwritten = false;
    FsBlock block{};
    Pages length{0};  // of pages that are alike
  };
  struct Blocks {
    FsBlock first;
    FsBlocks length;
  };

  // A hole behind the last extent has no end: Pages::max().
  [[nodiscard]] Piece find(PageIndex page) const;
  // Of pages that lie in a hole.
  void insert(PageIndex page, FsBlock block, Pages length, bool unwritten);
  // Of pages within one extent that is unwritten.
  void mark_written(PageIndex page, Pages length);
  // Removes pages from `from` on; returns what they were in.
  std::vector<Blocks> remove_from(PageIndex from);
  // The block behind that of the last page before `page`: where more of the file goes best.
  [[nodiscard]] std::optional<FsBlock> goal(PageIndex page) const;

  [[nodiscard]] FsBlocks blocks() const { return blocks_; }
  [[nodiscard]] std::size_t extents() const { return extents_.size(); }

 private:
  struct Extent {
    FsBlock block;
    Pages length;
    bool unwritten;
  };
  using Extents = std::map<PageIndex, Extent>;

  void cut(PageIndex at);
  void join(Extents::iterator left);

  Extents extents_;
  FsBlocks blocks_;
};

}  // namespace wbsim::fs
