// io.weight and io.bfq.weight of control groups.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// The two files, as the kernel takes them: "200", "default 200"; io.bfq.weight also by device.
std::vector<Field> weight_fields(CgroupConfig& group);

// Says which weights nothing reads. `pointer`: of the group.
void note_idle_weights(ReadContext& context, const Config& config, const CgroupConfig& group,
                       const std::string& pointer);

// io.bfq.weight of the group on one device.
int bfq_weight(const CgroupConfig& group, std::string_view device);

}  // namespace wbsim::system
