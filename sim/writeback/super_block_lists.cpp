#include "sim/writeback/super_block_lists.hpp"

#include <utility>

#include "sim/writeback/filemap.hpp"

namespace wbsim::writeback {

using engine::Task;
using engine::WritebackStep;
using pagecache::BdiWriteback;
using pagecache::Inode;
using pagecache::TaskContext;

void SuperBlockLists::back_to_s_dirty(Inode& inode) { pagecache::move_to_head(inode, s_dirty_); }

// Models: the conditions of sync_sb_inodes() that leave one block device for later.
bool SuperBlockLists::passes_over(const Inode& inode, SuperBlockWork& work) const {
  if (work.wbc.nonblocking && inode.wb.write_congested()) {
    work.wbc.encountered_congestion = true;
    return true;
  }
  return work.bdi != nullptr && work.bdi != &inode.wb;
}

Task<> SuperBlockLists::writeback_inodes(TaskContext& task, SuperBlockWork& work) {
  const std::uint64_t start = machine_.jiffies_now();
  if (!work.wbc.for_kupdate || s_io_.empty()) {
    s_io_.splice(s_io_.begin(), s_dirty_);
  }
  while (!s_io_.empty()) {
    Inode& inode = s_io_.back();
    BdiWriteback& wb = inode.wb;
    if (passes_over(inode, work)) {
      back_to_s_dirty(inode);
      continue;
    }
    const bool too_young =
        engine::time_after(inode.dirtied_when, start) ||
        (work.older_than && engine::time_after(inode.dirtied_when, *work.older_than));
    if (too_young || (work.by_pdflush && wb.writeback_running)) {
      break;
    }
    wb.writeback_running |= work.by_pdflush;  // BDI_pdflush
    const std::int64_t skipped = work.wbc.pages_skipped;
    co_await writeback_single_inode(task, inode, work);
    if (work.hold) {
      inode.dirtied_when = machine_.jiffies_now();
      back_to_s_dirty(inode);
    }
    if (work.by_pdflush) {
      wb.writeback_running = false;
    }
    if (work.wbc.pages_skipped != skipped) {
      back_to_s_dirty(inode);
    }
    co_await task.thread().cond_resched();
    if (work.wbc.nr_to_write <= 0) {
      break;
    }
  }
}

Task<> SuperBlockLists::writeback_single_inode(TaskContext& task, Inode& inode,
                                               SuperBlockWork& work) {
  const bool waits = work.wbc.sync_all && !work.hold;
  if (inode.sync && !waits) {
    back_to_s_dirty(inode);
    co_return;
  }
  co_await pagecache::wait_on_inode_sync(task.thread(), inode);
  inode.sync = true;  // I_LOCK
  inode.dirty_pages = false;
  const std::int64_t before = work.wbc.nr_to_write;
  trace(WritebackStep::kStart, task, inode, work);
  co_await task.thread().run(task.costs().flusher_inode);
  if (work.wbc.nr_to_write > 0) {
    co_await do_writepages(task, throttle_, inode.mapping, work.wbc);
  }
  if (waits) {
    co_await pagecache::fdatawait_range(task, inode.mapping, PageIndex{0}, PageIndex::max());
    inode.mapping.wb_err.take_flag();
  }
  trace(WritebackStep::kWritten, task, inode, work);
  const engine::SingleInode event{machine_.simulator().now(), task.name(), inode.wb.device,
                                  Pages{before}, Pages{before - work.wbc.nr_to_write}};
  tracer_.emit(&engine::Observer::on_single_inode, event);
  requeue(inode, work);
  pagecache::end_inode_sync(inode);
}

// Models: the end of __sync_single_inode().
void SuperBlockLists::requeue(Inode& inode, const SuperBlockWork& work) {
  const bool dirtied_meanwhile = inode.dirty_pages;
  if (dirtied_meanwhile) {
    back_to_s_dirty(inode);
  } else if (!inode.mapping.pages.any(pagecache::Mark::kDirty)) {
    pagecache::remove_from_lists(inode);
  } else {
    inode.dirty_pages = true;
    if (work.wbc.for_kupdate) {
      pagecache::remove_from_lists(inode);
      s_dirty_.push_back(inode);
    } else {
      inode.dirtied_when = machine_.jiffies_now();
      back_to_s_dirty(inode);
    }
  }
}

void SuperBlockLists::trace(WritebackStep step, const TaskContext& task, const Inode& inode,
                            const SuperBlockWork& work) const {
  if (!work.reason) {
    return;
  }
  const engine::WritebackTrace event{.time = machine_.simulator().now(),
                                     .task = task.name(),
                                     .device = inode.wb.device,
                                     .nr_pages = work.wbc.nr_to_write,
                                     .sync_all = work.wbc.sync_all,
                                     .for_kupdate = work.wbc.for_kupdate,
                                     .for_background = work.wbc.for_background,
                                     .range_cyclic = work.wbc.range_cyclic,
                                     .reason = *work.reason};
  tracer_.emit(&engine::Observer::on_writeback, step, event);
}

}  // namespace wbsim::writeback
