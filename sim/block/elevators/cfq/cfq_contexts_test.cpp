// Which queue of cfq (v3.6) a task's requests go to, and for how long queues last.
#include "sim/block/elevators/cfq/cfq_contexts.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

class CfqContextsTest : public ::testing::Test, private CfqQueueUser {
 protected:
  IoContext& task(int id) {
    std::unique_ptr<IoContext>& context = tasks_[id];
    if (context == nullptr) {
      context = std::make_unique<IoContext>(id);
    }
    return *context;
  }
  CfqContext& context(int id) { return contexts_.get(task(id), 0); }
  // Allocates a request for the task.
  CfqQueue& request(int id, CfqSync kind = kCfqSync) {
    return contexts_.queue_for_request(context(id), kind);
  }
  CfqQueue& async(int id, IoPriority priority) {
    task(id).priority = priority;
    return request(id, kCfqAsync);
  }
  // The first task's requests go to the second one's queue from now on; nothing is under way.
  CfqQueue& share(int id, int with) {
    CfqQueue& left = request(id);
    CfqQueue& joined = request(with);
    CfqContexts::plan_merge(left, joined);
    EXPECT_EQ(&request(id), &joined);
    contexts_.put_request(left);
    contexts_.put_request(joined);
    contexts_.put_request(joined);
    forgotten_ = 0;
    return joined;
  }
  void forget_queue(CfqQueue& /*queue*/) override { ++forgotten_; }

  std::map<int, std::unique_ptr<IoContext>> tasks_;
  CfqContexts contexts_{*this};
  int forgotten_ = 0;
};

TEST_F(CfqContextsTest, ATaskHasASynchronousQueueOfItsOwn) {
  const CfqQueue& first = request(1);
  EXPECT_EQ(&request(1), &first);
  EXPECT_NE(&request(2), &first);
  EXPECT_NE(&request(1, kCfqAsync), &first);
  EXPECT_EQ(first.processes, 1);
  EXPECT_EQ(first.requests, 2);
}

TEST_F(CfqContextsTest, AsynchronousRequestsShareAQueueByClassAndLevel) {
  const CfqQueue& normal = async(1, {});
  EXPECT_EQ(&async(2, level(4)), &normal) << "no priority is best effort, level 4";
  EXPECT_NE(&async(3, level(5)), &normal);
  const CfqQueue& real_time = async(4, kRealTimePriority);
  EXPECT_NE(&real_time, &normal);
  EXPECT_EQ(&async(5, kRealTimePriority), &real_time);
  EXPECT_NE(&async(6, {IoClass::kRealTime, 5}), &real_time);
  const CfqQueue& idle = async(7, {IoClass::kIdle, 0});
  EXPECT_EQ(&async(8, {IoClass::kIdle, 3}), &idle) << "whatever the level";
  EXPECT_NE(&async(9, level(7)), &idle);
}

TEST_F(CfqContextsTest, AQueueHasThePriorityOfItsTask) {
  const CfqQueue& normal = request(1);
  EXPECT_EQ(normal.io_class, IoClass::kBestEffort);
  EXPECT_EQ(normal.level, 4);
  EXPECT_TRUE(normal.idle_window);
  task(2).priority = {IoClass::kRealTime, 2};
  const CfqQueue& real_time = request(2);
  EXPECT_EQ(real_time.io_class, IoClass::kRealTime);
  EXPECT_EQ(real_time.level, 2);
  task(3).priority = {IoClass::kIdle, 2};
  const CfqQueue& idle = request(3);
  EXPECT_EQ(idle.io_class, IoClass::kIdle);
  EXPECT_EQ(idle.level, 7);
  EXPECT_FALSE(idle.idle_window);
  EXPECT_EQ(async(4, level(6)).level, 6);
}

TEST_F(CfqContextsTest, APriorityTakesEffectOnceWhereItHasChanged) {
  CfqQueue& queue = request(1);
  EXPECT_FALSE(queue.priority_changed);
  task(2).priority = level(2);
  request(2);
  CfqContexts::update_priority(queue, context(2));
  EXPECT_EQ(queue.level, 4) << "not that of whoever else uses the queue";
  request(1);
  EXPECT_FALSE(queue.priority_changed);
  task(1).priority = level(3);
  request(1);
  EXPECT_TRUE(queue.priority_changed);
  EXPECT_EQ(queue.level, 4) << "with the request's insertion";
  CfqContexts::update_priority(queue, context(1));
  EXPECT_EQ(queue.level, 3);
  queue.priority_changed = false;
  request(1);
  EXPECT_FALSE(queue.priority_changed) << "it is the same still";
}

TEST_F(CfqContextsTest, AChangedPriorityLeavesTheSharedQueue) {
  CfqQueue& normal = async(1, {});
  EXPECT_EQ(normal.processes, 2) << "the task, and for good";
  CfqQueue& lower = async(1, level(6));
  EXPECT_NE(&lower, &normal);
  EXPECT_EQ(normal.processes, 1);
  EXPECT_EQ(lower.processes, 2);
}

TEST_F(CfqContextsTest, AQueueIsFreedWithItsLastProcessAndRequest) {
  CfqQueue& queue = request(1);
  request(1);
  contexts_.put_request(queue);
  contexts_.put_request(queue);
  EXPECT_EQ(forgotten_, 0) << "the task still uses it";
  request(1);
  contexts_.exit(context(1));
  EXPECT_EQ(forgotten_, 1) << "so that nobody waits for the task";
  EXPECT_EQ(queue.processes, 0);
  contexts_.put_request(queue);
  EXPECT_EQ(forgotten_, 2) << "gone";
}

