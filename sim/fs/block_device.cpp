#include "sim/fs/block_device.hpp"

#include <algorithm>
#include <utility>

#include "sim/block/driver.hpp"
#include "sim/fs/fadvise.hpp"

namespace wbsim::fs {

using block::Bio;
using block::BlkStatus;
using block::kIoError;
using engine::Task;
using pagecache::AddressSpace;
using pagecache::PageTree;
using pagecache::ReadKind;
using pagecache::TaskContext;
using pagecache::WritebackControl;

namespace {

// submit_bio_wait(): a thread that waits for one bio.
class BioWait final : public block::BioEndIo {
 public:
  explicit BioWait(engine::Thread& thread) : thread_{thread} {}

  void end_bio(Bio&, BlkStatus status) override {
    done_ = true;
    status_ = status;
    thread_.wake();
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] BlkStatus status() const { return status_; }

 private:
  engine::Thread& thread_;
  bool done_ = false;
  BlkStatus status_ = BlkStatus::kOk;
};

}  // namespace

BlockDevice::BlockDevice(std::string name, Bytes size, block::BioTarget& queue,
                         pagecache::BdiWriteback& wb, const Memory& memory,
                         const pagecache::ReadaheadLimits& readahead, const DirectIoRules& direct)
    : name_{std::move(name)},
      size_{size},
      queue_{queue},
      memory_{memory},
      direct_{direct},
      inode_{wb, *this},
      reader_{memory.cache,
              memory.kswapd,
              inode_.mapping,
              size,
              {readahead.ra_pages, pages_floor(queue.limits().max_sectors), readahead.rules}} {
  inode_.number = queue.device_index();
  memory_.cache.add_mapping(inode_.mapping);
  if (!memory.throttle.options().errors_per_file) {
    inode_.mapping.wb_err.tell_first_only();
  }
}

// The kernel plugs the whole call. Without sync the call submits nothing, so its plug stays empty
// and is left out.
Task<std::int64_t> BlockDevice::write(TaskContext& task, FileOffset at, Bytes length, bool sync,
                                      std::uint64_t write_id, std::uint64_t* error_seen) {
  if (sync) {
    return write_and_sync(task, at, length, write_id, error_seen);
  }
  return writeback::generic_perform_write(task, memory_.throttle, memory_.cache, memory_.kswapd,
                                          inode_.mapping, at, length, write_id);
}

namespace {

Task<std::int64_t> no_space(TaskContext& task) {
  co_await task.thread().run(task.costs().write_call);
  co_return kEnospc;
}

}  // namespace

Task<std::int64_t> BlockDevice::write(TaskContext& task, WriteRequest request,
                                      std::uint64_t* error_seen) {
  const FileOffset end{size_.count()};
  if (request.at >= end) {
    return no_space(task);
  }
  return write(task, request.at, std::min(request.length, end - request.at),
               request.dsync || request.sync, request.write_id, error_seen);
}

Task<std::int64_t> BlockDevice::write_and_sync(TaskContext& task, FileOffset at, Bytes length,
                                               std::uint64_t write_id, std::uint64_t* error_seen) {
  task.io().start_plug();
  const std::int64_t written = co_await writeback::generic_perform_write(
      task, memory_.throttle, memory_.cache, memory_.kswapd, inode_.mapping, at, length, write_id);
  // generic_write_sync(): exactly the range just written.
  int error = 0;
  if (written > 0) {
    const PageIndex last = page_containing(at + Bytes{written - 1});
    error = co_await fsync(task, page_containing(at), last, error_seen);
  }
  co_await task.io().finish_plug();
  co_return error != 0 ? error : written;
}

Task<int> BlockDevice::fsync(TaskContext& task, PageIndex first, PageIndex last,
                             std::uint64_t* error_seen) {
  co_await task.thread().run(task.costs().fsync_call);
  co_await writeback::fdatawrite_range(task, memory_.throttle, inode_.mapping, first, last);
  co_await pagecache::fdatawait_range(task, inode_.mapping, first, last);
  const int error = inode_.mapping.wb_err.check_and_advance(error_seen);
  if (error != 0 || !direct_.fsync_flushes) {
    co_return error;
  }
  co_return co_await issue_flush(task);
}

Task<> BlockDevice::flush_buffers(TaskContext& task) {
  co_await writeback::fdatawrite_range(task, memory_.throttle, inode_.mapping, PageIndex{0},
                                       PageIndex::max());
  co_await pagecache::fdatawait_range(task, inode_.mapping, PageIndex{0}, PageIndex::max());
  memory_.cache.drop_clean(inode_.mapping);
}

Task<> BlockDevice::write_dirty(TaskContext& task) {
  return writeback::fdatawrite_range(task, memory_.throttle, inode_.mapping, PageIndex{0},
                                     PageIndex::max());
}

Task<> BlockDevice::wait_for_writeback(TaskContext& task) {
  co_await pagecache::fdatawait_range(task, inode_.mapping, PageIndex{0}, PageIndex::max());
  inode_.mapping.wb_err.take_flag();
}

Task<int> BlockDevice::read_block(TaskContext& task, PageIndex block) {
  return writeback::read_whole_page(task, memory_.cache, memory_.kswapd, inode_.mapping, block);
}

void BlockDevice::mark_block_dirty(TaskContext& task, PageIndex block) {
  const std::uint64_t bit = PageTree::mask(block, Pages{1});
  const PageTree::Leaf* leaf = inode_.mapping.pages.find(block);
  if (leaf == nullptr || (leaf->present & bit) == 0) {
    memory_.cache.add_pages(inode_.mapping, block, bit);
  }
  memory_.cache.set_dirty(task, inode_.mapping, block, bit, 0);
}

Task<int> BlockDevice::sync_dirty_block(TaskContext& task, PageIndex block) {
  const std::uint64_t since = inode_.mapping.wb_err.now();
  co_await writeback::fdatawrite_range(task, memory_.throttle, inode_.mapping, block, block);
  co_await pagecache::fdatawait_range(task, inode_.mapping, block, block);
  co_return inode_.mapping.wb_err.check(since);
}

// Models: blkdev_issue_flush(): an empty write with PREFLUSH, waited for.
Task<int> BlockDevice::issue_flush(TaskContext& task) {
  BioWait wait{task.thread()};
  Bio& bio = queue_.new_bio();
  bio.sector = Lba{0};
  bio.flags = {.write = true, .preflush = true, .sync = true};
  bio.end_io = &wait;
  co_await queue_.submit_bio(task.io(), bio);
  if (!wait.done()) {
    while (!wait.done()) {
      co_await task.thread().block();
    }
    co_await task.thread().run(task.costs().sleeper_wake);
  }
  co_return block::errno_of(wait.status());
}

Task<> BlockDevice::writepages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc) {
  task.io().start_plug();
  co_await pagecache::go_through_pages(task, mapping, wbc, *this,
                                       memory_.throttle.options().writepages);
  co_await task.io().finish_plug();
}

