#include "sim/block/elevators/bfq/group.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"
#include "sim/block/elevators/bfq/busy.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kElsewhere = 10'000'000;

// Groups 1 and 2 of the root, and 3 in the first of them.
ControlGroups three_groups() { return groups_of({{100}, {400}, {200, 1}}); }

TEST(Group, HasItsWeightAndItsPlaceInTheHierarchy) {
  Parts parts{{.cgroups = three_groups()}};
  Groups& groups = parts.state.groups;
  EXPECT_EQ(groups.of(2).weight, 400);
  EXPECT_EQ(groups.of(2).parent, nullptr) << "the root is no rival of anybody";
  EXPECT_EQ(groups.of(2).level, &groups.root().members);
  EXPECT_EQ(groups.of(3).weight, 200);
  EXPECT_EQ(groups.of(3).parent, &groups.of(1));
  EXPECT_EQ(groups.of(3).level, &groups.of(1).members);
  EXPECT_EQ(groups.of(3).io_class, kBestEffortClass);
}

TEST(Group, ANewOneServesItsIdleClassFirst) {
  for (const int number : {0, 1}) {
    Parts parts{{.cgroups = three_groups()}};
    Group& group = parts.state.groups.of(number);
    Queue& usual = parts.queue();
    Queue& idle = parts.queue();
    idle.io_class = idle.new_class = kIdleClass;
    for (Queue* queue : {&usual, &idle}) {
      enter(*queue, group);
      parts.state.wf2q.activate(*queue, false);
    }
    EXPECT_EQ(&parts.state.wf2q.next_queue(), number == 0 ? &usual : &idle);
  }
}

// A queue in a group, and one in the root, of one weight.
struct Asymmetry : Parts {
  explicit Asymmetry(ElevatorGeneration generation)
      : Parts{{.generation = generation, .cgroups = three_groups()}} {}
  Queue& busy_in(int group) {
    Queue& made = queue();
    enter(made, state.groups.of(group));
    add_busy(state, made);
    return made;
  }
  void leave(Queue& queue) { remove_busy(state, queue, false); }
  void finish(Queue& queue) {
    queue.dispatched = 0;
    stop_counting(state, queue);
  }
  [[nodiscard]] bool is_asymmetric() const { return state.is_asymmetric(beside); }
  Queue& beside = busy_in(0);
};

class GroupWithWork : public ::testing::TestWithParam<ElevatorGeneration> {};
INSTANTIATE_TEST_SUITE_P(Versions, GroupWithWork, ::testing::Values(kV5_10, kV6_1),
                         [](const auto& version) {
                           return std::string{version.param == kV6_1 ? "v6_1" : "v5_10"};
                         });

TEST_P(GroupWithWork, IsOwedMoreThanQueuesOfOneWeight) {
  Asymmetry scene{GetParam()};
  EXPECT_FALSE(scene.is_asymmetric());
  Queue& queue = scene.busy_in(1);
  EXPECT_TRUE(scene.is_asymmetric());
  scene.leave(queue);
  EXPECT_FALSE(scene.is_asymmetric());
}

TEST_P(GroupWithWork, CountsOnceHoweverOftenItBecomesActive) {
  Asymmetry scene{GetParam()};
  Queue& queue = scene.busy_in(1);
  queue.dispatched = 1;
  scene.leave(queue);
  add_busy(scene.state, queue);
  queue.dispatched = 0;
  scene.leave(queue);
  EXPECT_FALSE(scene.is_asymmetric());
}

TEST_P(GroupWithWork, CountsUntilWhatIsInTheDriverHasEnded) {
  Asymmetry scene{GetParam()};
  Queue& queue = scene.busy_in(1);
  queue.dispatched = 1;
  scene.leave(queue);
  EXPECT_TRUE(scene.is_asymmetric());
  scene.finish(queue);
  EXPECT_FALSE(scene.is_asymmetric());
}

TEST_P(GroupWithWork, CountsWhileAnotherOfItsQueuesIsScheduled) {
  Asymmetry scene{GetParam()};
  Queue& first = scene.busy_in(1);
  scene.busy_in(1);
  scene.leave(first);
  EXPECT_TRUE(scene.is_asymmetric());
}

TEST_P(GroupWithWork, CountsNoMoreOnceTheFirstOfItsQueuesHasEnded) {
  Asymmetry scene{GetParam()};
  Queue& first = scene.busy_in(1);
  Queue& second = scene.busy_in(1);
  first.dispatched = second.dispatched = 1;
  scene.leave(first);
  scene.leave(second);
  scene.finish(first);
  EXPECT_FALSE(scene.is_asymmetric()) << "though the other has a request in the driver";
}

TEST_P(GroupWithWork, CountsWithAllGroupsAboveIt) {
  Asymmetry scene{GetParam()};
  Queue& above = scene.busy_in(1);
  Queue& below = scene.busy_in(3);
  scene.leave(above);
  scene.leave(below);
  EXPECT_FALSE(scene.is_asymmetric());
  Queue& again = scene.busy_in(3);
  EXPECT_TRUE(scene.state.groups.of(1).group_counted);
  scene.leave(again);
  EXPECT_FALSE(scene.is_asymmetric());
}

