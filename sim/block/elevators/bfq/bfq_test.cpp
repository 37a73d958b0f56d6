// The elevator as a whole: processes in front of a device, and the rules of turns of service.
#include "sim/block/elevators/bfq/bfq.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr engine::RwbsFlags kAsync{.write = true};
constexpr std::int64_t kApart = 10'000'000;  // sectors between processes

IoPriority level(std::uint8_t level) { return {IoClass::kBestEffort, level}; }

class BfqTest : public ::testing::TestWithParam<ElevatorGeneration> {
 protected:
  static BfqLoop::Options with(TunableValues tunables = {}, bool low_latency = false) {
    tunables.try_emplace("low_latency", low_latency ? 1 : 0);
    return {.generation = GetParam(), .rotational = true, .tunables = std::move(tunables)};
  }
  static bool is_6_1() { return GetParam() == kV6_1; }
};
INSTANTIATE_TEST_SUITE_P(Generations, BfqTest, ::testing::Values(kV5_10, kV6_1),
                         [](const auto& param) {
                           return std::string{param.param == kV5_10 ? "V5_10" : "V6_1"};
                         });

double share_of(const BfqLoop& loop, int a, int b) {
  return static_cast<double>(loop.served(a)) / static_cast<double>(loop.served(a) + loop.served(b));
}

// Saturated: eight requests of each process at a time.
TEST_P(BfqTest, SharesBandwidthByWeight) {
  BfqLoop loop{with(),
               {{.id = 1, .priority = level(0), .from = kApart, .sectors = 256, .depth = 8},
                {.id = 2, .priority = level(4), .from = 2 * kApart, .sectors = 256, .depth = 8}}};
  loop.run_until(seconds(20));
  EXPECT_NEAR(share_of(loop, 1, 2), 80.0 / 120.0, 0.05 * 80.0 / 120.0);
}

TEST_P(BfqTest, SharesBandwidthEquallyWhateverTheRequestSizes) {
  BfqLoop::Options options = with();
  options.service = microseconds(20);
  options.per_sector = microseconds(5);
  BfqLoop loop{options,
               {{.id = 1, .from = kApart, .sectors = 512, .depth = 8},
                {.id = 2, .from = 2 * kApart, .sectors = 128, .depth = 8}}};
  loop.run_until(seconds(20));
  EXPECT_NEAR(share_of(loop, 1, 2), 0.5, 0.025);
}

TEST_P(BfqTest, AProcessWithOneRequestAtATimeGetsItsShareByBeingWaitedFor) {
  BfqLoop loop{with(),
               {{.id = 1, .priority = level(0), .from = kApart, .sectors = 256},
                {.id = 2, .from = 2 * kApart, .sectors = 256, .depth = 8}}};
  loop.run_until(seconds(20));
  EXPECT_NEAR(share_of(loop, 1, 2), 80.0 / 120.0, 0.05 * 80.0 / 120.0);
}

TEST_P(BfqTest, RealTimeKeepsBestEffortOut) {
  BfqLoop loop{
      with(),
      {{.id = 1, .priority = {IoClass::kRealTime, 4}, .from = kApart, .sectors = 64, .depth = 8},
       {.id = 2, .from = 2 * kApart, .sectors = 64, .depth = 8}}};
  loop.run_until(seconds(2));
  EXPECT_EQ(loop.served(2), 0);
}

TEST_P(BfqTest, TheIdleClassIsServedOneRequestAtATimeWhereOthersAreBusy) {
  BfqLoop loop{
      with(),
      {{.id = 1, .from = kApart, .sectors = 64, .depth = 8},
       {.id = 2, .priority = {IoClass::kIdle, 0}, .from = 2 * kApart, .sectors = 64, .depth = 8}}};
  loop.run_until(seconds(5));
  EXPECT_GT(loop.served(2), 0);
  EXPECT_LT(loop.served(2), 64 * 30) << "about five a second";
  EXPECT_EQ(loop.order().find("22"), std::string::npos);
}

TEST_P(BfqTest, AsynchronousWritesGetAThirdOfWhatSynchronousOnesGet) {
  BfqLoop loop{with(),
               {{.id = 1, .from = kApart, .sectors = 256, .depth = 8},
                {.id = 2, .from = 2 * kApart, .sectors = 256, .depth = 8, .flags = kAsync}}};
  loop.run_until(seconds(20));
  EXPECT_NEAR(share_of(loop, 1, 2), 0.75, 0.05);
}

