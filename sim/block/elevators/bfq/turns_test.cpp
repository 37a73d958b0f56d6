// Turns of service as seen by the processes: when one ends, what that costs, and who is served
// next.
#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kFar = 10'000'000;              // sectors between processes
constexpr std::int64_t kFirstBudget = 16'384 * 2 / 3;  // of a new queue
const TunableValues kNoWaiting{{"slice_idle", 0}};

IoPriority of_level(std::uint8_t level) { return {IoClass::kBestEffort, level}; }

// Requests of 256 sectors of two processes that always have eight.
std::string order_of(TunableValues tunables, SimDuration service) {
  tunables.try_emplace("low_latency", 0);
  BfqLoop loop{{.rotational = true, .service = service, .tunables = std::move(tunables)},
               {{.id = 1, .from = kFar, .sectors = 256, .depth = 8},
                {.id = 2, .from = 2 * kFar, .sectors = 256, .depth = 8}}};
  loop.run_until(seconds(1));
  loop.clear();
  loop.run_until(seconds(2));
  return loop.order();
}

TEST(Turn, EndsWhereTheBudgetDoesNotSufficeForTheNextRequest) {
  const std::string order = order_of({{"max_budget", 1100}}, microseconds(500));
  EXPECT_NE(order.find("2111122221111"), std::string::npos);
  EXPECT_EQ(order.find("11111"), std::string::npos);
}

TEST(Turn, EndsWithItsTimeout) {
  const std::string order = order_of({{"timeout_sync", 40}}, milliseconds(12));
  EXPECT_NE(order.find("2111122221111"), std::string::npos);
  EXPECT_EQ(order.find("11111"), std::string::npos);
}

