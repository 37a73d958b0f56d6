// Writing one inode: its pages, then what else of it is dirty; and the lists it goes to afterwards.
#pragma once

#include <cstdint>

#include "sim/engine/task.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// dirtytime_expire_interval: time stamps wait so long where the file system is mounted lazytime.
inline constexpr std::uint64_t kDirtytimeExpireSeconds = 12 * 60 * 60;

// Models: __writeback_single_inode(), fs/fs-writeback.c, v5.10 and v6.1. The caller has set I_SYNC.
// The flags are cleared after the pages were submitted, so that what is dirtied meanwhile counts;
// ->write_inode() is called where more than pages was dirty. Returns what that says.
engine::Task<int> write_single_inode(pagecache::TaskContext& task, DirtyThrottle& throttle,
                                     pagecache::Inode& inode, pagecache::WritebackControl& wbc);

// Models: writeback_single_inode(), which system calls use; v6.1's rule for an inode that is dirty
// again (v5.10 leaves it where it is).
engine::Task<int> writeback_single_inode(pagecache::TaskContext& task, DirtyThrottle& throttle,
                                         pagecache::Inode& inode, pagecache::WritebackControl& wbc);
// Models: sync_inode_metadata(wait = 1): the inode without its dirty pages, but waits for all that
// are under writeback.
engine::Task<int> sync_inode_metadata(pagecache::TaskContext& task, DirtyThrottle& throttle,
                                      pagecache::Inode& inode);

// Models: queue_io() and move_expired_inodes(): interrupted inodes are served before newly expired
// ones, oldest first; service takes from the tail of b_io. Where the expired ones are of several
// file systems, those of one become neighbours. Returns how many expired.
int queue_io(pagecache::BdiWriteback& wb, std::uint64_t dirtied_before,
             std::uint64_t time_dirtied_before);
// Models: requeue_inode(), after the flusher has written (some of) it. One whose chunk is used up
// has its next turn soon, if it `may_go_on`.
void requeue_inode(pagecache::Inode& inode, const pagecache::WritebackControl& wbc, bool may_go_on,
                   std::uint64_t jiffies_now);

}  // namespace wbsim::writeback
