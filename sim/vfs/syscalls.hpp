// System calls: the only door through which workloads reach the write path.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/direct_io.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::vfs {

// errno values, negative as the kernel returns them.
inline constexpr int kEbadf = -9;
inline constexpr int kEinval = -22;
inline constexpr int kEnoent = -2;
inline constexpr int kEnospc = -28;

struct OpenFlags {
  bool sync = false;    // O_SYNC
  bool dsync = false;   // O_DSYNC
  bool direct = false;  // O_DIRECT
};

// One read or write of a file.
struct Transfer {
  bool write = false;
  FileOffset at;
  Bytes length;
  std::uint64_t write_id = 0;  // for provenance
  Bytes memory{};              // of the caller: where the data is
};

// What the system's files are: block devices and the flushers behind them.
struct MountedDevice {
  fs::BlockDevice& device;
  writeback::Flusher& flusher;
};

// One process's file descriptors and system calls. Models the order of checks and the errno values
// of ksys_write() and vfs_fsync_range() for block devices, v5.10.
class Syscalls {
 public:
  Syscalls(const std::vector<MountedDevice>& devices, writeback::DirtyThrottle& throttle)
      : devices_{devices}, throttle_{throttle} {}

  // "/dev/NAME". Returns a file descriptor or a negative errno.
  int open(std::string_view path, OpenFlags flags);
  int close(int fd);

  // Return bytes transferred, or a negative errno. One file is read by one task at a time.
  engine::Task<std::int64_t> pread(pagecache::TaskContext& task, int fd, FileOffset at,
                                   Bytes length);
  engine::Task<std::int64_t> pwrite(pagecache::TaskContext& task, int fd, FileOffset at,
                                    Bytes length, std::uint64_t write_id);
  engine::Task<int> fsync(pagecache::TaskContext& task, int fd);
  // On a block device the same as fsync: there is no inode to leave out.
  engine::Task<int> fdatasync(pagecache::TaskContext& task, int fd);
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
    return static_cast<std::size_t>(devices_.front().device.direct_rules().async_plug_above);
  }
  // sync(2): starts all flushers, then writes and waits for every block device. Always 0.
  engine::Task<int> sync(pagecache::TaskContext& task);

 private:
  struct OpenFile {
    fs::BlockDevice* device = nullptr;
    OpenFlags flags;
    std::uint64_t error_seen = 0;          // f_wb_err
    pagecache::FileReadahead readahead{};  // f_ra
  };
  [[nodiscard]] OpenFile* file(int fd);
  static std::optional<std::int64_t> verify(const OpenFile* opened, Transfer& transfer);
  engine::Task<std::int64_t> transfer_now(pagecache::TaskContext& task, OpenFile* opened,
                                          Transfer transfer);
  engine::Task<std::int64_t> transfer_directly(pagecache::TaskContext& task, OpenFile& opened,
                                               Transfer transfer);

  const std::vector<MountedDevice>& devices_;
  writeback::DirtyThrottle& throttle_;
  std::vector<OpenFile> files_;  // by descriptor; a closed one has no device
};

}  // namespace wbsim::vfs
