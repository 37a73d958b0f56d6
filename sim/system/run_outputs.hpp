// The results of a run: the observers that gather them, and the files they end up in. `wbsim run`
// and sweeps write the same files with the same bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/report/event_digest.hpp"
#include "sim/report/metrics.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/request_log.hpp"
#include "sim/report/summary.hpp"
#include "sim/report/timeseries.hpp"
#include "sim/report/trace_log.hpp"
#include "sim/system/experiment.hpp"

namespace wbsim::system {

class RunOutputs {
 public:
  // `folder` receives summary.json, timeseries.csv and latency.csv, and requests.csv and trace.txt
  // when the configuration asks for them. It must exist; when it is empty nothing is written.
  // `version` is that of the program.
  RunOutputs(const Experiment& experiment, std::string_view version,
             const std::filesystem::path& folder);

  // To be handed to run_system(). They live as long as this.
  std::vector<engine::Observer*> observers();
  // Once, after the run.
  void finish(SimTime end);
  // After finish(): the same experiment in another phase. The first run is also the first phase.
  void add_phase(report::RunMetrics metrics);
  // After finish().
  [[nodiscard]] const report::RunResult& result() const { return result_; }
  // The first file that could not be written, if any. After finish(), once.
  [[nodiscard]] report::OutputError write();

 private:
  std::filesystem::path folder_;
  report::RunResult result_;
  report::Metrics metrics_;
  report::EventDigest digest_;
  std::unique_ptr<report::OutputFile> series_file_;
  std::optional<report::TimeSeries> series_;
  std::unique_ptr<report::OutputFile> requests_file_;
  std::optional<report::RequestLog> requests_;
  std::unique_ptr<report::OutputFile> trace_file_;
  std::optional<report::TraceLog> trace_;
};

}  // namespace wbsim::system
