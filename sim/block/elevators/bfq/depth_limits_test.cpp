#include "sim/block/elevators/bfq/depth_limits.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

TEST(DepthLimits, LeaveTagsToReadsAndMoreOfThemWhileQueuesAreRaised) {
  Parts parts{{.generation = kV5_10}};
  const DepthLimits limits{parts.state, 64, 16};
  const engine::RwbsFlags async{.write = true};
  const engine::RwbsFlags sync{.write = true, .sync = true};
  EXPECT_EQ(limits.depth({}, nullptr), Sbitmap::kWholeWord);
  EXPECT_EQ(limits.depth(async, nullptr), 8);
  EXPECT_EQ(limits.depth(sync, nullptr), 12);
  parts.state.raised_busy = 1;
  EXPECT_EQ(limits.depth({}, nullptr), Sbitmap::kWholeWord);
  EXPECT_EQ(limits.depth(async, nullptr), 3);
  EXPECT_EQ(limits.depth(sync, nullptr), 6);
  EXPECT_EQ(limits.min(), 3);
}

// 64 requests, weights 40 and 120: 16 are the share of the first.
TEST(DepthLimits, SinceV6_1AQueueHasNoMoreThanItsShareByWeight) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    Parts parts{{.generation = generation}};
    const DepthLimits limits{parts.state, 64, 16};
    Queue& queue = parts.queue(40);
    Process process;
    process.queues[1] = &queue;
    EXPECT_EQ(limits.depth({}, &process), Sbitmap::kWholeWord) << "not scheduled";
    parts.state.wf2q.activate(queue, false);
    parts.state.wf2q.activate(parts.queue(120), false);
    queue.requests = 15;
    EXPECT_EQ(limits.depth({}, &process), Sbitmap::kWholeWord);
    queue.requests = 16;
    EXPECT_EQ(limits.depth({}, &process), generation == kV6_1 ? 1 : Sbitmap::kWholeWord);
    EXPECT_EQ(limits.min(), generation == kV6_1 ? 1 : 3);
  }
}

// 64 of 256 tags, whose share by weight is 16 of 64, not of 256.
TEST(DepthLimits, OfAllTagsAreTheBaseOfShares) {
  Parts parts{{.generation = kV6_1}};
  const DepthLimits limits{parts.state, 256, 128, ShallowDepth::kAll};
  Queue& queue = parts.queue(40);
  Process process;
  process.queues[0] = &queue;
  const engine::RwbsFlags async{.write = true};
  EXPECT_EQ(limits.depth(async, &process), 64);
  parts.state.wf2q.activate(queue, false);
  parts.state.wf2q.activate(parts.queue(120), false);
  queue.requests = 15;
  EXPECT_EQ(limits.depth(async, &process), 64);
  queue.requests = 16;
  EXPECT_EQ(limits.depth(async, &process), 1);
}

TEST(DepthLimits, AHigherClassCountsEightfoldAgainstALowerOne) {
  Parts parts;
  const DepthLimits limits{parts.state, 64, 16};
  Queue& idle = parts.queue(40);
  idle.io_class = idle.new_class = kIdleClass;
  Queue& best_effort = parts.queue(40);
  parts.state.wf2q.activate(idle, false);
  parts.state.wf2q.activate(best_effort, false);
  Process process;
  process.queues[1] = &idle;
  idle.requests = 6;  // 64 * 40 / (8 * 40 + 40) is 7.1
  EXPECT_EQ(limits.depth({}, &process), Sbitmap::kWholeWord);
  idle.requests = 7;
  EXPECT_EQ(limits.depth({}, &process), 1);
}

TEST(DepthLimits, AreOneAtLeast) {
  const Parts parts{{.generation = kV5_10}};
  const DepthLimits limits{parts.state, 1, 1};
  EXPECT_EQ(limits.depth({.write = true}, nullptr), 1);
  EXPECT_EQ(limits.min(), 1);
}

// Half of 64 requests are for asynchronous writes, and of these half for each of two queues.
TEST(DepthLimits, AShareIsOneOfTheDepthOfItsKind) {
  Parts parts;
  const DepthLimits limits{parts.state, 64, 16};
  Queue& queue = parts.queue();
  queue.sync = false;
  parts.state.wf2q.activate(queue, false);
  parts.state.wf2q.activate(parts.queue(), false);
  Process process;
  process.queues[0] = &queue;
  queue.requests = 15;
  EXPECT_EQ(limits.depth({.write = true}, &process), 8);
  queue.requests = 16;
  EXPECT_EQ(limits.depth({.write = true}, &process), 1);
}

// A group that has a quarter, and in it two queues.
TEST(DepthLimits, TheShareOfAGroupIsDividedAmongItsQueues) {
  Parts parts;
  const DepthLimits limits{parts.state, 64, 16};
  ServiceLevel level;
  Entity group;
  group.weight = group.own_weight = group.new_weight = 40;
  group.level = &parts.state.wf2q.root();
  group.children = &level;
  level.group = &group;
  Queue* queue = nullptr;
  for (int i = 0; i < 2; ++i) {
    queue = &parts.queue();
    queue->parent = &group;
    queue->level = &level;
    parts.state.wf2q.activate(*queue, false);
  }
  parts.state.wf2q.activate(parts.queue(120), false);
  Process process;
  process.queues[1] = queue;
  queue->requests = 7;
  group.requests = 14;
  EXPECT_EQ(limits.depth({}, &process), Sbitmap::kWholeWord);
  queue->requests = 8;
  EXPECT_EQ(limits.depth({}, &process), 1);
  queue->requests = 1;
  group.requests = 16;
  EXPECT_EQ(limits.depth({}, &process), 1) << "the group has all of its own";
  group.counted = false;
  EXPECT_EQ(limits.depth({}, &process), Sbitmap::kWholeWord) << "nothing of it is scheduled";
  group.counted = true;
}

}  // namespace
}  // namespace wbsim::block::bfq