Task<> BlockDevice::sync_page(TaskContext& task) { return queue_.unplug(task.io()); }

Bio& BlockDevice::page_bio(PageIndex first, std::int64_t count, const WritebackControl& wbc,
                           block::WriteIds writes) {
  Bio& bio = queue_.new_bio();
  bio.sector = lba_of(first);
  bio.unit = kSectorsPerPage;
  bio.count = count;
  // Models: wbc_to_write_flags().
  bio.flags = {.write = true,
               .sync = wbc.sync_all && memory_.throttle.options().sync_writes,
               .background = !wbc.sync_all && (wbc.for_kupdate || wbc.for_background)};
  bio.end_io = this;
  bio.writes = writes;
  return bio;
}

// Models: writepage of a page whose one buffer is dirty. Bios that merge into the newest request of
// the plug, with nothing in between, travel as one run; any other goes through submit_bio().
Task<Pages> BlockDevice::write_run(TaskContext& task, AddressSpace& mapping, PageIndex first,
                                   Pages count, const WritebackControl& wbc) {
  engine::Thread& thread = task.thread();
  const engine::CpuCosts& costs = task.costs();
  const std::int64_t room =
      queue_.merge_room(task.io(), lba_of(first), kSectorsPerPage, count.count());
  if (room == 0) {
    const block::WriteIds writes =
        memory_.cache.start_writeback(task.cpu(), mapping, first, PageTree::mask(first, Pages{1}));
    const bool follows = queue_.follows_plug(task.io(), lba_of(first));
    co_await thread.run(costs.wb_page + (follows ? SimDuration{} : costs.wb_page_scattered));
    co_await queue_.submit_bio(task.io(), page_bio(first, 1, wbc, writes));
    co_return Pages{1};
  }
  const SimDuration step = costs.wb_page + costs.bio_merge + queue_.merge_trace_cost();
  const std::int64_t pages = queue_.bio_runs() ? thread.steps_ahead(step, room) : 1;
  const block::WriteIds writes = memory_.cache.start_writeback(task.cpu(), mapping, first,
                                                               PageTree::mask(first, Pages{pages}));
  queue_.merge_run(task.io(), page_bio(first, pages, wbc, writes), step);
  co_await thread.run(step * pages);
  co_return Pages{pages};
}

