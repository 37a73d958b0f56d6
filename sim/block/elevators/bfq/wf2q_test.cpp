#include "sim/block/elevators/bfq/wf2q.hpp"

#include <gtest/gtest.h>

#include <map>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

// Serves whoever is next its whole budget; all always have more to do.
std::map<const Queue*, std::int64_t> serve_all(Wf2q& wf2q, int turns) {
  std::map<const Queue*, std::int64_t> served;
  for (int i = 0; i < turns; ++i) {
    Queue& queue = wf2q.next_queue();
    const std::int64_t amount = queue.budget;
    wf2q.serve(queue, amount);
    served[&queue] += amount;
    wf2q.requeue(queue, true, true);
    Wf2q::reset_in_service(queue);
    queue.service = 0;
    for (Entity* group = queue.parent; group != nullptr; group = group->parent) {
      group->service = 0;
    }
  }
  return served;
}

double share(const std::map<const Queue*, std::int64_t>& served, const Queue& queue) {
  std::int64_t total = 0;
  for (const auto& [each, amount] : served) {
    total += amount;
  }
  return static_cast<double>(served.at(&queue)) / static_cast<double>(total);
}

TEST(Wf2q, SharesServiceByWeightWhateverTheBudgets) {
  Parts parts;
  Queue& light = parts.queue(10);
  Queue& heavy = parts.queue(30);
  heavy.budget = 100;
  parts.state.wf2q.activate(light, false);
  parts.state.wf2q.activate(heavy, false);
  const auto served = serve_all(parts.state.wf2q, 2000);
  EXPECT_NEAR(share(served, light), 0.25, 0.01);
}

TEST(Wf2q, AQueueThatComesLaterDoesNotMakeUpForTheTimeBefore) {
  Parts parts;
  Queue& first = parts.queue();
  parts.state.wf2q.activate(first, false);
  serve_all(parts.state.wf2q, 1000);
  Queue& second = parts.queue();
  parts.state.wf2q.activate(second, false);
  const auto served = serve_all(parts.state.wf2q, 100);
  EXPECT_NEAR(share(served, second), 0.5, 0.02);
}

TEST(Wf2q, AQueueThatLeavesAndComesBackStartsWhereItEnded) {
  Parts parts;
  Wf2q& wf2q = parts.state.wf2q;
  Queue& leaves = parts.queue();
  wf2q.activate(leaves, false);
  wf2q.activate(parts.queue(), false);
  wf2q.activate(parts.queue(), false);
  EXPECT_EQ(&wf2q.next_queue(), &leaves);
  wf2q.serve(leaves, 1000);
  wf2q.deactivate(leaves, true, true);
  Wf2q::reset_in_service(leaves);
  const std::uint64_t end = virtual_time_of(1000, 40);
  EXPECT_LT(wf2q.root().tree_of(leaves).vtime(), end);
  wf2q.activate(leaves, false);
  EXPECT_EQ(leaves.start, end);
}

TEST(Wf2q, WhoWasOnlyWaitedForKeepsItsPlace) {
  for (const bool in_time : {true, false}) {
    Parts parts;
    Wf2q& wf2q = parts.state.wf2q;
    Queue& waited_for = parts.queue();
    Queue& other = parts.queue();
    wf2q.activate(waited_for, false);
    Queue& served = wf2q.next_queue();
    wf2q.serve(served, 100);
    wf2q.deactivate(served, true, true);
    Wf2q::reset_in_service(served);
    wf2q.activate(other, false);
    wf2q.next_queue();
    wf2q.serve(other, 600);
    const std::uint64_t vtime = parts.state.wf2q.root().tree_of(other).vtime();
    waited_for.budget = 500;
    wf2q.activate(waited_for, in_time);
    if (in_time) {
      EXPECT_LT(waited_for.start, vtime) << "starts where it ended";
    } else {
      EXPECT_EQ(waited_for.start, vtime);
    }
  }
}

