// The options of a device that say what drives it and what goes wrong with it.
#pragma once

#include <string>
#include <vector>

#include "models/fault.hpp"
#include "sim/block/driver.hpp"
#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

inline constexpr SimDuration kNvmeRetryUnit = milliseconds(100);  // of command retry delay times

// `driver` and `faults`.
std::vector<Field> fault_fields(DeviceConfig& device);

// The driver of a device. Before blk-mq all are SCSI disks.
block::Driver driver_of(const DeviceConfig& device, const KernelSwitches& kernel);

// Reports what the driver, the kernel and the device do not have or cannot be given.
void check_faults(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                  const DeviceConfig& device);

std::vector<models::Fault> faults_of(const DeviceConfig& device);

}  // namespace wbsim::system
