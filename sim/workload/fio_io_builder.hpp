// The part of a job that says what its I/Os are like: engine, queue, directions, sizes, rates.
#pragma once

#include "sim/workload/fio_setting_reader.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

void build_pattern(FioSettingReader& reader, JobSpec& spec);
void build_block_sizes(FioSettingReader& reader, JobSpec& spec);
// After build_pattern(): what an engine can do depends on the directions.
void build_engine(FioSettingReader& reader, JobSpec& spec);
// After build_block_sizes().
void build_rates(FioSettingReader& reader, JobSpec& spec);

}  // namespace wbsim::workload
