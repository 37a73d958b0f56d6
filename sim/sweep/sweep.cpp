#include "sim/sweep/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <map>
#include <mutex>

#include "sim/sweep/worker_pool.hpp"
#include "sim/system/run.hpp"
#include "sim/system/run_outputs.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;

// What became of one attempt: at most one of the two. Neither after an interrupt.
struct Attempt {
  std::optional<PointEnd> end;
  report::OutputError error;
};

class Sweep {
 public:
  Sweep(const Plan& plan, Store& store, const SweepOptions& options)
      : plan_{plan}, store_{store}, options_{options} {}

  SweepOutcome run() {
    find_missing();
    const std::atomic<bool>& interrupted =
        options_.interrupted != nullptr ? *options_.interrupted : never_;
    run_pool(missing_.size(), options_.workers, interrupted,
             [this](std::size_t i) { run_point(missing_[i]); });
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

  // On a worker's thread.
  void run_point(std::size_t index) {
    const Point& point = plan_.points[index];
    Attempt attempt;
    try {
      attempt = point.refusal.empty() ? simulate(point) : refuse(point);
    } catch (const std::exception& error) {
      // Not the point's result: with more memory it may well run.
      attempt = {std::nullopt, error.what()};
    }
    if (!attempt.end) {
      store_.abandon(point.digest);
    }
    const std::lock_guard lock{mutex_};
    if (attempt.error) {
      errors_[index] =
          fmt::format("point {} ({}): {}", index + 1, describe(plan_, point), *attempt.error);
    }
    if (attempt.end) {
      keep(index, std::move(*attempt.end));
      if (options_.progress) {
        options_.progress(progress_);
      }
    }
  }

  Attempt refuse(const Point& point) {
    fs::path folder;
    if (report::OutputError error = store_.begin(point.digest, folder)) {
      return {std::nullopt, error};
    }
    return commit(point, {PointStatus::kRefused, point.refusal});
  }

  Attempt simulate(const Point& point) {
    Diagnostics diagnostics;
    const std::optional<system::Experiment> experiment =
        load_runnable(source_of(plan_, point), diagnostics);
    if (!experiment || digest_of(*experiment, plan_.version) != point.digest) {
      return {std::nullopt,
              "the configuration or a file it names has changed since the sweep began"};
    }
    fs::path folder;
    if (report::OutputError error = store_.begin(point.digest, folder)) {
      return {std::nullopt, error};
    }
    system::RunOutputs outputs{*experiment, plan_.version, folder};
    system::RunOptions run;
    run.observers = outputs.observers();
    run.interrupted = options_.interrupted;
    const system::RunOutcome ran = run_system(experiment->config, experiment->workload, run);
    if (ran.interrupted) {
      return {};
    }
    outputs.finish(ran.end);
    if (report::OutputError error = outputs.write()) {
      return {std::nullopt, error};
    }
    PointEnd end;
    if (!ran.jobs_in_error.empty()) {
      end = {PointStatus::kFailed, fmt::format("{}", fmt::join(ran.jobs_in_error, "; "))};
    }
    return commit(point, std::move(end));
  }

  Attempt commit(const Point& point, PointEnd end) {
    if (report::OutputError error = store_.commit(point.digest, end)) {
      return {std::nullopt, error};
    }
    return {std::move(end), std::nullopt};
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
  std::mutex mutex_;  // guards what follows while workers run
  Progress progress_;
  std::map<std::size_t, std::string> errors_;  // by point, as workers end in any order
  SweepOutcome outcome_;
};

}  // namespace

SweepOutcome run_sweep(const Plan& plan, Store& store, const SweepOptions& options) {
  return Sweep{plan, store, options}.run();
}

}  // namespace wbsim::sweep
