// The counters behind /proc/diskstats, as the kernel keeps them.
#pragma once

#include <array>
#include <cstdint>

#include "sim/block/request.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/disk_stats.hpp"

namespace wbsim::block {

// How the time with I/O under way is found (13.2).
//   kIntegral  requests that exist are counted, and the time between two changes of their number:
//              time_in_queue is the integral of that number (part_round_stats(), before v5.0)
//   kSampled   io_ticks grows by one jiffy where a request begins in a jiffy in which nothing was
//              counted yet, and by the time since the last count where one ends (update_io_ticks(),
//              since v5.0); time_in_queue is the sum of the times of all requests
enum class IoTicks { kIntegral, kSampled };

// Models: blk_account_io_start(), blk_account_io_merge_bio(), blk_account_io_merge_request(),
// blk_account_io_completion(), blk_account_io_done() and blk_account_io_flush(), v5.10 and v6.1;
// drive_stat_acct() and part_round_stats(), v2.6.18 and v3.6. Properties:
//  1. A request counts once, with its data, when its last step ends, from when it was allocated;
//     of merged requests the earliest counts.
//  2. The empty write of a flush sequence is a write (of nothing); what flushes the cache is not.
//  3. kSampled reckons too little where requests are shorter than a jiffy and begin in the same
//     one, and too much where a long pause ends with a request that began in it.
class IoAccounting {
 public:
  // `machine` outlives it.
  IoAccounting(const engine::Machine& machine, IoTicks rule) : machine_{machine}, rule_{rule} {}

  // A request was made of a bio.
  void started();
  void bios_merged(bool write, std::int64_t bios) { group(write).merges += bios; }
  // `request` became part of another one.
  void request_merged(const Request& request);
  // All steps of a request have ended, and its bios.
  void ended(const Request& request);
  // A flush of the device's cache has ended.
  void flush_ended(const Request& flush);

  // The fields now. `in_device`: requests that the driver has.
  [[nodiscard]] engine::DiskStats stats(int in_device) const;

 private:
  struct Group {
    std::int64_t ios = 0;
    std::int64_t merges = 0;
    Sectors sectors;
    SimDuration time{};         // kSampled
    std::uint64_t jiffies = 0;  // kIntegral
  };
  [[nodiscard]] Group& group(bool write) { return groups_[write ? 1 : 0]; }
  [[nodiscard]] engine::DiskStatsGroup told(const Group& group) const;
  void update_ticks(bool end);
  void round_stats();

  const engine::Machine& machine_;
  IoTicks rule_;
  std::array<Group, 2> groups_;  // reads, writes
  Group flushes_;
  SimTime stamp_ends_{};             // of the jiffy `stamp_`: until then nothing is to be counted
  std::uint64_t stamp_ = 0;          // jiffies: when it was counted last
  std::uint64_t io_ticks_ = 0;       // jiffies
  std::uint64_t time_in_queue_ = 0;  // jiffies; kIntegral
  std::int64_t existing_ = 0;        // requests; kIntegral
};

}  // namespace wbsim::block
