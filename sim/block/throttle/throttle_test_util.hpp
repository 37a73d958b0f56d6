// What the tests of io.max have in common.
#pragma once

#include "sim/block/throttle/limits.hpp"

namespace wbsim::block {

// A limit of bytes a second alone, and one of I/Os a second alone.
inline IoLimits bps(std::int64_t bytes) { return {.bps = Bytes{bytes}, .iops = std::nullopt}; }
inline IoLimits iops(std::int64_t ios) { return {.bps = std::nullopt, .iops = ios}; }

}  // namespace wbsim::block
