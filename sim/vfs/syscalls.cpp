#include "sim/vfs/syscalls.hpp"

#include <algorithm>

#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/writeback/filemap.hpp"

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

namespace {
constexpr std::string_view kDeviceFolder = "/dev/";
constexpr Bytes kRwCountMax{0x7ffff000};  // MAX_RW_COUNT: a longer transfer is cut short

Task<std::int64_t> nothing_transferred(TaskContext& task, std::int64_t result) {
  co_await task.thread().run(task.costs().write_call);
  co_return result;
}

fs::DirectRequest direct_request(const Transfer& transfer, bool sync) {
  return {.write = transfer.write,
          .dsync = sync,
          .at = transfer.at,
          .length = transfer.length,
          .writes = {transfer.write_id, transfer.write_id},
          .memory = transfer.memory};
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
  const OpenFile opened{&device, flags, device.inode().mapping.wb_err.sample(),
                        device.new_readahead()};
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

// Models: the checks of ksys_pread64(), ksys_pwrite64(), rw_verify_area() and
// generic_write_checks() in their order. Returns the call's result where it ends here; otherwise
// cuts the transfer to what the kernel makes of it.
std::optional<std::int64_t> Syscalls::verify(const OpenFile* opened, Transfer& transfer) {
  if (transfer.at < FileOffset{0}) {
    return kEinval;  // pwrite64() looks at the offset before the descriptor
  }
  if (opened == nullptr) {
    return kEbadf;
  }
  if (transfer.length < Bytes{0}) {
    return kEinval;
  }
  const FileOffset end{opened->device->size().count()};
  if (transfer.length == Bytes{0} || (transfer.at >= end && !transfer.write)) {
    return 0;
  }
  if (transfer.at >= end) {
    return kEnospc;
  }
  transfer.length = std::min({transfer.length, kRwCountMax, end - transfer.at});
  return std::nullopt;
}

Task<std::int64_t> Syscalls::pread(TaskContext& task, int fd, FileOffset at, Bytes length) {
  return transfer_now(task, file(fd), {.write = false, .at = at, .length = length});
}

Task<std::int64_t> Syscalls::pwrite(TaskContext& task, int fd, FileOffset at, Bytes length,
                                    std::uint64_t write_id) {
  return transfer_now(task, file(fd),
                      {.write = true, .at = at, .length = length, .write_id = write_id});
}

// Not a coroutine: the device's write is the one of a whole buffered call.
Task<std::int64_t> Syscalls::transfer_now(TaskContext& task, OpenFile* opened, Transfer transfer) {
  if (const auto result = verify(opened, transfer)) {
    return nothing_transferred(task, *result);
  }
  if (opened->flags.direct) {
    return transfer_directly(task, *opened, transfer);
  }
  if (!transfer.write) {
    return opened->device->read(task, transfer.at, transfer.length, opened->readahead);
  }
  const bool sync = opened->flags.sync || opened->flags.dsync;
  return opened->device->write(task, transfer.at, transfer.length, sync, transfer.write_id,
                               &opened->error_seen);
}

// Models: blkdev_read_iter() and blkdev_write_iter() of a synchronous kiocb with IOCB_DIRECT.
Task<std::int64_t> Syscalls::transfer_directly(TaskContext& task, OpenFile& opened,
                                               Transfer transfer) {
  co_await task.thread().run(task.costs().write_call);  // a read's way in is as long
  const bool sync = opened.flags.sync || opened.flags.dsync;
  fs::DirectIo io;
  int error = co_await io.run(task, *opened.device, direct_request(transfer, sync));
  if (error == 0 && transfer.write && sync) {
    const PageIndex last = page_containing(transfer.at + transfer.length - Bytes{1});
    error = co_await opened.device->fsync(task, page_containing(transfer.at), last,
                                          &opened.error_seen);  // generic_write_sync()
  }
  co_return error != 0 ? error : transfer.length.count();
}

Task<std::optional<std::int64_t>> Syscalls::start_transfer(TaskContext& task, int fd,
                                                           Transfer transfer, fs::DirectIo& io,
                                                           fs::DirectIoClient& client) {
  OpenFile* opened = file(fd);
  if (const auto result = verify(opened, transfer)) {
    co_return result;
  }
  if (!opened->flags.direct) {
    co_return co_await transfer_now(task, opened, transfer);
  }
  // FUA is all that O_DSYNC comes to: nobody waits who could flush afterwards.
  const bool sync = opened->flags.sync || opened->flags.dsync;
  const int error =
      co_await io.start(task, *opened->device, direct_request(transfer, sync), client);
  if (error != 0) {
    co_return error;
  }
  co_return std::nullopt;
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

Task<int> Syscalls::fadvise(TaskContext& task, int fd, FileOffset at, Bytes length,
                            fs::Advice advice) {
  OpenFile* opened = file(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (length < Bytes{0}) {
    co_return kEinval;
  }
  co_return co_await opened->device->fadvise(task, opened->readahead, at, length, advice);
}

Task<int> Syscalls::flush_buffers(TaskContext& task, int fd) {
  OpenFile* opened = file(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  const bool cached = opened->device->inode().mapping.pages.pages() > Pages{0};
  co_await opened->device->flush_buffers(task);
  co_return cached ? 1 : 0;
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
