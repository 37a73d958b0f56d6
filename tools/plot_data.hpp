// What the gnuplot scripts of tools/plots are fed, made from the files of a run's output folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wbsim::cli {

// Blocks for gnuplot's `index`, each headed by its title. nullopt and a complaint such as
// "latency.csv:3: not report,job,call,latency_ns,count" where the text is not what a run wrote.
struct PlotData {
  std::string text;
  int blocks = 0;
};

// The devices of a timeseries.csv, from its header: suffixes of its queue_depth columns.
std::vector<std::string> devices_of(std::string_view header);
// Those to which the page cache has written, at most eight: where wb_dirtied ends above 0. None in
// a file without that column.
std::vector<std::string> dirtied_devices(std::string_view csv);

// True where every row of a timeseries.csv has a number in each column of the header.
bool is_time_series(std::string_view csv, std::string& complaint);

// latency.csv as complementary distributions: microseconds, and the share of calls that took
// at least as long; a curve for each report and kind of call.
std::optional<PlotData> latency_curves(std::string_view csv, std::string& complaint);

// requests.csv as reads and writes: seconds of completion, GiB, milliseconds in the device. Flushes
// have no place and are left out.
std::optional<PlotData> request_points(std::string_view csv, std::string& complaint);

}  // namespace wbsim::cli
