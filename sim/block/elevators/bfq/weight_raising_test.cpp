#include "sim/block/elevators/bfq/weight_raising.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"
#include "sim/block/elevators/bfq/budget.hpp"

namespace wbsim::block::bfq {
namespace {

struct RaisingScene : Parts {
  explicit RaisingScene(const Options& options = {}) : Parts(options) {
    subject.owner = &process;
    subject.soft_real_time_next = clock.jiffies() + 1'000'000;
    advance(milliseconds(100));
  }
  WeightRaising::Claim claim() const { return raising.claim_of(subject, process); }
  void become_busy() { raising.becomes_busy(subject, claim()); }
  // A raised queue in service, just begun.
  void raise(bool interactive) {
    subject.soft_real_time_next = clock.jiffies() - (interactive ? 0 : 1);
    subject.budget_timeout = interactive ? clock.long_ago() : clock.jiffies();
    become_busy();
    raising.note_arrival(subject, false, interactive);
    state.wf2q.activate(subject, false);
    state.wf2q.next_queue();
    subject.busy = true;
    ++state.raised_busy;
    ASSERT_TRUE(subject.is_raised());
  }
  Process process;
  Queue& subject = queue();
  PeakRate peak_rate{state};
  WeightRaising raising{state, peak_rate};
};

TEST(Raising, AQueueIsInteractiveAfterTwoSecondsWithoutWork) {
  RaisingScene scene;
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.advance(seconds(2));
  EXPECT_FALSE(scene.claim().interactive);
  scene.advance(milliseconds(4));
  EXPECT_TRUE(scene.claim().interactive);
  scene.subject.dispatched = 1;
  EXPECT_FALSE(scene.claim().interactive);
}

TEST(Raising, InteractiveQueuesWeighThirtyfold) {
  RaisingScene scene;
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 30);
  EXPECT_EQ(scene.subject.raising.longest, scene.raising.duration());
  EXPECT_EQ(scene.subject.budget, 1000) << "at most twice the least, 1024";
  EXPECT_TRUE(scene.subject.weight_changed);
}

TEST(Raising, KeepsBudgetsSmall) {
  RaisingScene scene;
  scene.subject.budget = 9000;
  scene.become_busy();
  EXPECT_EQ(scene.subject.budget, 1024);
}

TEST(Raising, SoftRealTimeQueuesWeighThreeThousandfoldForThreeHundredMilliseconds) {
  RaisingScene scene;
  scene.raise(false);
  EXPECT_EQ(scene.subject.coefficient, 3000);
  EXPECT_EQ(scene.subject.raising.longest, 75U);
}

TEST(Raising, SoftRealTimeIsWhoComesNoEarlierThanItsRateAllows) {
  RaisingScene scene;
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.subject.soft_real_time_next = scene.clock.jiffies();
  EXPECT_FALSE(scene.claim().soft_real_time);
  scene.advance(milliseconds(4));
  EXPECT_TRUE(scene.claim().soft_real_time);
  scene.subject.seek_history = ~std::uint32_t{0};
  EXPECT_FALSE(scene.claim().soft_real_time) << "nothing but seeks";
  scene.subject.seek_history = 1;
  scene.subject.dispatched = 1;
  EXPECT_FALSE(scene.claim().soft_real_time);
}

// 7000 sectors a second: 700 of them take 100 ms, 25 jiffies. At least 8 ms and 4 jiffies later.
TEST(Raising, TheNextSoftRealTimeFollowsFromTheServiceSinceTheQueueWasBusy) {
  RaisingScene scene;
  Queue& queue = scene.subject;
  queue.soft_real_time_next = 0;
  queue.backlogged_since = scene.clock.jiffies();
  queue.service_since_backlogged = 700;
  scene.raising.expired(queue);
  EXPECT_EQ(queue.soft_real_time_next, scene.clock.jiffies() + 25);
  queue.soft_real_time_next = 0;
  queue.service_since_backlogged = 7;
  scene.raising.expired(queue);
  EXPECT_EQ(queue.soft_real_time_next, scene.clock.jiffies() + 2 + 4);
}

TEST(Raising, WithRequestsInTheDeviceThatIsDecidedWhenTheyHaveEnded) {
  RaisingScene scene;
  Queue& queue = scene.subject;
  queue.soft_real_time_next = 0;
  queue.dispatched = 1;
  scene.raising.expired(queue);
  EXPECT_EQ(queue.soft_real_time_next, 0U);
  queue.dispatched = 0;
  scene.raising.completed(queue);
  EXPECT_EQ(queue.soft_real_time_next, scene.clock.jiffies() + 6);
}

TEST(Raising, AnInteractiveQueueIsNotJudgedByItsRateInV5_10) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    RaisingScene scene{{.generation = generation}};
    scene.subject.soft_real_time_next = 0;
    scene.subject.coefficient = 30;
    scene.raising.expired(scene.subject);
    EXPECT_EQ(scene.subject.soft_real_time_next != 0, generation == kV6_1);
  }
}

