#include "sim/system/run_outputs.hpp"

#include "sim/system/run_info.hpp"

namespace wbsim::system {

RunOutputs::RunOutputs(const Experiment& experiment, std::string_view version,
                       const std::filesystem::path& folder)
    : folder_{folder},
      result_{describe_run(experiment.config, experiment.workload, version), {}, {}, {}},
      metrics_{result_.info} {
  if (!folder_.empty()) {
    series_file_ = std::make_unique<report::OutputFile>(folder_ / "timeseries.csv");
    series_.emplace(result_.info, series_file_.get(), report::TimeSeries::Keep::kNo);
    if (experiment.config.output.requests) {
      requests_file_ = std::make_unique<report::OutputFile>(folder_ / "requests.csv");
      requests_.emplace(result_.info, *requests_file_);
    }
    if (experiment.config.output.trace) {
      trace_file_ = std::make_unique<report::OutputFile>(folder_ / "trace.txt");
      trace_.emplace(result_.info, *trace_file_);
    }
  }
}

std::vector<engine::Observer*> RunOutputs::observers() {
  std::vector<engine::Observer*> all{&metrics_, &digest_};
  if (series_) {
    all.push_back(&*series_);
  }
  if (requests_) {
    all.push_back(&*requests_);
  }
  if (trace_) {
    all.push_back(&*trace_);
  }
  return all;
}

void RunOutputs::finish(SimTime end) {
  result_.metrics = metrics_.finish(end);
  result_.events = digest_.finish();
  if (trace_) {
    trace_file_->replace_start(trace_->finish());
  }
}

void RunOutputs::add_phase(report::RunMetrics metrics) {
  if (result_.phases.empty()) {
    result_.phases.push_back(result_.metrics);
  }
  result_.phases.push_back(std::move(metrics));
}

report::OutputError RunOutputs::write() {
  if (!series_) {
    return std::nullopt;
  }
  if (report::OutputError error = series_file_->commit()) {
    return error;
  }
  if (requests_) {
    if (report::OutputError error = requests_file_->commit()) {
      return error;
    }
  }
  if (trace_) {
    if (report::OutputError error = trace_file_->commit()) {
      return error;
    }
  }
  const std::string latencies = report::latency_csv(result_.metrics);
  if (report::OutputError error = report::write_file(folder_ / "latency.csv", latencies)) {
    return error;
  }
  return report::write_file(folder_ / "summary.json", report::summary_json(result_));
}

}  // namespace wbsim::system
