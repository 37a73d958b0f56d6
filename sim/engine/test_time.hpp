// For tests: times as plain numbers.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::engine {

inline std::int64_t ns(SimTime time) { return time.time_since_epoch().count(); }

}  // namespace wbsim::engine
