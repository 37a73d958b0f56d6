// System calls: the only door through which workloads reach the write path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/direct_io.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/errno.hpp"
#include "sim/vfs/mount_table.hpp"
#include "sim/vfs/open_files.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::vfs {

// One read or write of a file.
struct Transfer {
  bool write = false;
  FileOffset at{};
  Bytes length{};
  std::uint64_t write_id = 0;  // for provenance
  Bytes memory{};              // of the caller: where the data is
};

// Flags of sync_file_range(2).
struct SyncRange {
  bool wait_before = false;  // SYNC_FILE_RANGE_WAIT_BEFORE
  bool write = false;        // SYNC_FILE_RANGE_WRITE
  bool wait_after = false;   // SYNC_FILE_RANGE_WAIT_AFTER
};

// One process's file descriptors and system calls: block devices and files go through the same
// door. Models the order of checks and the errno values of fs/read_write.c, fs/open.c, fs/sync.c
// and fs/file.c, v5.10. Simplified: threads of a process are not told apart.
class Syscalls {
 public:
  Syscalls(const MountTable& mounted, writeback::DirtyThrottle& throttle,
           const ProcessLimits& limits = {})
      : mounted_{mounted}, throttle_{throttle}, limits_{limits} {}

  // "/dev/NAME", or a path below a mount point. Returns a file descriptor or a negative errno.
  engine::Task<int> open(pagecache::TaskContext& task, std::string_view path, OpenFlags flags);
  engine::Task<int> close(pagecache::TaskContext& task, int fd);
  int dup(int fd);
  engine::Task<int> dup2(pagecache::TaskContext& task, int from, int to);

  // At f_pos, which moves on.
  engine::Task<std::int64_t> read(pagecache::TaskContext& task, int fd, Bytes length);
  engine::Task<std::int64_t> write(pagecache::TaskContext& task, int fd, Bytes length,
                                   std::uint64_t write_id);
  // Models: do_writev(): the parts are copied into pages as one.
  engine::Task<std::int64_t> writev(pagecache::TaskContext& task, int fd,
                                    std::span<const Bytes> parts, std::uint64_t write_id);
  // lseek(SEEK_SET). Returns the new position or a negative errno.
  std::int64_t lseek(int fd, FileOffset at);
  // fstat(2): st_size, or a negative errno.
  std::int64_t size_of(int fd) const;

  // Return bytes transferred, or a negative errno. One file is read by one task at a time.
  engine::Task<std::int64_t> pread(pagecache::TaskContext& task, int fd, FileOffset at,
                                   Bytes length);
  engine::Task<std::int64_t> pwrite(pagecache::TaskContext& task, int fd, FileOffset at,
                                    Bytes length, std::uint64_t write_id);
  engine::Task<int> fsync(pagecache::TaskContext& task, int fd);
  // On a block device the same as fsync: there is no inode to leave out.
  engine::Task<int> fdatasync(pagecache::TaskContext& task, int fd);
  // syncfs(2): of the file system that the file is in. A device node is in one without data.
  engine::Task<int> syncfs(pagecache::TaskContext& task, int fd);
  // A length of 0 reaches to the end of the file.
  engine::Task<int> sync_file_range(pagecache::TaskContext& task, int fd, FileOffset at,
                                    Bytes length, SyncRange flags);
  engine::Task<int> ftruncate(pagecache::TaskContext& task, int fd, Bytes length);
  // fallocate(2) of mode 0, or with FALLOC_FL_KEEP_SIZE.
  engine::Task<int> fallocate(pagecache::TaskContext& task, int fd, FileOffset at, Bytes length,
                              bool keep_size);
  engine::Task<int> unlink(pagecache::TaskContext& task, std::string_view path);
  // posix_fadvise(2). A length of 0 reaches to the end.
  engine::Task<int> fadvise(pagecache::TaskContext& task, int fd, FileOffset at, Bytes length,
                            fs::Advice advice);
  // ioctl(BLKFLSBUF): writes back the device's dirty pages and drops the clean ones. Returns 1
  // where there were any, otherwise 0 (unlike the kernel), or a negative errno.
  engine::Task<int> flush_buffers(pagecache::TaskContext& task, int fd);
  // What an asynchronous interface does with one read or write, its own system call apart: the
  // result where it is known at once (errors, buffered writes); otherwise nullopt, and `client` is
  // told through `io` when the transfer has ended.
  engine::Task<std::optional<std::int64_t>> start_transfer(pagecache::TaskContext& task, int fd,
                                                           Transfer transfer, fs::DirectIo& io,
                                                           fs::DirectIoClient& client);
  // exit(2) of a process that dirtied pages.
  void exit(pagecache::TaskContext& task) {
    throttle_.leave_to_others(task);
    task.io().context().exit();
  }
  // AIO_PLUG_THRESHOLD, IO_PLUG_THRESHOLD: so many I/Os of one call are not worth a plug.
  [[nodiscard]] std::size_t async_plug_above() const {
    return static_cast<std::size_t>(
        mounted_.devices.front().device.direct_rules().async_plug_above);
  }
  // sync(2): starts all flushers, then writes and waits for every file system, then every block
  // device. Always 0.
  engine::Task<int> sync(pagecache::TaskContext& task);

 private:
  // Where a path leads: one of these, or neither.
  struct Found {
    fs::BlockDevice* device = nullptr;
    const Mount* mount = nullptr;
    std::string_view name{};  // below the mount point
  };
  [[nodiscard]] Found look_up(std::string_view path) const;
  [[nodiscard]] std::int64_t verify(const OpenFile* opened, Transfer& transfer) const;
  engine::Task<std::int64_t> transfer_now(pagecache::TaskContext& task, OpenFile* opened,
                                          Transfer transfer);
  engine::Task<std::int64_t> transfer_directly(pagecache::TaskContext& task, OpenFile& opened,
                                               Transfer transfer);
  engine::Task<std::int64_t> transfer_at_pos(pagecache::TaskContext& task, int fd,
                                             Transfer transfer);
  [[nodiscard]] fs::WriteRequest write_request(const OpenFile& opened,
                                               const Transfer& transfer) const;
  engine::Task<int> sync_filesystem(pagecache::TaskContext& task, const Mount& mount);
  engine::Task<int> sync_file(pagecache::TaskContext& task, int fd, bool datasync);

  const MountTable& mounted_;
  writeback::DirtyThrottle& throttle_;
  ProcessLimits limits_;
  OpenFiles files_;
};

}  // namespace wbsim::vfs
