// CPU time of the calling thread: what a shared, noisy machine leaves comparable.
#pragma once

#include <algorithm>
#include <array>
#include <ctime>

namespace wbsim::bench {

inline double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Adds up the CPU time of pieces of work, without what it takes to read the clock. A piece should
// be many times longer than that (some 200 ns).
class CpuTimer {
 public:
  CpuTimer() {
    std::array<double, 101> overheads{};
    for (double& overhead : overheads) {
      const double start = cpu_ns();
      overhead = cpu_ns() - start;
    }
    std::sort(overheads.begin(), overheads.end());
    overhead_ = overheads[overheads.size() / 2];
  }

  void start() { start_ = cpu_ns(); }
  void stop() { total_ += std::max(0.0, cpu_ns() - start_ - overhead_); }
  // The sum since the last call, in seconds.
  double take_seconds() {
    const double sum = total_;
    total_ = 0;
    return sum / 1e9;
  }

 private:
  double overhead_ = 0;
  double start_ = 0;
  double total_ = 0;
};

}  // namespace wbsim::bench
