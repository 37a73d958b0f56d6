// What fio does to the files of its jobs before the first of them begins.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// Models: setup_files() and extend_file(), fio 3.33, in fio's main process, one job after the other
// (create_serialize). A file that is shorter than its job needs is made anew: where the job reads
// or overwrites it is written and synced, otherwise space is allocated for it (fallocate). Nothing
// of it stays cached.
class FileLayout {
 public:
  FileLayout(engine::Machine& machine, const vfs::MountTable& mounted,
             writeback::DirtyThrottle& throttle);

  [[nodiscard]] static bool needed(const JobSpec& spec) {
    return !spec.files.empty() && !spec.create_on_open;
  }
  // The first thing to await.
  auto begin() { return thread_.begin(); }
  // Returns 0 or a negative errno, which ends it.
  engine::Task<int> lay_out(const JobSpec& spec, const JobExtent& extent);
  auto exit() { return thread_.exit(); }

 private:
  engine::Task<int> lay_out_file(const JobSpec& spec, const std::string& path, Bytes length);
  engine::Task<> allocate(const JobSpec& spec, int fd, Bytes length);
  engine::Task<int> fill(const JobSpec& spec, int fd, Bytes length);

  engine::Thread thread_;
  pagecache::TaskContext task_;
  vfs::Syscalls syscalls_;
};

}  // namespace wbsim::workload
