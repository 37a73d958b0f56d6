#include "sim/system/config_mounts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "sim/base/check.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/stack_config.hpp"

namespace wbsim::system {
namespace {

constexpr std::int64_t kInodeRatioMin = 1024;  // as mke2fs takes them
constexpr std::int64_t kInodeRatioMax = 4 << 20;

std::vector<Field> mount_option_fields(fs::ExtentFsOptions& options) {
  return {
      boolean_field("lazytime", options.lazytime,
                    "time stamps are written with something else, or after 12 h"),
      boolean_field("relatime", options.relatime,
                    "reading updates the access time once after each write; false: noatime"),
      quantity_field("inode_ratio", access_count(options.inode_ratio), Quantity::kBytes,
                     {kInodeRatioMin, kInodeRatioMax},
                     "of the device for each file there can be; 256 bytes of each are its inode"),
  };
}

void read_mount(ReadContext& context, const Json& value, const std::string& pointer,
                MountConfig& mount) {
  if (!value.is_object()) {
    context.error(pointer, fmt::format("{} is not an object", shown(value)));
    return;
  }
  for (const char* key : {"device", "fs"}) {
    if (!value.contains(key)) {
      context.error(child_pointer(pointer, key),
                    std::string{key} == "fs"
                        ? "is missing; the kind of file system, such as extent"
                        : "is missing; the name of the device that the file system is on");
    }
  }
  read_object(context, value, pointer, mount_fields(mount));
}

}  // namespace

std::vector<Field> mount_fields(MountConfig& mount) {
  return {
      text_field("device", mount.device, "name of the device that it is on"),
      name_field("fs", mount.fs, file_system_catalog(), "kind of file system"),
      object_field("options", mount_option_fields(mount.options), "how it is made and mounted"),
  };
}

Field mounts_field(std::vector<MountConfig>& mounts) {
  MountConfig example;
  Field field;
  field.key = "mounts";
  field.summary = "file systems by name; the files of data are /data/...";
  field.allowed = "object";
  field.schema = {{"type", "object"},
                  {"propertyNames", {{"pattern", kDeviceNamePattern}}},
                  {"additionalProperties", object_schema(mount_fields(example))}};
  field.read = [&mounts](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    mounts.clear();
    for (const auto& [name, description] : value.items()) {
      const std::string at = child_pointer(pointer, name);
      check_device_name(context, at, name);
      MountConfig& mount = mounts.emplace_back();
      mount.name = name;
      read_mount(context, description, at, mount);
    }
  };
  field.print = [&mounts] {
    Json printed = Json::object();
    for (MountConfig& mount : mounts) {
      printed[mount.name] = print_object(mount_fields(mount));
    }
    return printed.empty() ? Json(nullptr) : printed;
  };
  return field;
}

std::string mount_point(const MountConfig& mount) { return "/" + mount.name; }

const MountConfig* mount_of(const Config& config, const std::string& path) {
  const auto found =
      std::find_if(config.mounts.begin(), config.mounts.end(), [&path](const MountConfig& each) {
        const std::string folder = mount_point(each) + "/";
        return path.starts_with(folder) && path.size() > folder.size();
      });
  return found == config.mounts.end() ? nullptr : &*found;
}

const MountConfig* mount_on(const Config& config, const std::string& device) {
  const auto found =
      std::find_if(config.mounts.begin(), config.mounts.end(),
                   [&device](const MountConfig& each) { return each.device == device; });
  return found == config.mounts.end() ? nullptr : &*found;
}

namespace {

void check_kernel_of_mount(ReadContext& context, const std::string& pointer,
                           const KernelSwitches& kernel, const MountConfig& mount) {
  if (kernel.flusher == KernelSwitches::Flusher::kPdflush ||
      kernel.queue_plugging == block::QueuePlugging::kPerQueue) {
    context.refuse(pointer,
                   "file systems of Linux 2.6.18 (profile.flusher=pdflush or "
                   "profile.queue_plugging=per-queue); jobs may use the device, /dev/NAME");
  }
  if (mount.options.lazytime && kernel.block_layer != KernelSwitches::BlockLayer::kMultiQueue) {
    context.error(pointer + "/options/lazytime",
                  "this kernel does not know it (Linux 4.0); leave it out");
  }
}

}  // namespace

void check_mounts(ReadContext& context, const Config& config) {
  const std::vector<std::string> known = device_names(config);
  std::set<std::string> used;
  for (const MountConfig& mount : config.mounts) {
    const std::string pointer = child_pointer("/mounts", mount.name);
    const std::string at = child_pointer(pointer, "device");
    check_kernel_of_mount(context, pointer, config.switches, mount);
    if (mount.name == "dev") {
      context.error(pointer, "/dev is where devices are; use another name");
    }
    if (mount.fs == "raw") {
      context.error(child_pointer(pointer, "fs"),
                    "raw is the device itself, which jobs open as /dev/NAME; nothing is mounted");
    }
    if (mount.device.empty()) {
      continue;  // told already
    }
    if (std::find(known.begin(), known.end(), mount.device) == known.end()) {
      context.error(at, unknown_name("device", mount.device, known));
      continue;
    }
    const std::string user = device_user(config, mount.device);
    if (!user.empty()) {
      context.error(at,
                    fmt::format("{} is part of {}, which alone may use it", mount.device, user));
    }
    if (!used.insert(mount.device).second) {
      context.error(at, fmt::format("{} has a file system already", mount.device));
    }
    // Nothing of a device that has errors of its own.
    const Bytes size = device_size(config, mount.device).value_or(Bytes{0});
    if (size > Bytes{0} && fs::ExtentFs::capacity(size, mount.options) <= Bytes{0}) {
      context.error(at, fmt::format("{} is too small, {} bytes: no room for files beside inodes",
                                    mount.device, size.count()));
    }
  }
}

workload::JobExtent extent_of(const Config& config, const workload::JobSpec& job,
                              std::string& problem) {
  if (!job.files.empty()) {
    return resolve_file_extents(job, problem);
  }
  constexpr std::size_t kFolder = std::string_view{"/dev/"}.size();
  const auto size = device_size(config, job.filename.substr(kFolder));
  SIM_CHECK(size.has_value());
  return resolve_extent(job, *size, problem);
}

}  // namespace wbsim::system
