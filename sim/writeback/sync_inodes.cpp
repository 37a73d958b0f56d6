#include "sim/writeback/sync_inodes.hpp"

#include "sim/pagecache/write_cache_pages.hpp"

namespace wbsim::writeback {

using engine::Task;
using pagecache::Inode;
using pagecache::SuperBlock;
using pagecache::TaskContext;

namespace {

// Models: wb_wait_for_completion().
Task<> wait_for_completion(TaskContext& task, WorkCompletion& done) {
  if (done.finished) {
    co_return;
  }
  while (!done.finished) {
    co_await task.thread().block();
  }
  co_await task.thread().run(task.costs().sleeper_wake);
}

// Models: wait_sb_inodes(). One that is met goes back to the list, behind those that came since.
Task<> wait_sb_inodes(TaskContext& task, SuperBlock& sb) {
  co_await sb.sync_lock.lock(task);
  pagecache::InodeWritebackList waited_for;
  waited_for.splice(waited_for.end(), sb.inodes_wb);
  while (!waited_for.empty()) {
    Inode& inode = waited_for.front();
    waited_for.pop_front();
    sb.inodes_wb.push_back(inode);
    if (inode.freeing) {
      continue;
    }
    ++inode.pins;
    co_await pagecache::fdatawait_range(task, inode.mapping, PageIndex{0}, PageIndex::max());
    inode.mapping.wb_err.take_flag();
    if (--inode.pins == 0) {
      inode.sync_waiters.wake_all();
    }
    co_await task.thread().cond_resched();
  }
  sb.sync_lock.unlock();
}

}  // namespace

Task<> writeback_inodes_sb(TaskContext& task, Flusher& flusher, SuperBlock& sb) {
  if (!sb.wb.has_dirty_io()) {
    co_return;
  }
  WorkCompletion done{.waiter = &task.thread()};
  flusher.queue_work({.nr_pages = flusher.nr_dirty_pages(),
                      .tagged_writepages = true,
                      .reason = engine::WbReason::kSync,
                      .sb = &sb,
                      .done = &done});
  co_await wait_for_completion(task, done);
}

Task<> sync_inodes_sb(TaskContext& task, Flusher& flusher, SuperBlock& sb) {
  WorkCompletion done{.waiter = &task.thread()};
  flusher.queue_work({.sync_all = true,
                      .for_sync = true,
                      .reason = engine::WbReason::kSync,
                      .sb = &sb,
                      .done = &done});
  co_await wait_for_completion(task, done);
  co_await wait_sb_inodes(task, sb);
}

}  // namespace wbsim::writeback