TEST(Raising, NotForAQueueOfALargeBurstAnAsynchronousOrASharedOne) {
  RaisingScene scene;
  EXPECT_TRUE(scene.claim().deserved);
  scene.subject.in_large_burst = true;
  EXPECT_FALSE(scene.claim().deserved);
  scene.subject.in_large_burst = false;
  scene.subject.sync = false;
  EXPECT_FALSE(scene.claim().deserved);
  scene.subject.sync = true;
  scene.subject.owner = nullptr;
  EXPECT_FALSE(scene.claim().deserved);
  scene.process.stably_merged = true;
  EXPECT_TRUE(scene.claim().deserved) << "these belong together";
}

TEST(Raising, SinceV6_1OnlyForTheDefaultWeight) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    RaisingScene scene{{.generation = generation}};
    scene.subject.new_weight = 50;
    EXPECT_EQ(scene.claim().deserved, generation == kV5_10);
  }
}

TEST(Raising, NotWithoutLowLatency) {
  RaisingScene scene{{.tunables = {{"low_latency", 0}}}};
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 1);
}

TEST(Raising, NotWithinTwoSecondsOfASplit) {
  RaisingScene scene;
  scene.subject.split_time = scene.clock.jiffies() - 500;
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 1);
  scene.subject.split_time -= 1;
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 30);
}

TEST(Raising, IsLongerTheSlowerTheDevice) {
  EXPECT_EQ((RaisingScene{{.rotational = true}}.raising.duration()), 10'500U / 4);
  EXPECT_EQ((RaisingScene{}.raising.duration()), 3'750U / 4);
}

TEST(Raising, EndsWithItsTime) {
  RaisingScene scene;
  scene.raise(true);
  scene.advance(milliseconds(4) * static_cast<std::int64_t>(scene.raising.duration()));
  scene.raising.request_dispatched(scene.subject);
  EXPECT_EQ(scene.subject.weight, 30 * 40);
  scene.advance(milliseconds(4));
  scene.raising.request_dispatched(scene.subject);
  EXPECT_EQ(scene.subject.weight, 40) << "at once, in this turn too";
  EXPECT_EQ(scene.state.raised_busy, 0);
}

TEST(Raising, EndsWithTooMuchService) {
  RaisingScene scene;
  scene.raise(true);
  scene.subject.raising.service = 120'000;
  scene.raising.request_dispatched(scene.subject);
  EXPECT_TRUE(scene.subject.is_raised());
  scene.subject.raising.service = 120'001;
  scene.raising.request_dispatched(scene.subject);
  EXPECT_FALSE(scene.subject.is_raised());
}

TEST(Raising, EndsForAQueueOfALargeBurst) {
  RaisingScene scene;
  scene.raise(true);
  scene.subject.in_large_burst = true;
  scene.raising.request_dispatched(scene.subject);
  EXPECT_FALSE(scene.subject.is_raised());
}

TEST(Raising, SoftRealTimeFallsBackToInteractiveThatWouldStillLast) {
  RaisingScene scene;
  scene.raise(true);
  const std::uint64_t began = scene.subject.raising.start_or_end;
  scene.subject.soft_real_time_next = scene.clock.jiffies();
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.advance(milliseconds(4));
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 3000);
  scene.advance(milliseconds(304));
  scene.raising.request_dispatched(scene.subject);
  EXPECT_EQ(scene.subject.coefficient, 30);
  EXPECT_EQ(scene.subject.raising.start_or_end, began);
  scene.subject.raising.before_soft_real_time = scene.clock.long_ago();
  scene.subject.raising.longest = scene.tuning.raise_soft_real_time;
  scene.advance(milliseconds(304));
  scene.raising.request_dispatched(scene.subject);
  EXPECT_EQ(scene.subject.coefficient, 1) << "there was none before";
}

TEST(Raising, EachSoftRealTimeArrivalRenewsIt) {
  RaisingScene scene;
  scene.raise(false);
  scene.advance(milliseconds(200));
  scene.subject.soft_real_time_next = scene.clock.jiffies() - 1;
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.become_busy();
  EXPECT_EQ(scene.subject.raising.start_or_end, scene.clock.jiffies());
}

TEST(Raising, SeekingOnlyEndsSoftRealTime) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    RaisingScene scene{{.generation = generation}};
    scene.raise(false);
    scene.subject.raising.before_soft_real_time = scene.clock.jiffies();
    scene.subject.seek_history = ~std::uint32_t{1};
    scene.raising.seek_noted(scene.subject);
    EXPECT_EQ(scene.subject.coefficient, 3000);
    scene.subject.seek_history = ~std::uint32_t{0};
    scene.raising.seek_noted(scene.subject);
    EXPECT_EQ(scene.subject.coefficient, generation == kV6_1 ? 30 : 1);
  }
}

