// Which bytes of a device a job reads or writes, once the device is known.
#pragma once

#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

struct JobExtent {
  FileOffset begin;
  Bytes length;  // the region that offsets are chosen from
  Bytes amount;  // to transfer in one loop; more than length: the region is gone over again
  bool whole_device = false;
  std::vector<JobExtent> files{};  // of a job on files, each; length and amount are of all
};

// fio's rules, as observed with fio 3.33 on a block device: a size beyond the device's end is cut
// to it, percentages of size are cut to whole blocks, and an offset in percent is raised to a block
// boundary. Where there is nothing to write, returns a length of 0 and says why in `problem`.
JobExtent resolve_extent(const JobSpec& job, Bytes device_size, std::string& problem);

// The same of a job on files: size is that of all together, filesize that of each. What is left of
// a size that their number does not divide makes the first ones a block longer, if there is one in
// it (seen with fio 3.33: 640 KiB are three files of 218453 bytes).
JobExtent resolve_file_extents(const JobSpec& job, std::string& problem);
// How long the file becomes when it is laid out.
[[nodiscard]] inline Bytes file_length(const JobExtent& file) {
  return Bytes{file.begin.value()} + file.length;
}

}  // namespace wbsim::workload
