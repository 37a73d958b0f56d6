#include "sim/system/run_info.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/system/catalog.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"
#include "sim/system/stack_config.hpp"
#include "sim/workload/job_process.hpp"

namespace wbsim::system {

namespace {

constexpr int kDeviceMapperMajor = 253;  // the first one that Linux gives out dynamically
constexpr int kMdMajor = 9;
constexpr int kExtendedMajor = 259;  // BLOCK_EXT_MAJOR
constexpr int kMinorsOfDisk = 16;    // SD_MINORS: the disk and 15 partitions

// Models: sd_major() and the minor of device_add_disk() in sd_probe(), drivers/scsi/sd.c, v6.1.
void number_disk(int index, report::DeviceInfo& disk) {
  const int block = (index & 0xf0) >> 4;
  disk.major = block == 0 ? 8 : block < 8 ? 64 + block : 128 + (block - 8);
  disk.minor = ((index & 0xf) << 4) | (index & 0xfff00);
}

// As they come: disks are those of sd, arrays md, other devices of `stack` those of the device
// mapper, and partitions follow their disk while it has minor numbers left.
void number_devices(const Config& config, std::vector<report::DeviceInfo>& devices) {
  const auto disks = static_cast<int>(config.devices.size());
  for (int i = 0; i < disks; ++i) {
    number_disk(i, devices[static_cast<std::size_t>(i)]);
  }
  std::map<std::string, int> partitions;  // of each device so far
  int mapped = 0;
  int arrays = 0;
  int extended = 0;
  for (std::size_t i = 0; i < config.stack.size(); ++i) {
    const StackConfig& stack = config.stack[i];
    report::DeviceInfo& device = devices[config.devices.size() + i];
    const StackKind kind = stack_kind(stack);
    if (kind == StackKind::kLinear || kind == StackKind::kStriped) {
      device.major = kDeviceMapperMajor;
      device.minor = mapped++;
    } else if (kind != StackKind::kPartition) {
      device.major = kMdMajor;
      device.minor = arrays++;
    } else {
      const std::string& whole = stack.members.front();
      const auto disk = std::find_if(devices.begin(), devices.begin() + disks,
                                     [&](const auto& each) { return each.name == whole; });
      const int number = ++partitions[whole];
      const bool follows = disk != devices.begin() + disks && number < kMinorsOfDisk;
      device.major = follows ? disk->major : kExtendedMajor;
      device.minor = follows ? disk->minor + number : extended++;
    }
  }
}

}  // namespace

report::RunInfo describe_run(const Config& config, const workload::WorkloadSpec& workload,
                             std::string_view version) {
  report::RunInfo info;
  info.version = version;
  info.kernel = kernel_name(config.kernel);
  // The simulator's own optimisations and the files it writes never change a result, so the digest
  // leaves them out.
  Config what_is_simulated = config;
  what_is_simulated.optimisation = {};
  what_is_simulated.output.trace = false;
  info.config_text = print_config(what_is_simulated).dump(2);
  info.seed = config.seed;
  info.hz = config.hz;
  info.cpus = config.cpus;
  for (const workload::JobSpec& job : workload.jobs) {
    info.jobs.push_back(
        {job.name, workload::kFirstJobPid + job.index, job.report_group, job.group_reporting});
  }
  for (const DeviceConfig& device : config.devices) {
    info.devices.push_back({device.name});
  }
  for (const StackConfig& stack : config.stack) {
    using Kind = report::DeviceInfo::Kind;
    const bool partition = stack_kind(stack) == StackKind::kPartition;
    info.devices.push_back({stack.name, partition ? Kind::kPartition : Kind::kBioBased});
  }
  number_devices(config, info.devices);
  info.mechanisms = mechanisms_in_use(config, workload);
  return info;
}

}  // namespace wbsim::system
