#include "sim/vfs/syscalls.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/writeback/filemap.hpp"

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

namespace {

constexpr std::string_view kDeviceFolder = "/dev/";
constexpr Bytes kRwCountMax{0x7ffff000};  // MAX_RW_COUNT: a longer write is cut short

Task<std::int64_t> nothing_written(TaskContext& task, std::int64_t result) {
  co_await task.thread().run(task.costs().write_call);
  co_return result;
}

}  // namespace

int Syscalls::open(std::string_view path, OpenFlags flags) {
  if (!path.starts_with(kDeviceFolder)) {
    return kEnoent;
  }
  path.remove_prefix(kDeviceFolder.size());
  const auto found = std::find_if(devices_.begin(), devices_.end(), [path](const auto& mounted) {
    return mounted.device.name() == path;
  });
  if (found == devices_.end()) {
    return kEnoent;
  }
  fs::BlockDevice& device = found->device;
  const OpenFile opened{&device, flags, device.inode().mapping.wb_err.sample()};
  const auto slot = std::find_if(files_.begin(), files_.end(),
                                 [](const OpenFile& f) { return f.device == nullptr; });
  const auto fd = slot - files_.begin();
  if (slot == files_.end()) {
    files_.push_back(opened);
  } else {
    *slot = opened;
  }
  return static_cast<int>(fd);
}

Syscalls::OpenFile* Syscalls::file(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (fd < 0 || index >= files_.size() || files_[index].device == nullptr) {
    return nullptr;
  }
  return &files_[index];
}

int Syscalls::close(int fd) {
  OpenFile* opened = file(fd);
  if (opened == nullptr) {
    return kEbadf;
  }
  *opened = OpenFile{};
  return 0;
}

std::int64_t Syscalls::writable(const OpenFile* opened, FileOffset at, Bytes length) {
  if (at < FileOffset{0}) {
    return kEinval;  // pwrite64() looks at the offset before the descriptor
  }
  if (opened == nullptr) {
    return kEbadf;
  }
  if (length < Bytes{0}) {
    return kEinval;
  }
  if (length == Bytes{0}) {
    return 0;
  }
  const FileOffset end{opened->device->size().count()};
  if (at >= end) {
    return kEnospc;
  }
  return std::min(std::min(length, kRwCountMax), end - at).count();
}

// Not a coroutine: the device's write is the one of the whole call.
Task<std::int64_t> Syscalls::pwrite(TaskContext& task, int fd, FileOffset at, Bytes length,
                                    std::uint64_t write_id) {
  OpenFile* opened = file(fd);
  const std::int64_t count = writable(opened, at, length);
  if (count <= 0) {
    return nothing_written(task, count);
  }
  SIM_CHECK(at.value() % kPageSize.count() == 0 && count % kPageSize.count() == 0);
  const bool sync = opened->flags.sync || opened->flags.dsync;
  return opened->device->write(task, at, Bytes{count}, sync, write_id, &opened->error_seen);
}

Task<int> Syscalls::fsync(TaskContext& task, int fd) {
  OpenFile* opened = file(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  co_return co_await opened->device->fsync(task, PageIndex{0}, PageIndex::max(),
                                           &opened->error_seen);
}

Task<int> Syscalls::fdatasync(TaskContext& task, int fd) { return fsync(task, fd); }

Task<int> Syscalls::flush_buffers(TaskContext& task, int fd) {
  OpenFile* opened = file(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  co_await opened->device->flush_buffers(task);
  co_return 0;
}

// Models: ksys_sync() where block devices are the only file systems.
Task<int> Syscalls::sync(TaskContext& task) {
  for (const MountedDevice& mounted : devices_) {
    mounted.flusher.start_all(engine::WbReason::kSync);
  }
  co_await task.thread().cond_resched();  // taking s_umount of the first super_block may sleep
  for (const MountedDevice& mounted : devices_) {
    co_await writeback::fdatawrite_range(task, throttle_, mounted.device.inode().mapping,
                                         PageIndex{0}, PageIndex::max());
  }
  for (const MountedDevice& mounted : devices_) {
    co_await pagecache::fdatawait_range(task, mounted.device.inode().mapping, PageIndex{0},
                                        PageIndex::max());
  }
  co_return 0;
}

}  // namespace wbsim::vfs
