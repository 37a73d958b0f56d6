#include "sim/system/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_cgroups.hpp"
#include "sim/system/config_faults.hpp"
#include "sim/system/config_field.hpp"
#include "sim/system/config_models.hpp"
#include "sim/system/config_mounts.hpp"
#include "sim/system/system.hpp"
#include "sim/workload/job_extent.hpp"

namespace wbsim::system {

namespace {

constexpr int kRecordedHz = 250;
constexpr SimDuration kSlice = milliseconds(200);  // between looks at `interrupted`

// Notes the jobs that a system call failed.
class ErrorWatch final : public engine::Observer {
 public:
  explicit ErrorWatch(const workload::WorkloadSpec& workload) : workload_{workload} {}
  void on_syscall(const engine::SyscallTrace& call) override {
    if (call.error != 0) {
      const std::string& name = workload_.jobs[static_cast<std::size_t>(call.job)].name;
      errors.push_back("job " + name + ": system call failed (errno " +
                       std::to_string(-call.error) + ")");
    }
  }
  std::vector<std::string> errors;

 private:
  const workload::WorkloadSpec& workload_;
};

// Direct I/O is in logical blocks (blkdev_direct_IO() returns EINVAL otherwise); the page cache
// takes any bytes.
Bytes alignment_of(const workload::JobSpec& job) { return job.direct ? kSectorSize : Bytes{1}; }

// What a kernel had, and what of that is simulated.
void check_kernel(const Config& config, const workload::JobSpec& job, Diagnostics& diagnostics) {
  const std::string who = fmt::format("job \"{}\": ", job.name);
  if (config.kernel == KernelVersion::k2_6_18 && job.reads && !job.direct) {
    diagnostics.refuse(job.where,
                       who +
                           "buffered reads with Linux 2.6.18, whose readahead (before v2.6.23) "
                           "is not; buffered writes and direct=1 are");
  }
  const bool has_io_uring = config.switches.block_layer == KernelSwitches::BlockLayer::kMultiQueue;
  if (job.engine == workload::IoEngine::kIoUring && !has_io_uring) {
    diagnostics.error(job.where, who + fmt::format("Linux {} has no io_uring; use libaio",
                                                   kernel_name(config.kernel)));
  }
}

// What the job's control group is to the device, and what of that is simulated.
void check_cgroup(const Config& config, const workload::JobSpec& job, const std::string& name,
                  Diagnostics& diagnostics) {
  if (job.cgroup.empty()) {
    return;
  }
  const std::string who = fmt::format("job \"{}\": ", job.name);
  std::vector<std::string> known;
  for (const CgroupConfig& group : config.cgroups) {
    known.push_back(group.name);
  }
  if (std::find(known.begin(), known.end(), job.cgroup) == known.end()) {
    diagnostics.error(
        job.where,
        who + (known.empty() ? fmt::format("no control group for cgroup={}; the configuration has "
                                           "none. Add \"cgroups\": {{\"{}\": {{}}}} to it",
                                           job.cgroup, job.cgroup)
                             : unknown_name("control group", job.cgroup, known)));
    return;
  }
  const auto device = std::find_if(config.devices.begin(), config.devices.end(),
                                   [&name](const DeviceConfig& each) { return each.name == name; });
  if (device == config.devices.end()) {
    diagnostics.refuse(job.where,
                       who + fmt::format("cgroup={} on {}; control groups are simulated on devices "
                                         "alone, not on partitions and devices on top of others",
                                         job.cgroup, name));
  } else if (job.writes && !job.direct && limits_writes(config, job.cgroup, name)) {
    diagnostics.note(job.where,
                     who + fmt::format("control group {} limits what the job itself writes to {}; "
                                       "background writeback of its data has no limit, cgroup "
                                       "writeback is not simulated yet",
                                       job.cgroup, name));
  } else if (job.writes && !job.direct && device->queue.scheduler == "bfq") {
    diagnostics.note(job.where,
                     who + fmt::format("background writeback of its data to {} has the share of "
                                       "the root and not of control group {}, cgroup writeback is "
                                       "not simulated yet",
                                       name, job.cgroup));
  }
}

void check_alignment(const workload::JobSpec& job, const workload::JobExtent& extent,
                     Diagnostics& diagnostics) {
  const Bytes alignment = alignment_of(job);
  bool aligned =
      Bytes{extent.begin.value()} % alignment == Bytes{} && job.hole % alignment == Bytes{};
  for (const auto direction : {workload::Direction::kRead, workload::Direction::kWrite}) {
    const workload::BlockSizes& blocks = job.blocks[direction];
    aligned = aligned && (!job.does(direction) ||
                          (blocks.min % alignment == Bytes{} && blocks.max % alignment == Bytes{}));
    for (const workload::BlockShare& share : blocks.shares) {
      aligned = aligned && (!job.does(direction) || share.size % alignment == Bytes{});
    }
  }
  if (!aligned) {
    diagnostics.error(job.where, "job \"" + job.name +
                                     "\": direct I/O needs bs and offset to be multiples of 512 "
                                     "bytes, the device's logical block");
  }
}

void check_replay(const workload::JobSpec& job, Bytes device_size, Diagnostics& diagnostics) {
  const Bytes alignment = alignment_of(job);
  const auto wrong = [&](const workload::Io& io) {
    return io.at.value() % alignment.count() != 0 || io.length % alignment != Bytes{} ||
           io.at < FileOffset{0} || io.length <= Bytes{} ||
           io.at + io.length > FileOffset{device_size.count()} || !job.does(io.direction);
  };
  if (std::any_of(job.replay.begin(), job.replay.end(), wrong)) {
    const std::string multiple =
        job.direct ? ", is not a multiple of " + std::to_string(alignment.count()) + " bytes" : "";
    diagnostics.error(job.where, "job \"" + job.name +
                                     "\": an I/O to replay lies outside the device" + multiple +
                                     " or goes in a direction that the job does not");
  }
}

void check_file_job(const Config& config, const workload::JobSpec& job, Diagnostics& diagnostics) {
  const std::string who = "job \"" + job.name + "\": ";
  for (const std::string& path : job.files) {
    const MountConfig* mount = mount_of(config, path);
    if (mount == nullptr) {
      std::string known;
      for (const MountConfig& each : config.mounts) {
        known += (known.empty() ? "" : ", ") + mount_point(each);
      }
      diagnostics.error(
          job.where,
          who + "no file system for " + path + "; " +
              (known.empty() ? "the configuration mounts none. Add \"mounts\": {\"data\": "
                               "{\"device\": \"" +
                                   device_names(config).front() +
                                   "\", \"fs\": \"extent\"}} to it and use /data/..."
                             : "the configuration mounts " + known));
      return;
    }
    check_cgroup(config, job, mount->device, diagnostics);
  }
  std::string problem;
  static_cast<void>(extent_of(config, job, problem));
  if (!problem.empty()) {
    diagnostics.error(job.where, who + problem);
    return;
  }
  if (job.direct) {
    diagnostics.refuse(job.where, who +
                                      "direct I/O on files is not simulated yet; use buffered "
                                      "I/O, or filename=/dev/...");
  }
  check_kernel(config, job, diagnostics);
}

void check_job(const Config& config, const workload::JobSpec& job, Diagnostics& diagnostics) {
  const std::string who = "job \"" + job.name + "\": ";
  if (!job.files.empty()) {
    check_file_job(config, job, diagnostics);
    return;
  }
  const std::vector<std::string> names = device_names(config);
  const auto device = std::find_if(names.begin(), names.end(), [&job](const std::string& name) {
    return job.filename == "/dev/" + name;
  });
  if (device == names.end()) {
    std::string known;
    std::string unused;
    for (const std::string& each : names) {
      known += (known.empty() ? "/dev/" : ", /dev/") + each;
      if (unused.empty() && device_user(config, each).empty()) {
        unused = each;
      }
    }
    diagnostics.error(
        job.where, who + "no device for filename=" + job.filename + "; the configuration has " +
                       known + ". --set workload.filename=/dev/" + unused + " runs all jobs there");
    return;
  }
  const std::string user = device_user(config, *device);
  if (!user.empty()) {
    diagnostics.error(job.where, who + "filename=" + job.filename + " is part of /dev/" + user +
                                     ", which alone may use it; filename=/dev/" + user +
                                     " uses that");
    return;
  }
  const MountConfig* mount = mount_on(config, *device);
  if (mount != nullptr && job.writes) {
    diagnostics.error(job.where, who + "filename=" + job.filename + " is mounted at " +
                                     mount_point(*mount) +
                                     ", and what is written there would be "
                                     "lost; use directory=" +
                                     mount_point(*mount));
    return;
  }
  const Bytes size = *device_size(config, *device);
  std::string problem;
  const workload::JobExtent extent = resolve_extent(job, size, problem);
  if (!problem.empty()) {
    diagnostics.error(job.where, who + problem);
    return;
  }
  check_kernel(config, job, diagnostics);
  check_cgroup(config, job, *device, diagnostics);
  check_alignment(job, extent, diagnostics);
  check_replay(job, size, diagnostics);
}

}  // namespace

SimTime expected_end(const Config& config, const workload::WorkloadSpec& workload) {
  SimDuration longest{};
  for (const workload::JobSpec& job : workload.jobs) {
    if (!job.time_based || !job.runtime || job.group != 0) {
      return SimTime{};
    }
    longest = std::max(longest, job.start_delay + job.ramp_time + *job.runtime);
  }
  return SimTime{config.workload_start + longest + config.tail};
}

void check_workload(const Config& config, const workload::WorkloadSpec& workload,
                    Diagnostics& diagnostics) {
  std::set<std::string> seen;  // clones of a job (numjobs) have the same mistakes
  for (const workload::JobSpec& job : workload.jobs) {
    Diagnostics found;
    check_job(config, job, found);
    for (const Diagnostic& each : found.all()) {
      if (seen.insert(to_string(each)).second) {
        if (each.severity == Severity::kRefused) {
          diagnostics.refuse(each.where, each.message);
        } else if (each.severity == Severity::kNote) {
          diagnostics.note(each.where, each.message);
        } else {
          diagnostics.error(each.where, each.message);
        }
      }
    }
  }
}

RunOutcome run_system(const Config& config, const workload::WorkloadSpec& workload,
                      const RunOptions& options) {
  ErrorWatch errors{workload};
  std::vector<engine::Observer*> observers = options.observers;
  observers.push_back(&errors);
  System system{config, workload, observers};
  engine::Simulator& simulator = system.simulator();
  RunOutcome outcome;
  system.control().start();
  SimTime limit = simulator.now();
  const auto interrupted = [&options] {
    return options.interrupted != nullptr && options.interrupted->load();
  };
  while (!interrupted()) {
    const bool finished = system.control().finished();
    const SimTime end = finished ? system.control().finished_at() + config.tail : kSimTimeMax;
    if (simulator.now() >= end) {
      break;
    }
    limit = std::min(limit + kSlice, end);
    simulator.run(std::max(limit, simulator.now()));
  }
  outcome.interrupted = interrupted();
  outcome.end = simulator.now();
  outcome.events = simulator.events_run();
  outcome.jobs_in_error = std::move(errors.errors);
  system.tell_totals();
  system.check_invariants();
  return outcome;
}

namespace {

void add_block_layer(const Config& config, std::vector<std::string>& names) {
  const auto any_queue = [&config](auto condition) {
    return std::any_of(
        config.devices.begin(), config.devices.end(),
        [&condition](const DeviceConfig& device) { return condition(device.queue); });
  };
  if (config.switches.plug_merging &&
      any_queue([](const QueueConfig& queue) { return queue.nomerges < 2; })) {
    names.emplace_back("merge");
  }
  if (config.switches.block_layer == KernelSwitches::BlockLayer::kSingleQueue) {
    names.emplace_back("single queue");
  }
  if (any_queue([](const QueueConfig& queue) { return queue.scheduler == "none"; })) {
    names.emplace_back("blk-mq none");
  }
  for (const block::ElevatorType& type : block::elevator_types()) {
    if (any_queue([&type](const QueueConfig& queue) { return queue.scheduler == type.name; })) {
      names.emplace_back(type.name);
    }
  }
  if (any_queue([](const QueueConfig& queue) { return wbt_latency(queue).has_value(); })) {
    names.emplace_back("wbt");
  }
}

// Of old kernels; that of newer ones has rows of its own.
void add_writeback(const KernelSwitches& switches, std::vector<std::string>& names) {
  if (switches.flusher == KernelSwitches::Flusher::kPdflush) {
    names.emplace_back("pdflush");
  } else if (switches.flusher == KernelSwitches::Flusher::kBdiThreads) {
    names.emplace_back("bdi threads");
  }
  if (switches.throttle_action != writeback::ThrottleAction::kPause) {
    names.emplace_back("writers write back");
  } else if (switches.control_laws == writeback::ControlLaws::kV3_6) {
    names.emplace_back("control laws of 3.6");
  }
}

}  // namespace

std::vector<std::string> mechanisms_in_use(const Config& config,
                                           const workload::WorkloadSpec& workload) {
  const auto any_job = [&workload](auto condition) {
    return std::any_of(workload.jobs.begin(), workload.jobs.end(), condition);
  };
  // Direct I/O passes the page cache by, and leaves writeback nothing to do.
  const bool buffered = any_job([](const auto& job) { return !job.direct; });
  std::vector<std::string> names;
  if (buffered) {
    names.insert(names.end(), {"dirty limits", "block device page cache", "LRU/kswapd (basic)"});
    add_writeback(config.switches, names);
  }
  names.insert(names.end(), {"CPU scheduling", "plug"});
  add_block_layer(config, names);
  if (any_job([](const auto& job) { return job.reads && !job.direct; })) {
    names.emplace_back("buffered reads");
  }
  // The recorded machines have one CPU, one disk, and HZ=250.
  const auto use = [&names](const char* name, bool used) {
    if (used) {
      names.emplace_back(name);
    }
  };
  use("several CPUs", config.cpus > 1);
  use("several devices", config.devices.size() > 1);
  use("stacked devices", !config.stack.empty());
  use("files", any_job([](const auto& job) { return !job.files.empty(); }));
  const auto any_device = [&config](auto condition) {
    return std::any_of(config.devices.begin(), config.devices.end(), condition);
  };
  use("device errors", any_device([](const auto& device) { return !device.faults.empty(); }));
  // One of blk-mq.
  use("scsi budget", config.switches.block_layer == KernelSwitches::BlockLayer::kMultiQueue &&
                         any_device([&config](const auto& device) {
                           return driver_of(device, config.switches) == block::Driver::kScsi;
                         }));
  use("another HZ", config.hz != kRecordedHz);
  if (buffered && config.switches.throttling &&
      config.switches.throttle_action == writeback::ThrottleAction::kPause) {
    names.insert(names.end(), {"pos_ratio", "bandwidth", "ratelimit", "pause"});
  }
  use("flusher", buffered && config.switches.background_writeback);
  use("kupdate", buffered && config.vm.dirty_writeback_centisecs > 0);
  const bool syncs = any_job([](const auto& job) {
    return job.open_sync != workload::OpenSync::kNone || job.fsync_every > 0 ||
           job.fdatasync_every > 0 || job.end_fsync;
  });
  use("direct I/O", any_job([](const auto& job) { return job.direct; }));
  use("asynchronous I/O",
      any_job([](const auto& job) { return job.engine != workload::IoEngine::kSync; }));
  if (any_job([](const auto& job) { return !job.cgroup.empty(); })) {
    names.emplace_back("io.max");
    use("io.bfq.weight", std::find(names.begin(), names.end(), "bfq") != names.end());
  }
  use("flush/FUA", syncs);
  for (const DeviceConfig& device : config.devices) {
    if (std::find(names.begin(), names.end(), device.model) == names.end()) {
      names.push_back(device.model);
    }
  }
  return names;
}

Config in_phase(const Config& config, int phase, int phases) {
  SIM_CHECK(phase >= 0 && phase < phases);
  if (phase == 0) {
    return config;
  }
  Config moved = config;
  const SimDuration jiffy = seconds(1) / config.hz;
  moved.boot.next_tick = (config.boot.next_tick + jiffy * phase / phases) % jiffy;
  moved.seed = config.seed + static_cast<std::uint64_t>(phase);
  return moved;
}

}  // namespace wbsim::system