TEST_P(BfqTest, OneRequestInTheDeviceWithStrictGuarantees) {
  for (const int strict : {0, 1}) {
    BfqLoop::Options options = with({{"strict_guarantees", strict}});
    options.channels = 4;
    BfqLoop loop{options, {{.from = kApart, .depth = 8}}};
    loop.run_until(seconds(1));
    EXPECT_NEAR(static_cast<double>(loop.busy() / milliseconds(1)), strict == 1 ? 1000 : 4000, 50);
  }
}

// What a newcomer waits for among three that keep the device busy with 8 MiB turns.
SimDuration wait_of_newcomer(const BfqLoop::Options& options) {
  std::vector<Source> sources{{.id = 1, .from = 9 * kApart, .begins = seconds(5)}};
  for (int id = 2; id <= 4; ++id) {
    sources.push_back({.id = id, .from = id * kApart, .sectors = 256, .depth = 8});
  }
  sources.front().ends = seconds(5) + milliseconds(1);
  BfqLoop loop{options, sources};
  loop.run_until(seconds(5));
  loop.clear();
  loop.run_until(seconds(6));
  return loop.longest_wait(1);
}

TEST_P(BfqTest, AnInteractiveProcessIsServedSoon) {
  EXPECT_LT(wait_of_newcomer(with({}, true)), milliseconds(10));
  EXPECT_GT(wait_of_newcomer(with({}, false)), milliseconds(30));
}

TEST_P(BfqTest, WaitsForTheNextRequestOfASequence) {
  const Source thinks{.id = 1, .from = kApart, .sectors = 64, .think = milliseconds(2)};
  const Source other{.id = 2, .from = 2 * kApart, .sectors = 64, .depth = 8, .begins = seconds(1)};
  BfqLoop waits{with(), {thinks, other}};
  waits.run_until(seconds(1));
  waits.clear();
  waits.run_until(seconds(3));
  BfqLoop hurries{with({{"slice_idle", 0}}), {thinks, other}};
  hurries.run_until(seconds(1));
  hurries.clear();
  hurries.run_until(seconds(3));
  EXPECT_NE(waits.order().find("1111"), std::string::npos);
  EXPECT_EQ(hurries.order().find("1111"), std::string::npos);
}

TEST_P(BfqTest, DoesNotWaitForWhoThinksTooLong) {
  BfqLoop loop{with(),
               {{.id = 1, .from = kApart, .sectors = 64, .think = milliseconds(30)},
                {.id = 2, .from = 2 * kApart, .sectors = 64, .depth = 8, .begins = seconds(10)}}};
  loop.run_until(seconds(12));
  loop.clear();
  loop.run_until(seconds(14));
  EXPECT_GT(loop.busy(), milliseconds(1950)) << "the device would be idle for 8 ms in 38";
}

TEST_P(BfqTest, RequestsOfAWaitedForQueueStopTheWaiting) {
  BfqLoop loop{with(), {{.id = 1, .from = kApart, .sectors = 64, .think = milliseconds(3)}}};
  loop.run_until(seconds(1));
  EXPECT_EQ(loop.order().size(), 286U) << "each 3.5 ms, and no timer between";
}

TEST_P(BfqTest, AProcessThatEndsIsNotWaitedFor) {
  BfqLoop loop{with(),
               {{.id = 1, .from = kApart, .sectors = 64, .ends = milliseconds(100)},
                {.id = 2, .from = 2 * kApart, .sectors = 64, .depth = 8}}};
  loop.run_until(milliseconds(101));
  loop.bfq().io_context_exits(IoContext{1});
  loop.clear();
  loop.run_until(milliseconds(201));
  EXPECT_EQ(loop.busy() / microseconds(500), 200);
}

TEST_P(BfqTest, HasWorkWhileItWaitsInV5_10) {
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam(), .tunables = {{"low_latency", 0}}}};
  rig.insert(read(0));
  EXPECT_TRUE(rig.elevator().has_work());
  EXPECT_EQ(rig.dispatch(true), "R 0+8");
  EXPECT_EQ(rig.elevator().has_work(), !is_6_1());
}

