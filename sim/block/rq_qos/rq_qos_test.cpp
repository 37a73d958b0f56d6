// The parts that throttling is made of: the depth of a step, sleeping for a place, windows.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/block/rq_qos/blk_stat.hpp"
#include "sim/block/rq_qos/rq_depth.hpp"
#include "sim/block/rq_qos/rq_wait.hpp"
#include "sim/block/rq_qos/wbt_test_util.hpp"

namespace wbsim::block {
namespace {

std::vector<int> depths_upwards(int queue_depth) {
  RqDepth depth{16, queue_depth};
  std::vector<int> depths{depth.max_depth()};
  while (depths.size() < 100 && depth.scale_up()) {
    depths.push_back(depth.max_depth());
  }
  return depths;
}

std::vector<int> depths_downwards(int queue_depth) {
  RqDepth depth{16, queue_depth};
  std::vector<int> depths{depth.max_depth()};
  while (depths.size() < 100 && depth.scale_down(false)) {
    depths.push_back(depth.max_depth());
  }
  return depths;
}

TEST(RqDepthTest, EachStepUpDoublesUntilThreeQuartersOfTheQueueDepth) {
  EXPECT_EQ(depths_upwards(32), (std::vector{16, 24}));
  EXPECT_EQ(depths_upwards(64), (std::vector{16, 31, 48}));
  EXPECT_EQ(depths_upwards(128), (std::vector{16, 31, 61, 96}));
  EXPECT_EQ(depths_upwards(1023), (std::vector{16, 31, 61, 121, 241, 481, 767}));
}

TEST(RqDepthTest, EachStepDownHalvesUntilOne) {
  EXPECT_EQ(depths_downwards(64), (std::vector{16, 8, 4, 2, 1}));
  EXPECT_EQ(depths_downwards(4), (std::vector{4, 2, 1}));
}

TEST(RqDepthTest, ADeviceOfDepthOneHasTheNextCommandReady) {
  EXPECT_EQ(depths_upwards(1), (std::vector{2, 2}));
  EXPECT_EQ(depths_downwards(1), (std::vector{2, 1}));
}

// 3/4 of 2 is 1, and depth 1 goes no further down: so it is in the kernel.
TEST(RqDepthTest, ADeviceOfDepthTwoIsLeftWithOneAfterAStepUp) {
  RqDepth depth{16, 2};
  EXPECT_EQ(depth.max_depth(), 2);
  EXPECT_TRUE(depth.scale_up());
  EXPECT_EQ(depth.max_depth(), 1);
  EXPECT_FALSE(depth.scale_down(false));
  EXPECT_FALSE(depth.scale_up());
}

TEST(RqDepthTest, AHardStepDownLeavesNegativeStepsAtOnce) {
  RqDepth hard{16, 128};
  RqDepth soft{16, 128};
  for (RqDepth* depth : {&hard, &soft}) {
    ASSERT_TRUE(depth->scale_up());
    ASSERT_TRUE(depth->scale_up());
  }
  EXPECT_TRUE(hard.scale_down(true));
  EXPECT_TRUE(soft.scale_down(false));
  EXPECT_EQ(hard.step(), 0);
  EXPECT_EQ(soft.step(), -1);
  EXPECT_TRUE(hard.scale_down(true));
  EXPECT_EQ(hard.step(), 1);
}

TEST(RqDepthTest, AfterAStepDownTheUpperLimitCanBeMetAgain) {
  RqDepth depth{16, 32};
  EXPECT_TRUE(depth.scale_up());
  EXPECT_FALSE(depth.scale_up());
  EXPECT_TRUE(depth.scale_down(false));
  EXPECT_TRUE(depth.scale_up());
}

// Tasks that sleep for a place, each with a limit of its own.
class RqWaitRig {
 public:
  ~RqWaitRig() { rig_.sim.destroy_processes(); }

  void sleeper(const std::string& name, int limit) {
    threads_.push_back(std::make_unique<engine::Thread>(rig_.machine, name, 1));
    rig_.sim.spawn("sleeper", sleep(*this, *threads_.back(), limit));
    rig_.run(SimDuration{});
  }
  Lines wake() {
    wait.wake([](int limit) { return limit; });
    rig_.run(SimDuration{});
    return woken_;
  }
  // A wake-up that is not one of this queue.
  Lines wake_from_elsewhere(std::size_t sleeper) {
    threads_.at(sleeper)->wake();
    rig_.run(SimDuration{});
    return woken_;
  }

  RqWait<int> wait;

 private:
  static engine::Task<> sleep(RqWaitRig& rig, engine::Thread& thread, int limit) {
    co_await thread.begin();
    if (!rig.wait.enter(limit)) {
      co_await rig.wait.wait(thread, limit);
    }
    rig.woken_.emplace_back(thread.name().comm);
    co_await thread.exit();
  }

