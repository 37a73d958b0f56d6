#include "sim/sweep/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/sweep/csv.hpp"
#include "sim/sweep/point_file.hpp"

namespace wbsim::sweep {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

// The kinds of calls, and where a report has their latencies.
constexpr std::array<std::pair<const char*, const char*>, 5> kPercentilesOf{{
    {"read", "clat_ns"},
    {"write", "clat_ns"},
    {"fsync", "lat_ns"},
    {"fdatasync", "lat_ns"},
    {"sync", "lat_ns"},
}};

template <typename T>
T number(const std::string& text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Where each of `names` is in the header; empty when one is missing.
template <std::size_t N>
std::optional<std::array<std::size_t, N>> columns(const Rows& rows,
                                                  const std::array<std::string_view, N>& names) {
  std::array<std::size_t, N> places{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto place = rows.empty() ? std::vector<std::string>::const_iterator{}
                                    : std::find(rows[0].begin(), rows[0].end(), names[i]);
    if (rows.empty() || place == rows[0].end()) {
      return std::nullopt;
    }
    places[i] = static_cast<std::size_t>(place - rows[0].begin());
  }
  return places;
}

std::map<std::string, LatencyCounts> latencies_of(const Rows& rows) {
  std::map<std::string, LatencyCounts> latencies;
  const auto at = columns<3>(rows, {"call", "latency_ns", "count"});
  for (std::size_t i = 1; at && i < rows.size(); ++i) {
    if (rows[i].size() == rows[0].size()) {
      const auto [call, latency, count] = *at;
      latencies[rows[i][call]][number<std::int64_t>(rows[i][latency])] +=
          number<std::int64_t>(rows[i][count]);
    }
  }
  return latencies;
}

// A run without latency.csv: the steps between the percentiles of each report.
std::map<std::string, LatencyCounts> latencies_of_percentiles(const Json& summary) {
  std::map<std::string, LatencyCounts> latencies;
  for (const Json& report : summary["reports"]) {
    for (const auto& [call, name] : kPercentilesOf) {
      const Json::json_pointer path{fmt::format("/{}/{}", call, name)};
      const Json found = report.contains(path) ? report[path] : Json{};
      if (!found.is_object() || !found.value("percentile", Json{}).is_object()) {
        continue;
      }
      const auto calls = found.value("N", 0.0);
      double before = 0;
      for (const auto& [percent, latency] : found["percentile"].items()) {
        const double until = number<double>(percent) / 100 * calls;
        latencies[call][latency.get<std::int64_t>()] += static_cast<std::int64_t>(until - before);
        before = static_cast<double>(static_cast<std::int64_t>(until));
      }
    }
  }
  return latencies;
}

std::vector<DirtySample> samples_of(const Rows& rows) {
  std::vector<DirtySample> samples;
  const auto at =
      columns<5>(rows, {"t_ms", "nr_dirty", "nr_writeback", "background_thresh", "dirty_thresh"});
  for (std::size_t i = 1; at && i < rows.size(); ++i) {
    if (rows[i].size() == rows[0].size()) {
      const auto pages = [&](std::size_t k) { return number<std::int64_t>(rows[i][(*at)[k]]); };
      samples.push_back(
          {number<double>(rows[i][(*at)[0]]), pages(1) + pages(2), pages(3), pages(4)});
    }
  }
  return samples;
}

}  // namespace

std::optional<Json> read_summary(const std::filesystem::path& folder, std::string& problem) {
  const std::filesystem::path path = folder / "summary.json";
  const std::optional<std::string> text = file_content(path);
  if (!text) {
    problem = fmt::format("{} is missing or cannot be read", path.native());
    return std::nullopt;
  }
  Json summary = Json::parse(*text, nullptr, false);
  if (!summary.is_object() || !summary.value("reports", Json{}).is_array()) {
    problem = fmt::format("{} is not the summary of a run", path.native());
    return std::nullopt;
  }
  return summary;
}

std::optional<RunFiles> read_run_files(const std::filesystem::path& folder, Series series,
                                       std::string& problem) {
  std::optional<Json> summary = read_summary(folder, problem);
  if (!summary) {
    return std::nullopt;
  }
  RunFiles files{std::move(*summary), {}, {}};
  const std::optional<std::string> latencies = file_content(folder / "latency.csv");
  files.latencies =
      latencies ? latencies_of(parse_csv(*latencies)) : latencies_of_percentiles(files.summary);
  if (series == Series::kYes) {
    files.samples = samples_of(parse_csv(file_content(folder / "timeseries.csv").value_or("")));
  }
  return files;
}

}  // namespace wbsim::sweep
