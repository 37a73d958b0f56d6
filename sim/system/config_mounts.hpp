// "mounts": file systems on the devices, and what jobs find in them.
#pragma once

#include <string>
#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::system {

std::vector<Field> mount_fields(MountConfig& mount);
Field mounts_field(std::vector<MountConfig>& mounts);
// What must hold between mounts and devices.
void check_mounts(ReadContext& context, const Config& config);

[[nodiscard]] std::string mount_point(const MountConfig& mount);
// Where a path leads; null where it is below no mount point.
[[nodiscard]] const MountConfig* mount_of(const Config& config, const std::string& path);
// The file system on a device; null where there is none.
[[nodiscard]] const MountConfig* mount_on(const Config& config, const std::string& device);

// The bytes that a job reads or writes, of its device or of its files. Of a job that
// check_workload() has found right.
[[nodiscard]] workload::JobExtent extent_of(const Config& config, const workload::JobSpec& job,
                                            std::string& problem);

}  // namespace wbsim::system
