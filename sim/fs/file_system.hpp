// A mounted file system, as system calls see it.
#pragma once

#include <string>
#include <string_view>

#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/file.hpp"
#include "sim/pagecache/super_block.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::fs {

// Names are paths below the mount point. Simplified: directories are part of the names; they have
// no inodes, and looking up or changing one takes no time and no I/O.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual pagecache::SuperBlock& super_block() = 0;
  // That it is on: holds its metadata.
  [[nodiscard]] virtual BlockDevice& device() = 0;
  // Null when there is no such file.
  [[nodiscard]] virtual RegularFile* find(std::string_view name) = 0;
  // Makes a file that does not exist. Null: no inode is left (ENOSPC).
  virtual RegularFile* create(pagecache::TaskContext& task, const std::string& name) = 0;
  // Takes the name off a file that exists, and frees it unless somebody has it open.
  virtual engine::Task<> unlink(pagecache::TaskContext& task, std::string_view name) = 0;
  // drop_pagecache_sb().
  virtual void drop_pagecache() = 0;
  // Aborts where what it keeps does not fit together; counts into the sums (System's invariants).
  struct PageCounts {
    Pages cached{0};
    Pages dirty{0};
    Pages writeback{0};
  };
  [[nodiscard]] virtual PageCounts check_invariants() const = 0;
};

}  // namespace wbsim::fs
