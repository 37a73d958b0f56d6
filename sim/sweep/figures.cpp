#include "sim/sweep/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/base/check.hpp"

namespace wbsim::sweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebi = 256;  // pages of 4 KiB

constexpr std::array<Headline, kHeadlines> kTable{{
    {"write_bw_bytes", "write throughput", "write MB/s", "MB/s", 1e-6, Better::kHigher},
    {"write_iops", "write calls per second", "write IOPS", "1/s", 1, Better::kHigher},
    {"write_p50_ns", "write latency, median", "", "ms", 1e-6, Better::kLower},
    {"write_p99_ns", "write latency, p99", "write p99 ms", "ms", 1e-6, Better::kLower},
    {"write_p999_ns", "write latency, p99.9", "", "ms", 1e-6, Better::kLower},
    {"write_max_ns", "write latency, longest", "", "ms", 1e-6, Better::kLower},
    {"read_bw_bytes", "read throughput", "read MB/s", "MB/s", 1e-6, Better::kHigher},
    {"read_iops", "read calls per second", "read IOPS", "1/s", 1, Better::kHigher},
    {"read_p50_ns", "read latency, median", "", "ms", 1e-6, Better::kLower},
    {"read_p99_ns", "read latency, p99", "read p99 ms", "ms", 1e-6, Better::kLower},
    {"read_p999_ns", "read latency, p99.9", "", "ms", 1e-6, Better::kLower},
    {"read_max_ns", "read latency, longest", "", "ms", 1e-6, Better::kLower},
    {"sync_p50_ns", "fsync latency, median", "", "ms", 1e-6, Better::kLower},
    {"sync_p99_ns", "fsync latency, p99", "fsync p99 ms", "ms", 1e-6, Better::kLower},
    {"sync_max_ns", "fsync latency, longest", "", "ms", 1e-6, Better::kLower},
    {"stall_count", "writes over 100 ms (stalls)", "", "", 1, Better::kLower},
    {"stall_ns", "time in writes over 100 ms", "write stalls s", "s", 1e-9, Better::kLower},
    {"pause_count", "throttling pauses", "", "", 1, Better::kNeither},
    {"pause_ns", "time throttled", "", "s", 1e-9, Better::kNeither},
    {"peak_dirty_pages", "peak dirty memory", "dirty MiB", "MiB", 1 / kMebi, Better::kNeither},
}};

// 0 for what a damaged or older summary lacks.
double number_at(const Json& json, const std::string& pointer) {
  const Json::json_pointer path{pointer};
  return json.contains(path) && json[path].is_number() ? json[path].get<double>() : 0;
}

// Sum over all reports.
double total(const RunFiles& files, const std::string& pointer) {
  double sum = 0;
  for (const Json& report : files.summary["reports"]) {
    sum += number_at(report, pointer);
  }
  return sum;
}

// Whether any job read, or wrote, or tried to. `direction` is "read" or "write".
bool does(const Json& report, const std::string& direction) {
  return number_at(report, "/" + direction + "/total_ios") > 0 ||
         number_at(report, "/" + direction + "/errors") > 0;
}

bool any_does(const RunFiles& files, const std::string& direction) {
  const Json& reports = files.summary["reports"];
  return std::any_of(reports.begin(), reports.end(),
                     [&](const Json& report) { return does(report, direction); });
}

// What throughput of one direction is divided by, in seconds; see Headlines.
double runtime(const RunFiles& files, const std::string& direction) {
  std::map<std::int64_t, double> longest;  // nanoseconds, by group
  for (const Json& report : files.summary["reports"]) {
    if (does(report, direction)) {
      double& group = longest[static_cast<std::int64_t>(number_at(report, "/groupid"))];
      group = std::max(group, number_at(report, "/runtime_ns"));
    }
  }
  double sum = 0;
  for (const auto& [group, time] : longest) {
    sum += time;
  }
  return sum / 1e9;
}

LatencyCounts merged(const RunFiles& files, std::initializer_list<std::string> calls) {
  LatencyCounts all;
  for (const std::string& call : calls) {
    if (const auto found = files.latencies.find(call); found != files.latencies.end()) {
      for (const auto& [latency, count] : found->second) {
        all[latency] += count;
      }
    }
  }
  return all;
}

double largest(const RunFiles& files, std::initializer_list<std::string> pointers) {
  double most = 0;
  for (const Json& report : files.summary["reports"]) {
    for (const std::string& pointer : pointers) {
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
  Headlines figures{};
  std::size_t next = 0;
  const auto add = [&](std::optional<double> figure) { figures[next++] = figure; };
  for (const std::string direction : {"write", "read"}) {
    const bool done = any_does(files, direction);
    const double seconds = runtime(files, direction);
    for (const char* amount : {"/io_bytes", "/total_ios"}) {
      const double sum = total(files, "/" + direction + amount);
      add(done ? std::optional{seconds > 0 ? sum / seconds : 0} : std::nullopt);
    }
    const LatencyCounts counts = merged(files, {direction});
    for (const double percent : {50.0, 99.0, 99.9}) {
      add(percentile_or_none(counts, percent));
    }
    add(counts.empty() ? std::nullopt
                       : std::optional{largest(files, {"/" + direction + "/clat_ns/max"})});
  }
  const LatencyCounts syncs = merged(files, {"fsync", "fdatasync", "sync"});
  add(percentile_or_none(syncs, 50));
  add(percentile_or_none(syncs, 99));
  add(syncs.empty() ? std::nullopt
                    : std::optional{largest(files, {"/fsync/lat_ns/max", "/fdatasync/lat_ns/max",
                                                    "/sync/lat_ns/max"})});
  const bool writes = any_does(files, "write");
  for (const char* stalls : {"/stalls/count", "/stalls/total_ns"}) {
    add(writes ? std::optional{total(files, stalls)} : std::nullopt);
  }
  // Who dirties no memory is not throttled either.
  const bool dirties = number_at(files.summary, "/dirty/sum_max_pages") > 0;
  for (const char* pointer :
       {"/balance_dirty_pages/pauses", "/balance_dirty_pages/total_ns", "/dirty/sum_max_pages"}) {
    add(dirties ? std::optional{number_at(files.summary, pointer)} : std::nullopt);
  }
  SIM_CHECK(next == kHeadlines);
  return figures;
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
