// What devices on top of others may be made of.
#pragma once

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// mdadm writes it for a member of a degraded array that is not there.
inline constexpr const char* kMissingMember = "missing";

// Each tells what is wrong and is false where something is. check_members(): how many there are,
// and that they exist, of one device whose kind is simulated; the others hold for all devices,
// once that is so.
bool check_members(ReadContext& context, const Config& config, const StackConfig& stack);
// A partition is of a disk or an array.
bool check_partitioned(ReadContext& context, const Config& config);
// Each device has one user.
bool check_claims(ReadContext& context, const Config& config);
// Refuses faults that would make md put a member out of its array.
void check_member_faults(ReadContext& context, const Config& config);

}  // namespace wbsim::system
