#include "sim/writeback/inode_writeback.hpp"

#include "sim/base/check.hpp"
#include "sim/pagecache/super_block.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/writeback/filemap.hpp"

namespace wbsim::writeback {

using engine::Task;
using pagecache::Inode;
using pagecache::InodeList;
using pagecache::Mark;
using pagecache::TaskContext;
using pagecache::WritebackControl;

namespace {

std::uint64_t dirtytime_expired_before(const engine::Machine& machine) {
  return machine.jiffies_now() -
         kDirtytimeExpireSeconds * static_cast<std::uint64_t>(machine.jiffies().hz());
}

engine::InodeFlags flags_of(const Inode& inode) {
  return {.dirty_sync = inode.dirty_sync,
          .dirty_datasync = inode.dirty_datasync,
          .dirty_pages = inode.dirty_pages,
          .dirty_time = inode.dirty_time,
          .freeing = inode.freeing,
          .sync = inode.sync,
          .sync_queued = inode.sync_queued};
}

void trace_inode(engine::InodeStep step, TaskContext& task, const DirtyThrottle& throttle,
                 const Inode& inode, std::int64_t nr_to_write, std::int64_t wrote) {
  if (!throttle.tracer().active()) {
    return;
  }
  const engine::InodeWriteback event{.time = task.thread().now(),
                                     .task = task.name(),
                                     .device = inode.wb.device,
                                     .block_device = inode.sb == nullptr,
                                     .number = inode.number,
                                     .state = flags_of(inode),
                                     .dirtied_when = inode.dirtied_when,
                                     .jiffies = task.thread().machine().jiffies_now(),
                                     .writeback_index = inode.mapping.writeback_index,
                                     .nr_to_write = nr_to_write,
                                     .wrote = wrote};
  throttle.tracer().emit(&engine::Observer::on_inode_writeback, step, event);
}

// Writes what else than pages is dirty, once those are submitted.
Task<int> write_rest(TaskContext& task, Inode& inode, WritebackControl& wbc) {
  const engine::Machine& machine = task.thread().machine();
  if (inode.dirty_time && (wbc.sync_all || engine::time_after(dirtytime_expired_before(machine),
                                                              inode.dirtied_time_when))) {
    mark_inode_dirty(inode, pagecache::InodeChange::kAttributes, machine.jiffies_now());
  }
  const bool more_than_pages = inode.dirty_inode();
  inode.dirty_sync = false;
  inode.dirty_datasync = false;
  inode.dirty_pages = inode.mapping.pages.any(Mark::kDirty);
  if (!more_than_pages) {
    co_return 0;
  }
  SIM_CHECK(inode.sb != nullptr);
  co_return co_await inode.sb->ops.write_inode(task, inode, wbc);
}

}  // namespace

Task<int> write_single_inode(TaskContext& task, DirtyThrottle& throttle, Inode& inode,
                             WritebackControl& wbc) {
  const std::int64_t nr_to_write = wbc.nr_to_write;
  trace_inode(engine::InodeStep::kStart, task, throttle, inode, nr_to_write, 0);
  co_await do_writepages(task, throttle, inode.mapping, wbc);
  int failed = 0;
  if (wbc.sync_all && !wbc.for_sync) {
    co_await pagecache::fdatawait_range(task, inode.mapping, PageIndex{0}, PageIndex::max());
    failed = inode.mapping.wb_err.take_flag();
  }
  const int error = co_await write_rest(task, inode, wbc);
  trace_inode(engine::InodeStep::kEnd, task, throttle, inode, nr_to_write,
              nr_to_write - wbc.nr_to_write);
  co_return error != 0 ? error : failed;
}

Task<int> writeback_single_inode(TaskContext& task, DirtyThrottle& throttle, Inode& inode,
                                 WritebackControl& wbc) {
  if (inode.sync) {
    if (!wbc.sync_all) {
      co_return 0;
    }
    co_await pagecache::wait_on_inode_sync(task.thread(), inode);
  }
  const bool waits = wbc.sync_all && inode.mapping.pages.any(Mark::kWriteback);
  if (!inode.dirty_at_all() && !waits) {
    co_return 0;
  }
  inode.sync = true;
  const int error = co_await write_single_inode(task, throttle, inode, wbc);
  const std::uint64_t now = task.thread().machine().jiffies_now();
  if (!inode.freeing) {
    if (!inode.dirty_at_all()) {
      remove_from_lists(inode);
    } else if (!inode.sync_queued && inode.dirty()) {
      redirty_tail(inode, now);
    } else if (!inode.sync_queued) {
      inode.dirtied_when = now;
      move_to_head(inode, inode.wb.b_dirty_time);
    }
  }
  pagecache::end_inode_sync(inode);
  co_return error;
}

Task<int> sync_inode_metadata(TaskContext& task, DirtyThrottle& throttle, Inode& inode) {
  WritebackControl wbc{.nr_to_write = 0, .sync_all = true};
  co_return co_await writeback_single_inode(task, throttle, inode, wbc);
}

namespace {

// Models: move_expired_inodes().
int move_expired_inodes(InodeList& from, InodeList& to, std::uint64_t dirtied_before) {
  InodeList moved;  // oldest at the tail
  int count = 0;
  const pagecache::SuperBlock* sb = nullptr;
  bool several = false;
  while (!from.empty() && !engine::time_after(from.back().dirtied_when, dirtied_before)) {
    Inode& inode = from.back();
    move_to_head(inode, moved);
    inode.sync_queued = true;
    ++count;
    if (inode.sb != nullptr) {  // those of block devices do not make them several
      several = several || (sb != nullptr && sb != inode.sb);
      sb = inode.sb;
    }
  }
  if (!several) {
    to.splice(to.begin(), moved);
    return count;
  }
  while (!moved.empty()) {
    const pagecache::SuperBlock* group = moved.back().sb;
    for (auto it = moved.end(); it != moved.begin();) {
      Inode& inode = *--it;
      if (inode.sb == group) {
        ++it;  // stays valid: it names what is behind the one that leaves
        move_to_head(inode, to);
      }
    }
  }
  return count;
}

}  // namespace

int queue_io(pagecache::BdiWriteback& wb, std::uint64_t dirtied_before,
             std::uint64_t time_dirtied_before) {
  wb.b_io.splice(wb.b_io.begin(), wb.b_more_io);
  return move_expired_inodes(wb.b_dirty, wb.b_io, dirtied_before) +
         move_expired_inodes(wb.b_dirty_time, wb.b_io, time_dirtied_before);
}

void requeue_inode(Inode& inode, const WritebackControl& wbc, bool may_go_on,
                   std::uint64_t jiffies_now) {
  if (inode.freeing) {
    return;
  }
  if (inode.dirty() && (wbc.sync_all || wbc.tagged_writepages)) {
    inode.dirtied_when = jiffies_now;  // a sync does not meet it again
  }
  if (wbc.pages_skipped > 0) {
    if (inode.dirty_at_all()) {
      redirty_tail(inode, jiffies_now);
    } else {
      remove_from_lists(inode);
    }
  } else if (inode.mapping.pages.any(Mark::kDirty)) {
    if (wbc.nr_to_write <= 0 && may_go_on) {
      move_to_head(inode, inode.wb.b_more_io);
    } else {
      redirty_tail(inode, jiffies_now);
    }
  } else if (inode.dirty()) {
    redirty_tail(inode, jiffies_now);
  } else if (inode.dirty_time) {
    inode.dirtied_when = jiffies_now;
    move_to_head(inode, inode.wb.b_dirty_time);
    inode.sync_queued = false;
  } else {
    remove_from_lists(inode);
  }
}

}  // namespace wbsim::writeback
