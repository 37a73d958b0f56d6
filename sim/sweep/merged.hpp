// All results of a sweep in one place: the rows that the CSV files, the table and the report show.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/report/output_file.hpp"
#include "sim/sweep/figures.hpp"
#include "sim/sweep/plan.hpp"
#include "sim/sweep/store.hpp"

namespace wbsim::sweep {

// One point that is done.
struct Row {
  std::size_t index = 0;  // into Plan::points
  PointEnd end;
  Headlines headlines{};  // all empty when the point was refused
};

// Reads the points that are done, in the order of the plan. `ends` has one entry for each point.
std::vector<Row> read_rows(const std::filesystem::path& directory, const Plan& plan,
                           const std::vector<std::optional<PointEnd>>& ends);

// The headlines that tables show: those with a column of their own that any of the runs has.
std::vector<std::size_t> shown_headlines(const std::vector<Row>& rows);

// sweep-long.csv: point,digest,status,KEY...,metric,value - a row for each point and metric.
// sweep-wide.csv: point,digest,status,message,KEY...,METRIC... - a row for each point.
// Metrics are the headlines, then all figures of the summaries. Points that are not done have no
// row. Both files are replaced as a whole.
[[nodiscard]] report::OutputError write_merged(const std::filesystem::path& directory,
                                               const Plan& plan, const std::vector<Row>& rows);

// For a terminal: a row for each point with its values and its headlines.
std::string rows_text(const Plan& plan, const std::vector<Row>& rows);

// A headline's value in the unit of `headline`, with four significant digits; "-" without one.
std::string shown_value(const Headline& headline, std::optional<double> value);

}  // namespace wbsim::sweep
