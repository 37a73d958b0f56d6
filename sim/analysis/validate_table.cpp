#include "sim/analysis/validate_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace wbsim::analysis {

namespace {

using system::Json;
using Row = std::vector<std::string>;

std::string_view mark_of(const FigureValue& value) {
  switch (value.standing) {
    case Standing::kInput:
      return "i";
    case Standing::kInfo:
      return "~";
    case Standing::kOffered:
      return value.met() ? "o" : "o!";
    case Standing::kJudged:
      return value.met() ? "" : "!";
  }
  return "";
}

// An error in percent; a difference of counts as "n+2"; the order's score in percent.
std::string error_text(const FigureValue& value) {
  if (value.absolute) {
    return fmt::format("n{:+.0f}", value.error);
  }
  if (value.figure == Figure::kOrder) {
    const bool bound = value.distance && !value.distance->exact();
    return fmt::format("{}{:.2f}", bound ? ">=" : "", 100 * value.error);
  }
  if (!value.ours && value.figure != Figure::kCurve) {
    return "never";  // a time of something that did not happen
  }
  const double percent = 100 * value.error;
  return value.figure == Figure::kCurve ? fmt::format("{:.1f}", percent)
                                        : fmt::format("{:+.1f}", percent);
}

// Of several jobs the one furthest off, misses first. The index is the same in both models, as both
// were compared with the same real run.
std::optional<std::size_t> worst_of(const CaseResult& result, Figure figure) {
  std::optional<std::size_t> worst;
  for (std::size_t i = 0; i < result.ours.size(); ++i) {
    const FigureValue& value = result.ours[i];
    if (value.figure != figure) {
      continue;
    }
    const auto rank = [](const FigureValue& v) { return std::pair{v.missed(), std::abs(v.error)}; };
    if (!worst || rank(value) > rank(result.ours[*worst])) {
      worst = i;
    }
  }
  return worst;
}

std::string cell_of(const CaseResult& result, Figure figure) {
  const auto index = worst_of(result, figure);
  if (!index) {
    return "";
  }
  const FigureValue& value = result.ours[*index];
  return fmt::format("{}{} / {}", error_text(value), mark_of(value),
                     error_text(result.null_model[*index]));
}

std::vector<Figure> columns_of(const ValidationReport& report) {
  std::vector<Figure> columns;
  for (const FigureInfo& info : figure_table()) {
    const bool used = std::any_of(
        report.cases.begin(), report.cases.end(),
        [&info](const CaseResult& result) { return worst_of(result, info.figure).has_value(); });
    if (used) {
      columns.push_back(info.figure);
    }
  }
  return columns;
}

const FigureSummary* summary_of(const ValidationReport& report, Figure figure) {
  const auto it =
      std::find_if(report.summaries.begin(), report.summaries.end(),
                   [figure](const FigureSummary& summary) { return summary.figure == figure; });
  return it == report.summaries.end() ? nullptr : &*it;
}

std::vector<Row> rows_of(const ValidationReport& report) {
  const std::vector<Figure> columns = columns_of(report);
  std::vector<Row> rows(1, Row{"case"});
  for (const Figure figure : columns) {
    rows[0].emplace_back(info_of(figure).title);
  }
  for (const CaseResult& result : report.cases) {
    if (result.state == CaseState::kCompared) {
      Row row{result.id()};
      for (const Figure figure : columns) {
        row.push_back(cell_of(result, figure));
      }
      rows.push_back(std::move(row));
    }
  }
  Row median{"median"};
  Row worst{"worst"};
  Row goal{"goal"};
  for (const Figure figure : columns) {
    const FigureSummary* summary = summary_of(report, figure);
    const FigureInfo& info = info_of(figure);
    const int digits = figure == Figure::kOrder ? 2 : 1;
    median.push_back(summary == nullptr ? ""
                                        : fmt::format("{:.{}f} / {:.{}f}", 100 * summary->median,
                                                      digits, 100 * summary->null_median, digits));
    worst.push_back(summary == nullptr ? "" : fmt::format("{:.{}f}", 100 * summary->worst, digits));
    goal.push_back(
        info.judged ? fmt::format("{}{:g}", figure == Figure::kOrder ? ">=" : "<=", 100 * info.goal)
                    : "");
  }
  rows.push_back(std::move(median));
  rows.push_back(std::move(worst));
  rows.push_back(std::move(goal));
  return rows;
}

std::string draw(const std::vector<Row>& rows, TableFormat format) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  const bool markdown = format == TableFormat::kMarkdown;
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line = markdown ? "|" : "";
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      line += i == 0 ? fmt::format("{}{:<{}}", markdown ? " " : "", rows[r][i], widths[i])
                     : fmt::format("{}{:>{}}", markdown ? " " : "  ", rows[r][i], widths[i]);
      line += markdown ? " |" : "";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (r == 0 && markdown) {
      text += "|";
      for (std::size_t i = 0; i < widths.size(); ++i) {
        text += std::string(widths[i] + (i == 0 ? 2 : 1), '-') + (i == 0 ? "|" : ":|");
      }
      text += "\n";
    }
  }
  return text;
}