TEST(Wf2q, RaisingDividesHowFarALateQueueIsMovedUp) {
  const auto finish_behind = [](int coefficient) {
    Parts parts;
    Wf2q& wf2q = parts.state.wf2q;
    Queue& late = parts.queue();
    Queue& other = parts.queue();
    wf2q.activate(late, false);
    Queue& served = wf2q.next_queue();
    wf2q.deactivate(served, true, true);
    Wf2q::reset_in_service(served);
    wf2q.activate(other, false);
    wf2q.next_queue();
    wf2q.serve(other, 90'000);
    late.coefficient = coefficient;
    late.budget = 1;
    const std::uint64_t vtime = wf2q.root().tree_of(other).vtime();
    wf2q.activate(late, true);
    EXPECT_EQ(late.finish - late.start, virtual_time_of(1, 40)) << "start and finish";
    return static_cast<std::int64_t>(vtime - late.finish);
  };
  EXPECT_EQ(finish_behind(1), 0);
  EXPECT_GT(finish_behind(30), 0);
}

TEST(Wf2q, HigherClassesGoFirst) {
  Parts parts;
  Queue& best_effort = parts.queue();
  Queue& real_time = parts.queue();
  real_time.io_class = real_time.new_class = kRealTimeClass;
  parts.state.wf2q.activate(best_effort, false);
  parts.state.wf2q.activate(real_time, false);
  const auto served = serve_all(parts.state.wf2q, 50);
  EXPECT_EQ(served.size(), 1U) << "HZ / 5 has not passed, and it is for the idle class";
  EXPECT_TRUE(served.contains(&real_time));
}

// Who is next is decided when a turn ends, and again when the next one begins: of the two it is the
// first that has to find the time over.
TEST(Wf2q, TheIdleClassIsNextAfterATurnInWhichAFifthOfASecondHasPassed) {
  for (const SimDuration turn : {milliseconds(200), milliseconds(204)}) {
    Parts parts;
    Queue& best_effort = parts.queue();
    Queue& idle = parts.queue();
    idle.io_class = idle.new_class = kIdleClass;
    Wf2q& wf2q = parts.state.wf2q;
    wf2q.activate(best_effort, false);
    wf2q.activate(idle, false);
    EXPECT_EQ(&wf2q.next_queue(), &best_effort);
    parts.advance(turn);
    wf2q.requeue(best_effort, true, true);
    Wf2q::reset_in_service(best_effort);
    EXPECT_EQ(&wf2q.next_queue() == &idle, turn == milliseconds(204));
  }
}

TEST(Wf2q, AChangedWeightHoldsFromTheNextInsertion) {
  Parts parts;
  Queue& queue = parts.queue(40);
  queue.new_weight = 2000;
  queue.weight_changed = true;
  EXPECT_EQ(queue.weight, 40);
  parts.state.wf2q.activate(queue, false);
  EXPECT_EQ(queue.weight, 1000) << "BFQ_MAX_WEIGHT";
  EXPECT_EQ(parts.state.wf2q.root().tree_of(queue).weight_sum(), 1000);
  EXPECT_FALSE(queue.weight_changed);
}

TEST(Wf2q, AChangedClassHoldsFromTheNextInsertionAtTheVirtualTimeOfThatClass) {
  Parts parts;
  Wf2q& wf2q = parts.state.wf2q;
  Queue& queue = parts.queue();
  wf2q.activate(queue, false);
  serve_all(wf2q, 10);
  ServiceTree& best_effort = wf2q.root().tree_of(queue);
  EXPECT_GT(queue.start, 0U);
  queue.new_class = kRealTimeClass;
  queue.weight_changed = true;
  wf2q.update_weight(best_effort, queue, false);
  EXPECT_EQ(queue.io_class, kBestEffortClass) << "its weight alone may change in a tree";
  wf2q.requeue(queue, false, false);
  EXPECT_EQ(queue.io_class, kRealTimeClass);
  EXPECT_EQ(queue.start, 0U);
  EXPECT_EQ(best_effort.weight_sum(), 0);
}

TEST(Wf2q, AChangedWeightCountsAndARaisedOneDoesNot) {
  Parts parts;
  Queue& queue = parts.queue(40);
  parts.state.weights.add(queue);
  parts.state.weights.add(parts.queue(40));
  queue.new_weight = 80;
  queue.weight_changed = true;
  parts.state.wf2q.activate(queue, false);
  EXPECT_TRUE(parts.state.weights.are_varied());
  queue.coefficient = 30;
  queue.weight_changed = true;
  parts.state.wf2q.requeue(queue, false, false);
  EXPECT_FALSE(parts.state.weights.are_varied());
  EXPECT_EQ(queue.counted_weight, 0);
}

TEST(Wf2q, VirtualTimeDoesNotJumpWhileSomebodyIsInService) {
  Parts parts;
  Wf2q& wf2q = parts.state.wf2q;
  Queue& first = parts.queue();
  Queue& second = parts.queue();
  wf2q.activate(first, false);
  wf2q.activate(second, false);
  EXPECT_EQ(&wf2q.next_queue(), &first);
  wf2q.serve(first, 1000);
  wf2q.requeue(first, true, true);
  Wf2q::reset_in_service(first);
  EXPECT_EQ(&wf2q.next_queue(), &second);
  EXPECT_EQ(wf2q.root().next, &first) << "though it is not eligible yet";
  EXPECT_EQ(wf2q.root().tree_of(first).vtime(), virtual_time_of(1000, 80));
}

TEST(Wf2q, WhoIsForgottenDoesNotCountInTheSumOfWeights) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.state.wf2q.activate(queue, false);
  EXPECT_EQ(parts.state.wf2q.root().tree_of(queue).weight_sum(), 40);
  parts.state.wf2q.deactivate(queue, false, false);
  EXPECT_EQ(parts.state.wf2q.root().tree_of(queue).weight_sum(), 0);
}

