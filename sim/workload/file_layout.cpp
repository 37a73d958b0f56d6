#include "sim/workload/file_layout.hpp"

#include <algorithm>

namespace wbsim::workload {

using engine::Task;

namespace {
constexpr int kLayoutPid = 415;  // below the jobs, which it starts
}

FileLayout::FileLayout(engine::Machine& machine, const vfs::MountTable& mounted,
                       writeback::DirtyThrottle& throttle)
    : thread_{machine, "fio", kLayoutPid}, task_{thread_}, syscalls_{mounted, throttle} {}

Task<int> FileLayout::lay_out(const JobSpec& spec, const JobExtent& extent) {
  int error = 0;
  for (std::size_t i = 0; i < spec.files.size() && error == 0; ++i) {
    error = co_await lay_out_file(spec, spec.files[i], file_length(extent.files[i]));
  }
  co_return error;
}

Task<int> FileLayout::lay_out_file(const JobSpec& spec, const std::string& path, Bytes length) {
  Bytes before{0};
  int fd = co_await syscalls_.open(task_, path, {.access = vfs::Access::kReadOnly});
  const bool exists = fd >= 0;
  if (exists) {
    before = Bytes{syscalls_.size_of(fd)};
    co_await syscalls_.close(task_, fd);
  }
  if (exists && before >= length) {
    co_return 0;
  }
  const bool writes_it = spec.reads || spec.overwrite;
  if (exists) {
    co_await syscalls_.unlink(task_, path);
  }
  fd = co_await syscalls_.open(
      task_, path, {.create = true, .truncate = writes_it, .access = vfs::Access::kWriteOnly});
  if (fd < 0) {
    co_return fd;
  }
  co_await allocate(spec, fd, length);
  int error = 0;
  if (writes_it) {
    error = co_await fill(spec, fd, length);
  }
  co_await syscalls_.fadvise(task_, fd, FileOffset{before.count()}, length - before,
                             fs::Advice::kDontNeed);
  co_await syscalls_.close(task_, fd);
  co_return error;
}

// Models: fallocate_file(): what fails is not an error.
Task<> FileLayout::allocate(const JobSpec& spec, int fd, Bytes length) {
  switch (spec.allocation) {
    case FileAllocation::kNone:
      break;
    case FileAllocation::kNative:
    case FileAllocation::kKeepSize:
      co_await syscalls_.fallocate(task_, fd, FileOffset{0}, length,
                                   spec.allocation == FileAllocation::kKeepSize);
      break;
    case FileAllocation::kTruncate:
      co_await syscalls_.ftruncate(task_, fd, length);
      break;
  }
}

Task<int> FileLayout::fill(const JobSpec& spec, int fd, Bytes length) {
  int error = co_await syscalls_.ftruncate(task_, fd, length);
  const Bytes block = std::max(spec.blocks.write.max, Bytes{1});
  for (Bytes done{0}; error == 0 && done < length;) {
    const std::int64_t written =
        co_await syscalls_.write(task_, fd, std::min(block, length - done), 0);
    co_await thread_.cond_resched();
    error = static_cast<int>(std::min<std::int64_t>(written, 0));
    done += Bytes{std::max<std::int64_t>(written, 0)};
  }
  if (error == 0 && spec.create_fsync) {
    error = co_await syscalls_.fsync(task_, fd);
  }
  co_return error;
}

}  // namespace wbsim::workload
