// What a config must satisfy beyond the range of each option, and defaults that follow from others.
#pragma once

#include <string>
#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// Reports what does not fit together, and fills in what the documents left open: queue depths, CPU
// costs and boot.jiffies. Idempotent.
void check_and_complete(ReadContext& context, Config& config);
// The part of it that asks whether the kernel has what is set (kernel_checks.cpp).
void check_kernel_profile(ReadContext& context, const Config& config);
// The part of it for `stack`: members, sizes, cycles (stack_checks.cpp).
void check_and_complete_stack(ReadContext& context, Config& config);

// The elevators that a kernel has and wbsim simulates, in the order of their table.
std::vector<std::string> elevators_of(const KernelSwitches& kernel);

}  // namespace wbsim::system
