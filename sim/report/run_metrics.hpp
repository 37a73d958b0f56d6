// Everything counted in one run, as plain data: what summary.json prints and `wbsim validate`
// compares. Counts and integer sums only; ratios are derived where they are shown (iostat.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/report/histogram.hpp"
#include "sim/report/run_info.hpp"

namespace wbsim::report {

// A write(2) that takes longer is a stall. Half of the longest pause the kernel imposes at once
// (MAX_PAUSE, HZ / 5 = 200 ms): ordinary throttling, 10 ms at a time, is none, a pause at the hard
// limit is.
inline constexpr SimDuration kStallThreshold = milliseconds(100);

// System calls or asynchronous I/Os of one kind. Latency is fio's clat: issue to return; of an
// asynchronous engine, from the end of its submission until it is collected, and what precedes that
// is in `submission` (slat) and both together in `total` (lat). Those that failed are counted in
// `errors` only.
struct CallMetrics {
  std::int64_t errors = 0;
  Bytes bytes;
  Histogram latency;
  Histogram submission;
  Histogram total;

  [[nodiscard]] std::int64_t ios() const { return latency.count(); }
  void merge(const CallMetrics& other);
};

// Of writes longer than kStallThreshold.
struct StallMetrics {
  std::int64_t count = 0;
  SimDuration total{};
  SimDuration longest{};

  void merge(const StallMetrics& other);
};

// Of balance_dirty_pages: turns of its loop (one trace event each), and those that slept (pause >
// 0). Durations are the pauses as the kernel computed them, in whole jiffies; the timer may end one
// up to a jiffy early.
struct PauseMetrics {
  std::int64_t calls = 0;
  std::int64_t pauses = 0;
  SimDuration total{};
  SimDuration longest{};
  std::optional<SimTime> first;  // when the first pause began

  void merge(const PauseMetrics& other);
};

// One job, or several reported as one (group_reporting).
struct JobMetrics {
  std::string name;
  int report_group = 0;
  int jobs = 1;
  std::optional<SimTime> start, end;  // no end: the run ended before the job
  // End (of the run, where the job had none) - start; of a group the longest, as in fio.
  SimDuration runtime{};
  CallMetrics read, write, fsync, fdatasync, sync;
  StallMetrics stalls;
  PauseMetrics throttle;

  void merge(const JobMetrics& other);
};

// Bytes per second as fio computes it: what was transferred over the runtime. 0 without runtime.
double bandwidth(Bytes bytes, SimDuration runtime);
double iops(std::int64_t ios, SimDuration runtime);

// Requests of one direction at one device. The write that carries no data and ends a flush sequence
// completes without having been issued: it is counted in flush_sequences, not here.
struct RequestMetrics {
  std::int64_t issued = 0;
  std::int64_t completed = 0;
  std::int64_t errors = 0;
  Sectors sectors_issued;
  Sectors sectors_completed;
  std::int64_t bios = 0;            // block_bio_queue
  std::int64_t back_merges = 0;     // bios
  std::int64_t front_merges = 0;    // bios
  std::int64_t request_merges = 0;  // two requests became one
  // Of completed requests. await is the kernel's (diskstats): allocation to completion = wait (in
  // plug, elevator, for a tag, behind a preflush) + service (in driver and device; blktrace's D2C).
  SimDuration await_total{};
  SimDuration service_total{};

  [[nodiscard]] std::int64_t merges() const { return back_merges + front_merges + request_merges; }
};

struct DeviceMetrics {
  std::string name;
  RequestMetrics read, write, flush;
  std::int64_t inserted = 0;         // block_rq_insert: went through the elevator
  std::int64_t flush_sequences = 0;  // ended: fsync, FUA emulation
  engine::QueueTotals totals;
  SimDuration busy{};  // time with at least one request in the device
  // Integral over time of the number of requests in the device, in request * ns.
  std::int64_t inflight_integral = 0;
  int inflight_max = 0;
  int inflight_at_end = 0;
  std::int64_t bandwidth_updates = 0;                                    // bdi_dirty_ratelimit
  Pages dirty_ratelimit_min, dirty_ratelimit_max, dirty_ratelimit_last;  // per second
  Pages avg_write_bandwidth_last;                                        // per second
};

// From every global_dirty_state and every sample.
struct DirtyMetrics {
  Pages nr_dirty_max;
  Pages nr_writeback_max;
  Pages sum_max;  // of nr_dirty + nr_writeback at one time
  // First time seen above: nr_dirty > background_thresh (what wakes the flusher), nr_dirty +
  // nr_writeback > (dirty_thresh + background_thresh) / 2 (freerun: where throttling may begin).
  std::optional<SimTime> background_crossed;
  std::optional<SimTime> freerun_crossed;
};

inline constexpr std::size_t kWbReasons = 6;  // enumerators of engine::WbReason

struct WritebackReasonMetrics {
  std::int64_t queued = 0;    // works: writeback_queue
  std::int64_t executed = 0;  // works: writeback_exec
  std::int64_t passes = 0;    // turns of wb_writeback's loop: writeback_start
  Pages written;              // by these: nr_pages of writeback_start - of writeback_written
};

struct WritebackMetrics {
  std::array<WritebackReasonMetrics, kWbReasons> by_reason;  // index = engine::WbReason
  std::int64_t background_wakeups = 0;                       // writeback_wake_background
  std::int64_t inodes_written = 0;                           // writeback_single_inode
  std::int64_t inodes_queued = 0;                            // writeback_queue_io: moved to b_io
};

struct PlugMetrics {
  std::int64_t unplugs = 0;
  std::int64_t from_schedule = 0;  // flushed because the task slept
  std::int64_t requests = 0;
};

struct RunMetrics {
  SimTime start;  // when the first job started; of the run when none did
  SimTime end;    // of the run
  std::vector<JobMetrics> jobs;
  std::vector<JobMetrics> reports;  // as fio reports: members of a group_reporting group as one
  std::vector<DeviceMetrics> devices;
  DirtyMetrics dirty;
  PauseMetrics throttle;  // of all tasks, also those that are no jobs
  WritebackMetrics writeback;
  PlugMetrics plug;

  // The interval that rates refer to.
  [[nodiscard]] SimDuration elapsed() const { return end - start; }
};

// The jobs as fio reports them: one each, but the members of a report group with group_reporting
// together, at the place and under the name of the first.
std::vector<JobMetrics> reported_jobs(const std::vector<JobMetrics>& jobs,
                                      const std::vector<JobInfo>& infos);

}  // namespace wbsim::report
