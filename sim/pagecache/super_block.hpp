// A mounted file system as writeback sees it.
#pragma once

#include "sim/engine/task.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/sleeping_lock.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"

namespace wbsim::pagecache {

// The way from writeback up into a file system, beside the pages of its files. All of it runs in
// the caller's thread, a flusher's or that of a system call, and may sleep.
class SuperOps {
 public:
  // ->write_inode(): more of the inode than its pages was dirty, and no longer counts as such.
  // Returns 0 or a negative errno.
  virtual engine::Task<int> write_inode(TaskContext& task, Inode& inode,
                                        const WritebackControl& wbc) = 0;
  // ->sync_fs(): what the file system keeps beside inodes. Returns 0 or a negative errno.
  virtual engine::Task<int> sync_fs(TaskContext& task, bool wait) = 0;

 protected:
  ~SuperOps() = default;
};

// Models: the part of struct super_block that writeback uses, v5.10. Block devices have none: they
// are all in one that is never mounted, written or synced.
class SuperBlock {
 public:
  SuperBlock(BdiWriteback& writeback, SuperOps& operations) : wb{writeback}, ops{operations} {}
  SuperBlock(const SuperBlock&) = delete;
  SuperBlock& operator=(const SuperBlock&) = delete;

  BdiWriteback& wb;
  SuperOps& ops;
  int device = -1;               // index of the one it is mounted from (s_dev)
  InodeWritebackList inodes_wb;  // s_inodes_wb: with pages under writeback, oldest first
  SleepingLock sync_lock;        // s_sync_lock
  ErrSeq wb_err;                 // s_wb_err: of any of its files
};

}  // namespace wbsim::pagecache
