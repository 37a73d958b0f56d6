#include "sim/writeback/file_read.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"
#include "sim/pagecache/page_wait.hpp"
#include "sim/pagecache/write_cache_pages.hpp"

namespace wbsim::writeback {

using engine::Task;
using pagecache::AddressSpace;
using pagecache::FileReadahead;
using pagecache::Flag;
using pagecache::PageTree;
using pagecache::ReadaheadRules;
using pagecache::ReadaheadWindow;
using pagecache::ReadKind;
using pagecache::TaskContext;

namespace {

constexpr int kIoError = -5;                        // EIO
constexpr Pages kForcedChunk{512};                  // force_page_cache_ra(): 2 MiB
constexpr Pages kPagevec{pagecache::kPagevecSize};  // PAGEVEC_SIZE

// Consecutive pages from `page` on, in its leaf, whose bits are set.
Pages run_of(std::uint64_t bits, PageIndex page) {
  return Pages{std::countr_one(bits >> PageTree::slot(page))};
}

Pages to_leaf_end(PageIndex page) { return Pages{PageTree::kFanOut - PageTree::slot(page)}; }

FileOffset offset_of(PageIndex page) { return FileOffset{page.value() << kPageShift}; }

bool present(const AddressSpace& mapping, PageIndex page) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  return leaf != nullptr && (leaf->present & PageTree::mask(page, Pages{1})) != 0;
}

bool uptodate(const AddressSpace& mapping, PageIndex page) {
  return (mapping.pages.uptodate(page) & PageTree::mask(page, Pages{1})) != 0;
}

}  // namespace

Task<int> read_page(TaskContext& task, AddressSpace& mapping, PageIndex page, ReadKind kind) {
  co_await mapping.ops.read_pages(task, mapping, page, Pages{1}, kind);
  co_await pagecache::wait_on_page_locked(task, mapping, page);
  if (!present(mapping, page)) {
    co_return kPageGone;
  }
  co_return uptodate(mapping, page) ? 0 : kIoError;
}

// Models: filemap_get_read_batch(). Marked pages and pages that are not up to date end a batch.
FileReader::Batch FileReader::look_up(PageIndex first, Pages most) const {
  Batch batch;
  while (batch.ready < most) {
    const PageIndex page = first + batch.ready;
    const PageTree::Leaf* leaf = mapping_.pages.find(page);
    if (leaf == nullptr) {
      break;
    }
    const std::uint64_t uptodate = mapping_.pages.uptodate(page);
    const std::uint64_t marked = mapping_.pages.flagged(page, Flag::kReadahead);
    const Pages run = std::min(run_of(uptodate & ~marked, page), most - batch.ready);
    batch.ready += run;
    if (run == to_leaf_end(page) || batch.ready == most) {
      continue;
    }
    const std::uint64_t stop = PageTree::mask(page + run, Pages{1});
    if ((leaf->present & stop) != 0) {
      batch.marked = (marked & stop) != 0;
      batch.not_uptodate = (uptodate & stop) == 0;
    }
    break;
  }
  return batch;
}

Task<std::int64_t> FileReader::read(TaskContext& task, FileOffset at, Bytes length,
                                    FileReadahead& ra) {
  const Pages most = limits_.rules == ReadaheadRules::kV5_10 ? Pages{1} : kPagevec;
  engine::Thread& thread = task.thread();
  co_await thread.run(task.costs().write_call);
  Position position{at, at + length};
  while (position.pos < position.end) {
    co_await thread.cond_resched();
    Batch batch =
        look_up(position.page(), std::min(position.pages(), to_leaf_end(position.page())));
    // Several full look-ups that nothing can come between are one.
    const std::int64_t full = batch.ready.count() / most.count() * most.count();
    const std::int64_t ahead = thread.steps_ahead(task.costs().read_page, full);
    const Pages whole{ahead / most.count() * most.count()};
    if (full > 0 && whole > Pages{0}) {
      co_await copy(task, position, whole, ra);
      continue;
    }
    batch = look_up(position.page(), std::min(position.pages(), most));
    if (batch.empty() || batch.special()) {
      const int error = co_await get_pages(task, position, ra, batch);
      if (error != 0) {
        co_return position.pos == at ? error : (position.pos - at).count();
      }
    }
    co_await copy(task, position, batch.ready, ra);
  }
  co_return length.count();
}