// Models: mpage_readahead(), whose bios hold 256 pages at most, and block_read_full_page() or
// ll_rw_block() of a single one. Pages of a file are not contiguous in memory.
Task<> BlockDevice::read_pages(TaskContext& task, AddressSpace& mapping, PageIndex first,
                               Pages count, ReadKind kind) {
  const bool ahead = kind == ReadKind::kReadahead;
  if (ahead) {
    task.io().start_plug();
  } else {
    memory_.cache.create_buffers(mapping, first, PageTree::mask(first, Pages{1}));
  }
  for (PageIndex page = first; count > Pages{0};) {
    const Pages most = pages_floor(queue_.bio_sectors_max(lba_of(page)));
    const Pages taken = std::min(count, std::max(most, Pages{1}));
    Bio& bio = queue_.new_bio();
    bio.sector = lba_of(page);
    bio.unit = to_sectors(taken);
    bio.segment = kSectorsPerPage;
    bio.flags = {.ahead = ahead};
    bio.end_io = this;
    bio.end_cost = task.costs().read_page_end * taken.count();
    co_await queue_.submit_bio(task.io(), bio);
    page += taken;
    count -= taken;
  }
  if (ahead) {
    co_await task.io().finish_plug();
  }
}

Task<int> BlockDevice::fadvise(TaskContext& task, pagecache::FileReadahead& ra, FileOffset at,
                               Bytes length, Advice advice) {
  const FileOffset end = length == Bytes{0} ? FileOffset{size_.count()} : at + length;
  return generic_fadvise(task, memory_, {inode_.mapping, reader_, size_, at, end}, ra, advice);
}

void BlockDevice::end_bio(Bio& bio, BlkStatus status) {
  if (!bio.flags.write) {
    memory_.cache.end_read(inode_.mapping, page_of(bio.sector), pages_floor(bio.length()),
                           status != BlkStatus::kOk);
    return;
  }
  if (status != BlkStatus::kOk) {
    inode_.mapping.wb_err.set(kIoError);  // end_buffer_async_write(): whatever went wrong
    if (super_ != nullptr) {
      super_->wb_err.set(kIoError);
    }
  }
  memory_.cache.end_writeback(bio.cpu, inode_.mapping, page_of(bio.sector),
                              pages_floor(bio.length()));
}

}  // namespace wbsim::fs
