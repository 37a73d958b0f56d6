// Threads that take numbered tasks until there are none left.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace wbsim::sweep {

inline constexpr int kWorkersMax = 256;

// Calls task(i) once for every i below `count`, on `workers` threads, and returns when all calls
// have. Tasks start in ascending order. Once `stop` is set no task starts any more; those that run
// are waited for. `task` is called by several threads at once and must not throw.
void run_pool(std::size_t count, int workers, const std::atomic<bool>& stop,
              const std::function<void(std::size_t)>& task);

}  // namespace wbsim::sweep
