// Invariants of the whole machine under random scenarios. A failure names its seed: run it alone
// with --gtest_filter=Seeds/RandomScenarios.KeepInvariants/SEED.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "sim/report/event_digest.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/random_scenario.hpp"
#include "sim/system/run.hpp"
#include "sim/system/system.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::system {
namespace {

using engine::BioStep;
using engine::RequestStep;

// Checks what passes by. Pages of a device are followed from their bio to their completion.
class Watch final : public engine::Observer {
 public:
  Watch(const Config& config, const workload::WorkloadSpec& workload)
      : config_{config}, workload_{workload} {
    for (const DeviceConfig& device : config.devices) {
      in_flight_.emplace_back(static_cast<std::size_t>(pages_floor(device.size).count()));
    }
    in_device_.resize(config.devices.size());
  }

  void on_bio(BioStep step, const engine::BioTrace& bio) override {
    passes(bio.time);
    if (step == BioStep::kQueue) {
      change(bio.device, bio.sector, bio.length * bio.count, false);
    }
  }

  void on_request(RequestStep step, const engine::RequestTrace& request) override {
    passes(request.time);
    const auto index = static_cast<std::size_t>(request.device);
    const DeviceConfig& device = config_.devices[index];
    if (step != RequestStep::kInsert && step != RequestStep::kMerge &&
        !(step == RequestStep::kComplete && is_end(request))) {
      in_device_[index] += step == RequestStep::kIssue ? 1 : -1;
      const int most = std::min(device.simdisk.depth, device.queue.nr_requests.value_or(10'000));
      EXPECT_LE(in_device_[index], most + 1) << "the flush request borrows a tag";
    }
    EXPECT_LE(to_bytes(request.length), kibibytes(device.queue.max_sectors_kb));
    EXPECT_LE(request.bios, std::max(device.queue.max_segments, 1));
    if (step == RequestStep::kComplete && request.length > Sectors{0}) {
      change(request.device, request.sector, request.length, true);
    }
  }

  void on_balance_dirty_pages(const engine::BalanceDirtyPages& turn) override {
    passes(turn.time);
    EXPECT_LE(turn.pause * 5, config_.hz) << "MAX_PAUSE is 200 ms";
    EXPECT_TRUE(config_.switches.throttling);
    const auto before = turns_.find(turn.task.pid);
    if (before != turns_.end() && turn.paused > before->second.paused) {
      const SimDuration jiffy = seconds(1) / config_.hz;
      const SimDuration slept = turn.time - before->second.time;
      EXPECT_LE(slept, jiffy * (before->second.pause + 1) + kTurnOfOthers);
    }
    turns_.insert_or_assign(turn.task.pid, turn);
  }

  void on_syscall(const engine::SyscallTrace& call) override {
    passes(call.end);
    EXPECT_LE(call.start, call.end);
    const bool faulty = std::any_of(config_.devices.begin(), config_.devices.end(),
                                    [](const auto& device) { return !device.faults.empty(); });
    EXPECT_TRUE(call.error == 0 || (faulty && call.error == -EIO)) << call.error;
    if (call.error == 0 &&
        (call.kind == engine::SyscallKind::kWrite || call.kind == engine::SyscallKind::kRead)) {
      const workload::JobSpec& job = workload_.jobs[static_cast<std::size_t>(call.job)];
      EXPECT_TRUE(call.length == job.block_size() || (faulty && call.length < job.block_size()));
      transferred_ += call.length;
    }
  }
  void on_global_dirty_state(const engine::GlobalDirtyState& state) override { passes(state.time); }
  void on_job_start(int, SimTime time) override { passes(time); }
  void on_job_end(int, SimTime time) override {
    passes(time);
    ++ended_;
  }

  [[nodiscard]] std::size_t ended() const { return ended_; }
  [[nodiscard]] Bytes transferred() const { return transferred_; }
  [[nodiscard]] std::ptrdiff_t pages_in_flight() const {
    std::ptrdiff_t count = 0;
    for (const std::vector<bool>& pages : in_flight_) {
      count += std::count(pages.begin(), pages.end(), true);
    }
    return count;
  }

 private:
  // CPU time of others between the end of a pause and the next turn: a scheduling latency and more.
  static constexpr SimDuration kTurnOfOthers = milliseconds(30);

  static bool is_end(const engine::RequestTrace& request) {
    return request.length == Sectors{0} && !request.rwbs.flush;
  }

  void passes(SimTime time) {
    EXPECT_LE(last_, time);
    last_ = time;
  }

  void change(int device, Lba sector, Sectors length, bool from) {
    std::vector<bool>& pages = in_flight_[static_cast<std::size_t>(device)];
    const PageIndex first = page_of(sector);
    for (PageIndex page = first; page < first + pages_floor(length); ++page) {
      const auto index = static_cast<std::size_t>(page.value());
      EXPECT_EQ(pages[index], from) << "page " << page.value();
      pages[index] = !from;
    }
  }

  const Config& config_;
  const workload::WorkloadSpec& workload_;
  std::vector<std::vector<bool>> in_flight_;  // by device and page
  std::vector<int> in_device_;
  std::map<int, engine::BalanceDirtyPages> turns_;
  SimTime last_{};
  std::size_t ended_ = 0;
  Bytes transferred_{0};
};

class RandomScenarios : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  virtual testing::RandomScenario draw() {
    return testing::random_scenario(GetParam(), testing::Kind::kBlkMq);
  }
  void SetUp() override {
    const testing::RandomScenario drawn = draw();
    text_ = drawn.document + "\n" + drawn.fio;
    Diagnostics diagnostics;
    std::optional<Config> config =
        read_config({"a.json", drawn.document, "configs/experiments"}, {}, diagnostics);
    const std::vector<workload::FioInput> input{{"job.fio", drawn.fio}};
    jobs_ = workload::parse_fio_jobs(input, {}, diagnostics);
    ASSERT_TRUE(config) << to_string(diagnostics.all().front()) << "\n" << text_;
    config_ = *std::move(config);
    check_workload(config_, jobs_, diagnostics);
    ASSERT_EQ(diagnostics.exit_code(), 0) << to_string(diagnostics.all().back()) << "\n" << text_;
  }

  // All events of a run, which may last at most `most` from its start.
  std::string events(SimDuration most) {
    report::EventDigest digest;
    System system{config_, jobs_, {&digest}};
    system.control().start();
    system.simulator().run(SimTime{} + most);
    return report::to_string(digest.finish());
  }

  void keep_invariants();
  void optimisations_change_nothing();

  std::string text_;
  Config config_;
  workload::WorkloadSpec jobs_;
};

void RandomScenarios::keep_invariants() {
  constexpr SimDuration kSlice = milliseconds(10);
  constexpr SimTime kNeverEnds = at(seconds(600));
  SCOPED_TRACE(text_);
  Watch watch{config_, jobs_};
  System system{config_, jobs_, {&watch}};
  engine::Simulator& simulator = system.simulator();
  simulator.set_watchdog(1'000'000);
  WorkloadControl& control = system.control();
  control.start();
  SimTime limit{};
  while (!control.finished() || limit < control.finished_at() + config_.tail) {
    limit += kSlice;
    ASSERT_LT(limit, kNeverEnds) << "ended " << watch.ended() << " of " << jobs_.jobs.size();
    simulator.run(std::max(limit, simulator.now()));
    system.check_invariants();
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(watch.ended(), jobs_.jobs.size());
  EXPECT_GT(watch.transferred(), Bytes{0});
  EXPECT_TRUE(system.drained());
  EXPECT_EQ(watch.pages_in_flight(), 0);
}

void RandomScenarios::optimisations_change_nothing() {
  constexpr SimDuration kLength = milliseconds(300);
  SCOPED_TRACE(text_);
  const std::string fast = events(kLength);
  config_.optimisation.bio_runs = false;
  EXPECT_EQ(fast, events(kLength)) << "bio_runs=false";
  config_.optimisation.batching = false;
  EXPECT_EQ(fast, events(kLength)) << "bio_runs=false, batching=false";
  config_.optimisation.bio_runs = true;
  EXPECT_EQ(fast, events(kLength)) << "batching=false";
}

TEST_P(RandomScenarios, KeepInvariants) { keep_invariants(); }
TEST_P(RandomScenarios, OptimisationsChangeNothing) { optimisations_change_nothing(); }

class OldRandomScenarios : public RandomScenarios {
 protected:
  testing::RandomScenario draw() override {
    return testing::random_scenario(GetParam(), testing::Kind::kSingleQueue);
  }
};

TEST_P(OldRandomScenarios, KeepInvariants) { keep_invariants(); }
TEST_P(OldRandomScenarios, OptimisationsChangeNothing) { optimisations_change_nothing(); }

class RandomFileScenarios : public RandomScenarios {
 protected:
  testing::RandomScenario draw() override {
    return testing::random_scenario(GetParam(), testing::Kind::kFiles);
  }
};

TEST_P(RandomFileScenarios, KeepInvariants) { keep_invariants(); }
TEST_P(RandomFileScenarios, OptimisationsChangeNothing) { optimisations_change_nothing(); }

// WBSIM_RANDOM_SCENARIOS in the environment says how many of each kind to try.
auto seeds(std::uint64_t usual) {
  const char* const text = std::getenv("WBSIM_RANDOM_SCENARIOS");
  return ::testing::Range<std::uint64_t>(0, text == nullptr ? usual : std::stoull(text));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomScenarios, seeds(300));
INSTANTIATE_TEST_SUITE_P(Seeds, OldRandomScenarios, seeds(120));
INSTANTIATE_TEST_SUITE_P(Seeds, RandomFileScenarios, seeds(100));

}  // namespace
}  // namespace wbsim::system
