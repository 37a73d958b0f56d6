// The kinds of system calls of a job, by name, in the order in which reports list them.
#pragma once

#include <array>
#include <string_view>

#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

struct NamedCalls {
  std::string_view name;
  const CallMetrics* metrics;
};

inline std::array<NamedCalls, 5> calls_of(const JobMetrics& job) {
  return {{{"read", &job.read},
           {"write", &job.write},
           {"fsync", &job.fsync},
           {"fdatasync", &job.fdatasync},
           {"sync", &job.sync}}};
}

}  // namespace wbsim::report
