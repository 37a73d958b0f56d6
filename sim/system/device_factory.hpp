// Device models from their configuration.
#pragma once

#include <memory>

#include "sim/block/device.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/system/config.hpp"

namespace wbsim::system {

// `config` must have passed the checks of the reader.
std::unique_ptr<block::DeviceModel> make_device_model(engine::Simulator& simulator,
                                                      const DeviceConfig& config);

}  // namespace wbsim::system