  QueueRig rig_{};
  std::vector<std::unique_ptr<engine::Thread>> threads_;
  Lines woken_;
};

TEST(RqWaitTest, CountsUpToTheLimit) {
  RqWait<int> wait;
  EXPECT_TRUE(wait.enter(2));
  EXPECT_TRUE(wait.enter(2));
  EXPECT_FALSE(wait.enter(2));
  EXPECT_TRUE(wait.enter(3));
  EXPECT_EQ(wait.inflight(), 3);
}

TEST(RqWaitTest, WhoFindsSleepersSleepsBehindThemThoughThereIsRoom) {
  RqWaitRig rig;
  ASSERT_TRUE(rig.wait.enter(1));
  rig.sleeper("first", 1);
  rig.wait.leave();
  EXPECT_FALSE(rig.wait.enter(8));
  rig.sleeper("second", 8);
  EXPECT_EQ(rig.wake(), (Lines{"first", "second"}));
}

TEST(RqWaitTest, SleepersAreWokenInOrderUpToTheFirstThatHasToStay) {
  RqWaitRig rig;
  ASSERT_TRUE(rig.wait.enter(1));
  rig.sleeper("a", 1);
  rig.sleeper("b", 2);
  rig.sleeper("c", 1);
  rig.sleeper("d", 8);
  rig.wait.leave();
  EXPECT_EQ(rig.wake(), (Lines{"a", "b"}));
  EXPECT_EQ(rig.wait.inflight(), 2);
}

TEST(RqWaitTest, TheWakerCountsForWhomItWakes) {
  RqWaitRig rig;
  ASSERT_TRUE(rig.wait.enter(1));
  rig.sleeper("sleeper", 1);
  rig.wait.leave();
  rig.wait.wake([](int limit) { return limit; });
  EXPECT_FALSE(rig.wait.enter(1));  // though the sleeper has not run yet
  EXPECT_EQ(rig.wake(), (Lines{"sleeper"}));
}

TEST(RqWaitTest, AWakeUpFromElsewhereChangesNothing) {
  RqWaitRig rig;
  ASSERT_TRUE(rig.wait.enter(1));
  rig.sleeper("sleeper", 1);
  EXPECT_EQ(rig.wake_from_elsewhere(0), Lines{});
  rig.wait.leave();
  EXPECT_EQ(rig.wake_from_elsewhere(0), Lines{});
  EXPECT_EQ(rig.wake(), (Lines{"sleeper"}));
}

// One window on a machine of two CPUs; HZ is 250.
class StatRig final : public StatListener {
 public:
  void window_over(const RqStats& stats) override {
    ended.push_back(owner.sim.now().time_since_epoch() / milliseconds(1));
    last = stats;
  }

  QueueRig owner{{.cpus = 2}};
  StatCallback stat{owner.machine, *this};
  std::vector<std::int64_t> ended;  // in ms
  RqStats last;
};

TEST(BlkStat, AWindowIsRoundedDownToJiffiesAndEndsWithTheTickBehindIt) {
  StatRig rig;
  rig.stat.activate(milliseconds(100));
  rig.owner.run();
  rig.stat.activate(microseconds(72'727));
  rig.owner.run();
  EXPECT_EQ(rig.ended, (std::vector<std::int64_t>{104, 180}));
}

TEST(BlkStat, AddsUpTheCpusOfADirection) {
  StatRig rig;
  rig.stat.activate(milliseconds(100));
  rig.stat.add(0, kStatRead, microseconds(10));
  rig.stat.add(0, kStatRead, microseconds(40));
  rig.stat.add(1, kStatRead, microseconds(70));
  rig.stat.add(1, kStatWrite, microseconds(5));
  rig.owner.run();
  const RqStat& reads = rig.last[kStatRead];
  EXPECT_EQ(reads.samples, 3);
  EXPECT_EQ(reads.min, microseconds(10));
  EXPECT_EQ(reads.max, microseconds(70));
  EXPECT_EQ(reads.mean, microseconds(40));
  EXPECT_EQ(rig.last[kStatWrite].samples, 1);
}

TEST(BlkStat, CountsNothingOutsideOfAWindowAndNothingTwice) {
  StatRig rig;
  rig.stat.add(0, kStatRead, microseconds(1));
  rig.stat.activate(milliseconds(100));
  rig.stat.add(0, kStatRead, microseconds(10));
  rig.owner.run();
  EXPECT_EQ(rig.last[kStatRead].min, microseconds(10));
  rig.stat.add(0, kStatRead, microseconds(2));
  rig.stat.activate(milliseconds(100));
  rig.owner.run();
  EXPECT_EQ(rig.last[kStatRead].samples, 0);
}

}  // namespace
}  // namespace wbsim::block