TEST(Turn, EndsAtADispatchAfterItsTimeout) {
  for (const int ms : {120, 124}) {
    Scene scene;
    scene.add(1, read(8));
    scene.add(1, read(90'000));
    EXPECT_EQ(scene.take(), "R 8+8");
    scene.add(2, read(kFar));
    scene.at_ms(ms);
    EXPECT_EQ(scene.take(), ms == 120 ? "R 90000+8" : "R 10000000+8");
  }
}

TEST(Turn, EndsAtACompletionAfterItsTimeout) {
  for (const int ms : {120, 124}) {
    Scene scene;
    const Queue& queue = scene.add(1, read(8));
    scene.add(1, read(90'000));
    scene.take();
    scene.at_ms(ms);
    scene.finish();
    EXPECT_EQ(queue.service, ms == 120 ? 8 : 0);
  }
}

TEST(Turn, GoesOnWhileRequestsAreInTheDriverEvenBeyondItsTimeout) {
  for (const bool waits : {true, false}) {
    Scene scene{{.tunables = waits ? TunableValues{} : kNoWaiting}};
    scene.add(1, read(8));
    scene.take();
    scene.add(2, read(kFar));
    if (waits) {
      EXPECT_EQ(scene.take(), "-");
      scene.at_ms(130);
    }
    EXPECT_EQ(scene.take(), waits ? "-" : "R 10000000+8") << "nobody is waited for";
  }
}

TEST(Turn, OfAnEmptyQueueEndsWithItsLastCompletionAndTheQueueIsRun) {
  Scene scene{{.generation = kV5_10, .tunables = kNoWaiting}};
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.add(2, read(kFar));
  EXPECT_TRUE(queue.busy);
  scene.finish();
  EXPECT_FALSE(queue.busy);
  EXPECT_EQ(scene.rig.queue_runs(), 1);
}

TEST(Turn, TheIdleTimerEndsItAndHasTheQueueRun) {
  Scene scene{{.generation = kV5_10}};
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.at_ms(15);
  scene.finish();
  scene.add(2, read(kFar));
  EXPECT_EQ(scene.rig.queue_runs(), 0);
  scene.at_ms(23);
  EXPECT_EQ(scene.rig.queue_runs(), 1);
  EXPECT_FALSE(queue.busy);
  EXPECT_EQ(queue.service, 8) << "15 ms are not slow, the 8 ms after them do not count";
  EXPECT_EQ(queue.budget_timeout, queue.created + 5) << "idle since then";
  EXPECT_EQ(queue.max_budget, kFirstBudget - 4 * 512);
  EXPECT_TRUE(queue.expired_by_waiting);
}

// 124 ms are over while the queue is waited for.
TEST(Turn, AfterTheTimeoutTheIdleTimerDoesNotBlameTheWaiting) {
  Scene scene{{.generation = kV5_10}};
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.at_ms(120);
  scene.finish();
  EXPECT_TRUE(queue.waits_for_request);
  scene.at_ms(128);
  EXPECT_EQ(queue.max_budget, 16'384);
  EXPECT_FALSE(queue.expired_by_waiting) << "nothing is kept of its budget";
  EXPECT_EQ(queue.service, 0);
}

TEST(Turn, ARequestThatComesAfterTheTimeoutEndsTheWaitingAndTheTurn) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.at_ms(120);
  scene.finish();
  scene.at_ms(125);
  scene.add(1, read(16));
  EXPECT_FALSE(queue.waits_for_request);
  EXPECT_EQ(queue.max_budget, 16'384);
}

TEST(Turn, AnIdleQueueKnowsSinceWhenAtItsLastCompletion) {
  Scene scene{{.tunables = kNoWaiting}};
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.add(2, read(kFar));
  scene.take();
  EXPECT_FALSE(queue.busy);
  scene.at_ms(40);
  scene.finish();
  EXPECT_EQ(queue.budget_timeout, queue.created + 10);
}

TEST(Turn, TheWeightOfAQueueCountsUntilItsLastCompletion) {
  Scene scene{{.tunables = kNoWaiting}};
  const Queue& queue = scene.add(1, read(8), of_level(0));
  scene.take();
  scene.add(2, read(kFar), of_level(0));
  scene.take();
  EXPECT_FALSE(queue.busy);
  EXPECT_EQ(queue.counted_weight, 80);
  scene.finish();
  EXPECT_EQ(queue.counted_weight, 0);
}

TEST(Turn, TheWeightOfARaisedQueueDoesNotCount) {
  Scene scene{{.tunables = {{"low_latency", 1}}}};
  const Queue& queue = scene.add(1, read(8));
  EXPECT_TRUE(queue.is_raised());
  EXPECT_EQ(queue.counted_weight, 0);
}

TEST(Turn, OfTheIdleClassGoesOnWhereNobodyElseIsBusy) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8), {IoClass::kIdle, 0});
  scene.add(1, read(90'000), {IoClass::kIdle, 0});
  scene.take();
  EXPECT_EQ(queue.service, 8);
}

// The first turn takes 100 and looks for expired ones too early; the second one after 500.
TEST(Turn, EachLooksOnceForAnExpiredRequest) {
  Scene scene;
  for (const std::int64_t sector : {7000, 6000, 5000, 100}) {
    scene.add(1, read(sector));
  }
  EXPECT_EQ(scene.take(), "R 100+8");
  scene.at_ms(200);
  scene.finish();
  EXPECT_EQ(scene.take(), "R 5000+8") << "the next turn";
  EXPECT_EQ(scene.take(), "R 7000+8");
  EXPECT_EQ(scene.take(), "R 6000+8");
}

TEST(Turn, ElevenMakeTheMeasuredBudgetCount) {
  Scene scene{{.tunables = {{"slice_idle", 0}, {"max_budget", 900}}}};
  for (int id = 1; id <= 12; ++id) {
    EXPECT_EQ(scene.add(id, read(kFar * id)).max_budget, id <= 11 ? kFirstBudget : 600);
    scene.take();
    scene.finish();
  }
}

TEST(IoBound, IsKeptInV5_10ByWhoUsesMoreThanAFifthOfItsBudget) {
  for (const std::int64_t sectors : {kFirstBudget / 5, kFirstBudget / 5 + 1}) {
    Scene scene{{.generation = kV5_10}};
    const Queue& queue = scene.add(1, read(8, sectors));
    scene.take();
    scene.finish();
    scene.at_ms(8);
    EXPECT_EQ(queue.intensity.io_bound, sectors > kFirstBudget / 5);
  }
}

// Process 1 has more weight and is waited for, on a device where that does not make it faster.
struct InjectingScene : Scene {
  explicit InjectingScene(bool rotational = false) : Scene{{.rotational = rotational}} {
    first = &add(1, read(8), of_level(0));
    take();
    at_ms(1);
    finish();
  }
  Queue* first;
};

TEST(Waiting, OthersAreInjectedWithinTheLimitAndCharged) {
  InjectingScene scene;
  const Queue& other = scene.add(2, read(kFar));
  scene.add(2, read(kFar + 90'000));
  EXPECT_EQ(scene.take(), "-");
  scene.first->injection.limit = 1;
  EXPECT_EQ(scene.take(), "R 10000000+8");
  EXPECT_EQ(other.service, 8);
}

TEST(Waiting, NothingIsInjectedWhereItMakesADiskFaster) {
  InjectingScene scene{true};
  scene.first->injection.limit = 1;
  scene.add(2, read(kFar));
  EXPECT_EQ(scene.take(), "-");
}

TEST(Waiting, AsynchronousRequestsOfOthersAreNotInjected) {
  InjectingScene scene{true};
  scene.add(2, write(500), of_level(0));
  scene.add(1, write(50'000), of_level(0));
  EXPECT_EQ(scene.take(), "-") << "first comes that of process 2";
}

TEST(Waiting, WhatIsInjectedFitsTheBudgetOfItsOwnQueue) {
  InjectingScene scene{true};
  scene.add(1, write(500, kFirstBudget - 100), of_level(0));
  scene.add(1, write(90'000, 104), of_level(0));
  EXPECT_EQ(scene.take(), "W 500+10822");
  EXPECT_EQ(scene.take(), "-");
}

TEST(Waiting, EndsWithTheSecondSmallRequest) {
  InjectingScene scene{true};
  EXPECT_TRUE(scene.add(1, read(16), of_level(0)).waits_for_request);
  EXPECT_FALSE(scene.add(1, read(5000), of_level(0)).waits_for_request);
}

// Process 1 is waited for in vain, and comes back in time while process 2 is served.
struct ComesBack : Scene {
  explicit ComesBack(Options options, IoPriority priority = {}) : Scene{std::move(options)} {
    add(1, read(8), priority);
    take();
    at_ms(1);
    finish();
    at_ms(10);
    served = &add(2, read(kFar));
    add(2, read(kFar + 90'000));
    EXPECT_EQ(take(), "R 10000000+8");
    finish();
    add(1, read(16), priority);
  }
  const Queue* served;
};

TEST(Preemption, WhoComesBackInTimeWithPartOfItsBudgetIsServedAtOnce) {
  ComesBack scene{{.generation = kV5_10}};
  EXPECT_EQ(scene.take(), "R 16+8");
}

TEST(Preemption, ButARaisedQueueKeepsItsTurn) {
  ComesBack scene{{.tunables = {{"low_latency", 1}}}, of_level(3)};
  EXPECT_EQ(scene.served->service, 8) << "the same turn";
  EXPECT_EQ(scene.take(), "R 10090000+8");
}

TEST(Turn, OfAProcessThatEndsEndsTooAndTheQueueIsRun) {
  Scene scene;
  scene.add(1, read(8));
  scene.take();
  scene.finish();
  scene.add(2, read(kFar));
  EXPECT_EQ(scene.take(), "-");
  static_cast<Bfq&>(scene.rig.elevator()).io_context_exits(IoContext{1});
  EXPECT_EQ(scene.rig.queue_runs(), 1);
  EXPECT_EQ(scene.take(), "R 10000000+8");
}

}  // namespace
}  // namespace wbsim::block::bfq
