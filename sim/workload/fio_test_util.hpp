// Shared by the tests of the job file front end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/workload/fio_job_file.hpp"

namespace wbsim::workload {

struct FioOutcome {
  WorkloadSpec workload;
  std::vector<std::string> messages;  // as the user sees them
  int exit_code = 0;
};

inline FioOutcome parse_inputs(const std::vector<FioInput>& inputs,
                               const FioOptions& options = {}) {
  Diagnostics diagnostics;
  FioOutcome outcome;
  outcome.workload = parse_fio_jobs(inputs, options, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    outcome.messages.push_back(to_string(diagnostic));
  }
  outcome.exit_code = diagnostics.exit_code();
  return outcome;
}

inline FioOutcome parse_text(const std::string& text, const FioOptions& options = {}) {
  return parse_inputs({{"job.fio", text}}, options);
}

// One complete job [w], and `lines` from line 4 on.
inline FioOutcome parse_lines(const std::string& lines, const FioOptions& options = {}) {
  return parse_text("[w]\nfilename=/dev/sda\nrw=write\n" + lines + "\n", options);
}

}  // namespace wbsim::workload
