// One fio job, resolved: what the job processes (job_process.hpp) carry out. Filled from job files
// by fio_job_file.hpp. Clones of numjobs are separate JobSpecs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/vfs/syscalls.hpp"

namespace wbsim::workload {

enum class Direction { kRead, kWrite };
enum class Pattern { kSequential, kRandom };
enum class OpenSync { kNone, kSync, kDsync };
enum class IoEngine { kSync, kLibaio, kIoUring };  // kSync: psync and sync
enum class RateProcess { kLinear, kPoisson };

constexpr Direction other(Direction direction) {
  return direction == Direction::kRead ? Direction::kWrite : Direction::kRead;
}

// What fio gives as read,write.
template <class T>
struct PerDirection {
  T read{};
  T write{};

  T& operator[](Direction direction) { return direction == Direction::kRead ? read : write; }
  const T& operator[](Direction direction) const {
    return direction == Direction::kRead ? read : write;
  }
};

// Which of a job's files is next (file_service_type).
enum class FileService { kRoundRobin, kSequential, kRandom };
// What a file that is laid out for writing is allocated with (fio's fallocate; native is posix).
enum class FileAllocation { kNone, kNative, kKeepSize, kTruncate };

// sync_file_range() after so many writes.
struct RangeSync {
  vfs::SyncRange flags;
  std::int64_t every = 0;  // 0: never
};

// One read or write of a job.
struct Io {
  Direction direction = Direction::kWrite;
  FileOffset at;
  Bytes length;
  std::size_t file = 0;  // of the job

  friend bool operator==(const Io&, const Io&) = default;
};

struct BlockShare {
  Bytes size;
  int percent = 0;
};

// Lengths of one direction's I/Os: any multiple of `min` up to `max`, all as likely, or the shares
// of bssplit.
struct BlockSizes {
  Bytes min = kibibytes(4);
  Bytes max = kibibytes(4);
  std::vector<BlockShare> shares;
};

// How an asynchronous engine keeps its queue (iodepth and the batch options). 0 of
// complete_min: completed I/Os are collected after each submission without waiting.
struct Queueing {
  int depth = 1;
  int batch_submit = 1;
  int batch_complete_min = 1;
  int batch_complete_max = 1;
  int low = 1;  // a full queue is emptied down to this many
};

// posix_fadvise() of a job's file.
enum class ReadAdvice { kNone, kSequential, kRandom };

struct JobSpec {
  std::string name;
  int index = 0;         // position in the workload, clones counted
  int clone = 0;         // fio's subjob number
  int group = 0;         // stonewall group: group n + 1 starts when all of group n have ended
  int report_group = 0;  // jobs with the same number are reported together (group_reporting)
  bool group_reporting = false;
  std::string where;  // "file:line" of the section, for messages

  std::string filename;  // "/dev/sda"; of a job on files the first of them
  // Files in file systems: "/data/f1". Empty for a device.
  std::vector<std::string> files;
  std::vector<std::string> directories;  // that they are in; clones take turns
  int file_count = 1;
  std::string file_format;  // of their names, where these are not given
  FileService file_service = FileService::kRoundRobin;
  std::int64_t file_service_streak = 1;  // I/Os of a file before the next one
  bool overwrite = false;                // files are written before the job, as for reads
  bool create_on_open = false;
  bool create_fsync = true;  // what is written before the job is synced
  FileAllocation allocation = FileAllocation::kNative;
  bool unlink = false;            // files, when the job has ended
  bool unlink_each_loop = false;  // and after each of its loops
  bool fsync_on_close = false;
  RangeSync range_sync;
  bool reads = false;
  bool writes = true;
  int mix_read_percent = 50;  // of the I/Os of a job that does both
  Pattern pattern = Pattern::kSequential;
  bool random_map = true;  // !norandommap
  PerDirection<BlockSizes> blocks;
  Bytes hole;                      // rw=write:N: left out after each I/O; negative: backwards
  std::int64_t random_streak = 1;  // rw=randwrite:N: so many I/Os in a row from a random offset

  bool direct = false;
  IoEngine engine = IoEngine::kSync;
  Queueing queueing;
  // The part of the device to use. resolve_extent() (job_extent.hpp) is the only reader of these:
  // percentages need the device, and filesize changes what size means.
  FileOffset offset;                   // first byte; offset_increment already applied
  std::optional<int> offset_percent;   // of the device, in place of offset's own bytes
  int offset_increment_percent = 0;    // of the device, once for each clone before this one
  std::optional<Bytes> file_size;      // nullopt: the device's
  std::optional<Bytes> size;           // nullopt: the rest of the device
  std::optional<int> size_percent;     // of the device, in place of size
  std::optional<Bytes> io_size;        // amount to write when it differs from size
  std::optional<int> io_size_percent;  // of the resolved size, in place of io_size

  std::optional<std::int64_t> number_ios;  // in all loops, times their number
  std::optional<SimDuration> runtime;
  SimDuration ramp_time{};  // not counted, neither in the figures nor in runtime
  bool time_based = false;
  int loops = 1;
  SimDuration start_delay{};

  PerDirection<std::optional<Bytes>> rate;  // bytes per second
  PerDirection<std::optional<std::int64_t>> rate_iops;
  RateProcess rate_process = RateProcess::kLinear;
  SimDuration think_time{};
  std::int64_t think_time_blocks = 1;

  OpenSync open_sync = OpenSync::kNone;
  std::int64_t fsync_every = 0;  // 0: never
  std::int64_t fdatasync_every = 0;
  bool end_fsync = false;
  bool end_syncfs = false;
  std::uint64_t random_seed = 0;  // randseed; every job draws a stream of its own from it
  bool random_repeat = true;      // false: the run's own seed counts as well
  bool repeats_order = true;      // randrepeat: every loop draws the same offsets and directions
  // With each open a job writes back and drops what the device's page cache holds: fio issues
  // BLKFLSBUF on a raw device.
  bool invalidate = true;
  ReadAdvice advice = ReadAdvice::kSequential;
  std::string cgroup;          // path of its control group; "": the root
  block::IoPriority priority;  // ioprio_set() before the job begins; no class: not called

  // I/Os in order, given instead of generated ones (validation of random jobs).
  std::vector<Io> replay;

  [[nodiscard]] bool does(Direction direction) const {
    return direction == Direction::kRead ? reads : writes;
  }
  [[nodiscard]] bool mixed() const { return reads && writes; }
  // The smallest I/O.
  [[nodiscard]] Bytes block_size() const {
    return !reads    ? blocks.write.min
           : !writes ? blocks.read.min
                     : std::min(blocks.read.min, blocks.write.min);
  }
  [[nodiscard]] Bytes block_size_max() const {
    return !reads    ? blocks.write.max
           : !writes ? blocks.read.max
                     : std::max(blocks.read.max, blocks.write.max);
  }
  // What each direction needs room for.
  [[nodiscard]] Bytes block_size_needed() const {
    return !mixed() ? block_size() : std::max(blocks.read.min, blocks.write.min);
  }
  void set_block_size(Bytes length) { blocks.read = blocks.write = {length, length, {}}; }
  // Bytes per second that `direction` is held to.
  [[nodiscard]] std::optional<Bytes> rate_of(Direction direction) const {
    if (rate[direction]) {
      return rate[direction];
    }
    const std::optional<std::int64_t>& iops = rate_iops[direction];
    return iops ? std::optional{blocks[direction].min * *iops} : std::nullopt;
  }
};

}  // namespace wbsim::workload