TEST(Raising, AnAsynchronousRequestRaisesABusyQueueHalfASecondAfterTheLast) {
  RaisingScene scene;
  const Request& async = scene.request(0, 8, {.write = true});
  scene.subject.raising.start_or_end = scene.clock.jiffies();
  scene.advance(milliseconds(500));
  scene.raising.request_added(scene.subject, async, false);
  EXPECT_EQ(scene.subject.coefficient, 1);
  scene.advance(milliseconds(4));
  scene.raising.request_added(scene.subject, scene.request(0), false);
  EXPECT_EQ(scene.subject.coefficient, 1) << "a synchronous one does not";
  scene.raising.request_added(scene.subject, async, false);
  EXPECT_EQ(scene.subject.coefficient, 30);
  EXPECT_EQ(scene.state.raised_busy, 1);
}

TEST(Raising, TimeWithoutServiceDoesNotCountForSoftRealTime) {
  RaisingScene scene;
  scene.raise(false);
  const std::uint64_t began = scene.subject.raising.start_or_end;
  scene.advance(milliseconds(40));
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.advance(milliseconds(100));
  scene.raising.service_begins(scene.subject);
  EXPECT_EQ(scene.subject.raising.start_or_end, began + 25);
}

TEST(Raising, OfSoftRealTimeNeitherInALargeBurstNorSinceV6_1OfAnotherWeight) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    RaisingScene scene{{.generation = generation}};
    scene.subject.soft_real_time_next = scene.clock.jiffies() - 1;
    scene.subject.budget_timeout = scene.clock.jiffies();
    EXPECT_TRUE(scene.claim().deserved);
    scene.subject.in_large_burst = true;
    EXPECT_FALSE(scene.claim().deserved);
    scene.subject.in_large_burst = false;
    scene.subject.new_weight = 50;
    EXPECT_EQ(scene.claim().deserved, generation == kV5_10);
  }
}

TEST(Raising, IsLostByAQueueThatTurnsOutToBePartOfALargeBurst) {
  RaisingScene scene;
  scene.raise(true);
  scene.subject.in_large_burst = true;
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 1);
}

TEST(Raising, OfSoftRealTimeTurnsInteractiveAfterTwoSecondsWithoutWork) {
  RaisingScene scene;
  scene.raise(false);
  scene.subject.budget_timeout = scene.clock.long_ago();
  scene.become_busy();
  EXPECT_EQ(scene.subject.coefficient, 30);
  EXPECT_EQ(scene.subject.raising.longest, scene.raising.duration());
}

