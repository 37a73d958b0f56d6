#include "sim/pagecache/inode.hpp"

namespace wbsim::pagecache {

void remove_from_lists(Inode& inode) {
  inode.unlink();
  inode.queued = false;
}

void move_to_head(Inode& inode, InodeList& list) {
  inode.unlink();
  list.push_front(inode);
  inode.queued = true;
}

void mark_inode_dirty(Inode& inode, std::uint64_t jiffies_now) {
  if (inode.dirty_pages) {
    return;
  }
  inode.dirty_pages = true;
  if (inode.queued || inode.sync) {
    return;  // the flusher requeues it when it is done
  }
  const bool first = !inode.wb.has_dirty_io();
  inode.dirtied_when = jiffies_now;
  move_to_head(inode, inode.wb.b_dirty);
  if (first && inode.wb.listener != nullptr) {
    inode.wb.listener->first_dirty_inode(inode.wb);
  }
}

}  // namespace wbsim::pagecache
