#include "sim/block/elevators/bfq/membership.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kOtherPlace = 10'000'000;

struct TwoGroups : Scene {
  explicit TwoGroups(bool rotational = true)
      : Scene{{.rotational = rotational, .cgroups = groups_of({{100}, {400}})}} {}
  Bio& bio(int id, const IoStep& step, int cgroup) {
    return rig.bio(step, {}, {.id = id, .cgroup = cgroup});
  }
};

TEST(Membership, AQueueMovesWithItsProcess) {
  TwoGroups scene;
  Queue& queue = scene.add(1, read(0), {}, 1);
  const Entity* old = queue.parent;
  EXPECT_EQ(&scene.add(1, read(kOtherPlace), {}, 2), &queue);
  EXPECT_EQ(queue.group->weight, 400);
  EXPECT_EQ(queue.parent, queue.group);
  EXPECT_EQ(queue.level, &queue.group->members);
  EXPECT_NE(old->tree, Entity::Tree::kActive) << "nothing is left in it";
  EXPECT_EQ(scene.take(), "R 0+8") << "what waited is served in the new group";
  EXPECT_EQ(scene.take(), "R 10000000+8");
}

TEST(Membership, FollowsEachBioBeforeItIsMerged) {
  TwoGroups scene;
  const Queue& queue = scene.add(1, read(0), {}, 1);
  EXPECT_EQ(scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2)).kind, MergeKind::kNone);
  EXPECT_EQ(queue.group->weight, 400);
}

TEST(Membership, AQueueInServiceIsPreemptedWhenItMoves) {
  TwoGroups scene;
  Queue& queue = scene.add(1, read(0), {}, 1);
  scene.add(1, read(1000), {}, 1);
  scene.take();
  EXPECT_GT(queue.service, 0);
  const Group* old = queue.group;
  scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2));
  EXPECT_EQ(old->members.in_service, nullptr);
  EXPECT_EQ(queue.service, 0);
  EXPECT_EQ(queue.tree, Entity::Tree::kActive) << "and waits for its turn";
}

TEST(Membership, AnIdleQueueLeavesNothingBehind) {
  TwoGroups scene;
  Queue& queue = scene.add(1, read(0, 64), {}, 1);
  Group& old = *queue.group;
  Queue& other = scene.add(2, read(kOtherPlace), {}, 1);
  for (int ms = 1; queue.tree != Entity::Tree::kIdle && ms < 100; ++ms) {
    scene.take();
    scene.finish();
    scene.at_ms(ms);
  }
  ASSERT_EQ(queue.tree, Entity::Tree::kIdle);
  scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2));
  EXPECT_EQ(queue.tree, Entity::Tree::kNone);
  EXPECT_FALSE(queue.counted);
  EXPECT_EQ(old.members.tree_of(queue).weight_sum(), other.counted ? other.weight : 0);
}

TEST(Membership, TheDeviceIsRunWhereItWasIdle) {
  TwoGroups scene;
  scene.add(1, read(0), {}, 1);
  const int runs = scene.rig.queue_runs();
  scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2));
  EXPECT_EQ(scene.rig.queue_runs(), runs + 1);
}

TEST(Membership, WhoSharesAQueueLeavesIt) {
  TwoGroups scene{false};
  Queue& shared = scene.add(1, read(0), {}, 1);
  ASSERT_EQ(&scene.add(2, read(kOtherPlace), {}, 1), &shared) << "made at the same time";
  const Queue& own = scene.add(2, read(2 * kOtherPlace), {}, 2);
  EXPECT_NE(&own, &shared);
  EXPECT_EQ(own.group->weight, 400);
  EXPECT_EQ(shared.group->weight, 100);
  EXPECT_EQ(shared.processes, 1);
  EXPECT_EQ(&scene.add(1, read(3 * kOtherPlace), {}, 1), &shared) << "to who stays";
}

TEST(Membership, WhoIsAboutToShareAQueueLeavesAll) {
  TwoGroups scene;
  Queue& first = scene.add(1, read(0), {}, 1);
  Queue& second = scene.add(2, read(kOtherPlace), {}, 1);
  first.merged_into = &second;
  second.processes += first.processes;
  scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2));
  EXPECT_EQ(first.processes, 0);
  EXPECT_EQ(second.processes, 1) << "nor will it come";
  EXPECT_EQ(first.owner, nullptr);
  EXPECT_EQ(first.group->weight, 100) << "what it has asked for is served there";
}

TEST(Membership, ItStaysWhereAllOfThemAreInTheGroup) {
  TwoGroups scene{false};
  Queue& shared = scene.add(1, read(0), {}, 1);
  ASSERT_EQ(&scene.add(2, read(kOtherPlace), {}, 1), &shared);
  scene.add(2, write(2 * kOtherPlace), {}, 1);
  EXPECT_EQ(&scene.add(2, read(3 * kOtherPlace), {}, 1), &shared);
}

TEST(Membership, AnAsynchronousQueueIsLeftToItsGroup) {
  TwoGroups scene;
  Queue& old = scene.add(1, write(0), {}, 1);
  EXPECT_EQ(old.processes, 2) << "the group's, and the process's";
  EXPECT_NE(&scene.add(1, write(kOtherPlace), {}, 2), &old);
  EXPECT_EQ(old.processes, 1);
  EXPECT_EQ(old.group->weight, 100);
  EXPECT_EQ(&scene.add(2, write(2 * kOtherPlace), {}, 1), &old);
}

TEST(Membership, AQueueThatHasMovedIsNoLongerTheLastOneMadeInItsGroup) {
  TwoGroups scene{false};
  Queue& moved = scene.add(1, read(0), {}, 1);
  Group& old = *moved.group;
  ASSERT_EQ(old.last_created, &moved);
  scene.add(1, read(kOtherPlace), {}, 2);
  EXPECT_EQ(old.last_created, nullptr);
}

TEST(Membership, AQueueIsFoundByItsPositionInTheNewGroup) {
  TwoGroups scene;
  const Queue& moved = scene.add(1, read(0), {}, 1);
  const Group& old = *moved.group;
  EXPECT_FALSE(old.positions.empty());
  scene.rig.queue().merge(scene.bio(1, read(kOtherPlace), 2));
  EXPECT_TRUE(old.positions.empty());
  EXPECT_FALSE(moved.group->positions.empty());
}

}  // namespace
}  // namespace wbsim::block::bfq
