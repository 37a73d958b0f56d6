// Runs one configuration: the only way into the simulation for run, validate and sweeps.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::system {

struct RunOptions {
  std::vector<engine::Observer*> observers;
  const std::atomic<bool>* interrupted = nullptr;  // set by a signal handler: end soon
};

struct RunOutcome {
  SimTime end{};
  bool interrupted = false;
  std::uint64_t events = 0;                // events of the engine: what the run cost
  std::vector<std::string> jobs_in_error;  // "job w: write failed (errno 28)"
};

// What must hold between jobs and configuration, as errors with the job's place: known devices,
// something to write, whole pages. Call before run_system(), which aborts otherwise.
void check_workload(const Config& config, const workload::WorkloadSpec& workload,
                    Diagnostics& diagnostics);

// When the workload is expected to end, where its jobs say so; 0 otherwise.
SimTime expected_end(const Config& config, const workload::WorkloadSpec& workload);

// Runs the workload to its end, then the actions that follow it, then `tail`.
RunOutcome run_system(const Config& config, const workload::WorkloadSpec& workload,
                      const RunOptions& options);

// The configuration of repeat `phase` of `phases`: ticks come later by that share of a jiffy, and
// the seed, from which jobs draw their offsets, is another one. Phase 0 is `config` itself.
Config in_phase(const Config& config, int phase, int phases);

// Names of the mechanisms (sim/report/trust.hpp) that a run of `config` makes use of.
std::vector<std::string> mechanisms_in_use(const Config& config,
                                           const workload::WorkloadSpec& workload);

}  // namespace wbsim::system
