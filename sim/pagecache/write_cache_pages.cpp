#include "sim/pagecache/write_cache_pages.hpp"

#include <algorithm>
#include <bit>

namespace wbsim::pagecache {

namespace {

// Models: tag_pages_for_writeback(): what is dirty now, and nothing that follows.
void tag_pages_for_writeback(AddressSpace& mapping, PageIndex first, PageIndex last) {
  PageTree& pages = mapping.pages;
  for (auto page = pages.next(Mark::kDirty, first); page && *page <= last;) {
    const PageIndex leaf_start{PageTree::leaf_number(*page) * PageTree::kFanOut};
    const PageIndex leaf_last = leaf_start + Pages{PageTree::kFanOut - 1};
    const PageIndex end = std::min(leaf_last, last);
    const std::uint64_t bits =
        PageTree::mask(*page, end - *page + Pages{1}) & pages.find(*page)->marked(Mark::kDirty);
    pages.set_mark(*page, bits, Mark::kToWrite);
    page = pages.next(Mark::kDirty, leaf_last + Pages{1});
  }
}

// Pages from `page` on, in its leaf, that have `tag` and are not under writeback; 0 when the first
// one is.
Pages writable_run(const AddressSpace& mapping, PageIndex page, Mark tag) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  const std::uint64_t good = leaf->marked(tag) & ~leaf->marked(Mark::kWriteback);
  return Pages{std::countr_one(good >> PageTree::slot(page))};
}

bool under_writeback(const AddressSpace& mapping, PageIndex page) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  return leaf != nullptr && (leaf->marked(Mark::kWriteback) & PageTree::mask(page, Pages{1})) != 0;
}

// The thread may find the page gone when it runs again: reclaim frees what is clean.
engine::Task<> wait_on_page_writeback(TaskContext& task, AddressSpace& mapping, PageIndex page) {
  while (under_writeback(mapping, page)) {
    const block::Plug* plug = task.io().plug();
    if (plug != nullptr && !plug->empty()) {
      co_await task.thread().run(task.costs().fsync_wait);
      if (!under_writeback(mapping, page)) {
        co_return;
      }
    }
    mapping.waiters.push_back({page, &task.thread()});
    co_await task.thread().block();
    co_await task.thread().run(task.costs().sleeper_wake);
  }
}

}  // namespace

engine::Task<> write_cache_pages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                 PageWriter& writer) {
  const bool whole_file = wbc.range_start == PageIndex{0} && wbc.range_end == PageIndex::max();
  PageIndex index = wbc.range_cyclic ? mapping.writeback_index : wbc.range_start;
  const PageIndex last = wbc.range_cyclic ? PageIndex::max() : wbc.range_end;
  Mark tag = Mark::kDirty;
  if (wbc.sync_all || wbc.tagged_writepages) {
    tag_pages_for_writeback(mapping, index, last);
    tag = Mark::kToWrite;
  }
  PageIndex done_index = index;
  bool done = false;
  std::int64_t in_batch = 0;
  while (!done) {
    const std::optional<PageIndex> page = mapping.pages.next(tag, index);
    if (!page || *page > last) {
      break;
    }
    Pages run = writable_run(mapping, *page, tag);
    if (run == Pages{0}) {
      if (wbc.sync_all) {
        co_await wait_on_page_writeback(task, mapping, *page);
        continue;
      }
      done_index = *page;
      index = *page + Pages{1};
      ++in_batch;
    } else {
      run = std::min(run, Pages{kPagevecSize - in_batch});
      if (last - *page < run) {
        run = last - *page + Pages{1};  // `last` may be the greatest page index there is
      }
      if (!wbc.sync_all) {
        run = std::min(run, Pages{wbc.nr_to_write});
      }
      const Pages written = co_await writer.write_run(task, mapping, *page, run, wbc);
      done_index = *page + written - Pages{1};
      index = *page + written;
      in_batch += written.count();
      wbc.nr_to_write -= written.count();
      done = wbc.nr_to_write <= 0 && !wbc.sync_all;
    }
    if (in_batch >= kPagevecSize) {
      in_batch = 0;
      co_await task.thread().cond_resched();
    }
  }
  if (wbc.range_cyclic && !done) {
    done_index = PageIndex{0};
  }
  if (wbc.range_cyclic || (whole_file && wbc.nr_to_write > 0)) {
    mapping.writeback_index = done_index;
  }
}

engine::Task<> fdatawait_range(TaskContext& task, AddressSpace& mapping, PageIndex first,
                               PageIndex last) {
  PageIndex index = first;
  while (true) {
    const std::optional<PageIndex> page = mapping.pages.next(Mark::kWriteback, index);
    if (!page || *page > last) {
      co_return;
    }
    co_await wait_on_page_writeback(task, mapping, *page);
    index = *page + Pages{1};
  }
}

}  // namespace wbsim::pagecache
