#include "sim/report/phases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/base/check.hpp"
#include "sim/report/calls.hpp"
#include "sim/report/iostat.hpp"
#include "sim/report/metrics_json.hpp"
#include "sim/report/units_text.hpp"

namespace wbsim::report {

using Json = nlohmann::ordered_json;

namespace {

PhaseFigure figure_of(std::string pointer, const std::vector<double>& values) {
  PhaseFigure figure{std::move(pointer), 0, 0, values.front(), values.front()};
  const auto count = static_cast<double>(values.size());
  for (const double value : values) {
    figure.mean += value / count;
    figure.min = std::min(figure.min, value);
    figure.max = std::max(figure.max, value);
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - figure.mean) * (value - figure.mean);
  }
  figure.deviation = std::sqrt(squares / (count - 1));
  return figure;
}

// "+- 1.2%" of the mean, or of nothing where all phases have 0.
std::string plus_minus(const PhaseFigure& figure) {
  const double relative = figure.mean == 0 ? 0 : 100 * figure.deviation / figure.mean;
  return fmt::format("+-{:5.1f}%", relative);
}

using ValueOf = std::function<double(const RunMetrics&)>;
using TextOf = std::function<std::string(double)>;

struct Line {
  std::string name;
  ValueOf value;
  TextOf text;
};

void append_calls(std::vector<Line>& lines, std::size_t report, std::size_t kind,
                  const std::string& title, bool transfers) {
  const auto calls = [report, kind](const RunMetrics& run) -> const CallMetrics& {
    return *calls_of(run.reports[report])[kind].metrics;
  };
  if (transfers) {
    lines.push_back({title + " bandwidth",
                     [calls, report](const RunMetrics& run) {
                       return bandwidth(calls(run).bytes, run.reports[report].runtime);
                     },
                     [](double value) { return bytes_text(value) + "/s"; }});
  }
  for (const double percent : {50.0, 99.0, 99.9}) {
    lines.push_back({fmt::format("{} latency p{:g}", title, percent),
                     [calls, percent](const RunMetrics& run) {
                       return static_cast<double>(calls(run).latency.percentile({percent}).count());
                     },
                     [](double value) { return time_text(value); }});
  }
}

// What a job's report shows first: bandwidth and latency of what it did, and its pauses.
void append_report(std::vector<Line>& lines, const RunMetrics& first, std::size_t report) {
  const JobMetrics& job = first.reports[report];
  const auto kinds = calls_of(job);
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (kinds[kind].metrics->ios() > 0) {
      append_calls(lines, report, kind, fmt::format("{}: {}", job.name, kinds[kind].name),
                   kinds[kind].metrics->bytes > Bytes{});
    }
  }
  if (job.throttle.calls > 0) {
    lines.push_back({job.name + ": time paused",
                     [report](const RunMetrics& run) {
                       return static_cast<double>(run.reports[report].throttle.total.count());
                     },
                     [](double value) { return time_text(value); }});
  }
}

std::vector<Line> principal_lines(const RunMetrics& first) {
  std::vector<Line> lines;
  for (std::size_t report = 0; report < first.reports.size(); ++report) {
    append_report(lines, first, report);
  }
  lines.push_back({"peak of nr_dirty + nr_writeback",
                   [](const RunMetrics& run) {
                     return static_cast<double>(to_bytes(run.dirty.sum_max).count());
                   },
                   [](double value) { return bytes_text(value); }});
  for (std::size_t device = 0; device < first.devices.size(); ++device) {
    lines.push_back({first.devices[device].name + ": %util",
                     [device](const RunMetrics& run) {
                       return iostat(run.devices[device], run.elapsed()).util_percent;
                     },
                     [](double value) { return fmt::format("{:.2f}", value); }});
  }
  return lines;
}

}  // namespace

std::vector<PhaseFigure> phase_figures(const std::vector<RunMetrics>& phases) {
  SIM_CHECK(phases.size() >= 2);
  std::vector<Json> flat;
  for (const RunMetrics& phase : phases) {
    flat.push_back(to_json(phase, Bins::kNo).flatten());
  }
  std::vector<PhaseFigure> figures;
  for (const auto& [pointer, value] : flat.front().items()) {
    std::vector<double> values;
    for (const Json& phase : flat) {
      const auto found = phase.find(pointer);
      if (found != phase.end() && found->is_number()) {
        values.push_back(found->get<double>());
      }
    }
    if (values.size() == phases.size()) {
      figures.push_back(figure_of(pointer, values));
    }
  }
  return figures;
}

std::string phases_text(const std::vector<RunMetrics>& phases) {
  std::string text = fmt::format("over {} phases of clock and seed, mean and standard deviation:\n",
                                 phases.size());
  for (const Line& line : principal_lines(phases.front())) {
    std::vector<double> values;
    for (const RunMetrics& phase : phases) {
      values.push_back(line.value(phase));
    }
    const PhaseFigure figure = figure_of(line.name, values);
    fmt::format_to(std::back_inserter(text), "  {:<40}{:>14}  {}\n", figure.pointer,
                   line.text(figure.mean), plus_minus(figure));
  }
  return text;
}

Json phases_json(const std::vector<RunMetrics>& phases) {
  Json figures = Json::object();
  for (const PhaseFigure& figure : phase_figures(phases)) {
    figures[figure.pointer] = {{"mean", figure.mean},
                               {"deviation", figure.deviation},
                               {"min", figure.min},
                               {"max", figure.max}};
  }
  return {{"runs", phases.size()}, {"figures", figures}};
}

}  // namespace wbsim::report
