// The two faces of a run's result: text for people, summary.json for programs. Both are the same
// bytes for the same run, on any machine.
#pragma once

#include <string>
#include <vector>

#include "sim/report/digest.hpp"
#include "sim/report/run_info.hpp"
#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

struct RunResult {
  RunInfo info;
  RunMetrics metrics;
  Digest events;  // of EventDigest
  // The same experiment in other phases (phases.hpp), where it was repeated: this run is the first.
  std::vector<RunMetrics> phases;
};

// Of the configuration's text: runs of one program with equal configuration are equal.
Digest config_digest(const RunInfo& info);

// Of all metrics, with every histogram bucket, and of the event digest.
Digest result_digest(const RunResult& result);

// For a terminal of 80 columns; names of fio and iostat. Ends with a newline.
std::string summary_text(const RunResult& result);

// Pretty-printed, ends with a newline.
std::string summary_json(const RunResult& result);

// latency.csv: every bucket that is not empty, of every reported job and kind of call:
// report,job,call,latency_ns,count - latency_ns is the bucket's value as in fio's json+ bins,
// within 0.8 % of each latency in it. The last bucket, 17112760320, takes all latencies from 17.05
// s up.
std::string latency_csv(const RunMetrics& metrics);

}  // namespace wbsim::report
