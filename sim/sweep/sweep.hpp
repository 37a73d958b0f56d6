// Runs the points of a plan that are not done yet.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/sweep/plan.hpp"
#include "sim/sweep/store.hpp"

namespace wbsim::sweep {

struct Progress {
  std::size_t points = 0;
  std::size_t done = 0;  // in whatever way
  std::size_t failed = 0;
  std::size_t refused = 0;
};

struct SweepOptions {
  int workers = 1;                                 // processes at a time
  const std::atomic<bool>* interrupted = nullptr;  // set by a signal handler: end soon
  // Called whenever a point is done; may be empty.
  std::function<void(const Progress&)> progress;
};

struct SweepOutcome {
  // Of every point of the plan; empty when it is not done. Independent of the number of workers.
  std::vector<std::optional<PointEnd>> ends;
  std::size_t resumed = 0;         // points that were done before
  std::vector<std::string> notes;  // damaged results, which ran again
  // What kept points from being stored: a full disk, changed input, no memory. A later call tries
  // again. A point at which the program itself fails is done, and has failed.
  std::vector<std::string> errors;
  bool interrupted = false;
};

SweepOutcome run_sweep(const Plan& plan, Store& store, const SweepOptions& options);

}  // namespace wbsim::sweep
