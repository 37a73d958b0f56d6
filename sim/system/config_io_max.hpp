// The options of io.max of a control group for one device.
#pragma once

#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// rbps, wbps, riops and wiops.
std::vector<Field> io_max_fields(IoMaxConfig& io_max);

}  // namespace wbsim::system
