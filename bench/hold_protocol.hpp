// What every program of the peer comparison shares: one model of the hold kind per process, told
// how many events to keep pending and how many to run, prints one line for bench/compare-peers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>

namespace wbsim::bench {

// Resident memory of this process.
inline std::int64_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::int64_t total = 0;
  std::int64_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

inline void print_hold(const char* what, std::uint64_t pending, std::uint64_t events, double cpu,
                       std::int64_t bytes) {
  std::printf("%s %llu %.2f %.1f\n", what, static_cast<unsigned long long>(pending),
              cpu / static_cast<double>(events),
              static_cast<double>(bytes) / static_cast<double>(pending));
}

}  // namespace wbsim::bench