TEST_P(BfqTest, ABioJoinsRequestsOfItsOwnProcessOnly) {
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam()}};
  const auto merge = [&rig](int id, std::int64_t sector) {
    return rig.queue().merge(rig.bio(read(sector), {}, {.id = id})).kind;
  };
  RequestChain absorbed;
  rig.queue().insert(rig.request(rig.bio(read(100), {}, {.id = 1})), absorbed);
  EXPECT_EQ(merge(2, 108), MergeKind::kNone) << "unknown";
  rig.run_until(milliseconds(200));  // made at once they would belong together in v6.1
  rig.queue().insert(rig.request(rig.bio(read(90'000), {}, {.id = 2})), absorbed);
  EXPECT_EQ(merge(2, 108), MergeKind::kNone);
  EXPECT_EQ(merge(1, 108), MergeKind::kBack);
  EXPECT_EQ(merge(1, 92), MergeKind::kFront);
  EXPECT_EQ(rig.dispatch_all(1), (Lines{"R 92+24"}));
}

TEST_P(BfqTest, ASynchronousBioDoesNotJoinAnAsynchronousRequest) {
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam()}};
  rig.insert(write(100));
  IoStep sync = write(108);
  sync.flags.sync = true;
  EXPECT_EQ(rig.merge(sync), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
}

TEST_P(BfqTest, AsynchronousRequestsOfOneLevelShareAQueueAndLevelsDoNot) {
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam()}};
  RequestChain absorbed;
  const auto insert = [&](int id, std::int64_t sector, IoPriority priority) {
    Bio& bio = rig.bio(write(sector), {}, {.id = id, .priority = priority});
    Request& request = rig.request(bio);
    rig.queue().insert(request, absorbed);
    return request.elevator_queue;
  };
  const Queue* first = insert(1, 100, {});
  EXPECT_EQ(insert(2, 200, {}), first);
  EXPECT_EQ(insert(3, 300, level(4)), first) << "none is best effort 4";
  EXPECT_NE(insert(4, 400, level(5)), first);
  EXPECT_NE(insert(5, 500, {IoClass::kRealTime, 4}), first);
}

TEST_P(BfqTest, NicenessStandsForAMissingPriority) {
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam()}};
  RequestChain absorbed;
  const auto weight = [&](int id, std::int8_t nice, IoPriority priority) {
    Bio& bio = rig.bio(read(kApart * id), {}, {.id = id, .priority = priority, .nice = nice});
    Request& request = rig.request(bio);
    rig.queue().insert(request, absorbed);
    return request.elevator_queue->own_weight;
  };
  EXPECT_EQ(weight(1, 0, {}), 40);
  EXPECT_EQ(weight(2, -20, {}), 80);
  EXPECT_EQ(weight(3, 19, {}), 10);
  EXPECT_EQ(weight(4, 0, level(7)), 10);
  EXPECT_EQ(weight(5, 0, {IoClass::kIdle, 0}), 10);
}

TEST_P(BfqTest, AChangedPriorityHoldsFromTheNextRequest) {
  BfqLoop loop{with(), {{.id = 1, .from = kApart}}};
  ElevatorRig rig{{.elevator = "bfq", .generation = GetParam(), .tunables = {{"low_latency", 0}}}};
  RequestChain absorbed;
  const auto insert = [&](std::int64_t sector, IoPriority priority) {
    Bio& bio = rig.bio(read(sector), {}, {.id = 1, .priority = priority});
    Request& request = rig.request(bio);
    rig.queue().insert(request, absorbed);
    return request.elevator_queue;
  };
  const Queue* queue = insert(100, {});
  EXPECT_EQ(rig.dispatch(), "R 100+8");
  EXPECT_EQ(insert(200, level(0)), queue);
  EXPECT_EQ(queue->new_weight, 80);
}

TEST_P(BfqTest, BigBudgetsDoNotKeepAnOldRequestWaiting) {
  BfqLoop loop{with(), {{.id = 1, .from = kApart, .depth = 16, .step = -4096}}};
  loop.run_until(seconds(1));
  EXPECT_LT(loop.longest_wait(1), milliseconds(400));
}

// One process on a disk: inserts, dispatches, completes, and what is known of its queue.
struct OneProcess {
  explicit OneProcess(ElevatorGeneration generation)
      : rig{{.elevator = "bfq",
             .generation = generation,
             .tunables = {{"low_latency", 0}},
             .limits = {.rotational = true}}} {}
  const Queue& serve(SimDuration at, std::int64_t step = 8) {
    rig.run_until(at);
    const Queue& queue = *rig.insert(read(sector += step))->elevator_queue;
    rig.dispatch(true);
    rig.finish_held();
    return queue;
  }
  ElevatorRig rig;
  std::int64_t sector = 0;
};

