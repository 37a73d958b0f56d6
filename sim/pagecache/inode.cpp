#include "sim/pagecache/inode.hpp"

namespace wbsim::pagecache {

namespace {

// Sets the flags of a change; false where all of them were set.
bool set_flags(Inode& inode, InodeChange change) {
  const bool all = change == InodeChange::kAll;
  const bool attributes = all || change == InodeChange::kAttributes;
  const bool pages = all || change == InodeChange::kPages;
  if (attributes) {
    inode.dirty_time = false;  // I_DIRTY_INODE supersedes it
  } else if (change == InodeChange::kTimes && (inode.dirty_time || inode.dirty_inode())) {
    return false;
  }
  if ((!attributes || inode.dirty_sync) && (!all || inode.dirty_datasync) &&
      (!pages || inode.dirty_pages) && change != InodeChange::kTimes) {
    return false;
  }
  inode.dirty_sync = inode.dirty_sync || attributes;
  inode.dirty_datasync = inode.dirty_datasync || all;
  inode.dirty_pages = inode.dirty_pages || pages;
  inode.dirty_time = inode.dirty_time || change == InodeChange::kTimes;
  return true;
}

}  // namespace

void remove_from_lists(Inode& inode) {
  inode.unlink();
  inode.sync_queued = false;
}

void move_to_head(Inode& inode, InodeList& list) {
  inode.unlink();
  list.push_front(inode);
}

void end_inode_sync(Inode& inode) {
  inode.sync = false;
  inode.sync_waiters.wake_all();
}

engine::Task<> sleep_on_inode_sync(engine::Thread& thread, Inode& inode) {
  if (!inode.sync) {
    co_return;
  }
  co_await inode.sync_waiters.wait(thread);
  co_await thread.run(thread.costs().sleeper_wake);
}

engine::Task<> wait_on_inode_sync(engine::Thread& thread, Inode& inode) {
  while (inode.sync) {
    co_await sleep_on_inode_sync(thread, inode);
  }
}

void redirty_tail(Inode& inode, std::uint64_t jiffies_now) {
  InodeList& dirty = inode.wb.b_dirty;
  if (!dirty.empty() && engine::time_after(dirty.front().dirtied_when, inode.dirtied_when)) {
    inode.dirtied_when = jiffies_now;
  }
  move_to_head(inode, dirty);
  inode.sync_queued = false;
}

void mark_inode_dirty(Inode& inode, InodeChange change, std::uint64_t jiffies_now) {
  const bool was_dirty = inode.dirty();
  if (!set_flags(inode, change)) {
    return;
  }
  const bool locked = inode.sync && inode.s_dirty != nullptr;  // I_LOCK of v2.6.18
  if (inode.sync_queued || inode.freeing || was_dirty || locked) {
    return;  // on a list, or whoever writes it back puts it there
  }
  BdiWriteback& wb = inode.wb;
  inode.dirtied_when = jiffies_now;
  if (!inode.dirty()) {
    inode.dirtied_time_when = jiffies_now;
    const bool first = wb.b_dirty_time.empty();
    move_to_head(inode, wb.b_dirty_time);
    if (first && wb.listener != nullptr) {
      wb.listener->first_dirty_time(wb);
    }
    return;
  }
  const bool first = !wb.has_dirty_io();
  move_to_head(inode, inode.s_dirty != nullptr ? *inode.s_dirty : wb.b_dirty);
  if (first && wb.listener != nullptr) {
    wb.listener->first_dirty_inode(wb);
  }
}

}  // namespace wbsim::pagecache
