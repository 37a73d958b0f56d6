// One fio job, resolved: what the job processes (job_process.hpp) carry out. Filled from job files
// by fio_job_file.hpp. Clones of numjobs are separate JobSpecs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::workload {

enum class Direction { kWrite };
enum class Pattern { kSequential, kRandom };
enum class OpenSync { kNone, kSync, kDsync };

struct JobSpec {
  std::string name;
  int index = 0;         // position in the workload, clones counted
  int clone = 0;         // fio's subjob number
  int group = 0;         // stonewall group: group n + 1 starts when all of group n have ended
  int report_group = 0;  // jobs with the same number are reported together (group_reporting)
  bool group_reporting = false;
  std::string where;  // "file:line" of the section, for messages

  std::string filename;  // "/dev/sda"
  Direction direction = Direction::kWrite;
  Pattern pattern = Pattern::kSequential;
  bool random_map = true;  // !norandommap
  Bytes block_size = kibibytes(4);
  // The part of the device to write. resolve_extent() (job_extent.hpp) is the only reader of these:
  // percentages need the device, and filesize changes what size means.
  FileOffset offset;                   // first byte; offset_increment already applied
  std::optional<int> offset_percent;   // of the device, in place of offset's own bytes
  int offset_increment_percent = 0;    // of the device, once for each clone before this one
  std::optional<Bytes> file_size;      // nullopt: the device's
  std::optional<Bytes> size;           // nullopt: the rest of the device
  std::optional<int> size_percent;     // of the device, in place of size
  std::optional<Bytes> io_size;        // amount to write when it differs from size
  std::optional<int> io_size_percent;  // of the resolved size, in place of io_size

  std::optional<std::int64_t> number_ios;  // per loop
  std::optional<SimDuration> runtime;
  bool time_based = false;
  int loops = 1;
  SimDuration start_delay{};

  std::optional<Bytes> rate;  // bytes per second
  std::optional<std::int64_t> rate_iops;
  SimDuration think_time{};
  std::int64_t think_time_blocks = 1;

  OpenSync open_sync = OpenSync::kNone;
  std::int64_t fsync_every = 0;  // 0: never
  std::int64_t fdatasync_every = 0;
  bool end_fsync = false;
  std::uint64_t random_seed = 0;  // randseed; every job draws a stream of its own from it
  bool random_repeat = true;      // false: the run's own seed counts as well
  // At its start a job writes back and drops what the device's page cache holds: fio issues
  // BLKFLSBUF on a raw device.
  bool invalidate = true;

  // Offsets in visiting order, given instead of generated ones (validation of random jobs).
  std::vector<FileOffset> replay;
};

}  // namespace wbsim::workload
