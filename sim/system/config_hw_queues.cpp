#include "sim/system/config_hw_queues.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "sim/system/config_faults.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_models.hpp"

namespace wbsim::system {
namespace {

using block::Driver;

constexpr std::int64_t kHwQueuesMax = 1024;           // of CPUs
constexpr const char* kSingleQueueScheduler = "cfq";  // CONFIG_DEFAULT_IOSCHED since v2.6.18

std::string_view driver_name(Driver driver) {
  for (const auto& [value, name] : block::driver_names()) {
    if (value == driver) {
      return name;
    }
  }
  return "";
}

bool has_single_queues(const KernelSwitches& kernel) {
  return kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
}

// SCSI drivers with several hardware queues have the tags of the host (host_tagset).
bool has_host_wide_tags(const DeviceConfig& device, Driver driver) {
  return driver == Driver::kScsi && device.queue.hw_queues.value_or(1) > 1;
}

// nvme_setup_io_queues(): one for each CPU; the others as many as they are told, which is one
// (num-queues of virtio-blk, submit_queues of null_blk, nr_hw_queues of a SCSI host).
void complete_hw_queues(ReadContext& context, const std::string& pointer, const Config& config,
                        DeviceConfig& device) {
  std::optional<int>& queues = device.queue.hw_queues;
  if (queues && has_single_queues(config.switches)) {
    if (*queues > 1) {
      context.error(pointer, "this kernel does not know it (Linux 3.13); leave it out");
    }
    queues = 1;
    return;
  }
  if (queues && *queues > config.cpus) {
    context.error(
        pointer, fmt::format("{} is more than one for each CPU; cpus is {}", *queues, config.cpus));
    queues = config.cpus;
  }
  const bool nvme = driver_of(device, config.switches) == Driver::kNvme;
  queues = queues.value_or(nvme ? config.cpus : 1);
}

// elevator_get_default(), v6.1 and the stable series of v5.10; CONFIG_DEFAULT_IOSCHED before
// blk-mq.
std::string default_scheduler(const DeviceConfig& device, const KernelSwitches& kernel) {
  if (has_single_queues(kernel)) {
    return kSingleQueueScheduler;
  }
  const bool one = device.queue.hw_queues == 1;
  return one || has_host_wide_tags(device, driver_of(device, kernel)) ? QueueConfig{}.scheduler
                                                                      : "none";
}

// What all devices of a host have in common, `first` among them.
void check_same_host(ReadContext& context, const KernelSwitches& kernel, const DeviceConfig& first,
                     const DeviceConfig& other) {
  const std::string pointer = child_pointer("/devices", other.name);
  const auto differs = [&](const char* key, auto value, auto of_first) {
    context.error(pointer + key, fmt::format("{} differs from that of \"{}\" ({}), which has the "
                                             "same host",
                                             value, first.name, of_first));
  };
  const Driver driver = driver_of(other, kernel);
  const Driver driver_of_first = driver_of(first, kernel);
  if (driver != driver_of_first) {
    differs("/driver", driver_name(driver), driver_name(driver_of_first));
  }
  if (other.queue.hw_queues != first.queue.hw_queues) {
    differs("/queue/hw_queues", *other.queue.hw_queues, *first.queue.hw_queues);
  }
  if (other.host_tags && first.host_tags && other.host_tags != first.host_tags) {
    differs("/host_tags", *other.host_tags, *first.host_tags);
  }
}

void check_host(ReadContext& context, const KernelSwitches& kernel, const DeviceConfig& device) {
  const std::string pointer = child_pointer("/devices", device.name);
  if (device.host.empty()) {
    if (device.host_tags) {
      context.error(pointer + "/host_tags",
                    "belongs to a host; name it: \"host\": \"host0\", here and in the devices "
                    "that share its tags");
    }
    return;
  }
  if (has_single_queues(kernel)) {
    context.refuse(pointer + "/host", "devices that share tags are simulated with blk-mq only");
  } else if (driver_of(device, kernel) == Driver::kVirtioBlk) {
    context.error(
        pointer + "/host",
        "a disk of virtio-blk shares no tags; say what drives it: \"driver\": \"scsi\" or "
        "\"nvme\"");
  }
}

// Gives all devices of a host its number of tags.
void complete_hosts(ReadContext& context, const KernelSwitches& kernel,
                    std::vector<DeviceConfig>& devices) {
  for (DeviceConfig& first : devices) {
    check_host(context, kernel, first);
    int sharing = 0;
    int tags = 0;
    std::optional<int> given;
    for (const DeviceConfig& each : devices) {
      if (first.host.empty() || each.host != first.host) {
        continue;
      }
      ++sharing;
      tags = std::max(tags, queue_depth(each));
      given = given ? given : each.host_tags;
      if (&each > &first && std::none_of(devices.data(), &first, [&](const DeviceConfig& before) {
            return before.host == first.host;
          })) {
        check_same_host(context, kernel, first, each);
      }
    }
    if (sharing == 1) {
      context.note(child_pointer("/devices", first.name) + "/host",
                   "has no effect on sharing: no other device has this host");
    }
    if (sharing > 0) {
      first.host_tags = given.value_or(tags);
    }
  }
}

}  // namespace

Field hw_queues_field(QueueConfig& queue) {
  return integer_field("hw_queues", access_count(queue.hw_queues), {1, kHwQueuesMax},
                       "hardware queues, at most one for each CPU; absent: one for each CPU with "
                       "nvme, else 1");
}

std::vector<Field> host_fields(DeviceConfig& device) {
  Field host = text_field("host", device.host,
                          "name of its host; devices of one host share the driver's tags (disks of "
                          "a SCSI host, namespaces of an NVMe controller)");
  host.print = [&device] { return device.host.empty() ? Json(nullptr) : Json(device.host); };
  return {std::move(host),
          integer_field("host_tags", access_count(device.host_tags), {1, kDepthMax},
                        "tags of the host (of each hardware queue, unless SCSI); absent: the "
                        "greatest depth of its devices")};
}

void check_and_complete_hw_queues(ReadContext& context, Config& config) {
  for (DeviceConfig& device : config.devices) {
    const std::string pointer = child_pointer("/devices", device.name);
    complete_hw_queues(context, pointer + "/queue/hw_queues", config, device);
    if (device.queue.scheduler.empty()) {
      device.queue.scheduler = default_scheduler(device, config.switches);
    }
  }
  complete_hosts(context, config.switches, config.devices);
}

int tag_depth(const DeviceConfig& device) { return device.host_tags.value_or(queue_depth(device)); }

// A SCSI disk is given no more than its own depth (DispatchBudget).
int held_commands(const DeviceConfig& device) {
  return device.driver == Driver::kScsi ? queue_depth(device)
                                        : tag_depth(device) * device.queue.hw_queues.value_or(1);
}

// nvme_commit_rqs() and virtio_commit_rqs(). Where nothing was said of the driver, the disk is told
// of each command at once, as that of the recorded kernels.
void set_hw_queue_options(const DeviceConfig& device, const KernelSwitches& kernel,
                          block::RequestQueueOptions& options) {
  const Driver driver = driver_of(device, kernel);
  const bool by_interrupt = driver == Driver::kNvme || driver == Driver::kVirtioBlk;
  const bool batches =
      driver == Driver::kNvme || (driver == Driver::kVirtioBlk && device.driver.has_value());
  options.hw_queues = device.queue.hw_queues.value_or(1);
  options.cpu_spread = by_interrupt ? block::CpuSpread::kConsecutive : block::CpuSpread::kInTurn;
  options.multi_queue = kernel.multi_queue;
  options.queue_depth = tag_depth(device);
  options.host_wide_tags = has_host_wide_tags(device, driver);
  options.doorbell = batches ? block::Doorbell::kEachBatch : block::Doorbell::kEachCommand;
}

block::TagHostOptions tag_host_options(const DeviceConfig& device, const Config& config) {
  return {.depth = tag_depth(device),
          .tags = {.wake = config.switches.tag_wake, .cpus = config.cpus},
          .hw_queues = device.queue.hw_queues.value_or(1),
          .host_wide = has_host_wide_tags(device, driver_of(device, config.switches)),
          .wakes_by_share = config.switches.multi_queue == block::MultiQueueRules::kV6_1};
}

}  // namespace wbsim::system
