// Whatever the tasks submit and however the device behaves: every bio ends exactly once, nothing is
// left over, no request exceeds the limits, and the optimisations change nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/block/random_test_util.hpp"
#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

constexpr int kScriptSteps = 60;

std::int64_t below(Rng& rng, std::uint64_t n) { return static_cast<std::int64_t>(rng.uniform(n)); }

Fault random_fault(Rng& rng) {
  Fault fault;
  fault.skip = below(rng, 50);
  fault.times = 1 + below(rng, 20);
  switch (rng.uniform(5)) {
    case 0:
      fault.refuse = SubmitResult::kResource;
      break;
    case 1:
      fault.refuse = SubmitResult::kDevResource;
      break;
    case 2:
      fault.refuse = SubmitResult::kZoneResource;
      break;
    case 3:
      fault.status = BlkStatus::kIoError;
      break;
    default:
      fault.delay = microseconds(below(rng, 3000));
      break;
  }
  if (rng.bernoulli(1, 3)) {
    fault.range = Fault::Range{Lba{below(rng, 200)}, Sectors{50}};
  }
  return fault;
}

QueueLimits random_limits(Rng& rng) {
  QueueLimits limits;
  limits.max_sectors = Sectors{24 + below(rng, 100)};
  limits.max_segments = 1 + below(rng, 10);
  limits.nomerges = rng.bernoulli(1, 4) ? 1 + static_cast<int>(rng.uniform(2)) : 0;
  limits.write_cache = rng.bernoulli(2, 3);
  limits.fua = rng.bernoulli(1, 2);
  return limits;
}

const ElevatorType& random_elevator(Rng& rng, ElevatorGeneration generation) {
  std::vector<const ElevatorType*> known;
  for (const ElevatorType& type : elevator_types()) {
    if (type.exists_in(generation)) {
      known.push_back(&type);
    }
  }
  return *known[rng.uniform(known.size())];
}

