#include "sim/sweep/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace wbsim::sweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebi = 256;  // pages of 4 KiB

constexpr std::array<Headline, kHeadlines> kTable{{
    {"write_bw_bytes", "write throughput", "MB/s", 1e-6, Better::kHigher},
    {"write_iops", "write calls per second", "1/s", 1, Better::kHigher},
    {"write_p50_ns", "write latency, median", "ms", 1e-6, Better::kLower},
    {"write_p99_ns", "write latency, p99", "ms", 1e-6, Better::kLower},
    {"write_p999_ns", "write latency, p99.9", "ms", 1e-6, Better::kLower},
    {"write_max_ns", "write latency, longest", "ms", 1e-6, Better::kLower},
    {"sync_p50_ns", "fsync latency, median", "ms", 1e-6, Better::kLower},
    {"sync_p99_ns", "fsync latency, p99", "ms", 1e-6, Better::kLower},
    {"sync_max_ns", "fsync latency, longest", "ms", 1e-6, Better::kLower},
    {"stall_count", "writes over 100 ms (stalls)", "", 1, Better::kLower},
    {"stall_ns", "time in writes over 100 ms", "s", 1e-9, Better::kLower},
    {"pause_count", "throttling pauses", "", 1, Better::kNeither},
    {"pause_ns", "time throttled", "s", 1e-9, Better::kNeither},
    {"peak_dirty_pages", "peak dirty memory", "MiB", 1 / kMebi, Better::kNeither},
}};
static_assert(kTable[kChosen[0]].name == "write_bw_bytes" &&
              kTable[kChosen[1]].name == "write_p99_ns" &&
              kTable[kChosen[2]].name == "sync_p99_ns" && kTable[kChosen[3]].name == "stall_ns" &&
              kTable[kChosen[4]].name == "peak_dirty_pages");

// 0 for what a damaged or older summary lacks.
double number_at(const Json& json, const char* pointer) {
  const Json::json_pointer path{pointer};
  return json.contains(path) && json[path].is_number() ? json[path].get<double>() : 0;
}

// Sum over all reports.
double total(const RunFiles& files, const char* pointer) {
  double sum = 0;
  for (const Json& report : files.summary["reports"]) {
    sum += number_at(report, pointer);
  }
  return sum;
}

// From the first job's start to the last one's end, in seconds.
double runtime(const RunFiles& files) {
  double start = 0;
  double end = 0;
  for (const Json& report : files.summary["reports"]) {
    const bool first = &report == &files.summary["reports"].front();
    const double began = number_at(report, "/start_ns");
    start = first ? began : std::min(start, began);
    end = std::max(end, number_at(report, "/end_ns"));
  }
  return (end - start) / 1e9;
}

LatencyCounts merged(const RunFiles& files, std::initializer_list<const char*> calls) {
  LatencyCounts all;
  for (const char* call : calls) {
    if (const auto found = files.latencies.find(call); found != files.latencies.end()) {
      for (const auto& [latency, count] : found->second) {
        all[latency] += count;
      }
    }
  }
  return all;
}

double largest(const RunFiles& files, std::initializer_list<const char*> pointers) {
  double most = 0;
  for (const Json& report : files.summary["reports"]) {
    for (const char* pointer : pointers) {
      most = std::max(most, number_at(report, pointer));
    }
  }
  return most;
}

std::optional<double> percentile_or_none(const LatencyCounts& counts, double percent) {
  return counts.empty() ? std::nullopt
                        : std::optional{static_cast<double>(percentile(counts, percent))};
}

using Figures = std::vector<std::pair<std::string, std::string>>;

void flatten(const Json& json, const std::string& path, Figures& figures) {
  if (json.is_number()) {
    figures.emplace_back(path, json.dump());
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      flatten(value, path.empty() ? key : path + "." + key, figures);
    }
  }
}

// The members of `list` under the name that `key` gives them.
void flatten_named(const Json& summary, const char* list, const char* key, Figures& figures) {
  std::set<std::string> taken;
  for (const Json& each : summary.value(list, Json::array())) {
    const auto name = each.is_object() && each.contains(key) && each[key].is_string()
                          ? each[key].get<std::string>()
                          : std::string{};
    std::string unique = name;
    for (int i = 2; !taken.insert(unique).second; ++i) {
      unique = fmt::format("{}#{}", name, i);
    }
    flatten(each, fmt::format("{}.{}", list, unique), figures);
  }
}

}  // namespace

const std::array<Headline, kHeadlines>& headlines() { return kTable; }

Headlines headlines_of(const RunFiles& files) {
  const LatencyCounts writes = merged(files, {"write"});
  const LatencyCounts syncs = merged(files, {"fsync", "fdatasync", "sync"});
  const double seconds = runtime(files);
  const auto rate = [seconds](double amount) { return seconds > 0 ? amount / seconds : 0; };
  const auto longest = [](const LatencyCounts& counts, double most) {
    return counts.empty() ? std::nullopt : std::optional{most};
  };
  return {rate(total(files, "/write/io_bytes")),
          rate(total(files, "/write/total_ios")),
          percentile_or_none(writes, 50),
          percentile_or_none(writes, 99),
          percentile_or_none(writes, 99.9),
          longest(writes, largest(files, {"/write/clat_ns/max"})),
          percentile_or_none(syncs, 50),
          percentile_or_none(syncs, 99),
          longest(syncs, largest(files, {"/fsync/lat_ns/max", "/fdatasync/lat_ns/max",
                                         "/sync/lat_ns/max"})),
          total(files, "/stalls/count"),
          total(files, "/stalls/total_ns"),
          number_at(files.summary, "/balance_dirty_pages/pauses"),
          number_at(files.summary, "/balance_dirty_pages/total_ns"),
          number_at(files.summary, "/dirty/sum_max_pages")};
}

std::vector<std::pair<std::string, std::string>> all_figures(const Json& summary) {
  Figures figures;
  for (const auto& [key, value] : summary.items()) {
    if (key == "reports") {
      flatten_named(summary, "reports", "jobname", figures);
    } else if (key == "devices") {
      flatten_named(summary, "devices", "name", figures);
    } else {
      flatten(value, key, figures);  // "jobs" is an array, so it is left out
    }
  }
  return figures;
}

std::int64_t percentile(const LatencyCounts& counts, double percent) {
  std::int64_t all = 0;
  for (const auto& [latency, count] : counts) {
    all += count;
  }
  // As sim/report/histogram.cpp: fio's ranks are not whole numbers.
  const long double rank =
      static_cast<long double>(percent) / 100.0L * static_cast<long double>(all);
  std::int64_t seen = 0;
  for (const auto& [latency, count] : counts) {
    seen += count;
    if (static_cast<long double>(seen) >= rank) {
      return latency;
    }
  }
  return counts.empty() ? 0 : counts.rbegin()->first;
}

}  // namespace wbsim::sweep
