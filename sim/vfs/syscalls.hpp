// System calls: the only door through which workloads reach the write path.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::vfs {

// errno values, negative as the kernel returns them.
inline constexpr int kEbadf = -9;
inline constexpr int kEinval = -22;
inline constexpr int kEnoent = -2;
inline constexpr int kEnospc = -28;

struct OpenFlags {
  bool sync = false;   // O_SYNC
  bool dsync = false;  // O_DSYNC
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

  // Return bytes written, or a negative errno. Offset and length are multiples of a page.
  engine::Task<std::int64_t> pwrite(pagecache::TaskContext& task, int fd, FileOffset at,
                                    Bytes length, std::uint64_t write_id);
  engine::Task<int> fsync(pagecache::TaskContext& task, int fd);
  // On a block device the same as fsync: there is no inode to leave out.
  engine::Task<int> fdatasync(pagecache::TaskContext& task, int fd);
  // ioctl(BLKFLSBUF): writes back the device's dirty pages and drops the clean ones.
  engine::Task<int> flush_buffers(pagecache::TaskContext& task, int fd);
  // exit(2) of a process that dirtied pages.
  void exit(pagecache::TaskContext& task) { throttle_.leave_to_others(task); }
  // sync(2): starts all flushers, then writes and waits for every block device. Always 0.
  engine::Task<int> sync(pagecache::TaskContext& task);

 private:
  struct OpenFile {
    fs::BlockDevice* device = nullptr;
    OpenFlags flags;
    std::uint64_t error_seen = 0;  // f_wb_err
  };
  [[nodiscard]] OpenFile* file(int fd);
  // What a pwrite() of these arguments will write: bytes, or a negative errno.
  [[nodiscard]] static std::int64_t writable(const OpenFile* opened, FileOffset at, Bytes length);

  const std::vector<MountedDevice>& devices_;
  writeback::DirtyThrottle& throttle_;
  std::vector<OpenFile> files_;  // by descriptor; a closed one has no device
};

}  // namespace wbsim::vfs
