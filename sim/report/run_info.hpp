// What a report has to know about a run beyond what tracepoints tell. Filled by the builder, which
// knows configuration and workload; plain data, because this folder ranks below both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wbsim::report {

struct JobInfo {
  std::string name;
  int pid = 0;           // of its process, as in engine::TaskName
  int report_group = 0;  // fio's groupid
  bool group_reporting = false;
};

struct DeviceInfo {
  std::string name;
  // A disk has requests, a device on top of others has bios, a partition only passes bios on.
  enum class Kind { kDisk, kBioBased, kPartition };
  Kind kind = Kind::kDisk;
  // Its number, as /sys/block/X/dev has it.
  int major = 8;
  int minor = 0;
};

struct RunInfo {
  std::string version;      // of wbsim
  std::string kernel;       // profile: "5.10"
  std::string config_text;  // the fully resolved configuration, as --print-config prints it
  std::uint64_t seed = 0;
  int hz = 250;  // jiffies per second of the simulated kernel
  int cpus = 1;
  std::vector<JobInfo> jobs;            // index = `job` of the trace events
  std::vector<DeviceInfo> devices;      // index = `device` of the trace events
  std::vector<std::string> mechanisms;  // names of trust.hpp that the run makes use of
};

}  // namespace wbsim::report
