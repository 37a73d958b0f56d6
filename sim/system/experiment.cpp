#include "sim/system/experiment.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "sim/system/config_files.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"

namespace wbsim::system {
namespace {

using workload::FioInput;

std::optional<TextFile> read_file(const std::string& path, Diagnostics& diagnostics) {
  std::string problem;
  std::optional<TextFile> file = read_text_file(path, problem);
  if (!file) {
    diagnostics.error(path, problem);
  }
  return file;
}

std::vector<FioInput> read_inputs(const std::vector<std::string>& paths, Diagnostics& diagnostics) {
  std::vector<FioInput> inputs;
  for (const std::string& path : paths) {
    if (std::optional<TextFile> file = read_file(path, diagnostics)) {
      inputs.push_back({path, std::move(file->text)});
    }
  }
  return inputs;
}

// What job files ask for beside themselves is added to `read_beside`.
workload::FioOptions fio_options(const Config& config, std::vector<std::string>& read_beside) {
  workload::FioOptions options;
  options.cpus = config.cpus;
  options.memory = config.memory.total;
  options.read_include = [&](const std::string& path) -> std::optional<std::string> {
    std::string unused;
    std::optional<TextFile> file = read_text_file(path, unused);
    if (!file) {
      return std::nullopt;
    }
    read_beside.push_back("include\n" + file->text);
    return std::move(file->text);
  };
  options.environment = [&](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) {
      return std::nullopt;
    }
    read_beside.push_back(fmt::format("environment\n{}={}", name, value));
    return value;
  };
  return options;
}

// The document's own job file. Its name leads to the file, so that includes are found beside it.
std::vector<FioInput> own_inputs(const Config& config, const std::string& directory,
                                 const std::string& config_name) {
  if (config.workload_text.empty()) {
    return {};
  }
  if (config.workload_file.empty()) {
    return {{config_name + ": /workload/fio", config.workload_text}};
  }
  const std::filesystem::path beside =
      (std::filesystem::path{directory} / config.workload_file).lexically_normal();
  std::error_code ignored;
  return {{std::filesystem::exists(beside, ignored) ? beside.string() : config.workload_file,
           config.workload_text}};
}

// So that the resolved configuration, and with it its digest, tells what ran. A comment line
// separates several files.
void store_inputs(const std::vector<FioInput>& inputs, Config& config) {
  config.workload_file.clear();
  config.workload_text.clear();
  for (const FioInput& input : inputs) {
    config.workload_file += (config.workload_file.empty() ? "" : ", ") + input.name;
    if (inputs.size() > 1) {
      config.workload_text += fmt::format("; job file {}\n", input.name);
    }
    config.workload_text += input.text;
  }
}

}  // namespace

std::optional<Experiment> load_experiment(const ExperimentSource& source,
                                          Diagnostics& diagnostics) {
  const std::optional<TextFile> file = read_file(source.config, diagnostics);
  const std::vector<FioInput> given = read_inputs(source.workloads, diagnostics);
  if (!file) {
    return std::nullopt;
  }
  std::optional<Config> config =
      read_config({source.config, file->text, file->directory}, source.sets, diagnostics);
  if (!config) {
    return std::nullopt;
  }
  std::vector<FioInput> inputs = given;
  if (source.workloads.empty()) {
    inputs = own_inputs(*config, file->directory, source.config);
  } else {
    store_inputs(given, *config);
  }
  Experiment experiment{std::move(*config), {}, {}};
  if (!inputs.empty()) {
    experiment.workload = workload::parse_fio_jobs(
        inputs, fio_options(experiment.config, experiment.read_beside), diagnostics);
    if (!experiment.config.workload_filename.empty()) {
      for (workload::JobSpec& job : experiment.workload.jobs) {
        job.filename = experiment.config.workload_filename;
        job.files.clear();
        if (!job.filename.starts_with("/dev/")) {
          job.files.push_back(job.filename);
        }
      }
    }
    if (diagnostics.exit_code() == 0) {
      check_workload(experiment.config, experiment.workload, diagnostics);
    }
  }
  if (diagnostics.exit_code() != 0) {
    return std::nullopt;
  }
  return experiment;
}

std::optional<Experiment> load_runnable(const ExperimentSource& source, Diagnostics& diagnostics) {
  std::optional<Experiment> experiment = load_experiment(source, diagnostics);
  if (experiment && experiment->workload.jobs.empty()) {
    diagnostics.error(source.config + ": /workload",
                      "there is no job to run; name a job file here or with --workload");
    return std::nullopt;
  }
  return experiment;
}

workload::WorkloadSpec load_jobs(const std::vector<std::string>& paths, Diagnostics& diagnostics) {
  const std::vector<FioInput> inputs = read_inputs(paths, diagnostics);
  if (inputs.empty()) {
    return {};
  }
  std::vector<std::string> unused;
  return workload::parse_fio_jobs(inputs, fio_options({}, unused), diagnostics);
}

}  // namespace wbsim::system
