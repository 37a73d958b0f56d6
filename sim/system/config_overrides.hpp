// `--set KEY=VALUE`: changes of a document before it is read.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/system/config_field.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::system {

// Applies "vm.dirty_ratio=5" and the like to `document`, in order, and returns where each one went.
//  - The key is a path of member names and array positions joined by dots.
//  - Control groups and their files may have dots in their names:
//  cgroups.user.slice.io.max.sda.wbps.
//  - queue.*, bdi.* and device.* alone mean the only device.
//  - The value is JSON where it is JSON; other text is a string, and so is a number with a point
//    (kernel=6.1): no option takes a fraction.
//  - Setting one of a pair of vm.dirty_*ratio and vm.dirty_*bytes, unless to 0, drops the
//    document's other one, as writing the sysctl would; so do workload.file and workload.fio.
//  - Setting one place twice is an error, and so is an option of a device that is not there.
std::vector<Override> apply_overrides(Json& document, std::span<const std::string> sets,
                                      Diagnostics& diagnostics);

}  // namespace wbsim::system