TEST(Group, CountsNoMoreAfterItsLastCompletion) {
  Scene scene{{.tunables = {{"slice_idle", 0}}, .cgroups = three_groups()}};
  const Queue& queue = scene.add(1, read(0), {}, 3);
  scene.take();
  EXPECT_EQ(scene.take(), "-") << "its turn ends";
  EXPECT_TRUE(queue.group->group_counted);
  scene.finish();
  EXPECT_FALSE(queue.group->group_counted);
  EXPECT_FALSE(queue.group->parent->group_counted);
}

TEST(Group, HasAsynchronousQueuesOfItsOwn) {
  Scene scene{{.cgroups = three_groups()}};
  const Queue& first = scene.add(1, write(0), {}, 1);
  EXPECT_EQ(&scene.add(2, write(kElsewhere), {}, 1), &first);
  const Queue& other = scene.add(3, write(2 * kElsewhere), {}, 2);
  EXPECT_NE(&other, &first);
  EXPECT_EQ(other.group->weight, 400);
  EXPECT_EQ(other.level, &other.group->members);
}

TEST(Group, OfAProcessIsThatOfItsQueue) {
  Scene scene{{.cgroups = three_groups()}};
  const Queue& queue = scene.add(1, read(0), {}, 3);
  EXPECT_EQ(queue.parent->weight, 200);
  EXPECT_EQ(queue.parent->parent->weight, 100);
}

TEST(Group, CountsTheRequestsOfAllItsQueues) {
  Scene scene{{.cgroups = three_groups()}};
  const Queue& below = scene.add(1, read(0), {}, 3);
  const Queue& own = scene.add(2, read(kElsewhere), {}, 1);
  EXPECT_EQ(own.parent->requests, 2);
  EXPECT_EQ(below.parent->requests, 1);
  scene.take();
  scene.finish();
  EXPECT_EQ(own.parent->requests, 1);
}

TEST(Group, QueuesOfOthersAreNotStablyMergedNorDoTheyHinderIt) {
  Scene scene{{.rotational = false, .cgroups = three_groups()}};
  const Queue& first = scene.add(1, read(0), {}, 1);
  EXPECT_NE(&scene.add(2, read(kElsewhere), {}, 2), &first);
  EXPECT_EQ(&scene.add(3, read(2 * kElsewhere), {}, 1), &first) << "the last one made in its group";
}

// Queue 1 of each group has a request there.
TEST(Group, QueuesOfOthersAreNotCloseNorDoTheyHideWhoIs) {
  Scene scene{{.cgroups = three_groups()}};
  scene.add(1, read(2 * kElsewhere), {}, 2);
  scene.at_ms(1000);
  const Queue& close = scene.add(2, read(kElsewhere + 8), {}, 1);
  scene.add(2, read(kElsewhere + 16), {}, 1);
  scene.at_ms(2000);
  scene.add(3, read(kElsewhere), {}, 2);
  scene.at_ms(3000);
  scene.add(4, read(3 * kElsewhere), {}, 1);
  EXPECT_EQ(&scene.add(4, read(kElsewhere), {}, 1), &close);
}

TEST(Group, ServiceOfATurnIsForgottenAtItsEnd) {
  Scene scene{{.tunables = {{"slice_idle", 0}}, .cgroups = three_groups()}};
  const Queue& queue = scene.add(1, read(0, 64), {}, 3);
  const Entity* group = queue.parent;
  scene.take();
  EXPECT_EQ(group->service, 64);
  scene.add(2, read(kElsewhere), {}, 2);
  scene.take();
  EXPECT_EQ(group->service, 0);
  EXPECT_EQ(group->parent->service, 0);
}

TEST(Group, OfHigherWeightDoesNotWaitForTheTurnToEnd) {
  for (const int group : {1, 2}) {
    Scene scene{{.generation = kV5_10, .cgroups = three_groups()}};
    scene.add(1, read(0), {}, 1);
    scene.take();
    scene.finish();
    EXPECT_EQ(scene.take(), "-") << "the process is waited for";
    scene.add(2, read(kElsewhere), {}, group);
    EXPECT_EQ(scene.take() == "R 10000000+8", group == 2);
  }
}

// Otherwise a queue of twice the weight would be served at once.
TEST(Group, InServiceGoesOnWhoeverOfItIsNext) {
  for (const int group : {0, 1}) {
    Scene scene{{.generation = kV5_10, .cgroups = three_groups()}};
    scene.add(1, read(0), {IoClass::kBestEffort, 4}, group);
    scene.take();
    scene.finish();
    EXPECT_EQ(scene.take(), "-") << "the process is waited for";
    scene.add(2, read(kElsewhere), {IoClass::kBestEffort, 0}, group);
    EXPECT_EQ(scene.take() == "R 10000000+8", group == 0);
  }
}

TEST(Group, OfASharedQueueIsThatOfWhoIsTakenOutOfIt) {
  Scene scene{{.generation = kV5_10, .cgroups = three_groups()}};
  Queue& shared = scene.add(1, read(0), {}, 3);
  shared.shared = shared.split_wanted = true;
  ++shared.processes;
  const Queue& own = scene.add(1, read(kElsewhere), {}, 3);
  EXPECT_NE(&own, &shared);
  EXPECT_EQ(own.group, shared.group);
}

}  // namespace
}  // namespace wbsim::block::bfq