TEST(Raising, BeginsWithNoServiceAndOfSoftRealTimeWithNothingBefore) {
  RaisingScene interactive;
  interactive.subject.raising.service = 500;
  interactive.raise(true);
  EXPECT_EQ(interactive.subject.raising.service, 0);
  RaisingScene scene;
  scene.subject.raising.before_soft_real_time = scene.clock.jiffies();
  scene.raise(false);
  EXPECT_FALSE(scene.raising.would_be_interactive(scene.subject));
}

TEST(Raising, OfSoftRealTimeHasNoLimitOfService) {
  RaisingScene scene;
  scene.raise(false);
  scene.subject.raising.service = 200'000;
  scene.raising.request_dispatched(scene.subject);
  EXPECT_TRUE(scene.subject.is_raised());
}

TEST(Raising, CountsTheServiceThatAQueueGetsMeanwhile) {
  RaisingScene scene;
  scene.raise(true);
  serve(scene.state, scene.subject, 100);
  EXPECT_EQ(scene.subject.raising.service, 100);
}

TEST(Raising, OfSoftRealTimeBeginsAnewWhereTheQueueWasIdleBefore) {
  RaisingScene scene;
  scene.raise(false);
  scene.subject.budget_timeout = scene.subject.raising.start_or_end - 5;
  scene.advance(milliseconds(100));
  scene.raising.service_begins(scene.subject);
  EXPECT_EQ(scene.subject.raising.start_or_end, scene.clock.jiffies());
}

TEST(Raising, InteractiveTimeGoesOnWithoutService) {
  RaisingScene scene;
  scene.raise(true);
  const std::uint64_t began = scene.subject.raising.start_or_end;
  scene.subject.budget_timeout = scene.clock.jiffies();
  scene.advance(milliseconds(100));
  scene.raising.service_begins(scene.subject);
  EXPECT_EQ(scene.subject.raising.start_or_end, began);
}

TEST(Raising, TheNextSoftRealTimeOnlyMovesOn) {
  RaisingScene scene;
  const std::uint64_t far = scene.subject.soft_real_time_next;
  scene.raising.expired(scene.subject);
  EXPECT_EQ(scene.subject.soft_real_time_next, far);
}

TEST(Raising, TheNextSoftRealTimeIsLeftWhileThereAreRequests) {
  RaisingScene scene;
  Queue& queue = scene.subject;
  queue.soft_real_time_next = 0;
  Request& request = scene.request(8);
  scene.give(queue, request);
  scene.raising.expired(queue);
  EXPECT_EQ(queue.soft_real_time_next, 0U);
  queue.soft_real_time_pending = true;
  scene.raising.completed(queue);
  EXPECT_EQ(queue.soft_real_time_next, 0U);
  queue.sorted.remove(request);
  queue.dispatched = 1;
  scene.raising.completed(queue);
  EXPECT_EQ(queue.soft_real_time_next, 0U) << "that was not the last one";
  queue.dispatched = 0;
  queue.coefficient = 30;
  scene.raising.completed(queue);
  EXPECT_EQ(queue.soft_real_time_next, 0U) << "it is interactive";
}

TEST(Raising, TheEndOfATurnPutsOffTheNextOne) {
  RaisingScene scene;
  scene.subject.raising.start_or_end = 0;
  scene.raising.expired(scene.subject);
  EXPECT_EQ(scene.subject.raising.start_or_end, scene.clock.jiffies());
}

TEST(Raising, WhenAnInteractiveOneEndsTheQueueMayBeSoftRealTimeInV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    for (const bool interactive : {true, false}) {
      RaisingScene scene{{.generation = generation}};
      scene.raise(interactive);
      const std::uint64_t far = scene.clock.jiffies() + 1000;
      scene.subject.soft_real_time_next = far;
      scene.raising.end(scene.subject);
      EXPECT_EQ(scene.subject.soft_real_time_next != far, generation == kV6_1 && interactive);
    }
  }
}

}  // namespace
}  // namespace wbsim::block::bfq
