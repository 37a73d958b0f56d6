// Processes and the queues that they use: alone, together with others, and alone again.
#include <gtest/gtest.h>

#include <vector>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kHere = 10'000'000;
constexpr std::int64_t kThere = 50'000'000;

IoPriority best_effort(std::uint8_t level) { return {IoClass::kBestEffort, level}; }

// Processes 1 and 2 have a queue each, made a second apart so that they do not belong together.
struct TwoProcesses : Scene {
  explicit TwoProcesses(ElevatorGeneration generation = kV6_1)
      : Scene{{.generation = generation}}, first{add(1, read(kHere))} {
    at_ms(1000);
    second = &add(2, read(kThere));
  }
  // Process 2 comes close to process 1.
  Request& join() { return insert(2, read(kHere + 16)); }
  // All is served; then both seek, until the turn of their queue has ended.
  void seek() {
    std::int64_t sector = kHere;
    for (int ms = 1020; take() != "-" || ms < 1100; ms += 20) {
      finish();
      at_ms(ms);
    }
    for (int i = 0; i < 40 && !first.split_wanted; ++i) {
      add(1 + i % 2, read(sector += 200'000));
      take();
      finish();
    }
    at_ms(1120);
  }
  Queue& first;
  Queue* second;
};

TEST(Sharing, ARequestGoesToTheQueueOfWhoIsClose) {
  TwoProcesses scene;
  EXPECT_NE(&scene.first, scene.second);
  EXPECT_EQ(scene.join().elevator_queue, &scene.first);
  EXPECT_TRUE(scene.first.shared);
  EXPECT_EQ(scene.add(2, read(kThere + 800)).number, scene.first.number) << "and all later ones";
}

TEST(Sharing, ABioJoinsARequestOfWhoIsClose) {
  TwoProcesses scene;
  EXPECT_EQ(scene.rig.queue().merge(scene.rig.bio(read(kHere + 8), {}, {.id = 2})).kind,
            MergeKind::kBack);
  EXPECT_TRUE(scene.first.shared);
}

TEST(Sharing, ASynchronousBioNextToAnAsynchronousRequestChangesNothing) {
  TwoProcesses scene;
  scene.add(3, write(8));
  scene.add(3, write(kHere + 100));
  IoStep step = write(kHere + 108);
  step.flags.sync = true;
  EXPECT_EQ(scene.rig.queue().merge(scene.rig.bio(step, {}, {.id = 2})).kind, MergeKind::kNone);
  EXPECT_FALSE(scene.first.shared);
}

TEST(Sharing, ASharedQueueThatSeeksIsTakenApart) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    TwoProcesses scene{generation};
    scene.join();
    scene.seek();
    EXPECT_TRUE(scene.first.split_wanted);
    const Queue& split = scene.add(2, read(kThere));
    EXPECT_NE(&split, &scene.first);
    EXPECT_NE(split.owner, nullptr);
    EXPECT_EQ(split.split_time, split.created);
    EXPECT_EQ(&scene.add(1, read(kHere)), &scene.first) << "one process keeps it";
    EXPECT_FALSE(scene.first.shared);
    EXPECT_NE(scene.first.owner, nullptr);
  }
}

TEST(Sharing, UnlessTheProcessesBelongTogetherSinceV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    TwoProcesses scene{generation};
    scene.join().elevator_process->stably_merged = true;
    scene.seek();
    EXPECT_EQ(&scene.add(2, read(kThere)) == &scene.first, generation == kV6_1);
  }
}

TEST(Sharing, WhoIsSplitOffGetsBackWhatItHad) {
  TwoProcesses scene;
  scene.second->short_think_time = false;
  scene.second->intensity.io_bound = false;
  scene.second->intensity.since = {};
  scene.join();
  scene.seek();
  const Queue& split = scene.add(2, read(kThere));
  EXPECT_FALSE(split.short_think_time) << "and keeps it for two seconds";
  EXPECT_FALSE(split.intensity.io_bound) << "a first request says nothing";
  EXPECT_EQ(split.think_time.samples, 60U) << "two, of which the first was before";
}

