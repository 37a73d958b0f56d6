// When the jobs of a truth case start.
#pragma once

#include "sim/analysis/validate.hpp"
#include "sim/base/units.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::analysis {

// A case states when the first event of fio was traced, which may come long after the first I/O: a
// writer is seen when the throttle first looks at it. This runs the case up to the first event that
// the rig would have traced, and moves the start so that it falls on `first_event`. Where that puts
// the start more than 20 ms away from the usual 180 ms (rig README: "about 0.18 s later"), the
// traced event was another one, and the usual time is taken.
SimDuration start_time(const system::Config& config, const workload::WorkloadSpec& workload,
                       SimDuration first_event, const Simulate& simulate);

}  // namespace wbsim::analysis
