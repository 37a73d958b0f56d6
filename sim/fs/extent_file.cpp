#include "sim/fs/extent_file.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/fs/extent_fs.hpp"
#include "sim/fs/extent_writer.hpp"
#include "sim/fs/fadvise.hpp"
#include "sim/pagecache/truncate.hpp"
#include "sim/writeback/filemap.hpp"
#include "sim/writeback/inode_writeback.hpp"

namespace wbsim::fs {

using engine::Task;
using pagecache::AddressSpace;
using pagecache::InodeChange;
using pagecache::TaskContext;

namespace {

// Behind those that mke2fs makes: ten reserved ones and lost+found.
constexpr std::int64_t kFirstInode = 12;

}  // namespace

ExtentFile::ExtentFile(ExtentFs& fs, std::int64_t number, std::string name)
    : fs_{fs},
      number_{number},
      name_{std::move(name)},
      inode_{fs.super_block().wb, *this, &fs.super_block()},
      reader_{fs.memory().cache, fs.memory().kswapd, inode_.mapping, Bytes{0}, fs.readahead()},
      mtime_{jiffies_now()},
      atime_{mtime_} {
  inode_.number = kFirstInode + number;
  inode_.mapping.prepares_writes = true;
  inode_.mapping.slab = &fs.slab();
  fs.memory().cache.add_mapping(inode_.mapping);
  if (!fs.memory().throttle.options().errors_per_file) {
    inode_.mapping.wb_err.tell_first_only();
  }
}

pagecache::SuperBlock& ExtentFile::super_block() { return fs_.super_block(); }

std::uint64_t ExtentFile::jiffies_now() const { return fs_.memory().cache.jiffies_now(); }

void ExtentFile::mark_times_dirty() {
  const bool lazy = fs_.options().lazytime;
  mark_inode_dirty(inode_, lazy ? InodeChange::kTimes : InodeChange::kAttributes, jiffies_now());
}

// Models: file_update_time(): current_time() changes with each tick.
void ExtentFile::update_mtime() {
  const std::uint64_t now = jiffies_now();
  if (mtime_ != now) {
    mtime_ = now;
    mark_times_dirty();
  }
}

// Models: generic_write_checks(), of a length above 0: how many bytes may be written at `at`, or a
// negative errno. (The kernel also sends SIGXFSZ where the limit is RLIMIT_FSIZE.)
std::int64_t ExtentFile::write_checks(const WriteRequest& request, FileOffset& at) const {
  at = request.append ? FileOffset{size_.count()} : request.at;
  const Bytes begin{at.value()};
  if (begin >= request.size_limit || begin >= kSizeMax) {
    return kEfbig;
  }
  return std::min({request.length, request.size_limit - begin, kSizeMax - begin}).count();
}

// Models: generic_file_write_iter(). The inode is locked for the whole write, also while the task
// is throttled; the sync of O_SYNC and O_DSYNC comes after that.
Task<std::int64_t> ExtentFile::write(TaskContext& task, WriteRequest request,
                                     std::uint64_t* error_seen) {
  if (!lock_.try_lock()) {
    co_await lock_.lock(task);
  }
  FileOffset at;
  std::int64_t written = write_checks(request, at);
  if (written > 0) {
    update_mtime();
    const Memory& memory = fs_.memory();
    written = co_await writeback::generic_perform_write(task, memory.throttle, memory.cache,
                                                        memory.kswapd, inode_.mapping, at,
                                                        Bytes{written}, request.write_id);
  } else {
    co_await task.thread().run(task.costs().write_call);
  }
  lock_.unlock();
  if (written <= 0) {
    co_return written;
  }
  if (request.end != nullptr) {
    *request.end = at + Bytes{written};
  }
  if (request.dsync || request.sync) {
    const PageIndex last = page_containing(at + Bytes{written - 1});
    const int error = co_await fsync(task, page_containing(at), last, !request.sync, error_seen);
    if (error != 0) {
      co_return error;
    }
  }
  co_return written;
}

// Models: generic_file_read_iter() with touch_atime(). Simplified: relatime does without its rule
// of one update a day.
Task<std::int64_t> ExtentFile::read(TaskContext& task, FileOffset at, Bytes length,
                                    pagecache::FileReadahead& ra) {
  const std::uint64_t now = jiffies_now();
  if (fs_.options().relatime && !engine::time_after(atime_, mtime_) && atime_ != now) {
    atime_ = now;
    mark_times_dirty();
  }
  reader_.set_size(size_);
  return reader_.read(task, at, length, ra);
}

Task<int> ExtentFile::fadvise(TaskContext& task, pagecache::FileReadahead& ra, FileOffset at,
                              Bytes length, Advice advice) {
  reader_.set_size(size_);
  const FileOffset end = length == Bytes{0} ? FileOffset{size_.count()} : at + length;
  return generic_fadvise(task, fs_.memory(), {inode_.mapping, reader_, size_, at, end}, ra, advice);
}

void ExtentFile::check_invariants() const {
  SIM_CHECK(delayed_from(PageIndex{0}) == reserved_);
  const pagecache::PageTree& pages = inode_.mapping.pages;
  for (auto page = pages.next(pagecache::Mark::kWriteback, PageIndex{0}); page;) {
    SIM_CHECK(!extents_.find(*page).hole);
    page = pages.next(pagecache::Mark::kWriteback, *page + Pages{1});
  }
}

// Models: vfs_fsync_range() and generic_file_fsync(). The inode's lock is needed for what else than
// pages is dirty: a writer that is throttled delays it.
Task<int> ExtentFile::fsync(TaskContext& task, PageIndex first, PageIndex last, bool datasync,
                            std::uint64_t* error_seen) {
  if (!datasync && inode_.dirty_time) {
    mark_inode_dirty(inode_, InodeChange::kAttributes, jiffies_now());
  }
  writeback::DirtyThrottle& throttle = fs_.memory().throttle;
  co_await task.thread().run(task.costs().fsync_call);
  co_await writeback::fdatawrite_range(task, throttle, inode_.mapping, first, last);
  co_await pagecache::fdatawait_range(task, inode_.mapping, first, last);
  int error = inode_.mapping.wb_err.check_and_advance(error_seen);
  if (error != 0) {
    co_return error;
  }
  if (!lock_.try_lock()) {
    co_await lock_.lock(task);
  }
  if (inode_.dirty_at_all() && (!datasync || inode_.dirty_datasync)) {
    error = co_await writeback::sync_inode_metadata(task, throttle, inode_);
  }
  lock_.unlock();
  const int later = inode_.mapping.wb_err.check_and_advance(error_seen);
  error = error != 0 ? error : later;
  if (error != 0) {
    co_return error;
  }
  co_return co_await fs_.device().issue_flush(task);
}

// Models: ext2_setattr() and ext2_setsize(), truncate_setsize().
Task<int> ExtentFile::truncate(TaskContext& task, Bytes length) {
  if (!lock_.try_lock()) {
    co_await lock_.lock(task);
  }
  int error = 0;
  if (length != size_) {
    // Models: block_truncate_page(): the rest of the last block is zeroed in the cache.
    const auto page = page_containing(FileOffset{length.count()});
    const ExtentMap::Piece piece = extents_.find(page);
    if (length % kPageSize != Bytes{0} && !piece.hole && !piece.unwritten) {
      const Memory& memory = fs_.memory();
      error = co_await writeback::read_whole_page(task, memory.cache, memory.kswapd, inode_.mapping,
                                                  page);
      if (error == 0) {
        memory.cache.set_dirty(task, inode_.mapping, page,
                               pagecache::PageTree::mask(page, Pages{1}), 0);
      }
    }
    if (error == 0) {
      size_ = length;
      const PageIndex first = end_page();
      unreserve(delayed_from(first));
      co_await pagecache::truncate_inode_pages(task, fs_.memory().cache, inode_.mapping, first);
      free_blocks_from(first);
    }
  }
  if (error == 0) {
    mtime_ = jiffies_now();
    mark_inode_dirty(inode_, InodeChange::kAll, mtime_);
  }
  lock_.unlock();
  co_return error;
}

void ExtentFile::free_blocks_from(PageIndex first) {
  for (const ExtentMap::Blocks& blocks : extents_.remove_from(first)) {
    fs_.space().release(blocks.first, blocks.length);
  }
}

Task<int> ExtentFile::fallocate(TaskContext& task, FileOffset at, Bytes length, bool keep_size) {
  if (!lock_.try_lock()) {
    co_await lock_.lock(task);
  }
  int error = 0;
  const FileOffset end = at + length;
  const PageIndex last = page_containing(end - Bytes{1});
  for (PageIndex page = page_containing(at); page <= last && error == 0;) {
    const ExtentMap::Piece piece = extents_.find(page);
    Pages count = std::min(piece.length, last - page + Pages{1});
    if (piece.hole) {
      const Pages delayed = delayed_run(page, count);  // have blocks reserved
      count = delayed > Pages{0} ? delayed : std::min(count, to_pages(fs_.space().available()));
      if (count == Pages{0}) {
        error = kEnospc;
      } else {
        allocate(page, count, true);
      }
    }
    page += count;
  }
  if (error == 0 && !keep_size && Bytes{end.value()} > size_) {
    size_ = Bytes{end.value()};
  }
  mtime_ = jiffies_now();
  mark_inode_dirty(inode_, InodeChange::kAll, mtime_);
  lock_.unlock();
  co_return error;
}

Task<> ExtentFile::closed(TaskContext& task) {
  SIM_CHECK(opens_ > 0);
  --opens_;
  if (opens_ == 0 && unlinked_) {
    co_await fs_.destroy(task, *this);
  }
}

// Models: evict(), ext2_evict_inode().
Task<> ExtentFile::evict(TaskContext& task) {
  inode_.freeing = true;
  remove_from_lists(inode_);
  co_await pagecache::wait_on_inode_sync(task.thread(), inode_);
  unreserve(delayed_from(PageIndex{0}));
  size_ = Bytes{0};
  co_await pagecache::truncate_inode_pages(task, fs_.memory().cache, inode_.mapping, PageIndex{0});
  free_blocks_from(PageIndex{0});
  while (inode_.pins > 0) {
    co_await inode_.sync_waiters.wait(task.thread());
  }
  fs_.memory().cache.remove_mapping(inode_.mapping);
}

}  // namespace wbsim::fs