TEST_F(CfqContextsTest, ASharedAsynchronousQueueIsKeptForGood) {
  CfqQueue& queue = async(1, {});
  contexts_.put_request(queue);
  contexts_.exit(context(1));
  EXPECT_EQ(forgotten_, 1);
  EXPECT_EQ(&async(2, {}), &queue);
}

// Queues that become one.

TEST_F(CfqContextsTest, AMergeTakesEffectWithTheNextRequest) {
  CfqQueue& left = request(1);
  CfqQueue& joined = request(2);
  CfqContexts::plan_merge(left, joined);
  EXPECT_EQ(left.merge_into, &joined) << "of equal ones the first joins the other";
  EXPECT_EQ(joined.processes, 2) << "held for the task that will come";
  EXPECT_FALSE(joined.coop);
  EXPECT_EQ(&request(1), &joined);
  EXPECT_TRUE(joined.coop);
  EXPECT_EQ(left.processes, 0);
  contexts_.put_request(left);
  EXPECT_EQ(forgotten_, 1) << "the queue that was left is gone with its last request";
}

TEST_F(CfqContextsTest, AMergeIsPlannedOnce) {
  CfqQueue& left = request(1);
  CfqQueue& joined = request(2);
  CfqContexts::plan_merge(left, joined);
  CfqContexts::plan_merge(left, request(3));
  EXPECT_EQ(left.merge_into, &joined);
  EXPECT_EQ(joined.processes, 2);
}

TEST_F(CfqContextsTest, TheOneWithFewerProcessesJoinsTheOther) {
  CfqQueue& many = share(1, 2);
  CfqQueue& few = request(3);
  CfqContexts::plan_merge(many, few);
  EXPECT_EQ(many.merge_into, nullptr);
  EXPECT_EQ(few.merge_into, &many);
  EXPECT_EQ(many.processes, 3);
  CfqQueue& another = request(4);
  CfqContexts::plan_merge(another, many);
  EXPECT_EQ(another.merge_into, &many);
  EXPECT_EQ(many.processes, 4);
}

TEST_F(CfqContextsTest, WhereAQueueIsBoundForAnotherThatIsJoined) {
  CfqQueue& first = request(1);
  CfqQueue& second = request(2);
  CfqQueue& third = request(3);
  CfqContexts::plan_merge(second, third);
  CfqContexts::plan_merge(first, second);
  EXPECT_EQ(first.merge_into, &third);
  EXPECT_EQ(third.processes, 3);
  CfqContexts::plan_merge(third, second);
  EXPECT_EQ(third.merge_into, nullptr) << "not in a circle";
  EXPECT_EQ(third.processes, 3);
}

TEST_F(CfqContextsTest, NothingIsMergedWithAQueueWithoutProcesses) {
  CfqQueue& gone = request(1);
  contexts_.exit(context(1));
  CfqQueue& queue = request(2);
  CfqContexts::plan_merge(queue, gone);
  EXPECT_EQ(queue.merge_into, nullptr);
  EXPECT_EQ(gone.merge_into, nullptr);
  CfqContexts::plan_merge(gone, queue);
  EXPECT_EQ(gone.merge_into, nullptr);
  EXPECT_EQ(queue.processes, 1);
}

TEST_F(CfqContextsTest, NorThroughOneWhoseProcessesHaveLeft) {
  CfqQueue& left = request(1);
  CfqQueue& joined = request(2);
  CfqContexts::plan_merge(left, joined);
  request(1);
  CfqQueue& other = request(3);
  CfqContexts::plan_merge(other, left);
  EXPECT_EQ(other.merge_into, nullptr);
}

TEST_F(CfqContextsTest, WhatWasPlannedIsGivenBackAtTheEndOfTheTask) {
  CfqQueue& third = share(3, 4);
  CfqQueue& first = request(1);
  CfqQueue& second = request(2);
  CfqContexts::plan_merge(first, second);
  CfqContexts::plan_merge(second, third);
  ASSERT_EQ(second.processes, 2);
  ASSERT_EQ(third.processes, 4);
  contexts_.exit(context(1));
  EXPECT_EQ(second.processes, 1);
  EXPECT_EQ(third.processes, 3) << "for each queue on the way";
}

// Shared queues that are split.

TEST_F(CfqContextsTest, ASharedQueueThatDriftsApartIsSplitRequestByRequest) {
  CfqQueue& shared = share(1, 2);
  EXPECT_EQ(&request(1), &shared);
  shared.split_coop = true;
  const CfqQueue& own = request(1);
  EXPECT_NE(&own, &shared);
  EXPECT_EQ(shared.processes, 1);
  EXPECT_TRUE(shared.coop);
  EXPECT_EQ(&request(2), &shared) << "the last one keeps it";
  EXPECT_FALSE(shared.coop);
  EXPECT_FALSE(shared.split_coop);
}

TEST_F(CfqContextsTest, AQueueThatIsNotSharedIsNotSplit) {
  CfqQueue& queue = request(1);
  queue.split_coop = true;
  request(1);
  EXPECT_TRUE(queue.split_coop) << "not even looked at";
}

TEST_F(CfqContextsTest, ASplitGivesBackWhatWasPlanned) {
  CfqQueue& shared = share(1, 2);
  CfqQueue& target = share(3, 4);
  CfqContexts::plan_merge(shared, target);
  ASSERT_EQ(target.processes, 4);
  shared.split_coop = true;
  request(1);
  EXPECT_EQ(target.processes, 3);
}

}  // namespace
}  // namespace wbsim::block
