// The free blocks of a file system, and which of them a file gets.
#pragma once

#include <map>
#include <optional>

#include "sim/fs/fs_blocks.hpp"

namespace wbsim::fs {

// Allocates runs of blocks:
//  1. from the goal on, if the goal is free: as many as lie there, up to what is wanted
//  2. else from the first free run behind the goal, going round at the end, that is long enough,
//     of kRunsTried; where none is, from the longest of these
// Without a goal, which is a file's first allocation, it is where the one before ended: files that
// are written one after the other lie one behind the other.
// Blocks of delayed allocation are reserved first, so that there is room when they are allocated.
class FreeSpace {
 public:
  FreeSpace(FsBlock first, FsBlocks length);

  struct Run {
    FsBlock first;
    FsBlocks length;
  };
  // At least one block must be free.
  Run allocate(std::optional<FsBlock> goal, FsBlocks wanted);
  void release(FsBlock first, FsBlocks length);
  // Promises blocks that are available.
  void reserve(FsBlocks count);
  void unreserve(FsBlocks count);

  [[nodiscard]] FsBlocks available() const { return free_ - reserved_; }
  [[nodiscard]] FsBlocks free() const { return free_; }
  [[nodiscard]] FsBlocks reserved() const { return reserved_; }

 private:
  static constexpr int kRunsTried = 64;
  using Runs = std::map<FsBlock, FsBlocks>;

  Run take(Runs::iterator from, FsBlock first, FsBlocks wanted);
  [[nodiscard]] Runs::iterator choose(FsBlock goal, FsBlocks wanted);

  Runs runs_;  // disjoint, none right behind another
  FsBlocks free_;
  FsBlocks reserved_;
  FsBlock next_;  // where the last allocation ended
};

}  // namespace wbsim::fs