TEST(Sharing, WhoIsSplitOffIsInTheLargeBurstThatItOrTheSharedQueueWasIn) {
  for (const bool own : {true, false}) {
    TwoProcesses scene;
    scene.second->in_large_burst = own;
    scene.join();
    scene.seek();
    scene.first.in_large_burst = !own;
    EXPECT_TRUE(scene.add(2, read(kThere)).in_large_burst);
  }
}

TEST(Sharing, WhoIsSplitOffKeepsTheWakerInV6_1) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    TwoProcesses scene{generation};
    Queue& waker = scene.add(3, read(2 * kThere));
    scene.join();
    scene.seek();
    Wakers::set_waker(scene.first, &waker, true);
    EXPECT_EQ(scene.add(2, read(kThere)).waker, generation == kV6_1 ? &waker : nullptr);
  }
}

TEST(Queues, OfEightProcessesAtOnceAreALargeBurstButNotAsynchronousOnes) {
  Scene scene;
  std::vector<const Queue*> queues;
  for (int id = 1; id <= 8; ++id) {
    const IoPriority priority = best_effort(static_cast<std::uint8_t>(id - 1));
    EXPECT_FALSE(scene.add(id, write(1000 * id), priority).in_large_burst);
  }
  Scene other;
  for (int id = 1; id <= 8; ++id) {
    queues.push_back(other.insert(id, read(kHere * id)).elevator_queue);
    other.take();
    other.finish();
    other.at_ms(10 * id);  // so that none is busy
  }
  EXPECT_TRUE(queues.back()->in_large_burst);
}

TEST(Queues, AsynchronousRequestsGoByThePriorityOfTheMoment) {
  Scene scene;
  const Queue& before = scene.add(1, write(800), best_effort(4));
  EXPECT_NE(&scene.add(1, write(8000), best_effort(0)), &before);
  EXPECT_EQ(&scene.add(1, write(80'000), best_effort(4)), &before);
  const Queue& idle = scene.add(2, write(900), {IoClass::kIdle, 0});
  EXPECT_EQ(&scene.add(3, write(9000), {IoClass::kIdle, 5}), &idle) << "that class has one queue";
}

TEST(Queues, AreTakenToThinkShortlyAndToBeNoSoftRealTimeAtFirst) {
  Scene scene{{.tunables = {{"slice_idle", 0}}}};
  const Queue& queue = scene.add(1, read(8));
  EXPECT_TRUE(queue.short_think_time);
  EXPECT_EQ(queue.soft_real_time_next, queue.created);
}

// The bio covers the request before the one that it is put in front of.
TEST(Merge, InFrontMayPassTheRequestBefore) {
  Scene scene;
  Request& covered = scene.insert(1, read(100));
  Request& grown = scene.insert(1, read(116));
  Bio& bio = scene.rig.bio(read(96, 20), {}, {.id = 1});
  EXPECT_EQ(scene.rig.queue().merge(bio).kind, MergeKind::kFront);
  EXPECT_EQ(scene.rig.elevator().former_request(covered), &grown);
  EXPECT_EQ(scene.take(), "R 96+28") << "it is the nearest now";
}

// A request at 108, which is next, is merged into a younger one before it.
TEST(Merge, OfTwoRequestsTakesTheEarlierTimeAndPlaceAndTheTurnOfTheNext) {
  Scene scene;
  scene.add(1, read(98));
  scene.take();
  Request& gone = scene.insert(1, read(108));
  scene.at_ms(5);
  Queue& queue = scene.add(1, read(120));
  scene.at_ms(10);
  Request& former = scene.insert(1, read(60, 44));
  const std::uint64_t expires = gone.fifo_time;
  EXPECT_GT(former.fifo_time, expires);
  Bio& bio = scene.rig.bio(read(104, 4), {}, {.id = 1});
  const ElevatorQueue::BioMerge merge = scene.rig.queue().merge(bio);
  ASSERT_EQ(merge.absorbed, &gone);
  EXPECT_EQ(former.fifo_time, expires);
  EXPECT_EQ(&queue.fifo.front(), &former);
  EXPECT_EQ(scene.take(), "R 60+56");
}

}  // namespace
}  // namespace wbsim::block::bfq
