// CPU time of the calling thread: what a shared, noisy machine leaves comparable.
#pragma once

#include <ctime>

namespace wbsim::bench {

inline double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

}  // namespace wbsim::bench
