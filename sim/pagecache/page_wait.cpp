#include "sim/pagecache/page_wait.hpp"

namespace wbsim::pagecache {

namespace {

engine::Task<> wait_while(TaskContext& task, AddressSpace& mapping, PageIndex page,
                          bool (*state)(const AddressSpace&, PageIndex)) {
  while (state(mapping, page)) {
    const block::Plug* plug = task.io().plug();
    if (plug != nullptr && !plug->empty()) {
      co_await task.thread().run(task.costs().fsync_wait);
      if (!state(mapping, page)) {
        co_return;
      }
    }
    if (mapping.ops.is_plugged()) {
      co_await mapping.ops.sync_page(task);
      if (!state(mapping, page)) {
        co_return;
      }
    }
    mapping.waiters.push_back({page, &task.thread()});
    co_await task.thread().block();
    co_await task.thread().run(task.costs().sleeper_wake);
  }
}

}  // namespace

bool under_writeback(const AddressSpace& mapping, PageIndex page) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  return leaf != nullptr && (leaf->marked(Mark::kWriteback) & PageTree::mask(page, Pages{1})) != 0;
}

bool locked(const AddressSpace& mapping, PageIndex page) {
  return (mapping.pages.flagged(page, Flag::kLocked) & PageTree::mask(page, Pages{1})) != 0;
}

engine::Task<> wait_on_page_writeback(TaskContext& task, AddressSpace& mapping, PageIndex page) {
  return wait_while(task, mapping, page, &under_writeback);
}

engine::Task<> wait_on_page_locked(TaskContext& task, AddressSpace& mapping, PageIndex page) {
  return wait_while(task, mapping, page, &locked);
}

}  // namespace wbsim::pagecache
