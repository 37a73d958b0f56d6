// Processes that take numbered tasks until there are none left. What goes wrong in one of them, up
// to a failed check or a crash, ends that task and nothing else.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

namespace wbsim::sweep {

inline constexpr int kWorkersMax = 256;

struct TaskEnd {
  int exit_code = 0;
  int signal = 0;       // that ended the process; 0 when it ended by itself
  std::string text;     // what it wrote to stderr, the first kTaskTextMax bytes
  std::string problem;  // why it could not be started; nothing else is set then
};
inline constexpr std::size_t kTaskTextMax = 4096;

struct Tasks {
  // Called in a process of its own, whose memory is a copy: returns the process's exit code.
  std::function<int(std::size_t)> run;
  // Called by the pool's caller's thread whenever a task has ended, one at a time.
  std::function<void(std::size_t, const TaskEnd&)> ended;
};

// Runs task i for every i below `count`, `workers` of them at a time, and returns when all have
// ended. Tasks start in ascending order. Once `stop` is set those that run are killed (SIGKILL, and
// they end), and no other one starts. Tasks die with the process that started them.
void run_pool(std::size_t count, int workers, const std::atomic<bool>& stop, const Tasks& tasks);

}  // namespace wbsim::sweep