// Models: filemap_get_pages(). On return `batch.ready` pages can be copied, possibly none: the
// caller looks again.
Task<int> FileReader::get_pages(TaskContext& task, const Position& at, FileReadahead& ra,
                                Batch& batch) {
  const PageIndex first = at.page();
  const Pages wanted = at.pages();
  if (batch.empty()) {
    co_await sync_readahead(task, first, wanted, ra);
    const Pages most = limits_.rules == ReadaheadRules::kV5_10 ? Pages{1} : kPagevec;
    batch = look_up(first, std::min(wanted, most));
    if (batch.empty()) {
      const int result = co_await create_page(task, first, ra);
      batch.ready = result == 0 ? Pages{1} : Pages{0};
      co_return result == kPageGone ? 0 : result;
    }
  }
  const PageIndex last = first + batch.ready;
  if (batch.marked) {
    co_await async_readahead(task, last, wanted - batch.ready, ra);
  }
  if (batch.special() && !batch.not_uptodate) {
    ++batch.ready;
  } else if (batch.not_uptodate) {
    co_return co_await update_page(task, last, ra, batch);
  }
  co_return 0;
}

// Models: filemap_update_page(). A page that somebody reads is waited for, and looked up again.
// What stands before it in the batch is copied first, also before an error is reported.
Task<int> FileReader::update_page(TaskContext& task, PageIndex page, FileReadahead& ra,
                                  Batch& batch) {
  if (pagecache::locked(mapping_, page)) {
    co_await pagecache::wait_on_page_locked(task, mapping_, page);
    co_return 0;
  }
  if (!present(mapping_, page) || uptodate(mapping_, page)) {
    co_return 0;
  }
  cache_.lock(mapping_, page);
  const int result = co_await read_page(task, mapping_, page, ReadKind::kPage);
  if (result == 0) {
    ++batch.ready;
  } else if (result < 0) {
    ra.ra_pages = ra.ra_pages / 4;  // shrink_readahead_size_eio()
  }
  co_return result < 0 && batch.ready == Pages{0} ? result : 0;
}

// Models: filemap_create_folio(): where readahead brought nothing in.
Task<int> FileReader::create_page(TaskContext& task, PageIndex page, FileReadahead& ra) {
  while (kswapd_.below_min()) {
    co_await kswapd_.direct_reclaim(task);
  }
  if (present(mapping_, page)) {
    co_return kPageGone;  // another reader was faster
  }
  cache_.add_for_read(mapping_, page, PageTree::mask(page, Pages{1}), 0);
  co_await task.thread().run(task.costs().readahead_page);
  const int result = co_await read_page(task, mapping_, page, ReadKind::kPage);
  if (result < 0) {
    ra.ra_pages = ra.ra_pages / 4;
  }
  co_return result;
}

// The copy loop. A page that an earlier read ended in is not marked as accessed again.
Task<> FileReader::copy(TaskContext& task, Position& at, Pages count, FileReadahead& ra) {
  engine::Thread& thread = task.thread();
  const SimDuration cost = task.costs().read_page;
  const bool v5_10 = limits_.rules == ReadaheadRules::kV5_10;
  const bool again =
      v5_10 ? at.pos == ra.prev_pos : at.page() == page_containing(ra.prev_pos - Bytes{1});
  PageIndex skip = again ? at.page() : PageIndex{-1};
  while (count > Pages{0}) {
    const PageIndex page = at.page();
    const std::int64_t pages = thread.steps_ahead(cost, std::min(count, to_leaf_end(page)).count());
    std::uint64_t bits = PageTree::mask(page, Pages{pages});
    if (page == skip) {
      bits &= ~PageTree::mask(page, Pages{1});
    }
    const PageTree::Leaf* leaf = mapping_.pages.find(page);
    bits &= leaf == nullptr ? 0 : leaf->present;
    if (bits != 0) {
      cache_.mark_accessed(mapping_, page, bits);
    }
    const PageIndex last = page + Pages{pages - 1};
    at.pos = std::min(at.end, offset_of(last + Pages{1}));
    ra.prev_pos = v5_10 && at.pos == offset_of(last + Pages{1}) ? offset_of(last) : at.pos;
    co_await thread.run(cost * pages);
    count -= Pages{pages};
  }
}

