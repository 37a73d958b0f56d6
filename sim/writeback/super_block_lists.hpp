// The writeback of v2.6.18 by superblock: which inodes are written, in which order.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// One call of writeback_inodes(): what of the kernel's writeback_control is not about pages.
struct SuperBlockWork {
  pagecache::WritebackControl wbc;
  const pagecache::BdiWriteback* bdi = nullptr;  // only inodes of this device
  std::optional<std::uint64_t> older_than{};     // jiffies: only what became dirty before
  bool hold = false;        // WB_SYNC_HOLD: keep what was written for a pass that waits
  bool by_pdflush = false;  // current_is_pdflush()
  std::optional<engine::WbReason> reason{};  // for observers; absent: a throttled task writes
};

// Models: s_dirty and s_io with sync_sb_inodes() and __writeback_single_inode(),
// fs/fs-writeback.c, v2.6.18, for the superblock of the block devices (bdev), which holds the
// inodes of all of them. New inodes enter s_dirty at the head; I/O takes from the tail of s_io.
// Properties:
//  1. All of s_dirty is moved to s_io first; for kupdate only if s_io is empty.
//  2. A device that is congested, or not the wanted one, is passed over: its inode goes back to the
//     head of s_dirty with its old time.
//  3. An inode that became dirty after the call began, or too recently, ends it; so does one whose
//     device another pdflush writes to.
//  4. What is left of an inode: for kupdate it is served next, at the tail of s_dirty; otherwise it
//     goes to the head with the time of now. One that was dirtied meanwhile keeps its time.
//  5. An inode that somebody writes is left alone, unless its data has to be on disk.
class SuperBlockLists {
 public:
  SuperBlockLists(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle)
      : machine_{machine}, tracer_{tracer}, throttle_{throttle} {}
  SuperBlockLists(const SuperBlockLists&) = delete;
  SuperBlockLists& operator=(const SuperBlockLists&) = delete;

  // Its inodes become dirty here from now on.
  void adopt(pagecache::Inode& inode) { inode.s_dirty = &s_dirty_; }
  // writeback_inodes(): writes as `work` says; answers in its wbc.
  engine::Task<> writeback_inodes(pagecache::TaskContext& task, SuperBlockWork& work);

 private:
  engine::Task<> writeback_single_inode(pagecache::TaskContext& task, pagecache::Inode& inode,
                                        SuperBlockWork& work);
  [[nodiscard]] bool passes_over(const pagecache::Inode& inode, SuperBlockWork& work) const;
  void requeue(pagecache::Inode& inode, const SuperBlockWork& work);
  void back_to_s_dirty(pagecache::Inode& inode);
  void trace(engine::WritebackStep step, const pagecache::TaskContext& task,
             const pagecache::Inode& inode, const SuperBlockWork& work) const;

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  DirtyThrottle& throttle_;
  pagecache::InodeList s_dirty_;
  pagecache::InodeList s_io_;
};

}  // namespace wbsim::writeback
