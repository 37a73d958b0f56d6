// What /proc/diskstats tells of a device.
#pragma once

#include <cstdint>

namespace wbsim::engine {

// Fields of one kind of I/O; of flushes only `ios` and `ms` are counted.
struct DiskStatsGroup {
  std::int64_t ios = 0;      // requests completed
  std::int64_t merges = 0;   // bios, and requests, that became part of a request
  std::int64_t sectors = 0;  // completed
  std::int64_t ms = 0;       // from allocation to completion, of all requests completed
  friend bool operator==(const DiskStatsGroup&, const DiskStatsGroup&) = default;
};

// In the order of Documentation/admin-guide/iostats.rst; there is no discard.
struct DiskStats {
  DiskStatsGroup read, write;
  std::int64_t in_flight = 0;
  std::int64_t io_ms = 0;        // io_ticks: with a request under way, as the kernel reckons
  std::int64_t weighted_ms = 0;  // time_in_queue
  DiskStatsGroup flush;          // since v5.5
  friend bool operator==(const DiskStats&, const DiskStats&) = default;
};

}  // namespace wbsim::engine