// A group of two queues beside a queue.
struct GroupScene : Parts {
  GroupScene() {
    group.weight = group.own_weight = group.new_weight = 1000;
    group.level = &wf2q.root();
    group.children = &level;
    level.group = &group;
    for (Queue* member : {&first, &second}) {
      member->parent = &group;
      member->level = &level;
      wf2q.activate(*member, false);
    }
    wf2q.activate(beside, false);
  }
  void leave(Queue& member) {
    wf2q.deactivate(member, true, true);
    Wf2q::reset_in_service(member);
  }
  Wf2q& wf2q = state.wf2q;
  ServiceLevel level;
  Entity group;
  Queue& first = queue();
  Queue& second = queue();
  Queue& beside = queue();
};

TEST(Wf2q, AGroupInServiceMayBeTheNextAgainIfItHasMoreQueues) {
  GroupScene scene;
  EXPECT_EQ(&scene.wf2q.next_queue(), &scene.first);
  EXPECT_EQ(scene.group.tree, Entity::Tree::kActive);
  scene.leave(scene.first);
  EXPECT_EQ(&scene.wf2q.next_queue(), &scene.second);
  EXPECT_EQ(scene.group.tree, Entity::Tree::kNone) << "its last queue is in service";
}

TEST(Wf2q, AGroupWithoutQueuesLeaves) {
  GroupScene scene;
  scene.leave(scene.wf2q.next_queue());
  scene.leave(scene.wf2q.next_queue());
  EXPECT_NE(scene.group.tree, Entity::Tree::kActive);
  EXPECT_EQ(&scene.wf2q.next_queue(), &scene.beside);
}

TEST(Wf2q, GroupsShareByTheirOwnWeightsHoweverManyQueuesTheyHave) {
  Parts parts;
  Wf2q& wf2q = parts.state.wf2q;
  ServiceLevel levels[2];
  Entity groups[2];
  for (int i = 0; i < 2; ++i) {
    groups[i].weight = groups[i].own_weight = groups[i].new_weight = i == 0 ? 100 : 300;
    groups[i].level = &wf2q.root();
    groups[i].children = &levels[i];
    levels[i].group = &groups[i];
  }
  const auto in_group = [&](int index) -> Queue& {
    Queue& queue = parts.queue();
    queue.parent = &groups[index];
    queue.level = &levels[index];
    wf2q.activate(queue, false);
    return queue;
  };
  const Queue& a = in_group(0);
  const Queue& b = in_group(0);
  const Queue& c = in_group(1);
  EXPECT_EQ(groups[1].budget, c.budget) << "of whom it will serve";
  const auto served = serve_all(wf2q, 4000);
  EXPECT_NEAR(share(served, a), 0.125, 0.01);
  EXPECT_NEAR(share(served, b), 0.125, 0.01);
  EXPECT_NEAR(share(served, c), 0.75, 0.01);
}

}  // namespace
}  // namespace wbsim::block::bfq