// What makes a driver try again, or give up.
Fault random_error(Rng& rng) {
  Fault fault;
  fault.skip = below(rng, 30);
  fault.one_in = 1 + below(rng, 4);
  fault.times = 1 + below(rng, 30);
  if (rng.bernoulli(1, 3)) {
    fault.delay = milliseconds(below(rng, 20'000));
  }
  if (rng.bernoulli(3, 4)) {
    const auto& names = device_error_names();
    fault.answer.error = names[rng.uniform(names.size())].first;
    fault.answer.do_not_retry = rng.bernoulli(1, 4);
    fault.answer.retry_after = static_cast<std::uint16_t>(rng.uniform(4));
  }
  if (rng.bernoulli(1, 3)) {
    fault.range = Fault::Range{Lba{below(rng, 200)}, Sectors{1 + below(rng, 30)}};
  }
  return fault;
}

void randomise_driver(Rng& rng, DriverOptions& driver, std::vector<Fault>& faults) {
  static constexpr Driver kDrivers[] = {Driver::kVirtioBlk, Driver::kNullBlk, Driver::kScsi,
                                        Driver::kNvme};
  if (driver.rules == ErrorRules::kV5_10) {
    driver.driver = kDrivers[rng.uniform(std::size(kDrivers))];
  }
  driver.timeout = milliseconds(500 + below(rng, 10'000));
  for (std::uint64_t errors = rng.uniform(4); errors > 0; --errors) {
    faults.push_back(random_error(rng));
  }
}

template <class Options>
void randomise_machine(Rng& rng, Options& options, int depth_max) {
  options.device.depth = 1 + static_cast<int>(rng.uniform(static_cast<std::uint64_t>(depth_max)));
  options.device.volatile_cache = options.queue.limits.write_cache;
  for (std::uint64_t faults = rng.uniform(5); faults > 0; --faults) {
    options.device.faults.push_back(random_fault(rng));
  }
  if (rng.bernoulli(1, 2)) {
    options.costs = engine::CpuCosts{};
  }
  options.cpus = 1 + static_cast<int>(rng.uniform(2));
}

// The queue of 3.6 or 2.6.18.
SingleRigOptions random_single_options(Rng& rng, ElevatorGeneration generation) {
  SingleRigOptions options = generation == ElevatorGeneration::kV3_6 ? of_3_6() : of_2_6_18();
  SingleQueueOptions& queue = options.queue;
  queue.limits = random_limits(rng);
  queue.elevator = &random_elevator(rng, generation);
  queue.nr_requests = 4 + static_cast<int>(rng.uniform(12));
  queue.plug_requests_max = 1 + rng.uniform(16);
  queue.flush_queueable = rng.bernoulli(1, 2);
  queue.driver.rules =
      generation == ElevatorGeneration::kV3_6 ? ErrorRules::kV3_6 : ErrorRules::kV2_6_18;
  randomise_machine(rng, options, 8);
  randomise_driver(rng, queue.driver, options.faults);
  return options;
}

void randomise_hw_queues(Rng& rng, RigOptions& options) {
  RequestQueueOptions& queue = options.queue;
  queue.doorbell = rng.bernoulli(1, 2) ? Doorbell::kEachBatch : Doorbell::kEachCommand;
  queue.multi_queue = rng.bernoulli(1, 2) ? MultiQueueRules::kV5_10 : MultiQueueRules::kV6_1;
  if (rng.bernoulli(1, 2)) {
    return;
  }
  options.cpus = 1 + static_cast<int>(rng.uniform(4));
  queue.hw_queues = 1 + static_cast<int>(rng.uniform(static_cast<std::uint64_t>(options.cpus)));
  queue.cpu_spread = rng.bernoulli(1, 2) ? CpuSpread::kInTurn : CpuSpread::kConsecutive;
  queue.host_wide_tags = rng.bernoulli(1, 3);
  queue.limits.rotational = rng.bernoulli(1, 2);
  queue.queue_depth = options.device.depth;
  // A refusal for want of a device resource promises a completion that runs the queue, which may be
  // of another hardware queue: the device has room for all, and nobody scripts one.
  if (queue.elevator == nullptr) {
    queue.nr_requests = options.device.depth;
  }
  options.device.depth =
      queue.hw_queues * std::max(options.device.depth, queue.driver_tags.value_or(0));
  for (Fault& fault : options.device.faults) {
    if (fault.refuse == SubmitResult::kDevResource) {
      fault.refuse = SubmitResult::kResource;
    }
  }
}

RigOptions random_options(Rng& rng) {
  RigOptions options;
  RequestQueueOptions& queue = options.queue;
  queue.limits = random_limits(rng);
  queue.nr_requests = 1 + static_cast<int>(rng.uniform(40));
  queue.plug_merge = static_cast<PlugMergeRule>(rng.uniform(3));
  queue.plug_issue_order = static_cast<PlugIssueOrder>(rng.uniform(3));  // not that of v3.6
  queue.plug_size_limit = static_cast<PlugSizeLimit>(rng.uniform(3));
  queue.plugs_each_bio = rng.bernoulli(1, 2);
  queue.tag_wake = static_cast<TagWakeRule>(rng.uniform(3));
  queue.fua_issue = static_cast<FuaIssue>(rng.uniform(3));
  if (rng.bernoulli(1, 2)) {
    constexpr std::array kGenerations{ElevatorGeneration::kV5_10, ElevatorGeneration::kV6_1,
                                      ElevatorGeneration::kV6_6, ElevatorGeneration::kV6_12};
    queue.elevator_generation = kGenerations[rng.uniform(kGenerations.size())];
    const bool old = queue.elevator_generation == ElevatorGeneration::kV5_10;
    queue.elevator = &random_elevator(rng, queue.elevator_generation);
    queue.driver_tags = 1 + static_cast<int>(rng.uniform(20));
    queue.elevator_pull = old ? ElevatorPull::kUpToRequests : ElevatorPull::kWhileTags;
  }
  randomise_machine(rng, options, queue.nr_requests);
  if (rng.bernoulli(1, 2)) {
    queue.wbt = WbtOptions{.min_lat = microseconds(1 + below(rng, 3000)),
                           .queue_depth = 1 + static_cast<int>(rng.uniform(40)),
                           .write_cache = queue.limits.write_cache};
  }
  randomise_driver(rng, queue.driver, options.faults);
  randomise_hw_queues(rng, options);
  return options;
}

IoScript random_script(Rng& rng) {
  IoScript script;
  SimDuration time{};
  int plugs = 0;
  for (int i = 0; i < kScriptSteps; ++i) {
    const std::int64_t sector = 8 * below(rng, 30);
    switch (rng.uniform(12)) {
      case 0:
        script.push_back(flush());
        break;
      case 1:
        script.push_back(fua(sector));
        break;
      case 2:
        script.push_back(preflush(sector));
        break;
      case 3:
        script.push_back(read(sector));
        break;
      case 4:
        time += microseconds(below(rng, 2000));
        script.push_back(sleep_until(time));
        break;
      case 5:
        script.push_back(compute(microseconds(below(rng, 50))));
        break;
      case 6:
        script.push_back(plug());
        ++plugs;
        break;
      case 7:
        if (plugs > 0) {
          script.push_back(unplug());
          --plugs;
        }
        break;
      default:
        script.push_back(write(sector, 8 * (1 + below(rng, 2))));
        break;
    }
  }
  for (; plugs > 0; --plugs) {
    script.push_back(unplug());
  }
  return script;
}

struct Outcome {
  Lines events;
  std::vector<BioLedger::End> ends;
};

std::int64_t refusals(const engine::MergeCounts& counts) {
  return std::accumulate(counts.refused.begin(), counts.refused.end(), std::int64_t{0});
}

// What was merged and what was not make up all attempts, and each bio that was not has a request.
template <class Rig>
void check_merges(const Rig& rig) {
  const engine::QueueTotals totals = rig.queue.totals();
  const RequestQueueStats& stats = rig.queue.stats();
  EXPECT_EQ(totals.bios.attempts, totals.bios.merged + refusals(totals.bios));
  EXPECT_EQ(totals.bios.merged, stats.back_merges + stats.front_merges);
  EXPECT_EQ(refusals(totals.bios), static_cast<std::int64_t>(rig.log.lines(" getrq ").size()));
  EXPECT_EQ(totals.requests.attempts, totals.requests.merged + refusals(totals.requests));
  EXPECT_EQ(totals.requests.merged, stats.request_merges);
}

// Each issue ends in a completion or is requeued, and the counts are those of the events.
template <class Rig>
void check_errors(const Rig& rig, std::int64_t refused_of_batches) {
  const std::size_t issues = rig.log.lines(" issue ").size();
  const std::size_t requeues = rig.log.lines(" requeue ").size();
  std::size_t completions = 0;
  for (const std::string& line : rig.log.lines(" complete ")) {
    // The end of a sequence without data is no completion of an issue.
    completions += line.find(" W 0+0") == std::string::npos ? 1U : 0U;
  }
  EXPECT_EQ(issues, completions + requeues);
  if (const auto errors = rig.queue.totals().errors) {
    // What the device refuses of a batch was issued too.
    EXPECT_EQ(errors->retries, static_cast<std::int64_t>(requeues) - refused_of_batches);
  }
}

template <class Options>
std::int64_t refused_of_batches(const Options& options, const models::TestDevice& device) {
  if constexpr (requires { options.queue.doorbell; }) {
    return options.queue.doorbell == Doorbell::kEachBatch ? device.refused() : 0;
  }
  return 0;
}

template <class Rig, class Options>
Outcome simulate(Rng& rng, Options options, bool run_ahead) {
  options.run_ahead = run_ahead;
  Rig rig{options};
  for (std::uint64_t tasks = 1 + rng.uniform(4); tasks > 0; --tasks) {
    rig.task(random_script(rng));
  }
  rig.run(seconds(100'000));
  EXPECT_TRUE(rig.ledger.balanced()) << "a bio ended twice or never";
  EXPECT_EQ(rig.queue.in_flight(), 0U);
  EXPECT_EQ(rig.queue.in_device(), 0);
  if constexpr (requires { rig.queue.wbt(); }) {
    EXPECT_TRUE(rig.queue.wbt() == nullptr || rig.queue.wbt()->inflight() == 0);
  }
  EXPECT_EQ(rig.device.in_device(), 0);
  for (const DeviceCommand& command : rig.device.accepted()) {
    EXPECT_LE(command.length, options.queue.limits.max_sectors);
  }
  const RequestQueueStats& stats = rig.queue.stats();
  EXPECT_EQ(stats.requests + stats.flushes,
            static_cast<std::int64_t>(rig.device.accepted().size()));
  check_merges(rig);
  check_errors(rig, refused_of_batches(options, rig.device));
  return {rig.log.lines(), rig.ledger.ends()};
}

enum class Front { kMultiQueue, kV3_6, kV2_6_18 };

class Conservation : public ::testing::TestWithParam<Front> {
 protected:
  static Outcome simulate_seed(std::uint64_t seed, bool run_ahead) {
    Rng rng = Rng::stream(seed, "conservation");
    switch (GetParam()) {
      case Front::kMultiQueue:
        return simulate<QueueRig>(rng, random_options(rng), run_ahead);
      case Front::kV3_6:
        return simulate<SingleRig>(rng, random_single_options(rng, ElevatorGeneration::kV3_6),
                                   run_ahead);
      case Front::kV2_6_18:
        break;
    }
    return simulate<SingleRig>(rng, random_single_options(rng, ElevatorGeneration::kV2_6_18),
                               run_ahead);
  }
};
std::string name_of(const ::testing::TestParamInfo<Front>& info) {
  static constexpr const char* kNames[] = {"blk_mq", "v3_6", "v2_6_18"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Fronts, Conservation,
                         ::testing::Values(Front::kMultiQueue, Front::kV3_6, Front::kV2_6_18),
                         name_of);

TEST_P(Conservation, EveryBioEndsOnceWhateverTheDeviceDoes) {
  for (std::uint64_t seed = 1; seed <= random_runs(400, kScriptSteps); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Outcome outcome = simulate_seed(seed, true);
    ASSERT_FALSE(outcome.ends.empty());
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(Conservation, RunAheadChangesNothing) {
  for (std::uint64_t seed = 1; seed <= random_runs(100, kScriptSteps); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Outcome with = simulate_seed(seed, true);
    const Outcome without = simulate_seed(seed, false);
    ASSERT_EQ(with.events, without.events);
    ASSERT_EQ(with.ends, without.ends);
  }
}

}  // namespace
}  // namespace wbsim::block
