// The files of a job: names, how many, how they come to be.
#pragma once

#include "sim/workload/fio_setting_reader.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// A device, files by name, or a number of files in a directory, which name_files() names.
void build_files(FioSettingReader& reader, JobSpec& spec);

// sync_file_range=wait_before,write:8: flags, and after how many writes.
void build_range_sync(FioSettingReader& reader, JobSpec& spec);

// Names the files of one clone as fio does: JOBNAME.CLONE.FILE, unless filename_format says
// otherwise.
void name_files(JobSpec& spec);

}  // namespace wbsim::workload