TEST(IoBound, IsLostByIdlingAndRegainedBy120RequestsInTimeInV5_10) {
  OneProcess process{kV5_10};
  const Queue& queue = process.serve({});
  EXPECT_TRUE(queue.intensity.io_bound);
  process.rig.run_until(milliseconds(8));
  EXPECT_FALSE(queue.intensity.io_bound) << "it was waited for in vain";
  for (int i = 1; i <= 120; ++i) {
    EXPECT_FALSE(queue.intensity.io_bound) << i;
    process.serve(milliseconds(8 + 15 * i));
  }
  EXPECT_TRUE(queue.intensity.io_bound);
}

TEST(IoBound, IsWhoIsIdleForNoMoreThanAFifthOfTheTimeInV6_1) {
  for (const int busy_us : {3900, 4100}) {  // of 5 ms
    OneProcess process{kV6_1};
    const Queue* queue = nullptr;
    for (int i = 0; i < 30; ++i) {
      process.rig.run_until(milliseconds(5 * i));
      queue = process.rig.insert(read(process.sector += 8))->elevator_queue;
      process.rig.dispatch(true);
      process.rig.run_until(milliseconds(5 * i) + microseconds(busy_us));
      process.rig.finish_held();
    }
    EXPECT_EQ(queue->intensity.io_bound, busy_us > 4000);
  }
}

TEST(ThinkTime, IsLongAboveASliceInV5_10AndHalfOfOneInV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    for (const int think : {3, 6, 9}) {
      OneProcess process{generation};
      const Queue* queue = nullptr;
      for (int i = 0; i < 80; ++i) {  // seeking, it is waited for no more than 2 ms
        queue = &process.serve(seconds(1) + milliseconds(think * i), 100'000);
      }
      EXPECT_EQ(queue->short_think_time, think < (generation == kV6_1 ? 4 : 8)) << think;
    }
  }
}

