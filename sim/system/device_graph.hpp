// The devices of a configuration as a graph: which of them are made of which.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "sim/system/config.hpp"

namespace wbsim::system {

// Names of the devices of one cycle, each with the next as a member and the first again at the end;
// empty where there is none. Members that do not exist are ignored.
[[nodiscard]] std::vector<std::string> find_cycle(const Config& config);

// Indices into config.stack, members before what is on top of them. There must be no cycle.
[[nodiscard]] std::vector<std::size_t> build_order(const Config& config);

// What a run has measured of a device.
struct DeviceUse {
  double busy_percent = 0;  // time with something in the device
  double read_kib_per_s = 0;
  double write_kib_per_s = 0;
};

// The graph in the language of Graphviz, from the top down; by name what was measured, if anything.
[[nodiscard]] std::string to_dot(const Config& config, const std::map<std::string, DeviceUse>& use);

}  // namespace wbsim::system
