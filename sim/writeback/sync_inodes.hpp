// Writing all files of a file system on request.
#pragma once

#include <cstdint>

#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/super_block.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::writeback {

// Models: writeback_inodes_sb(): asks the flusher for what is dirty now and waits until it is
// submitted.
engine::Task<> writeback_inodes_sb(pagecache::TaskContext& task, Flusher& flusher,
                                   pagecache::SuperBlock& sb);

// Models: sync_inodes_sb(): the same for data integrity; then wait_sb_inodes(): waits for all pages
// of the file system that are under writeback now. Errors are kept for fsync.
engine::Task<> sync_inodes_sb(pagecache::TaskContext& task, Flusher& flusher,
                              pagecache::SuperBlock& sb);

}  // namespace wbsim::writeback
