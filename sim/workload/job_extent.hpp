// Which bytes of a device a job reads or writes, once the device is known.
#pragma once

#include <string>

#include "sim/base/units.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

struct JobExtent {
  FileOffset begin;
  Bytes length;  // the region that offsets are chosen from
  Bytes amount;  // to transfer in one loop; more than length: the region is gone over again
  bool whole_device = false;
};

// fio's rules, as observed with fio 3.33 on a block device: a size beyond the device's end is cut
// to it, percentages of size are cut to whole blocks, and an offset in percent is raised to a block
// boundary. Where there is nothing to write, returns a length of 0 and says why in `problem`.
JobExtent resolve_extent(const JobSpec& job, Bytes device_size, std::string& problem);

}  // namespace wbsim::workload