TEST(ThinkTime, CountsOnlyWhatComesWithNothingPendingInV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    OneProcess process{generation};
    const Queue& queue = process.serve(seconds(1));
    const std::uint64_t samples = queue.think_time.samples;
    process.rig.insert(read(9000));
    const std::uint64_t with_first = queue.think_time.samples;
    process.rig.insert(read(19'000));
    EXPECT_EQ(queue.think_time.samples > with_first, generation == kV5_10);
    EXPECT_GE(with_first, samples);
  }
}

TEST(SeekHistory, HasABitForEachRequestThatIsFarAndOnFlashSmall) {
  for (const bool rotational : {true, false}) {
    ElevatorRig rig{{.elevator = "bfq", .limits = {.rotational = rotational}}};
    const Queue& queue = *rig.insert(read(8, 8))->elevator_queue;
    EXPECT_EQ(queue.seek_history, 0b10U) << "the first is never far";
    rig.insert(read(816, 64));
    EXPECT_EQ(queue.seek_history, 0b100U) << "800 sectors on is not far";
    rig.insert(read(1681, 8));
    EXPECT_EQ(queue.seek_history, 0b1001U) << "801 is";
    rig.insert(read(90'000, 64));
    EXPECT_EQ(queue.seek_history, rotational ? 0b10011U : 0b10010U) << "large on flash";
  }
}

// A process that waits for its next request, and another one with a request.
struct Waiting {
  explicit Waiting(TunableValues tunables, ElevatorGeneration generation = kV6_1)
      : rig{{.elevator = "bfq",
             .generation = generation,
             .tunables = std::move(tunables),
             .limits = {.rotational = true}}} {
    first = insert(1, read(8)).elevator_queue;
    rig.dispatch(true);
    rig.run_until(milliseconds(1));
    rig.finish_held();
  }
  Request& insert(int id, const IoStep& step, IoPriority priority = {}) {
    Request& request = rig.request(rig.bio(step, {}, {.id = id, .priority = priority}));
    RequestChain absorbed;
    rig.queue().insert(request, absorbed);
    return request;
  }
  ElevatorRig rig;
  const Queue* first = nullptr;
};

TEST(Waiting, LastsForASliceThenOthersAreServed) {
  Waiting scene{{{"low_latency", 0}}, kV5_10};
  scene.insert(2, read(kApart));
  EXPECT_EQ(scene.rig.dispatch(), "-");
  scene.rig.run_until(milliseconds(9) - nanoseconds(1));
  EXPECT_EQ(scene.rig.dispatch(), "-");
  scene.rig.run_until(milliseconds(9));
  EXPECT_EQ(scene.rig.dispatch(), "R 10000000+8");
}

TEST(Waiting, GoesOnForASmallRequestUntilTheQueueIsRun) {
  Waiting scene{{{"low_latency", 0}}, kV5_10};
  const Queue& queue = *scene.insert(1, read(16, 31)).elevator_queue;
  EXPECT_TRUE(queue.waits_for_request) << "others may join it";
  EXPECT_EQ(scene.rig.dispatch(true), "R 16+31");
  EXPECT_FALSE(queue.waits_for_request);
}

TEST(Waiting, EndsWithALargeRequest) {
  Waiting scene{{{"low_latency", 0}}, kV5_10};
  EXPECT_FALSE(scene.insert(1, read(16, 32)).elevator_queue->waits_for_request);
}

TEST(Waiting, AsynchronousRequestsOfTheSameProcessAreInjected) {
  Waiting scene{{{"low_latency", 0}}, kV5_10};
  scene.insert(2, read(kApart));
  scene.insert(1, write(500));
  EXPECT_EQ(scene.rig.dispatch(), "W 500+8");
  EXPECT_EQ(scene.rig.dispatch(), "-");
}

TEST(Waiting, RequestsOfTheWakerAreInjectedAndInV6_1ThoseThatItWakes) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    for (const bool is_waker : {true, false}) {
      Waiting scene{{{"low_latency", 0}}, generation};
      Queue& other = *scene.insert(2, read(kApart)).elevator_queue;
      Queue& waited_for = *scene.insert(1, read(16)).elevator_queue;
      scene.rig.dispatch(true);
      scene.rig.finish_held();
      Queue& waker = is_waker ? other : waited_for;
      Queue& woken = is_waker ? waited_for : other;
      EXPECT_EQ(scene.rig.dispatch(), "-");
      Wakers::set_waker(woken, &waker, true);
      const bool injected = is_waker || generation == kV6_1;
      EXPECT_EQ(scene.rig.dispatch(), injected ? "R 10000000+8" : "-");
    }
  }
}

TEST(Preemption, AQueueOfAHigherClassOrWeightDoesNotWaitForTheTurnToEnd) {
  for (const std::uint8_t other : {std::uint8_t{4}, std::uint8_t{3}}) {
    Waiting scene{{{"low_latency", 0}}, kV5_10};
    scene.insert(2, read(kApart), level(other));
    EXPECT_EQ(scene.rig.dispatch() == "R 10000000+8", other == 3);
  }
  Waiting scene{{{"low_latency", 0}}, kV5_10};
  scene.insert(2, read(kApart), {IoClass::kRealTime, 7});
  EXPECT_EQ(scene.rig.dispatch(), "R 10000000+8");
}

TEST(Preemption, SinceV6_1AQueueThatIsNotWorthWaitingForGivesWay) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    ElevatorRig rig{{.elevator = "bfq",
                     .generation = generation,
                     .tunables = {{"low_latency", 0}, {"slice_idle", 0}},
                     .limits = {.rotational = true}}};
    const auto insert = [&](int id, std::int64_t sector, std::int64_t sectors) {
      RequestChain absorbed;
      rig.queue().insert(rig.request(rig.bio(read(sector, sectors), {}, {.id = id})), absorbed);
    };
    insert(1, 8, 64);
    insert(1, 50'000, 64);
    EXPECT_EQ(rig.dispatch(), "R 8+64");
    insert(2, kApart, 8);
    EXPECT_EQ(rig.dispatch() == "R 10000000+8", generation == kV6_1);
  }
}

TEST(Preemption, AQueueInServiceThatIsOwedWaitingStaysScheduledThoughEmpty) {
  Waiting scene{{{"low_latency", 0}}, kV6_1};
  scene.insert(2, read(kApart), {IoClass::kRealTime, 4});
  EXPECT_TRUE(scene.first->busy) << "several classes are busy: it is owed its turn";
  EXPECT_EQ(scene.rig.dispatch(), "R 10000000+8");
}

TEST(BfqQueues, AreFreedWhenTheirProcessesHaveEnded) {
  BfqLoop loop{{.tunables = {{"low_latency", 0}}},
               {{.id = 1, .from = kApart, .ends = milliseconds(50)},
                {.id = 2, .from = 2 * kApart, .depth = 4}}};
  loop.run_until(milliseconds(60));
  loop.bfq().io_context_exits(IoContext{1});
  loop.run_until(seconds(1));
  loop.clear();
  loop.run_until(seconds(2));
  EXPECT_EQ(loop.served(2) / 8, 2000) << "nothing is kept for who has gone";
}

}  // namespace
}  // namespace wbsim::block::bfq
