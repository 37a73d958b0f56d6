#include "sim/system/run_info.hpp"

#include <nlohmann/json.hpp>

#include "sim/system/catalog.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"
#include "sim/workload/job_process.hpp"

namespace wbsim::system {

report::RunInfo describe_run(const Config& config, const workload::WorkloadSpec& workload,
                             std::string_view version) {
  report::RunInfo info;
  info.version = version;
  info.kernel = kernel_name(config.kernel);
  // The simulator's own optimisations never change a result, so the digest leaves them out.
  Config what_is_simulated = config;
  what_is_simulated.optimisation = {};
  info.config_text = print_config(what_is_simulated).dump(2);
  info.seed = config.seed;
  info.hz = config.hz;
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
  info.mechanisms = mechanisms_in_use(config, workload);
  return info;
}

}  // namespace wbsim::system