// Models: page_cache_sync_ra().
Task<> FileReader::sync_readahead(TaskContext& task, PageIndex page, Pages wanted,
                                  FileReadahead& ra) {
  co_await task.thread().run(task.costs().readahead);
  if (ra.ra_pages == Pages{0} || ra.random) {
    // With readahead switched off, the page alone.
    co_await force_readahead(task, ra, page, ra.ra_pages == Pages{0} ? Pages{1} : wanted);
    co_return;
  }
  const auto window =
      pagecache::ondemand_readahead(ra, mapping_.pages, limits_, page, false, wanted);
  co_await read_window(task, *window);
}

// Models: page_cache_async_ra().
Task<> FileReader::async_readahead(TaskContext& task, PageIndex page, Pages wanted,
                                   FileReadahead& ra) {
  if (ra.ra_pages == Pages{0} || pagecache::under_writeback(mapping_, page)) {
    co_return;  // under writeback the bit is PG_reclaim
  }
  mapping_.pages.clear_flag(page, PageTree::mask(page, Pages{1}), Flag::kReadahead);
  co_await task.thread().run(task.costs().readahead);
  const auto window =
      pagecache::ondemand_readahead(ra, mapping_.pages, limits_, page, true, wanted);
  if (window) {
    co_await read_window(task, *window);
  }
}

Task<> FileReader::force_readahead(TaskContext& task, const FileReadahead& ra, PageIndex first,
                                   Pages count) {
  Pages left = pagecache::forced_readahead(ra, limits_, count);
  for (PageIndex page = first; left > Pages{0}; page += kForcedChunk) {
    const Pages chunk = std::min(left, kForcedChunk);
    co_await read_window(task, {page, chunk, Pages{0}});
    left -= chunk;
  }
}

// Models: do_page_cache_ra() and page_cache_ra_unbounded(): all pages that are not cached are
// allocated first; consecutive ones are submitted together.
Task<> FileReader::read_window(TaskContext& task, const ReadaheadWindow& window) {
  const PageIndex file_end{pages_ceil(size_).count()};
  const Pages count = std::min(window.size, file_end - window.start);
  // Where the end of the file cuts the window short, the mark moves with it, or falls off.
  const PageIndex mark = window.start + count - window.async_size;
  const bool marks = window.async_size > Pages{0};
  const PageIndex end = window.start + std::max(count, Pages{0});
  engine::Thread& thread = task.thread();
  const SimDuration cost = task.costs().readahead_page;
  PageIndex page = window.start;
  Pages pending{0};
  while (page < end) {
    const PageTree::Leaf* leaf = mapping_.pages.find(page);
    const Pages absent =
        std::min({run_of(leaf == nullptr ? ~std::uint64_t{0} : ~leaf->present, page),
                  to_leaf_end(page), end - page});
    if (absent == Pages{0}) {
      if (pending > Pages{0}) {
        co_await mapping_.ops.read_pages(task, mapping_, page - pending, pending,
                                         ReadKind::kReadahead);
        pending = Pages{0};
      }
      ++page;
      continue;
    }
    if (kswapd_.below_min()) {
      if (!co_await kswapd_.direct_reclaim_once(task)) {
        break;  // what is allocated so far is read
      }
      continue;
    }
    const std::int64_t pages =
        thread.steps_ahead(cost, std::min(absent.count(), kswapd_.pages_before_wakeup()));
    const std::uint64_t bits = PageTree::mask(page, Pages{pages});
    const bool marked = marks && mark >= page && mark < page + Pages{pages};
    cache_.add_for_read(mapping_, page, bits, marked ? PageTree::mask(mark, Pages{1}) : 0);
    co_await thread.run(cost * pages);
    page += Pages{pages};
    pending += Pages{pages};
  }
  if (pending > Pages{0}) {
    co_await mapping_.ops.read_pages(task, mapping_, page - pending, pending, ReadKind::kReadahead);
  }
}

}  // namespace wbsim::writeback
