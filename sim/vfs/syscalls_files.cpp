// System calls that give and take files and descriptors, and change the size of files.
#include <algorithm>
#include <string>

#include "sim/fs/extent_file.hpp"
#include "sim/vfs/syscalls.hpp"

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

namespace {
constexpr std::string_view kDeviceFolder = "/dev/";
constexpr Bytes kSizeMax = fs::ExtentFile::kSizeMax;  // s_maxbytes
}  // namespace

// The longest mount point wins.
Syscalls::Found Syscalls::look_up(std::string_view path) const {
  if (path.starts_with(kDeviceFolder)) {
    const std::string_view name = path.substr(kDeviceFolder.size());
    const auto device =
        std::find_if(mounted_.devices.begin(), mounted_.devices.end(),
                     [name](const auto& mounted) { return mounted.device.name() == name; });
    return {.device = device == mounted_.devices.end() ? nullptr : &device->device};
  }
  Found found;
  for (const Mount& mount : mounted_.mounts) {
    const std::size_t length = mount.point.size();
    const bool below =
        path.starts_with(mount.point) && path.size() > length + 1 && path[length] == '/';
    if (below && (found.mount == nullptr || found.mount->point.size() < length)) {
      found = {.mount = &mount, .name = path.substr(length + 1)};
    }
  }
  return found;
}

// Models: do_sys_openat2(), do_open() and handle_truncate(). Simplified: there is no
// generic_file_open() limit without O_LARGEFILE, and file systems have no direct I/O (EINVAL).
Task<int> Syscalls::open(TaskContext& task, std::string_view path, OpenFlags flags) {
  const int fd = files_.lowest_free();
  if (fd >= limits_.open_files) {
    co_return kEmfile;
  }
  const Found found = look_up(path);
  fs::RegularFile* regular = found.mount == nullptr ? nullptr : found.mount->fs.find(found.name);
  const bool exists = regular != nullptr;
  if (regular == nullptr && found.device == nullptr) {
    if (found.mount == nullptr || !flags.create) {
      co_return kEnoent;
    }
    regular = found.mount->fs.create(task, std::string{found.name});
    if (regular == nullptr) {
      co_return kEnospc;
    }
  } else if (flags.create && flags.exclusive) {
    co_return kEexist;
  }
  if (regular != nullptr && flags.direct) {
    co_return kEinval;
  }
  OpenFile& opened = files_.new_file();
  opened.device = found.device;
  opened.regular = regular;
  opened.file = regular != nullptr ? static_cast<fs::File*>(regular) : found.device;
  opened.mount = found.mount;
  opened.flags = flags;
  opened.error_seen = opened.file->inode().mapping.wb_err.sample();
  opened.readahead = opened.file->new_readahead();
  files_.install(fd, opened);
  if (regular != nullptr) {
    opened.sb_error_seen = regular->super_block().wb_err.sample();
    regular->opened();
    if (flags.truncate && exists) {  // also one that is opened for reading alone
      co_await regular->truncate(task, Bytes{0});
    }
  }
  co_return fd;
}

Task<int> Syscalls::close(TaskContext& task, int fd) {
  if (files_.find(fd) == nullptr) {
    co_return kEbadf;
  }
  co_await files_.close(task, fd);
  co_return 0;
}

int Syscalls::dup(int fd) {
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    return kEbadf;
  }
  const int made = files_.lowest_free();
  if (made >= limits_.open_files) {
    return kEmfile;
  }
  files_.install(made, *opened);
  return made;
}

Task<int> Syscalls::dup2(TaskContext& task, int from, int to) {
  OpenFile* const opened = files_.find(from);
  if (opened == nullptr || to < 0 || to >= limits_.open_files) {
    co_return kEbadf;
  }
  if (from != to) {
    if (files_.find(to) != nullptr) {
      co_await files_.close(task, to);
    }
    files_.install(to, *opened);
  }
  co_return to;
}

// Models: do_sys_ftruncate(), inode_newsize_ok().
Task<int> Syscalls::ftruncate(TaskContext& task, int fd, Bytes length) {
  if (length < Bytes{0}) {
    co_return kEinval;
  }
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (opened->regular == nullptr || !opened->flags.writes()) {
    co_return kEinval;
  }
  const bool grows = length > opened->file->size();
  if (grows && (length > limits_.file_size || length > kSizeMax)) {
    co_return kEfbig;
  }
  co_return co_await opened->regular->truncate(task, length);
}

// Models: vfs_fallocate(). A block device knows no mode 0.
Task<int> Syscalls::fallocate(TaskContext& task, int fd, FileOffset at, Bytes length,
                              bool keep_size) {
  OpenFile* const opened = files_.find(fd);
  if (opened == nullptr) {
    co_return kEbadf;
  }
  if (at < FileOffset{0} || length <= Bytes{0}) {
    co_return kEinval;
  }
  if (!opened->flags.writes()) {
    co_return kEbadf;
  }
  if (opened->regular == nullptr) {
    co_return kEopnotsupp;
  }
  const FileOffset end{kSizeMax.count()};
  if (at > end || length > end - at) {
    co_return kEfbig;
  }
  const Bytes behind{(at + length).value()};
  if (!keep_size && behind > opened->file->size() && behind > limits_.file_size) {
    co_return kEfbig;  // inode_newsize_ok()
  }
  co_return co_await opened->regular->fallocate(task, at, length, keep_size);
}

// Models: do_unlinkat(). Simplified: nodes of devices stay.
Task<int> Syscalls::unlink(TaskContext& task, std::string_view path) {
  const Found found = look_up(path);
  if (found.device != nullptr) {
    co_return kEperm;
  }
  if (found.mount == nullptr || found.mount->fs.find(found.name) == nullptr) {
    co_return kEnoent;
  }
  co_await found.mount->fs.unlink(task, found.name);
  co_return 0;
}

}  // namespace wbsim::vfs
