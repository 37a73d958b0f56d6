// The figures of a run that sweeps compare.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/sweep/run_files.hpp"

namespace wbsim::sweep {

enum class Better { kHigher, kLower, kNeither };

// A headline: one number for the whole run, all jobs together.
struct Headline {
  std::string_view name;   // column of the CSV files, with its unit
  std::string_view label;  // for people
  std::string_view
      column;  // head of its column in a terminal; "": only CSV files and reports have it
  std::string_view unit;  // that people read it in
  double scale;           // from the CSV's unit to that one
  Better better;
};

inline constexpr std::size_t kHeadlines = 20;
const std::array<Headline, kHeadlines>& headlines();

// In the order of headlines(). No number where the run has none, such as fsync latency of a run
// without fsync, or anything about writes of a run that only reads.
//
// Throughput and calls per second are those of fio's aggregates: of a group (groupid) all bytes
// over the longest runtime of its jobs that do such I/O, so that a job which starts late does not
// stretch the time. Groups follow each other (stonewall): together they are all bytes over the sum
// of their times. fio shows no figure for several groups; groups at the same time (new_group) count
// as if one came after the other.
using Headlines = std::array<std::optional<double>, kHeadlines>;
Headlines headlines_of(const RunFiles& files);

// Every number of the summary under its path: "reports.stream.write.iops", "devices.sda.busy_ns".
// Reports and devices go by their names; "#2" and so on where several share one. Numbers are text
// as in the summary. Jobs are left out: reports are what they add up to.
std::vector<std::pair<std::string, std::string>> all_figures(const nlohmann::ordered_json& summary);

// The latency that `percent` of all calls do not exceed, as fio defines it. 0 without calls.
std::int64_t percentile(const LatencyCounts& counts, double percent);

}  // namespace wbsim::sweep
