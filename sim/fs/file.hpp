// What a file descriptor leads to, whatever lies behind it.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/readahead.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::fs {

// errno values, negative as the kernel returns them.
inline constexpr int kEio = -5;
inline constexpr int kEfbig = -27;
inline constexpr int kEnospc = -28;
inline constexpr int kEopnotsupp = -95;

// One buffered write: a kiocb with its flags. The length is above 0.
struct WriteRequest {
  FileOffset at{};
  Bytes length{};
  bool append = false;              // IOCB_APPEND: at the end of the file, wherever that is by then
  bool dsync = false;               // IOCB_DSYNC
  bool sync = false;                // IOCB_SYNC, which comes with DSYNC
  Bytes size_limit = Bytes::max();  // RLIMIT_FSIZE
  std::uint64_t write_id = 0;       // for provenance
  FileOffset* end = nullptr;        // where what was written ends is stored here
};

// posix_fadvise(), what a file's reader will do.
enum class Advice { kNormal, kSequential, kRandom, kWillNeed, kDontNeed };

// Models: struct file_operations of what has pages. Called by vfs in the thread of the system call;
// all but size() may sleep.
class File {
 public:
  [[nodiscard]] virtual pagecache::Inode& inode() = 0;
  [[nodiscard]] virtual Bytes size() const = 0;
  // ->write_iter(): returns bytes written or a negative errno. `error_seen` is the open file's
  // position in the write errors of the mapping.
  virtual engine::Task<std::int64_t> write(pagecache::TaskContext& task, WriteRequest request,
                                           std::uint64_t* error_seen) = 0;
  // ->read_iter() of a range that lies within the file now. Returns bytes read, fewer than asked
  // for before a page that cannot be read, or a negative errno.
  virtual engine::Task<std::int64_t> read(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                          pagecache::FileReadahead& ra) = 0;
  // ->fsync(): pages `first` to `last`, and what else of the inode is dirty; with `datasync` only
  // what the data cannot be found without. Returns 0 or a negative errno.
  virtual engine::Task<int> fsync(pagecache::TaskContext& task, PageIndex first, PageIndex last,
                                  bool datasync, std::uint64_t* error_seen) = 0;
  // posix_fadvise(2). A length of 0 reaches to the end. Always 0.
  virtual engine::Task<int> fadvise(pagecache::TaskContext& task, pagecache::FileReadahead& ra,
                                    FileOffset at, Bytes length, Advice advice) = 0;
  // file_ra_state_init(): of a file that is opened now.
  [[nodiscard]] virtual pagecache::FileReadahead new_readahead() const = 0;

 protected:
  ~File() = default;
};

// A file of a file system. vfs counts who has it open: the last close of one without a name frees
// it.
class RegularFile : public File {
 public:
  // ->setattr() with ATTR_SIZE, under the inode's lock.
  virtual engine::Task<int> truncate(pagecache::TaskContext& task, Bytes length) = 0;
  // ->fallocate() of mode 0, or FALLOC_FL_KEEP_SIZE. Returns 0 or a negative errno.
  virtual engine::Task<int> fallocate(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                      bool keep_size) = 0;
  virtual void opened() = 0;
  virtual engine::Task<> closed(pagecache::TaskContext& task) = 0;
  [[nodiscard]] virtual pagecache::SuperBlock& super_block() = 0;

 protected:
  ~RegularFile() = default;
};

}  // namespace wbsim::fs
