// What one run of a case did, reduced to what the comparison needs. Filled from the kernel's answer
// (truth_answer.hpp), from the simulation (recorder.hpp) and from the null model (null_model.hpp),
// so that all three are judged by the same code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::analysis {

// One block_rq_issue. `op` is the operation's letter in the kernel's rwbs: 'R', 'W' or 'F' (flush);
// a flush has no data and counts as sector 0, length 0.
struct IssuedRequest {
  SimTime time;
  char op = 'W';
  Lba sector;
  Sectors length;
};

inline char op_of(const engine::RwbsFlags& rwbs) {
  return rwbs.flush ? 'F' : rwbs.write ? 'W' : 'R';
}

struct DirtySample {
  SimTime time;
  Pages nr_dirty, nr_writeback;
  Pages background_thresh, dirty_thresh;
};

// One sleep of balance_dirty_pages, of the length the kernel asked for (whole jiffies).
struct Pause {
  SimTime time;
  SimDuration length;
};

// Latencies of one kind of operation of one job, in fio's terms.
struct LatencyRecord {
  std::int64_t count = 0;
  std::optional<SimDuration> p50, p99, p999;
};

// One line of fio's report: a job, or jobs reported together.
struct JobRecord {
  std::string name;
  Bytes written;
  Bytes read_bytes;
  SimDuration runtime{};
  LatencyRecord write;  // clat
  LatencyRecord read;   // clat
  LatencyRecord sync;   // fsync and fdatasync
};

struct RunRecord {
  std::optional<SimTime> first_io;
  std::vector<IssuedRequest> issues;
  std::vector<DirtySample> samples;
  std::vector<Pause> pauses;
  std::int64_t merges = 0;                // of bios into requests
  std::int64_t wbt_steps = 0;             // of writeback throttling, up or down
  std::optional<SimTime> periodic_start;  // first writeback work for_kupdate
  std::vector<JobRecord> jobs;
};

}  // namespace wbsim::analysis
