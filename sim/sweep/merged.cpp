#include "sim/sweep/merged.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/sweep/csv.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;
using Figures = std::vector<std::pair<std::string, std::string>>;

// Headlines, then what the summary has. Numbers are the shortest text that reads back the same.
Figures metrics_of(const fs::path& directory, const Plan& plan, const Row& row) {
  Figures metrics;
  for (std::size_t i = 0; i < kHeadlines; ++i) {
    if (row.headlines[i]) {
      metrics.emplace_back(headlines()[i].name, fmt::format("{}", *row.headlines[i]));
    }
  }
  std::string ignored;  // a refused point has no summary
  if (const auto summary =
          read_summary(point_folder(directory, plan.points[row.index].digest), ignored)) {
    Figures rest = all_figures(*summary);
    metrics.insert(metrics.end(), rest.begin(), rest.end());
  }
  return metrics;
}

// ",a,b": the rest of a row.
std::string more_fields(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) {
    text += ',';
    text += csv_field(field);
  }
  return text;
}

std::vector<std::string> keys_of(const Plan& plan) {
  std::vector<std::string> keys;
  for (const Variation& variation : plan.variations) {
    keys.push_back(variation.key);
  }
  return keys;
}

std::string start_of(const Plan& plan, const Row& row) {
  return fmt::format("{},{},{}", row.index + 1, plan.points[row.index].digest,
                     to_string(row.end.status));
}

}  // namespace

std::vector<Row> read_rows(const fs::path& directory, const Plan& plan,
                           const std::vector<std::optional<PointEnd>>& ends) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (!ends[i]) {
      continue;
    }
    Row row{i, *ends[i], {}};
    std::string ignored;  // a refused point has no summary
    if (const std::optional<RunFiles> files =
            read_run_files(point_folder(directory, plan.points[i].digest), Series::kNo, ignored)) {
      row.headlines = headlines_of(*files);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::size_t> shown_headlines(const std::vector<Row>& rows) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < kHeadlines; ++i) {
    const auto has = [i](const Row& row) { return row.headlines[i].has_value(); };
    if (!headlines()[i].column.empty() && std::any_of(rows.begin(), rows.end(), has)) {
      shown.push_back(i);
    }
  }
  return shown;
}

report::OutputError write_merged(const fs::path& directory, const Plan& plan,
                                 const std::vector<Row>& rows) {
  report::OutputFile long_file{directory / "sweep-long.csv"};
  long_file.append("point,digest,status" + more_fields(keys_of(plan)) + ",metric,value\n");
  // A metric's column is where it first appears, so that points of one shape need no sorting.
  std::vector<std::string> names;
  std::map<std::string, std::size_t> column_of;
  std::vector<std::vector<std::string>> cells(rows.size());
  for (const Headline& headline : headlines()) {
    column_of.emplace(headline.name, names.size());
    names.emplace_back(headline.name);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string start =
        start_of(plan, rows[i]) + more_fields(plan.points[rows[i].index].values);
    for (const auto& [name, value] : metrics_of(directory, plan, rows[i])) {
      long_file.append(fmt::format("{},{},{}\n", start, csv_field(name), value));
      const auto [column, fresh] = column_of.emplace(name, names.size());
      if (fresh) {
        names.push_back(name);
      }
      cells[i].resize(names.size());
      cells[i][column->second] = value;
    }
  }
  report::OutputFile wide_file{directory / "sweep-wide.csv"};
  wide_file.append(fmt::format("point,digest,status,message{}{}\n", more_fields(keys_of(plan)),
                               more_fields(names)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    cells[i].resize(names.size());
    wide_file.append(
        fmt::format("{}{}{}{}\n", start_of(plan, rows[i]), more_fields({rows[i].end.message}),
                    more_fields(plan.points[rows[i].index].values), more_fields(cells[i])));
  }
  report::OutputError error = long_file.commit();
  return error ? error : wide_file.commit();
}

std::string shown_value(const Headline& headline, std::optional<double> value) {
  if (!value) {
    return "-";
  }
  const double scaled = *value * headline.scale;
  return scaled >= 1000 ? fmt::format("{:.0f}", scaled) : fmt::format("{:.4g}", scaled);
}

std::string rows_text(const Plan& plan, const std::vector<Row>& rows) {
  const std::vector<std::size_t> shown = shown_headlines(rows);
  std::vector<std::vector<std::string>> table{{"point"}};
  for (const Variation& variation : plan.variations) {
    table[0].push_back(variation.key);
  }
  for (const std::size_t i : shown) {
    table[0].emplace_back(headlines()[i].column);
  }
  table[0].emplace_back("");
  for (const Row& row : rows) {
    std::vector<std::string>& line = table.emplace_back();
    line.push_back(fmt::format("{}", row.index + 1));
    const std::vector<std::string>& values = plan.points[row.index].values;
    line.insert(line.end(), values.begin(), values.end());
    for (const std::size_t i : shown) {
      line.push_back(shown_value(headlines()[i], row.headlines[i]));
    }
    line.emplace_back(row.end.status == PointStatus::kOk
                          ? ""
                          : fmt::format("{}: {}", to_string(row.end.status), row.end.message));
  }
  std::string text;
  for (const std::vector<std::string>& line : table) {
    std::string cells;
    for (std::size_t column = 0; column + 1 < line.size(); ++column) {
      std::size_t width = 0;
      for (const std::vector<std::string>& other : table) {
        width = std::max(width, other[column].size());
      }
      cells += fmt::format("{}{:>{}}", column == 0 ? "" : "  ", line[column], width);
    }
    text += cells + (line.back().empty() ? "" : "  " + line.back()) + "\n";
  }
  return text;
}

}  // namespace wbsim::sweep
