// Reads back the folder that a run has written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace wbsim::sweep {

// How often a kind of call took how long: the buckets of latency.csv, all jobs together.
using LatencyCounts = std::map<std::int64_t, std::int64_t>;  // nanoseconds to calls

// Dirty memory at one moment, in pages; as in timeseries.csv.
struct DirtySample {
  double time_ms = 0;
  std::int64_t dirty = 0;  // nr_dirty + nr_writeback
  std::int64_t background_thresh = 0;
  std::int64_t dirty_thresh = 0;
};

struct RunFiles {
  nlohmann::ordered_json summary;                  // of summary.json, an object
  std::map<std::string, LatencyCounts> latencies;  // by call: "write", "fsync", ...
  std::vector<DirtySample> samples;
};

// nullopt when summary.json is missing or no summary; `problem` then says why.
std::optional<nlohmann::ordered_json> read_summary(const std::filesystem::path& folder,
                                                   std::string& problem);

enum class Series { kNo, kYes };
// As read_summary(), with the latencies and, where asked for, the samples: both files may be
// missing.
std::optional<RunFiles> read_run_files(const std::filesystem::path& folder, Series series,
                                       std::string& problem);

}  // namespace wbsim::sweep
