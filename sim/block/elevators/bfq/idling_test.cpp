#include "sim/block/elevators/bfq/idling.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::uint32_t kSeekyIdler = 0xFFFFF;  // 20 of 32
constexpr std::uint32_t kNotQuite = 0x7FFFF;    // 19 of 32

// Two busy queues of one weight, so that nothing is owed.
struct IdlingScene : Parts {
  explicit IdlingScene(const Options& options = {}) : Parts(options) {
    state.queueing = Queueing::kNo;
    state.busy = {0, 2, 0};
  }
  Queue& subject = queue();
};

TEST(Idling, SpeedsUpADiskWithoutQueueingWhateverTheProcessDoes) {
  IdlingScene disk{{.rotational = true}};
  disk.subject.seek_history = kSeekyIdler;
  EXPECT_TRUE(idling_speeds_up(disk.state, disk.subject));
  disk.state.queueing = Queueing::kYes;
  EXPECT_FALSE(idling_speeds_up(disk.state, disk.subject));
  IdlingScene flash;
  flash.subject.seek_history = kSeekyIdler;
  EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
}

TEST(Idling, SpeedsUpSequencesOnADiskOrWithoutQueueing) {
  IdlingScene disk{{.rotational = true}};
  disk.state.queueing = Queueing::kYes;
  EXPECT_TRUE(idling_speeds_up(disk.state, disk.subject));
  IdlingScene flash;
  EXPECT_TRUE(idling_speeds_up(flash.state, flash.subject));
  for (const Queueing queueing : {Queueing::kYes, Queueing::kUnknown}) {
    flash.state.queueing = queueing;
    EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
  }
}

TEST(Idling, AProcessIsSequentialIfItDoesNotSeekPauseOrThink) {
  IdlingScene flash;
  flash.subject.seek_history = kNotQuite;
  EXPECT_TRUE(idling_speeds_up(flash.state, flash.subject));
  flash.subject.seek_history = kSeekyIdler;
  EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
  flash.subject.seek_history = 1;
  flash.subject.intensity.io_bound = false;
  EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
  flash.subject.intensity.io_bound = true;
  flash.subject.short_think_time = false;
  EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
}

TEST(Idling, SpeedDoesNotCountWhileRaisedQueuesAreBusy) {
  IdlingScene flash;
  flash.state.raised_busy = 1;
  EXPECT_FALSE(idling_speeds_up(flash.state, flash.subject));
}

TEST(Idling, IsOwedToARaisedQueueAmongOthers) {
  IdlingScene scene;
  EXPECT_FALSE(idling_is_owed(scene.state, scene.subject));
  scene.subject.coefficient = 30;
  scene.state.raised_busy = 1;
  EXPECT_TRUE(idling_is_owed(scene.state, scene.subject));
  scene.state.raised_busy = 2;
  EXPECT_FALSE(idling_is_owed(scene.state, scene.subject));
}

TEST(Idling, IsOwedToARaisedQueueWithFourRequestsOfOthersInTheDriver) {
  IdlingScene scene;
  scene.subject.coefficient = 30;
  scene.state.raised_busy = 2;
  scene.subject.dispatched = 2;
  scene.state.in_driver = 5;
  EXPECT_FALSE(idling_is_owed(scene.state, scene.subject));
  scene.state.in_driver = 6;
  EXPECT_TRUE(idling_is_owed(scene.state, scene.subject));
}

TEST(Idling, IsOwedWhereWeightsDifferButNotToTheSmallest) {
  IdlingScene scene;
  Queue& heavy = scene.queue(80);
  scene.state.weights.add(scene.subject);
  EXPECT_FALSE(idling_is_owed(scene.state, scene.subject));
  scene.state.weights.add(heavy);
  EXPECT_FALSE(idling_is_owed(scene.state, scene.subject));
  EXPECT_TRUE(idling_is_owed(scene.state, heavy));
}

TEST(Idling, IsOwedWhereSeveralClassesAreBusy) {
  IdlingScene scene;
  scene.state.busy = {1, 1, 0};
  EXPECT_TRUE(idling_is_owed(scene.state, scene.subject));
}

TEST(Idling, IsOwedToTheOnlyBusyQueueSinceV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    IdlingScene scene{{.generation = generation}};
    scene.state.busy = {0, 1, 0};
    EXPECT_EQ(idling_is_owed(scene.state, scene.subject), generation == kV6_1);
  }
}

TEST(Idling, NeverForAsynchronousIdleOrAbandonedQueuesOrWithoutASlice) {
  IdlingScene scene;
  EXPECT_TRUE(is_better_to_idle(scene.state, scene.subject));
  scene.subject.sync = false;
  EXPECT_FALSE(is_better_to_idle(scene.state, scene.subject));
  scene.subject.sync = true;
  scene.subject.io_class = kIdleClass;
  EXPECT_FALSE(is_better_to_idle(scene.state, scene.subject));
  scene.subject.io_class = kBestEffortClass;
  scene.subject.processes = 0;
  EXPECT_FALSE(is_better_to_idle(scene.state, scene.subject));
  IdlingScene none{{.tunables = {{"slice_idle", 0}}}};
  EXPECT_FALSE(is_better_to_idle(none.state, none.subject));
}

TEST(Idling, AlwaysWithStrictGuarantees) {
  IdlingScene scene{{.tunables = {{"strict_guarantees", 1}, {"slice_idle", 0}}}};
  scene.subject.sync = false;
  EXPECT_TRUE(is_better_to_idle(scene.state, scene.subject));
  EXPECT_EQ(scene.tuning.slice_idle, milliseconds(8)) << "strict guarantees need a slice";
}

TEST(Idling, LastsASliceLessForSeeksAndMoreForRaisedQueues) {
  IdlingScene scene;
  EXPECT_EQ(idle_time(scene.state, scene.subject), milliseconds(8));
  scene.subject.seek_history = kSeekyIdler;
  EXPECT_EQ(idle_time(scene.state, scene.subject), milliseconds(2));
  scene.state.busy = {1, 1, 0};
  EXPECT_EQ(idle_time(scene.state, scene.subject), milliseconds(8)) << "more is owed";
  scene.subject.coefficient = 30;
  EXPECT_EQ(idle_time(scene.state, scene.subject), milliseconds(20));
}

}  // namespace
}  // namespace wbsim::block::bfq
