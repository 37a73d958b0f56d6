#include "sim/system/config_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <span>
#include <string>
#include <vector>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/system/config_cgroups.hpp"
#include "sim/system/config_faults.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_hw_queues.hpp"
#include "sim/system/config_models.hpp"
#include "sim/system/config_mounts.hpp"

namespace wbsim::system {
namespace {

using TunableDefaults = decltype(QueueConfig::iosched);

constexpr int kRequestsMin = 4;            // BLKDEV_MIN_RQ
constexpr int kSingleQueueRequests = 128;  // BLKDEV_MAX_RQ, of each class
constexpr int kSchedRequestsMax = 2048;    // MAX_SCHED_RQ
constexpr int kMinRatioSum = 100;          // bdi_set_min_ratio(): the sum stays below

void check_vm(ReadContext& context, const VmConfig& vm) {
  if (vm.dirty_bytes > Bytes{0} && vm.dirty_bytes < kDirtyBytesMin) {
    context.error("/vm/dirty_bytes",
                  fmt::format("{} is below the kernel's minimum of {} (two pages); 0 means that "
                              "dirty_ratio holds",
                              vm.dirty_bytes.count(), kDirtyBytesMin.count()));
  }
  const bool both_bytes = vm.dirty_bytes > Bytes{0} && vm.dirty_background_bytes > Bytes{0};
  const bool both_ratios = vm.dirty_bytes == Bytes{0} && vm.dirty_background_bytes == Bytes{0};
  if ((both_bytes && vm.dirty_background_bytes >= vm.dirty_bytes) ||
      (both_ratios && vm.dirty_background_ratio >= vm.dirty_ratio)) {
    context.note("/vm",
                 "the background limit is not below the dirty limit; the kernel uses half "
                 "of the dirty limit instead");
  }
}

void check_memory(ReadContext& context, const MemoryConfig& memory) {
  const Pages total = pages_floor(memory.total);
  const Pages used = pages_floor(memory.anon) + memory.active_file + memory.inactive_file +
                     memory.free.value_or(Pages{0});
  if (used > total) {
    context.error(
        "/memory",
        fmt::format("anon, free, active_file and inactive_file are {} together, more than "
                    "total ({})",
                    format_quantity(Quantity::kPages, used.count()),
                    format_quantity(Quantity::kPages, total.count())));
  }
  if (memory.totalreserve && *memory.totalreserve >= total) {
    context.error("/memory/totalreserve",
                  fmt::format("{} is not below total ({})",
                              format_quantity(Quantity::kPages, memory.totalreserve->count()),
                              format_quantity(Quantity::kPages, total.count())));
  }
}

using Generation = block::ElevatorGeneration;

// queue_requests_store() raises less than BLKDEV_MIN_RQ and refuses more than there can be: without
// an elevator a request is a tag of the driver, with one there are up to MAX_SCHED_RQ.
void complete_nr_requests(ReadContext& context, const std::string& pointer, int depth,
                          bool single_queue, QueueConfig& queue) {
  const bool none = queue.scheduler == "none";
  const int usual = single_queue ? kSingleQueueRequests
                    : none       ? depth
                                 : block::default_nr_requests(depth);
  const int asked = queue.nr_requests.value_or(usual);
  queue.nr_requests = asked;
  if (none && asked > depth) {
    context.error(pointer, fmt::format("{} is more than the device's depth ({}), which the kernel "
                                       "refuses with scheduler none",
                                       asked, depth));
  } else if (!none && !single_queue && asked > kSchedRequestsMax) {
    context.error(
        pointer,
        fmt::format("{} is more than the kernel allows with an elevator ({}, MAX_SCHED_RQ)", asked,
                    kSchedRequestsMax));
  } else if (asked < kRequestsMin && asked != usual) {
    context.error(pointer, fmt::format("{} is below the kernel's minimum of {} (BLKDEV_MIN_RQ)",
                                       asked, kRequestsMin));
  }
}

// What defaults of tunables follow from.
struct TunableBasis {
  int depth;
  Generation generation;
  int hz;
};

// As sysfs shows it.
std::int64_t default_of(const block::Tunable& tunable, const TunableBasis& basis) {
  if (tunable.part.denominator > 0) {
    const engine::Jiffies jiffies{basis.hz, 0, {}};
    const std::int64_t ticks = tunable.part.jiffies(basis.hz);
    return static_cast<std::int64_t>(jiffies.to_msecs(static_cast<std::uint64_t>(ticks)));
  }
  return tunable.value.value_or(block::default_nr_requests(basis.depth));
}

// Only what the elevator has in this kernel can be set; the rest gets its default.
void complete_iosched(ReadContext& context, const std::string& pointer, const TunableBasis& basis,
                      QueueConfig& queue) {
  const block::ElevatorType* type = block::find_elevator(queue.scheduler);
  std::vector<std::string> names;
  TunableDefaults defaults;
  for (const block::Tunable& tunable :
       type == nullptr ? std::span<const block::Tunable>{} : type->tunables) {
    if (basis.generation < tunable.since || tunable.until < basis.generation) {
      continue;
    }
    names.emplace_back(tunable.name);
    defaults.emplace(tunable.name, default_of(tunable, basis));
  }
  for (const auto& [name, value] : queue.iosched) {
    if (!defaults.contains(name)) {
      context.error(pointer + "/" + name,
                    names.empty() ? fmt::format("scheduler {} has no tunables", queue.scheduler)
                                  : fmt::format("scheduler {} of this kernel does not have it; it "
                                                "has {}",
                                                queue.scheduler, fmt::join(names, ", ")));
    }
  }
  queue.iosched.merge(defaults);
}

// An elevator belongs to one kind of queue; `none` is blk-mq's.
bool check_elevator(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                    const std::string& scheduler) {
  const std::vector<std::string> known = elevators_of(kernel);
  if (std::find(known.begin(), known.end(), scheduler) != known.end()) {
    return true;
  }
  context.error(pointer, fmt::format("\"{}\" is no elevator of this kernel; it has {}", scheduler,
                                     fmt::join(known, ", ")));
  return false;
}

bool is_boundary_mask(std::int64_t mask) {
  return mask + 1 >= kSectorSize.count() &&
         std::has_single_bit(static_cast<std::uint64_t>(mask) + 1);
}

// What blk_queue_io_min(), blk_queue_io_opt() and the like expect of drivers.
void check_topology(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                    const QueueConfig& queue) {
  const auto refuse = [&](const char* key, bool given, const char* since) {
    if (given) {
      context.error(pointer + "/" + key,
                    fmt::format("this kernel does not know it (Linux {}); leave it out", since));
    }
  };
  refuse("chunk_sectors", queue.chunk_sectors && block::is_single_queue(kernel.elevators), "3.16");
  const bool old = kernel.elevators == block::ElevatorGeneration::kV2_6_18;
  refuse("physical_block_size", old && queue.physical_block_size, "2.6.31");
  refuse("minimum_io_size", old && queue.minimum_io_size, "2.6.31");
  refuse("optimal_io_size", old && queue.optimal_io_size, "2.6.31");
  const int block = queue.physical_block_size.value_or(static_cast<int>(kSectorSize.count()));
  const auto check = [&](const char* key, const std::optional<int>& value, int unit) {
    if (value && *value % unit != 0) {
      context.error(pointer + "/" + key, fmt::format("{} is not a multiple of {}", *value, unit));
    }
  };
  if ((block & (block - 1)) != 0) {
    context.error(pointer + "/physical_block_size", fmt::format("{} is not a power of two", block));
    return;
  }
  check("minimum_io_size", queue.minimum_io_size, block);
  check("optimal_io_size", queue.optimal_io_size, block);
  check("chunk_sectors", queue.chunk_sectors, static_cast<int>(kSectorsPerPage.count()));
}

// A virtual boundary came with v4.3. NVMe: nvme_set_queue_limits().
void complete_virt_boundary(ReadContext& context, const std::string& pointer,
                            const KernelSwitches& kernel, DeviceConfig& device) {
  std::optional<std::int64_t>& mask = device.queue.virt_boundary_mask;
  const bool single = block::is_single_queue(kernel.elevators);
  if (single && mask.value_or(0) != 0) {
    context.error(pointer, "this kernel does not know it (Linux 4.3); leave it out");
  } else if (mask.value_or(0) != 0 && !is_boundary_mask(*mask)) {
    context.error(pointer, fmt::format("{} is not 0, 511, 1023, 2047 or 4095", *mask));
  }
  const bool nvme = device.model == "ssd" && device.ssd.interface == SsdConfig::Interface::kNvme;
  mask = mask.value_or(nvme && !single ? kPageSize.count() - 1 : 0);
}

// Writeback throttling came with blk-mq (v4.10); before, it was off.
void complete_wbt(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                  QueueConfig& queue) {
  const bool single = kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
  if (single && queue.wbt_lat_usec > 0) {
    context.error(pointer, fmt::format("{}: this kernel has no writeback throttling; leave it out, "
                                       "or set 0",
                                       queue.wbt_lat_usec));
  }
  const bool given = queue.wbt_lat_usec > 0;
  if (queue.wbt_lat_usec == -1) {
    queue.wbt_lat_usec = single ? 0 : default_wbt_lat_usec(queue);
  }
  if (given && !single && find_entry(elevator_catalog(), queue.scheduler)->disables_wbt) {
    context.note(pointer,
                 wbt_latency(queue)
                     ? fmt::format("{} switches writeback throttling off unless it is set; "
                                   "as it is, both are at work",
                                   queue.scheduler)
                     : fmt::format("has no effect: it is the default, and {} switches "
                                   "writeback throttling off",
                                   queue.scheduler));
  }
}

void complete_queue(ReadContext& context, const std::string& pointer, const KernelSwitches& kernel,
                    int hz, DeviceConfig& device) {
  const CatalogEntry* scheduler = find_entry(elevator_catalog(), device.queue.scheduler);
  if (scheduler == nullptr || !scheduler->simulated) {
    return;  // refused or unknown: other rules hold
  }
  complete_wbt(context, pointer + "/queue/wbt_lat_usec", kernel, device.queue);
  if (!check_elevator(context, pointer + "/queue/scheduler", kernel, device.queue.scheduler)) {
    return;
  }
  check_topology(context, pointer + "/queue", kernel, device.queue);
  complete_virt_boundary(context, pointer + "/queue/virt_boundary_mask", kernel, device);
  const int depth = tag_depth(device);
  const bool single = kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
  const bool nvme = device.model == "ssd" && device.ssd.interface == SsdConfig::Interface::kNvme;
  if (single && (nvme || device.model == "null_blk")) {
    context.note(pointer + "/model",
                 "the drivers of this kernel had no request queue for such a "
                 "device; it is driven as a SCSI disk");
  }
  complete_nr_requests(context, pointer + "/queue/nr_requests", depth, single, device.queue);
  if (!device.host.empty() && device.queue.scheduler == "none" &&
      device.queue.nr_requests < depth) {
    context.error(pointer + "/queue/nr_requests",
                  fmt::format("with scheduler none these are the tags of the host ({}); set "
                              "host_tags instead",
                              depth));
  }
  complete_iosched(context, pointer + "/queue/iosched", {depth, kernel.elevators, hz},
                   device.queue);
  if (device.queue.fua && !device.queue.write_cache) {
    context.note(pointer + "/queue/fua", "has no effect with write_cache \"write through\"");
  }
}

void check_devices(ReadContext& context, Config& config) {
  int min_ratios = 0;
  for (DeviceConfig& device : config.devices) {
    check_and_complete_model(context, child_pointer("/devices", device.name), device);
  }
  check_and_complete_hw_queues(context, config);
  for (DeviceConfig& device : config.devices) {
    const std::string pointer = child_pointer("/devices", device.name);
    complete_queue(context, pointer, config.switches, config.hz, device);
    check_faults(context, pointer, config.switches, device);
    min_ratios += device.bdi_min_ratio;
    if (device.bdi_min_ratio > device.bdi_max_ratio) {
      context.error(
          pointer + "/bdi/min_ratio",
          fmt::format("{} is above max_ratio ({})", device.bdi_min_ratio, device.bdi_max_ratio));
    }
  }
  if (min_ratios >= kMinRatioSum) {
    context.error("/devices", fmt::format("the min_ratios of all devices add up to {}; the kernel "
                                          "keeps the sum below {}",
                                          min_ratios, kMinRatioSum));
  }
}

void complete_boot(ReadContext& context, BootConfig& boot, int hz) {
  constexpr std::uint64_t kUnset = BootConfig{}.jiffies;
  constexpr std::uint64_t kWrapSeconds = 300;  // INITIAL_JIFFIES: 32 bits wrap 300 s after boot
  if (boot.jiffies == kUnset) {
    boot.jiffies = (std::uint64_t{1} << 32) - kWrapSeconds * static_cast<std::uint64_t>(hz);
  }
  const SimDuration tick = seconds(1) / hz;
  if (boot.next_tick > tick) {
    context.error("/boot/next_tick",
                  fmt::format("{} is more than a tick ({} with hz {})",
                              format_quantity(Quantity::kDuration, boot.next_tick.count()),
                              format_quantity(Quantity::kDuration, tick.count()), hz));
  }
}

}  // namespace

std::vector<std::string> elevators_of(const KernelSwitches& kernel) {
  std::vector<std::string> names;
  if (kernel.block_layer == KernelSwitches::BlockLayer::kMultiQueue) {
    names.emplace_back("none");
  }
  for (const block::ElevatorType& type : block::elevator_types()) {
    if (type.exists_in(kernel.elevators)) {
      names.emplace_back(type.name);
    }
  }
  return names;
}

void check_and_complete(ReadContext& context, Config& config) {
  check_kernel_profile(context, config);
  check_vm(context, config.vm);
  check_memory(context, config.memory);
  check_devices(context, config);
  check_and_complete_stack(context, config);
  check_and_complete_cgroups(context, config);
  check_mounts(context, config);
  complete_boot(context, config.boot, config.hz);
  complete_cpu_costs(config.cpu_costs);
}

}  // namespace wbsim::system
