#include "sim/system/config_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/system/config_fields.hpp"
#include "sim/system/config_models.hpp"

namespace wbsim::system {
namespace {

constexpr int kRequestsMin = 4;    // BLKDEV_MIN_RQ
constexpr int kMinRatioSum = 100;  // bdi_set_min_ratio(): the sum stays below

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

// Without an elevator a request is a driver tag: queue_requests_store() refuses more than the
// driver has and raises less to BLKDEV_MIN_RQ.
void complete_queue(ReadContext& context, const std::string& pointer, DeviceConfig& device) {
  if (device.queue.scheduler != "none") {
    return;  // refused or unknown: other rules hold
  }
  const int depth = queue_depth(device);
  if (!device.queue.nr_requests) {
    device.queue.nr_requests = depth;
  }
  const int asked = *device.queue.nr_requests;
  if (asked > depth) {
    context.error(pointer + "/queue/nr_requests",
                  fmt::format("{} is more than the device's depth ({}), which the kernel refuses "
                              "with scheduler none",
                              asked, depth));
  } else if (asked < kRequestsMin && asked != depth) {
    context.error(
        pointer + "/queue/nr_requests",
        fmt::format("{} is below the kernel's minimum of {} (BLKDEV_MIN_RQ)", asked, kRequestsMin));
  }
  if (device.queue.fua && !device.queue.write_cache) {
    context.note(pointer + "/queue/fua", "has no effect with write_cache \"write through\"");
  }
}

void check_devices(ReadContext& context, std::vector<DeviceConfig>& devices) {
  int min_ratios = 0;
  for (DeviceConfig& device : devices) {
    const std::string pointer = child_pointer("/devices", device.name);
    check_and_complete_model(context, pointer, device);
    complete_queue(context, pointer, device);
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

void check_and_complete(ReadContext& context, Config& config) {
  check_vm(context, config.vm);
  check_memory(context, config.memory);
  check_devices(context, config.devices);
  complete_boot(context, config.boot, config.hz);
  complete_cpu_costs(config.cpu_costs);
}

}  // namespace wbsim::system
