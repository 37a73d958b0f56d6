// What the files of a system are on: block devices, and file systems that are mounted.
#pragma once

#include <string>
#include <vector>

#include "sim/fs/block_device.hpp"
#include "sim/fs/file_system.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::vfs {

// A block device, opened as /dev/NAME, and the flusher behind it.
struct MountedDevice {
  fs::BlockDevice& device;
  writeback::DeviceFlusher& flusher;
};

struct Mount {
  std::string point;  // "/data"
  fs::FileSystem& fs;
  writeback::Flusher& flusher;  // of its device
};

struct MountTable {
  std::vector<MountedDevice> devices;
  std::vector<Mount> mounts{};  // in order of mounting, which is that of sync(2)
};

}  // namespace wbsim::vfs
