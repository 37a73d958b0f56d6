// The inputs of a truth case, and nothing else: what a simulation of it may know.
//
// Inputs are case.json, initial-state.json, io-JOB.csv.xz, and of summary.json the members queue,
// vm, mem_kb and mem_kb_at_run. The answer is read elsewhere (truth_answer.hpp), after the
// simulation; a test replaces everything else with garbage and finds the inputs identical.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"
#include "sim/system/json_text.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::analysis {

// The device of every case, whatever it was called in the guest.
inline constexpr std::string_view kCaseDevice = "sim0";

struct TruthCase {
  std::string name;    // case.json's, for the table
  std::string kernel;  // "6.1": major and minor number
  std::filesystem::path folder;
  system::Json config;        // a configuration document (config_reader.hpp)
  SimDuration first_event{};  // of a process of fio in the trace, after t = 0
  // What a job reads and writes, in order, by job name.
  std::map<std::string, std::vector<workload::Io>> replay;
};

// Reads the inputs of the case in `folder`. Damaged input is an error; what the rig can do and a
// configuration cannot express is refused. What the configuration and the job file in it ask for is
// judged by their own readers, not here; to list all reasons at once, a refused case is returned
// nevertheless. nullopt only after errors.
std::optional<TruthCase> read_truth_case(const std::filesystem::path& folder,
                                         Diagnostics& diagnostics);

}  // namespace wbsim::analysis
