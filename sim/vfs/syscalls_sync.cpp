// System calls that make data durable.
#include <set>

#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/writeback/filemap.hpp"
#include "sim/writeback/sync_inodes.hpp"

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

Task<int> Syscalls::sync_file(TaskContext& task, int fd, bool datasync) {
  OpenFile* opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  co_return co_await opened->file->fsync(task, PageIndex{0}, PageIndex::max(), datasync,
                                         &opened->error_seen);
}

Task<int> Syscalls::fsync(TaskContext& task, int fd) { return sync_file(task, fd, false); }

Task<int> Syscalls::fdatasync(TaskContext& task, int fd) { return sync_file(task, fd, true); }

// Models: sync_file_range(), fs/sync.c: neither the inode nor the cache of the device.
Task<int> Syscalls::sync_file_range(TaskContext& task, int fd, FileOffset at, Bytes length,
                                    SyncRange flags) {
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (at < FileOffset{0} || length < Bytes{0} || length > FileOffset::max() - at) {
    co_return kEinval;
  }
  co_await task.thread().run(task.costs().fsync_call);
  pagecache::AddressSpace& mapping = opened->file->inode().mapping;
  const PageIndex first = page_containing(at);
  const PageIndex last =
      length == Bytes{0} ? PageIndex::max() : page_containing(at + length - Bytes{1});
  if (flags.wait_before) {
    co_await pagecache::fdatawait_range(task, mapping, first, last);
    const int error = mapping.wb_err.check_and_advance(&opened->error_seen);
    if (error != 0) {
      co_return error;
    }
  }
  if (flags.write && mapping.pages.any(pagecache::Mark::kDirty)) {
    pagecache::WritebackControl wbc{
        .range_start = first, .range_end = last, .sync_all = flags.wait_before && flags.wait_after};
    co_await writeback::do_writepages(task, throttle_, mapping, wbc);
  }
  if (flags.wait_after) {
    co_await pagecache::fdatawait_range(task, mapping, first, last);
    co_return mapping.wb_err.check_and_advance(&opened->error_seen);
  }
  co_return 0;
}

// Models: sync_filesystem(): first everything is started, inodes last, then everything is waited
// for.
Task<int> Syscalls::sync_filesystem(TaskContext& task, const Mount& mount) {
  pagecache::SuperBlock& sb = mount.fs.super_block();
  fs::BlockDevice& device = mount.fs.device();
  const std::uint64_t since = device.inode().mapping.wb_err.now();
  co_await writeback::writeback_inodes_sb(task, mount.flusher, sb);
  int error = co_await sb.ops.sync_fs(task, false);
  if (error != 0) {
    co_return error;
  }
  co_await device.write_dirty(task);
  co_await writeback::sync_inodes_sb(task, mount.flusher, sb);
  error = co_await sb.ops.sync_fs(task, true);
  if (error != 0) {
    co_return error;
  }
  co_await device.write_dirty(task);
  co_await device.wait_for_writeback(task);
  co_return device.inode().mapping.wb_err.check(since);
}

Task<int> Syscalls::syncfs(TaskContext& task, int fd) {
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (opened->regular == nullptr) {
    co_return 0;
  }
  const int error = co_await sync_filesystem(task, *opened->mount);
  if (!throttle_.options().errors_per_file) {
    co_return error;  // there is no s_wb_err before v5.8
  }
  const int seen = opened->regular->super_block().wb_err.check_and_advance(&opened->sb_error_seen);
  co_return error != 0 ? error : seen;
}

// Models: ksys_sync(). Block devices come last: file systems keep their inodes there.
Task<int> Syscalls::sync(TaskContext& task) {
  if (writeback::SyncPasses* const passes = mounted_.devices.front().flusher.sync_passes()) {
    co_await passes->sync(task);
    co_return 0;
  }
  std::set<const writeback::DeviceFlusher*> asked;  // partitions have the flusher of their disk
  for (const MountedDevice& each : mounted_.devices) {
    if (asked.insert(&each.flusher).second) {
      each.flusher.start_all(engine::WbReason::kSync);
    }
  }
  co_await task.thread().cond_resched();  // taking s_umount of the first super_block may sleep
  for (const Mount& mount : mounted_.mounts) {
    co_await writeback::sync_inodes_sb(task, mount.flusher, mount.fs.super_block());
  }
  for (int pass = 0; pass < 2; ++pass) {  // start, then wait
    for (const Mount& mount : mounted_.mounts) {
      co_await mount.fs.super_block().ops.sync_fs(task, pass == 1);
    }
  }
  for (const MountedDevice& each : mounted_.devices) {
    co_await each.device.write_dirty(task);
  }
  for (const MountedDevice& each : mounted_.devices) {
    co_await each.device.wait_for_writeback(task);
  }
  co_return 0;
}

}  // namespace wbsim::vfs
