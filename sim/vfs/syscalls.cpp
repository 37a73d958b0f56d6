#include "sim/vfs/syscalls.hpp"

#include <algorithm>

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

namespace {
constexpr Bytes kRwCountMax{0x7ffff000};  // MAX_RW_COUNT: a longer transfer is cut short
constexpr std::size_t kIovMax = 1024;     // UIO_MAXIOV
constexpr std::int64_t kGoesOn = 1;       // verify() has found nothing to end the call

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

bool is_sync(const OpenFile& opened) { return opened.flags.sync || opened.flags.dsync; }
}  // namespace

// Models: the checks of ksys_pread64(), ksys_pwrite64(), vfs_read(), vfs_write() and
// rw_verify_area() in their order, then what a device says of its end. Returns the call's result
// where it ends here; otherwise cuts the transfer to what the kernel makes of it.
std::int64_t Syscalls::verify(const OpenFile* opened, Transfer& transfer) const {
  if (transfer.at < FileOffset{0}) {
    return kEinval;  // pwrite64() looks at the offset before the descriptor
  }
  if (opened == nullptr || !(transfer.write ? opened->flags.writes() : opened->flags.reads())) {
    return kEbadf;
  }
  if (transfer.length < Bytes{0} || transfer.length > FileOffset::max() - transfer.at) {
    return kEinval;
  }
  transfer.length = std::min(transfer.length, kRwCountMax);
  if (transfer.length == Bytes{0}) {
    return 0;
  }
  if (transfer.write && opened->device == nullptr) {
    return kGoesOn;  // the rest is checked under the inode's lock
  }
  const FileOffset end{opened->file->size().count()};
  if (transfer.at >= end) {
    return transfer.write ? kEnospc : 0;
  }
  transfer.length = std::min(transfer.length, end - transfer.at);
  return kGoesOn;
}

Task<std::int64_t> Syscalls::pread(TaskContext& task, int fd, FileOffset at, Bytes length) {
  return transfer_now(task, files_.find(fd), {.write = false, .at = at, .length = length});
}

Task<std::int64_t> Syscalls::pwrite(TaskContext& task, int fd, FileOffset at, Bytes length,
                                    std::uint64_t write_id) {
  return transfer_now(task, files_.find(fd),
                      {.write = true, .at = at, .length = length, .write_id = write_id});
}

fs::WriteRequest Syscalls::write_request(const OpenFile& opened, const Transfer& transfer) const {
  return {.at = transfer.at,
          .length = transfer.length,
          .append = opened.flags.append,
          .dsync = opened.flags.dsync,
          .sync = opened.flags.sync,
          .size_limit = limits_.file_size,
          .write_id = transfer.write_id};
}

// Not a coroutine: the file's write is the one of a whole buffered call.
Task<std::int64_t> Syscalls::transfer_now(TaskContext& task, OpenFile* opened, Transfer transfer) {
  if (const std::int64_t result = verify(opened, transfer); result != kGoesOn) {
    return nothing_transferred(task, result);
  }
  if (opened->flags.direct) {
    return transfer_directly(task, *opened, transfer);
  }
  if (!transfer.write) {
    return opened->file->read(task, transfer.at, transfer.length, opened->readahead);
  }
  return opened->file->write(task, write_request(*opened, transfer), &opened->error_seen);
}

Task<std::int64_t> Syscalls::read(TaskContext& task, int fd, Bytes length) {
  return transfer_at_pos(task, fd, {.write = false, .length = length});
}

Task<std::int64_t> Syscalls::write(TaskContext& task, int fd, Bytes length,
                                   std::uint64_t write_id) {
  return transfer_at_pos(task, fd, {.write = true, .length = length, .write_id = write_id});
}

Task<std::int64_t> Syscalls::writev(TaskContext& task, int fd, std::span<const Bytes> parts,
                                    std::uint64_t write_id) {
  if (files_.find(fd) == nullptr) {
    return nothing_transferred(task, kEbadf);
  }
  Bytes sum{0};
  bool valid = parts.size() <= kIovMax;
  for (const Bytes part : parts) {
    valid = valid && part >= Bytes{0};
    sum = std::min(sum + std::min(part, kRwCountMax), kRwCountMax);
  }
  return valid ? write(task, fd, sum, write_id) : nothing_transferred(task, kEinval);
}

// Models: ksys_read(), ksys_write(): with f_pos, locked where others may use it (fdget_pos()).
Task<std::int64_t> Syscalls::transfer_at_pos(TaskContext& task, int fd, Transfer transfer) {
  OpenFile* const opened = files_.find(fd);
  const bool locks = opened != nullptr && opened->regular != nullptr && opened->references > 1;
  if (locks) {
    co_await opened->pos_lock.lock(task);
  }
  transfer.at = opened == nullptr ? FileOffset{0} : opened->pos;
  std::int64_t result = 0;
  FileOffset end = transfer.at;
  if (transfer.write && opened != nullptr && opened->regular != nullptr &&
      verify(opened, transfer) == kGoesOn) {
    fs::WriteRequest request = write_request(*opened, transfer);
    request.end = &end;
    result = co_await opened->file->write(task, request, &opened->error_seen);
  } else {
    result = co_await transfer_now(task, opened, transfer);
    end = transfer.at + Bytes{std::max<std::int64_t>(result, 0)};
  }
  if (result >= 0 && opened != nullptr) {
    opened->pos = end;
  }
  if (locks) {
    opened->pos_lock.unlock();
  }
  co_return result;
}

std::int64_t Syscalls::lseek(int fd, FileOffset at) {
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    return kEbadf;
  }
  if (at < FileOffset{0}) {
    return kEinval;
  }
  opened->pos = at;
  return at.value();
}

std::int64_t Syscalls::size_of(int fd) const {
  const OpenFile* const opened = files_.find(fd);
  return opened == nullptr ? kEbadf : opened->file->size().count();
}

// Models: blkdev_read_iter() and blkdev_write_iter() of a synchronous kiocb with IOCB_DIRECT.
Task<std::int64_t> Syscalls::transfer_directly(TaskContext& task, OpenFile& opened,
                                               Transfer transfer) {
  co_await task.thread().run(task.costs().write_call);  // a read's way in is as long
  const bool sync = is_sync(opened);
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
  OpenFile* opened = files_.find(fd);
  if (const std::int64_t result = verify(opened, transfer); result != kGoesOn) {
    co_return result;
  }
  if (!opened->flags.direct) {
    co_return co_await transfer_now(task, opened, transfer);
  }
  // FUA is all that O_DSYNC comes to: nobody waits who could flush afterwards.
  const int error =
      co_await io.start(task, *opened->device, direct_request(transfer, is_sync(*opened)), client);
  if (error != 0) {
    co_return error;
  }
  co_return std::nullopt;
}

Task<int> Syscalls::fadvise(TaskContext& task, int fd, FileOffset at, Bytes length,
                            fs::Advice advice) {
  OpenFile* opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (length < Bytes{0}) {
    co_return kEinval;
  }
  co_return co_await opened->file->fadvise(task, opened->readahead, at, length, advice);
}

Task<int> Syscalls::flush_buffers(TaskContext& task, int fd) {
  OpenFile* opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (opened->device == nullptr) {
    co_return kEnotty;
  }
  const bool cached = opened->device->inode().mapping.pages.pages() > Pages{0};
  co_await opened->device->flush_buffers(task);
  co_return cached ? 1 : 0;
}

}  // namespace wbsim::vfs
