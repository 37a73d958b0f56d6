// The null model: what a simulator that knows nothing of the kernel would say. A figure that it
// also gets right proves little about ours.
//
// Writers copy at a fixed memory speed until the dirty pages reach dirty_ratio of memory and then
// wait until they fall below it. From dirty_background_ratio on, dirty pages go out in file order,
// in requests as large as the queue allows, first in first out, with as many in flight as there are
// tags. There is no elevator, no plug, no rate control, no periodic writeback.
#pragma once

#include <vector>

#include "sim/analysis/recorder.hpp"
#include "sim/analysis/run_record.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::analysis {

// `reporting` as for Recorder. Uses the first device, whatever file the jobs name.
RunRecord run_null_model(const system::Config& config, const std::vector<workload::JobSpec>& jobs,
                         const std::vector<JobReporting>& reporting);

}  // namespace wbsim::analysis
