// What must hold between the driver of a device, its faults, and the rest of the device.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/system/config_faults.hpp"

namespace wbsim::system {
namespace {

using block::DeviceOp;
using block::Driver;

constexpr std::size_t kNvmeRetryDelays = 3;          // CRDT1 to CRDT3 of a controller
constexpr SimDuration kNullBlkTimeout = seconds(5);  // null_add_dev(), v5.10 and v6.1

// Who may drive the devices of a model. The first does unless told otherwise: what a guest sees of
// a disk of its host is a virtio-blk disk.
struct ModelDrivers {
  std::string_view model;
  bool nvme;  // an ssd with that interface
  std::span<const Driver> drivers;
};

constexpr std::array kOfTestDisk{Driver::kVirtioBlk, Driver::kScsi, Driver::kNvme};
constexpr std::array kOfAtaDisk{Driver::kVirtioBlk, Driver::kScsi};
constexpr std::array kOfNvmeDisk{Driver::kNvme, Driver::kVirtioBlk, Driver::kScsi};
constexpr std::array kOfNullBlk{Driver::kNullBlk};
constexpr std::array<ModelDrivers, 5> kModelDrivers{{{"simdisk", false, kOfTestDisk},
                                                     {"hdd", false, kOfAtaDisk},
                                                     {"ssd", false, kOfAtaDisk},
                                                     {"ssd", true, kOfNvmeDisk},
                                                     {"null_blk", false, kOfNullBlk}}};

bool has_nvme_interface(const DeviceConfig& device) {
  return device.model == "ssd" && device.ssd.interface == SsdConfig::Interface::kNvme;
}

std::span<const Driver> drivers_of_model(const DeviceConfig& device) {
  const auto found =
      std::find_if(kModelDrivers.begin(), kModelDrivers.end(), [&device](const ModelDrivers& each) {
        return each.model == device.model && each.nvme == has_nvme_interface(device);
      });
  SIM_CHECK(found != kModelDrivers.end());
  return found->drivers;
}

std::string_view driver_name(Driver driver) {
  const auto names = block::driver_names();
  return std::find_if(names.begin(), names.end(),
                      [driver](const auto& each) { return each.first == driver; })
      ->second;
}

bool has_single_queue(const KernelSwitches& kernel) {
  return kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
}

bool check_driver(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                  const DeviceConfig& device) {
  if (!device.driver) {
    return true;
  }
  if (has_single_queue(kernel)) {
    if (*device.driver == Driver::kScsi) {
      return true;
    }
    context.error(pointer, fmt::format("{} is not simulated with the single queue of this kernel, "
                                       "where every device is a SCSI disk; leave it out or take "
                                       "scsi",
                                       driver_name(*device.driver)));
    return false;
  }
  const std::span<const Driver> possible = drivers_of_model(device);
  if (std::find(possible.begin(), possible.end(), *device.driver) != possible.end()) {
    return true;
  }
  std::vector<std::string_view> names;
  for (const Driver each : possible) {
    names.push_back(driver_name(each));
  }
  context.error(pointer, fmt::format("{} drives no device of model {}{}; one of {}",
                                     driver_name(*device.driver), device.model,
                                     device.model != "ssd"        ? ""
                                     : has_nvme_interface(device) ? " with interface nvme"
                                                                  : " with interface sata",
                                     fmt::join(names, ", ")));
  return false;
}

// Whether both were given is checked where they are read.
void check_sectors(ReadContext& context, const std::string& pointer, const FaultConfig& fault,
                   Bytes size) {
  if (!fault.first || !fault.sectors) {
    return;
  }
  if (fault.on == DeviceOp::kFlush) {
    context.error(pointer + "/first", "a flush has no sectors");
  }
  const std::int64_t first = fault.first->value();
  const std::int64_t end = sectors_floor(size).count();
  if (first >= end) {
    context.error(pointer + "/first",
                  fmt::format("{} is beyond the device, which has {} sectors", first, end));
  } else if (fault.sectors->count() > end - first) {
    context.error(pointer + "/sectors",
                  fmt::format("{} from {} on end beyond the device, which has {}; at most {}",
                              fault.sectors->count(), first, end, end - first));
  }
}

void check_answer(ReadContext& context, const std::string& pointer, const FaultConfig& fault,
                  Driver driver) {
  if (fault.error && !block::knows(driver, *fault.error)) {
    std::vector<std::string_view> known;
    for (const auto& [error, text] : block::device_error_names()) {
      if (block::knows(driver, error)) {
        known.push_back(text);
      }
    }
    context.error(pointer + "/error", fmt::format("no {} device says so; one of {}",
                                                  driver_name(driver), fmt::join(known, ", ")));
  }
  if (driver != Driver::kNvme && (fault.do_not_retry || fault.retry_after > SimDuration::zero())) {
    context.error(pointer + (fault.do_not_retry ? "/do_not_retry" : "/retry_after"),
                  fmt::format("only NVMe devices can say so, and this one has the driver {}",
                              driver_name(driver)));
  }
  if (fault.retry_after % kNvmeRetryUnit != SimDuration::zero()) {
    context.error(pointer + "/retry_after",
                  fmt::format("{} is no multiple of 100ms, the unit in which NVMe states it",
                              format_quantity(Quantity::kDuration, fault.retry_after.count())));
  }
}

void check_fault(ReadContext& context, const std::string& pointer, const FaultConfig& fault,
                 Bytes size, Driver driver) {
  check_sectors(context, pointer, fault, size);
  check_answer(context, pointer, fault, driver);
  if (fault.until && *fault.until <= fault.from) {
    context.error(pointer + "/until",
                  fmt::format("{} is not after it begins ({})",
                              format_quantity(Quantity::kDuration, fault.until->count()),
                              format_quantity(Quantity::kDuration, fault.from.count())));
  }
}

// Models: nvme_retry_req(), drivers/nvme/host/core.c, v6.1: two bits of a status choose between no
// delay and those that the controller has stated once.
void check_retry_delays(ReadContext& context, const std::string& faults,
                        const DeviceConfig& device) {
  std::vector<SimDuration> stated;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < device.faults.size(); ++i) {
    const SimDuration delay = device.faults[i].retry_after;
    if (delay == SimDuration::zero() ||
        std::find(stated.begin(), stated.end(), delay) != stated.end()) {
      continue;
    }
    const std::string text = format_quantity(Quantity::kDuration, delay.count());
    if (stated.size() < kNvmeRetryDelays) {
      stated.push_back(delay);
      texts.push_back(text);
      continue;
    }
    context.error(child_pointer(faults, std::to_string(i)) + "/retry_after",
                  fmt::format("{} is one too many: an NVMe controller has {} delays (CRDT1 to "
                              "CRDT3), here {}",
                              text, kNvmeRetryDelays, fmt::join(texts, ", ")));
  }
}

// null_timeout_rq(), v6.1: what is given up fails once it ends; v5.10 ends it twice.
void check_lateness(ReadContext& context, const std::string& faults, const DeviceConfig& device) {
  const auto given = device.queue.io_timeout;
  const SimDuration timeout = given ? milliseconds(*given) : kNullBlkTimeout;
  SimDuration late{};
  for (std::size_t i = 0; i < device.faults.size(); ++i) {
    late += device.faults[i].late;
    if (device.faults[i].late > SimDuration::zero() && late >= timeout) {
      context.refuse(child_pointer(faults, std::to_string(i)) + "/late",
                     fmt::format("timeouts of null_blk: a command that is {} late{} exceeds its "
                                 "io_timeout of {}",
                                 format_quantity(Quantity::kDuration, late.count()),
                                 late == device.faults[i].late ? "" : " by all faults up to here",
                                 format_quantity(Quantity::kDuration, timeout.count())));
      return;
    }
  }
}

void note_idle_timeout(ReadContext& context, const std::string& pointer, const DeviceConfig& device,
                       Driver driver) {
  if (driver == Driver::kVirtioBlk) {
    context.note(pointer, fmt::format("has no effect: {} waits for ever", driver_name(driver)));
  } else if (device.faults.empty()) {
    context.note(pointer, "has no effect: a device without faults is never given up");
  }
}

}  // namespace

Driver driver_of(const DeviceConfig& device, const KernelSwitches& kernel) {
  if (has_single_queue(kernel)) {
    return Driver::kScsi;
  }
  return device.driver.value_or(drivers_of_model(device).front());
}

void check_faults(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                  const DeviceConfig& device) {
  if (!check_driver(context, pointer + "/driver", kernel, device)) {
    return;
  }
  const Driver driver = driver_of(device, kernel);
  const std::string faults = child_pointer(pointer, "faults");
  for (std::size_t i = 0; i < device.faults.size(); ++i) {
    check_fault(context, child_pointer(faults, std::to_string(i)), device.faults[i], device.size,
                driver);
  }
  if (driver == Driver::kNvme) {
    check_retry_delays(context, faults, device);
  }
  if (driver == Driver::kNullBlk) {
    check_lateness(context, faults, device);
  }
  if (device.queue.io_timeout) {
    note_idle_timeout(context, pointer + "/queue/io_timeout", device, driver);
  }
}

}  // namespace wbsim::system
