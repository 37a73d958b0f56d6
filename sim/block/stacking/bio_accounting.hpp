// The counters behind /proc/diskstats of a device without requests.
#pragma once

#include <cstdint>

#include "sim/block/bio.hpp"
#include "sim/block/part_stats.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/disk_stats.hpp"

namespace wbsim::block {

enum class BioDriver { kDeviceMapper, kMd };

// Models: bio_start_io_acct() and bio_end_io_acct(), block/blk-core.c, v5.10 and v6.1, and who
// calls them: start_io_acct(), end_io_acct() and dm_io_acct(), drivers/md/dm.c, v3.6, v5.10 and
// v6.1; md_make_request(), v3.6, md_submit_bio() and md_end_io(), v5.10, md_account_bio(), v6.1,
// drivers/md/md.c. (Stable releases of v5.10 took the times of md away again.) Properties:
//  1. Reads and writes count when they begin, their times when they end, in whole jiffies.
//  2. A flush is a write of nothing, never a flush.
//  3. Before v5.0 device mapper counts bios as they come, each once, but times of each mapping; md
//     counts bios and has no times at all, nor anything under way.
//  4. Of v5.10 and v6.1 device mapper counts what it maps at once; a write behind a flush counts
//     twice, of v5.10 both times with its data.
//  5. md of v5.10 counts bios within its limits, flushes included, until all that was split off
//     them has ended; of v6.1 it counts what a personality maps at once, flushes not at all.
//  6. What is under way counts only in the line of the partition that it was submitted to.
class BioAccounting {
 public:
  // `machine` outlives it.
  BioAccounting(const engine::Machine& machine, BioDriver driver, DiskStatsRules rules)
      : lines_{machine, rules}, driver_{driver} {}

  int add_partition(Lba start, Sectors length) { return lines_.add_partition(start, length); }
  [[nodiscard]] engine::DiskStats stats(int part) const { return lines_.told(part); }

  // A bio has come in.
  void submitted(const Bio& bio);
  // md: `bio`, within the limits, is about to be flushed for and mapped, perhaps again.
  void begin_whole(Bio& bio);
  // What `bio` is now is mapped at once.
  void begin_piece(Bio& bio);
  // What was mapped of it has ended.
  void end_piece(Bio& bio);
  // It has ended with all that was split off it.
  void end_whole(Bio& bio) { end(bio); }

  // Device mapper: the flush of all members before `bio`. end_flush() gets what begin_flush()
  // returned.
  std::uint64_t begin_flush(const Bio& bio);
  void end_flush(std::uint64_t began);

 private:
  [[nodiscard]] bool times_pieces() const;
  void count(int part, bool write, Sectors length);
  void start(int part);
  void stop(int part, bool write, std::uint64_t began);
  void end(Bio& bio);

  PartStats lines_;
  BioDriver driver_;
};

}  // namespace wbsim::block
