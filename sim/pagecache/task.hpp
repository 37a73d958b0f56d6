// What the kernel keeps of a task for the write path (fields of task_struct).
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"

namespace wbsim::pagecache {

// nr_dirtied_pause of a new task: 128 KiB.
inline constexpr Pages kNewTaskDirtiedPause{32};

struct TaskDirty {
  Pages nr_dirtied{0};  // since the last pause
  Pages nr_dirtied_pause = kNewTaskDirtiedPause;
  std::uint64_t dirty_paused_when = 0;  // jiffies; 0: never paused
};

// A task that uses the page cache: its thread, its plug, its dirty state.
class TaskContext {
 public:
  explicit TaskContext(engine::Thread& thread) : thread_{thread}, io_{thread} {}

  [[nodiscard]] engine::Thread& thread() { return thread_; }
  [[nodiscard]] const engine::CpuCosts& costs() const { return thread_.costs(); }
  [[nodiscard]] int cpu() const { return thread_.cpu_index(); }
  block::TaskIo& io() { return io_; }
  [[nodiscard]] engine::TaskName name() const { return thread_.name(); }

  TaskDirty dirty;
  std::uint64_t provenance_id = 0;  // names this task in provenance ranges

 private:
  engine::Thread& thread_;
  block::TaskIo io_;
};

}  // namespace wbsim::pagecache
