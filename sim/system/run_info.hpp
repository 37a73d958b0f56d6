// What the reports of a run have to know about it.
#pragma once

#include <string_view>

#include "sim/report/run_info.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::system {

// `version` is that of the program.
report::RunInfo describe_run(const Config& config, const workload::WorkloadSpec& workload,
                             std::string_view version);

}  // namespace wbsim::system
