// The files that a process has open.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/file.hpp"
#include "sim/pagecache/readahead.hpp"
#include "sim/pagecache/sleeping_lock.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/mount_table.hpp"

namespace wbsim::vfs {

enum class Access { kReadWrite, kReadOnly, kWriteOnly };

struct OpenFlags {
  bool sync = false;    // O_SYNC
  bool dsync = false;   // O_DSYNC
  bool direct = false;  // O_DIRECT
  bool append = false;  // O_APPEND
  // Of files in file systems:
  bool create = false;     // O_CREAT
  bool exclusive = false;  // O_EXCL, with O_CREAT
  bool truncate = false;   // O_TRUNC
  Access access = Access::kReadWrite;

  [[nodiscard]] bool reads() const { return access != Access::kWriteOnly; }
  [[nodiscard]] bool writes() const { return access != Access::kReadOnly; }
};

// setrlimit(2).
struct ProcessLimits {
  Bytes file_size = Bytes::max();  // RLIMIT_FSIZE: infinity
  int open_files = 1024;           // RLIMIT_NOFILE
};

// Models: struct file. Descriptors made by dup(2) share one.
struct OpenFile {
  fs::File* file = nullptr;
  fs::BlockDevice* device = nullptr;   // where that is what it is
  fs::RegularFile* regular = nullptr;  // or that
  const Mount* mount = nullptr;        // of a regular file
  OpenFlags flags;
  FileOffset pos;                        // f_pos
  std::uint64_t error_seen = 0;          // f_wb_err
  std::uint64_t sb_error_seen = 0;       // f_sb_err
  pagecache::FileReadahead readahead{};  // f_ra
  int references = 0;                    // f_count: descriptors
  pagecache::SleepingLock pos_lock;      // f_pos_lock
};

// Models: struct files_struct, fs/file.c: the lowest free descriptor is given out.
class OpenFiles {
 public:
  // Null where there is none.
  [[nodiscard]] OpenFile* find(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return fd < 0 || index >= files_.size() ? nullptr : files_[index];
  }
  // The lowest free descriptor, whether or not the process may have it.
  [[nodiscard]] int lowest_free() const { return lowest_free_; }
  OpenFile& new_file() { return pool_.acquire(); }
  // `fd` is free.
  void install(int fd, OpenFile& file);
  // Frees a descriptor that is in use; the last one of a file ends it.
  engine::Task<> close(pagecache::TaskContext& task, int fd);

 private:
  std::vector<OpenFile*> files_;  // by descriptor
  int lowest_free_ = 0;
  SlabPool<OpenFile> pool_;
};

}  // namespace wbsim::vfs
