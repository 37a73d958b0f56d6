// What `wbsim run`, `check` and `sweep` read: a configuration and the jobs it runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::system {

struct Experiment {
  Config config;
  workload::WorkloadSpec workload;
  // What the job files took from elsewhere, in order: texts of included files, values of
  // environment variables. With `config` this is everything that the run depends on.
  std::vector<std::string> read_beside;
};

struct ExperimentSource {
  std::string config;                  // path of the JSON document
  std::vector<std::string> sets;       // --set
  std::vector<std::string> workloads;  // --workload: job files that replace the document's
};

// nullopt after errors or refusals. A configuration without a workload has no jobs.
std::optional<Experiment> load_experiment(const ExperimentSource& source, Diagnostics& diagnostics);

// The same for what is to be simulated: no job is an error.
std::optional<Experiment> load_runnable(const ExperimentSource& source, Diagnostics& diagnostics);

// The jobs of fio job files alone, on a machine with default memory and one CPU.
workload::WorkloadSpec load_jobs(const std::vector<std::string>& paths, Diagnostics& diagnostics);

}  // namespace wbsim::system
