// `iostat -x` of one device over a whole run.
#pragma once

#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

// The columns of `iostat -x` (sysstat 12) for one direction: r/s rkB/s rrqm/s %rrqm r_await
// rareq-sz, and the same for writes. kB are KiB, as in iostat. All 0 without I/O.
struct IostatDirection {
  double ios_per_s = 0;       // requests completed / elapsed
  double kib_per_s = 0;       // KiB completed / elapsed
  double merges_per_s = 0;    // bios merged / elapsed
  double merges_percent = 0;  // 100 * merges / (merges + requests completed)
  double await_ms = 0;        // allocation to completion, mean of completed requests
  double areq_size_kib = 0;   // KiB completed / requests completed
};

// Reckoned from the fields of /proc/diskstats as iostat does, so with what the kernel leaves out:
// util and the waits are in jiffies or milliseconds, and the empty write that ends a flush sequence
// is a write (block::IoAccounting).
struct Iostat {
  IostatDirection read, write;
  double flushes_per_s = 0;
  double flush_await_ms = 0;
  double aqu_size = 0;
  double util_percent = 0;
  // Not in iostat, and exact: share of the time with a request in the device, time average of the
  // requests in the device, from an exact integral, and the mean time that reads and writes spent
  // there (blktrace's D2C).
  double busy_percent = 0;
  double inflight = 0;
  double read_service_ms = 0;
  double write_service_ms = 0;
};

Iostat iostat(const DeviceMetrics& device, SimDuration elapsed);

}  // namespace wbsim::report