constexpr std::string_view kLegend =
    "Errors in percent, ours / null model; order: score in percent; n: difference of counts.\n"
    "! missed, i fixed by the table of CPU costs, o fixed by an offered rate or amount (not in "
    "the\n"
    "medians), ~ not judged. Goals are max(stated, 2 x spread of the case).\n";

std::string goal_text(const FigureValue& value) {
  return value.absolute ? fmt::format("{:g}", value.goal)
                        : fmt::format("{:.3g} %", 100 * value.goal);
}

std::string miss_line(const Miss& miss) {
  const FigureValue& value = miss.value;
  return fmt::format("- {}: {}{} {}{} (goal {}): {}\n", miss.case_id, info_of(value.figure).key,
                     value.job.empty() ? "" : " of " + value.job, error_text(value),
                     value.absolute || error_text(value) == "never" ? "" : " %", goal_text(value),
                     miss.diagnosis.empty() ? "no diagnosis" : miss.diagnosis);
}

std::string_view name_of(Standing standing) {
  switch (standing) {
    case Standing::kJudged:
      return "judged";
    case Standing::kInput:
      return "input";
    case Standing::kOffered:
      return "offered";
    case Standing::kInfo:
      return "info";
  }
  return "";
}

Json json_of(const FigureValue& value, const FigureValue& null_model) {
  Json json;
  json["figure"] = info_of(value.figure).key;
  if (!value.job.empty()) {
    json["job"] = value.job;
  }
  if (value.real) {
    json["real"] = *value.real;
  }
  if (value.ours) {
    json["simulated"] = *value.ours;
  }
  json[value.figure == Figure::kOrder ? "score"
       : value.absolute               ? "difference"
                                      : "error"] = value.error;
  json["null_model"] = null_model.error;
  json["standing"] = name_of(value.standing);
  if (value.standing_counts()) {
    json["goal"] = value.goal;
    json["met"] = value.met();
  }
  if (value.distance) {
    json["edit_distance"] = value.distance->upper;
    if (!value.distance->exact()) {
      json["edit_distance_at_least"] = value.distance->lower;
    }
  }
  if (value.first_divergence) {
    json["first_divergence"] = *value.first_divergence;
  }
  return json;
}

std::string_view name_of(CaseState state) {
  switch (state) {
    case CaseState::kCompared:
      return "compared";
    case CaseState::kRefused:
      return "refused";
    case CaseState::kFailed:
      return "failed";
  }
  return "";
}

}  // namespace

std::string to_table(const ValidationReport& report, TableFormat format) {
  std::string text = draw(rows_of(report), format);
  text += fmt::format("\n{}", kLegend);
  std::string tail;
  for (const Miss& miss : report.misses) {
    tail += miss_line(miss);
  }
  text += fmt::format("\nMissed: {}\n{}", report.misses.size(), tail);
  tail.clear();
  std::size_t refused = 0;
  for (const CaseResult& result : report.cases) {
    if (result.state == CaseState::kRefused) {
      ++refused;
      tail += fmt::format("- {}: refused: {}\n", result.id(), fmt::join(result.refusals, "; "));
    }
  }
  return text + fmt::format("\nNot simulated: {}\n{}", refused, tail);
}

Json to_json(const ValidationReport& report) {
  Json json;
  json["figures"] = Json::object();
  for (const FigureInfo& info : figure_table()) {
    json["figures"][std::string{info.key}] = {{"definition", info.definition}, {"goal", info.goal}};
  }
  json["cases"] = Json::array();
  for (const CaseResult& result : report.cases) {
    Json entry{{"kernel", result.kernel}, {"case", result.name}, {"state", name_of(result.state)}};
    if (result.state == CaseState::kRefused) {
      entry["refusals"] = result.refusals;
    }
    for (std::size_t i = 0; i < result.ours.size(); ++i) {
      entry["figures"].push_back(json_of(result.ours[i], result.null_model[i]));
    }
    json["cases"].push_back(std::move(entry));
  }
  json["summary"] = Json::array();
  for (const FigureSummary& summary : report.summaries) {
    json["summary"].push_back({{"figure", info_of(summary.figure).key},
                               {"cases", summary.count},
                               {"median", summary.median},
                               {"worst", summary.worst},
                               {"null_median", summary.null_median}});
  }
  json["misses"] = Json::array();
  for (const Miss& miss : report.misses) {
    json["misses"].push_back({{"case", miss.case_id},
                              {"figure", info_of(miss.value.figure).key},
                              {"job", miss.value.job},
                              {"error", miss.value.error},
                              {"goal", miss.value.goal},
                              {"diagnosis", miss.diagnosis}});
  }
  return json;
}

}  // namespace wbsim::analysis
