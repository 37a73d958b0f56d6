#include "sim/analysis/start_time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace wbsim::analysis {

namespace {

constexpr SimDuration kUsualStart = milliseconds(180);
constexpr SimDuration kStartTolerance = milliseconds(20);

// Leaves the simulation at the first event of a job in a category that the case traces.
class FirstEvent final : public engine::Observer {
 public:
  struct Found {
    SimTime time;
  };

  explicit FirstEvent(const system::Config& config)
      : writeback_{traces(config, "wb")},
        bio_queue_{traces(config, "blk") || traces(config, "block_bio_queue")},
        requests_{traces(config, "blk") || traces(config, "rq") ||
                  traces(config, "block_rq_insert") || traces(config, "block_rq_issue")} {}

  // The first of a bio's events: those of allocation and merging follow it.
  void on_bio(engine::BioStep step, const engine::BioTrace& bio) override {
    look(bio_queue_ && step == engine::BioStep::kQueue, bio.task, bio.time);
  }
  void on_request(engine::RequestStep, const engine::RequestTrace& request) override {
    look(requests_, request.task, request.time);
  }
  void on_global_dirty_state(const engine::GlobalDirtyState& state) override {
    look(writeback_, state.task, state.time);
  }
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& balance) override {
    look(writeback_, balance.task, balance.time);
  }

 private:
  static bool traces(const system::Config& config, std::string_view category) {
    return std::find(config.guest_tracing.begin(), config.guest_tracing.end(), category) !=
           config.guest_tracing.end();
  }
  static void look(bool traced, engine::TaskName task, SimTime time) {
    if (traced && task.comm == "fio") {
      throw Found{time};
    }
  }

  bool writeback_;
  bool bio_queue_;
  bool requests_;
};

std::optional<SimTime> first_event_of(const system::Config& config,
                                      const workload::WorkloadSpec& workload,
                                      const Simulate& simulate) {
  FirstEvent watch{config};
  try {
    simulate(config, workload, {&watch});
  } catch (const FirstEvent::Found& found) {
    return found.time;
  }
  return std::nullopt;
}

}  // namespace

SimDuration start_time(const system::Config& config, const workload::WorkloadSpec& workload,
                       SimDuration first_event, const Simulate& simulate) {
  system::Config trial = config;
  trial.workload_start = kUsualStart;
  const std::optional<SimTime> seen = first_event_of(trial, workload, simulate);
  if (!seen) {
    return first_event;
  }
  const SimDuration start = kUsualStart + (first_event - seen->time_since_epoch());
  const SimDuration off = start - kUsualStart;
  return off <= kStartTolerance && off >= -kStartTolerance ? start : kUsualStart;
}

}  // namespace wbsim::analysis
