// The counters behind /proc/diskstats of a device with requests.
#pragma once

#include <cstdint>

#include "sim/block/part_stats.hpp"
#include "sim/block/request.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/disk_stats.hpp"

namespace wbsim::block {

// Models: blk_account_io_start(), blk_account_io_merge_bio(), blk_account_io_merge_request(),
// blk_account_io_completion(), blk_account_io_done(), blk_account_io_flush() and
// blk_mq_check_inflight(), v5.10 and v6.1; drive_stat_acct() and part_round_stats(), v2.6.18 and
// v3.6. Properties:
//  1. A request counts once, with its data, when its last step ends, from when it was allocated;
//     of merged requests the earliest counts.
//  2. The empty write of a flush sequence is a write (of nothing); what flushes the cache is not,
//     and counts for the whole device only.
//  3. Sampling reckons too little where requests are shorter than a jiffy and begin in the same
//     one, and too much where a long pause ends with a request that began in it.
//  4. A request counts in the line of the partition that its first bio counts in (PartStats), and
//     takes whatever is merged with it there.
class IoAccounting {
 public:
  // `machine` outlives it.
  IoAccounting(const engine::Machine& machine, DiskStatsRules rules) : lines_{machine, rules} {}

  int add_partition(Lba start, Sectors length) { return lines_.add_partition(start, length); }

  // A request was made of `bio`.
  void started(Request& request, const Bio& bio);
  // Bios became part of `request`.
  void bios_merged(const Request& request, std::int64_t bios) {
    lines_.change(request.part, [&request, bios](PartStats::Line& line) {
      line.group(request.is_write()).merges += bios;
    });
  }
  // `request` became part of another one.
  void request_merged(const Request& request);
  // The driver has it, and no longer.
  void issued(const Request& request) { count_in_driver(request, +1); }
  void left_driver(const Request& request) { count_in_driver(request, -1); }
  // All steps of a request have ended, and its bios.
  void ended(const Request& request);
  // A flush of the device's cache has ended.
  void flush_ended(const Request& flush);

  // The fields now, of the whole device (0) or a partition.
  [[nodiscard]] engine::DiskStats stats(int part = 0) const { return lines_.told(part); }

 private:
  void count_in_driver(const Request& request, int change);

  PartStats lines_;
};

}  // namespace wbsim::block
