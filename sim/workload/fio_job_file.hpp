// Reads fio job files into the jobs that wbsim carries out.
//
// All names and the whole grammar of fio are known. What is simulated fills JobSpecs; what cannot
// act in a simulation is noted once; everything else that would change the result is refused by
// name, never ignored (fio_treatment.cpp has the list).
#pragma once

#include <span>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/workload/fio_lexer.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

struct WorkloadSpec {
  std::vector<JobSpec> jobs;  // in fio's order, clones expanded, groups numbered
};

// Clones counted. A bound on hostile input, far above the jobs of real files.
inline constexpr std::size_t kFioJobsMax = 4096;

// Reports all findings at once. The jobs may be carried out only when diagnostics.exit_code() is 0.
WorkloadSpec parse_fio_jobs(std::span<const FioInput> inputs, const FioOptions& options,
                            Diagnostics& diagnostics);

}  // namespace wbsim::workload
