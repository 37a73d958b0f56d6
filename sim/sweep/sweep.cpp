#include "sim/sweep/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>

#include "sim/sweep/process_pool.hpp"
#include "sim/system/run.hpp"
#include "sim/system/run_outputs.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;

// Exit codes of a point's process. Any other one is a failure of the program.
constexpr int kStored = 0;
constexpr int kNotStored = 3;  // and stderr says why

// Signals that the program brings upon itself; others come from outside, such as SIGKILL when the
// machine is out of memory, and say nothing about the point.
constexpr std::array kCrashes{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

bool is_crash(const TaskEnd& end) {
  return end.signal == 0
             ? end.exit_code != kStored && end.exit_code != kNotStored
             : std::find(kCrashes.begin(), kCrashes.end(), end.signal) != kCrashes.end();
}

// "killed by signal 6 (Aborted): sim/a.cpp:7: check failed: x > 0".
std::string how_it_ended(const TaskEnd& end) {
  const std::string line = end.text.substr(0, end.text.find('\n'));
  return fmt::format("{}{}{}",
                     end.signal == 0 ? fmt::format("exit code {}", end.exit_code)
                                     : fmt::format("killed by signal {} ({})", end.signal,
                                                   ::strsignal(end.signal)),
                     line.empty() ? "" : ": ", line);
}

class Sweep {
 public:
  Sweep(const Plan& plan, Store& store, const SweepOptions& options)
      : plan_{plan}, store_{store}, options_{options} {}

  SweepOutcome run() {
    find_missing();
    const std::atomic<bool>& interrupted =
        options_.interrupted != nullptr ? *options_.interrupted : never_;
    // Points run in processes of their own: a failed check or a crash is the end of one point, not
    // of the sweep.
    run_pool(missing_.size(), options_.workers, interrupted,
             {[this](std::size_t i) { return attempt(plan_.points[missing_[i]]); },
              [this, &interrupted](std::size_t i, const TaskEnd& end) {
                conclude(missing_[i], end, interrupted.load());
              }});
    outcome_.interrupted = interrupted.load();
    for (auto& [index, error] : errors_) {
      outcome_.errors.push_back(std::move(error));
    }
    return std::move(outcome_);
  }

 private:
  void find_missing() {
    outcome_.ends.resize(plan_.points.size());
    progress_.points = plan_.points.size();
    for (std::size_t i = 0; i < plan_.points.size(); ++i) {
      StoredPoint stored = look_up(store_.directory(), plan_.points[i].digest);
      if (stored.end) {
        ++outcome_.resumed;
        keep(i, std::move(*stored.end));
        continue;
      }
      if (!stored.damage.empty()) {
        outcome_.notes.push_back(fmt::format("{}; point {} ({}) runs again", stored.damage, i + 1,
                                             describe(plan_, plan_.points[i])));
      }
      missing_.push_back(i);
    }
    if (options_.progress) {
      options_.progress(progress_);
    }
  }

  // In the point's process: its exit code.
  int attempt(const Point& point) {
    const report::OutputError error = point.refusal.empty() ? simulate(point) : refuse(point);
    if (error) {
      fmt::print(stderr, "{}", *error);
    }
    return error ? kNotStored : kStored;
  }

  report::OutputError refuse(const Point& point) {
    fs::path folder;
    if (report::OutputError error = store_.begin(point.digest, folder)) {
      return error;
    }
    return store_.commit(point.digest, {PointStatus::kRefused, point.refusal});
  }

  report::OutputError simulate(const Point& point) {
    Diagnostics diagnostics;
    const std::optional<system::Experiment> experiment =
        load_runnable(source_of(plan_, point), diagnostics);
    if (!experiment || digest_of(*experiment, plan_.program) != point.digest) {
      return "the configuration or a file it names has changed since the sweep began";
    }
    fs::path folder;
    if (report::OutputError error = store_.begin(point.digest, folder)) {
      return error;
    }
    system::RunOutputs outputs{*experiment, plan_.program.version, folder};
    const system::RunOutcome ran =
        run_system(experiment->config, experiment->workload, {.observers = outputs.observers()});
    outputs.finish(ran.end);
    if (report::OutputError error = outputs.write()) {
      return error;
    }
    PointEnd end;
    if (!ran.jobs_in_error.empty()) {
      end = {PointStatus::kFailed, fmt::format("{}", fmt::join(ran.jobs_in_error, "; "))};
    }
    return store_.commit(point.digest, end);
  }

  // After the point's process has ended, in whatever way.
  void conclude(std::size_t index, const TaskEnd& end, bool interrupted) {
    const Point& point = plan_.points[index];
    StoredPoint stored = look_up(store_.directory(), point.digest);
    report::OutputError error;
    if (!stored.end && is_crash(end) && end.problem.empty()) {
      // The same program would fail in the same way again, so this is the point's result.
      fs::path folder;
      const PointEnd failed{PointStatus::kFailed, "the simulator failed, " + how_it_ended(end)};
      error = store_.begin(point.digest, folder);
      if (!error) {
        error = store_.commit(point.digest, failed);
      }
      if (!error) {
        stored.end = failed;
      }
    } else if (!stored.end && !interrupted) {
      error = !end.problem.empty() ? end.problem : end.signal != 0 ? how_it_ended(end) : end.text;
    }
    if (stored.end) {
      keep(index, std::move(*stored.end));
      if (options_.progress) {
        options_.progress(progress_);
      }
      return;
    }
    store_.abandon(point.digest);
    if (error) {
      errors_[index] = fmt::format("point {} ({}): {}", index + 1, describe(plan_, point), *error);
    }
  }

  void keep(std::size_t index, PointEnd end) {
    ++progress_.done;
    progress_.failed += end.status == PointStatus::kFailed ? 1 : 0;
    progress_.refused += end.status == PointStatus::kRefused ? 1 : 0;
    outcome_.ends[index] = std::move(end);
  }

  const Plan& plan_;
  Store& store_;
  const SweepOptions& options_;
  const std::atomic<bool> never_{false};
  std::vector<std::size_t> missing_;
  Progress progress_;
  std::map<std::size_t, std::string> errors_;  // by point, as they end in any order
  SweepOutcome outcome_;
};

}  // namespace

SweepOutcome run_sweep(const Plan& plan, Store& store, const SweepOptions& options) {
  return Sweep{plan, store, options}.run();
}

}  // namespace wbsim::sweep
