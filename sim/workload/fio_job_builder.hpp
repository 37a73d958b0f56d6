// Turns the settings in force for one section into a job.
#pragma once

#include "sim/workload/fio_lexer.hpp"
#include "sim/workload/fio_settings.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// A section's job before it is cloned and numbered.
struct FioJob {
  JobSpec spec;
  int clones = 1;
  bool stonewall = false;
  bool new_group = false;
  Bytes offset_increment{0};  // from one clone to the next
};

// What is wrong or not simulated goes to `findings`; the job is then not to be used.
FioJob build_fio_job(const FioSection& section, const FioSettings& settings, FioFindings& findings);

}  // namespace wbsim::workload
