#include "sim/block/elevators/bfq/cooperators.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {
namespace {

struct CooperatorScene : Parts {
  explicit CooperatorScene(const Options& options = {}) : Parts(options) {
    state.queueing = Queueing::kNo;
    state.busy = {0, 2, 0};
    for (int i = 0; i < 2; ++i) {
      processes[i].context = &contexts[i];
      queues[i] = &queue();
      processes[i].queues[1] = queues[i];
      queues[i]->owner = &processes[i];
    }
  }
  Queue* find(std::int64_t sector) {
    return cooperators.find(*queues[0], processes[0], Lba{sector});
  }
  void serve_other_at(std::int64_t sector) {
    state.in_service = queues[1];
    state.last_position_in_service = Lba{sector};
  }
  IoContext contexts[2]{IoContext{1}, IoContext{2}};
  Process processes[2];
  Queue* queues[2];
  PeakRate peak_rate{state};
  WeightRaising raising{state, peak_rate};
  Cooperators cooperators{state, raising};
};

TEST(Cooperators, AQueueJoinsTheOneInServiceThatIsClose) {
  CooperatorScene scene;
  scene.serve_other_at(10'000);
  EXPECT_EQ(scene.find(18'193), nullptr);
  EXPECT_EQ(scene.find(18'192), scene.queues[1]);
}

TEST(Cooperators, OrOneThatWaitsCloseBy) {
  CooperatorScene scene;
  scene.give(*scene.queues[1], scene.request(10'000));
  scene.cooperators.update_position(*scene.queues[1]);
  EXPECT_EQ(scene.find(1'807), nullptr);
  EXPECT_EQ(scene.find(1'808), scene.queues[1]);
  scene.cooperators.remove_position(*scene.queues[1]);
}

TEST(Cooperators, NotOnADeviceThatQueuesAndDoesNotSeek) {
  CooperatorScene scene;
  scene.serve_other_at(10'000);
  scene.state.queueing = Queueing::kYes;
  EXPECT_EQ(scene.find(10'000), nullptr);
  CooperatorScene disk{{.rotational = true}};
  disk.serve_other_at(10'000);
  disk.state.queueing = Queueing::kYes;
  EXPECT_EQ(disk.find(10'000), disk.queues[1]);
}

TEST(Cooperators, NotWhoSeeksOrIsOfAnotherClassOrAsynchronousOrAlone) {
  CooperatorScene scene;
  scene.serve_other_at(10'000);
  scene.queues[1]->seek_history = 0xFFFFF;
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.queues[1]->seek_history = 1;
  scene.queues[0]->seek_history = 0xFFFFF;
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.queues[0]->seek_history = 1;
  scene.queues[1]->io_class = kRealTimeClass;
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.queues[1]->io_class = kBestEffortClass;
  scene.queues[1]->sync = false;
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.queues[1]->sync = true;
  scene.state.busy = {0, 1, 0};
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.state.busy = {0, 2, 0};
  EXPECT_EQ(scene.find(10'000), scene.queues[1]);
}

TEST(Cooperators, NotAfterAHundredMillisecondsOfService) {
  for (const int late : {0, 1}) {
    CooperatorScene scene;
    scene.serve_other_at(10'000);
    scene.queues[late]->service_since_backlogged = 1;
    scene.queues[late]->first_io = scene.clock.jiffies();
    scene.advance(milliseconds(104));
    EXPECT_EQ(scene.find(10'000), nullptr) << late;
    scene.queues[late]->first_io += 1;
    EXPECT_EQ(scene.find(10'000), scene.queues[1]) << late;
  }
}

TEST(Cooperators, AMergedQueueIsSharedAndInheritsRaisingAndWaker) {
  CooperatorScene scene;
  Queue& waker = scene.queue();
  Queue& from = *scene.queues[0];
  Queue& to = *scene.queues[1];
  from.coefficient = 30;
  from.busy = to.busy = true;
  scene.state.raised_busy = 1;
  Wakers::set_waker(from, &waker, true);
  scene.serve_other_at(10'000);
  ASSERT_EQ(scene.find(10'000), &to);
  EXPECT_EQ(&scene.cooperators.merge(scene.processes[0], from), &to);
  EXPECT_EQ(scene.processes[0].queues[1], &to);
  EXPECT_TRUE(to.shared);
  EXPECT_EQ(to.owner, nullptr);
  EXPECT_EQ(to.processes, 2);
  EXPECT_EQ(to.coefficient, 30);
  EXPECT_EQ(from.coefficient, 1);
  EXPECT_EQ(scene.state.raised_busy, 1);
  EXPECT_EQ(to.waker, &waker);
  Wakers::unused(waker);
}

TEST(Cooperators, ASplitQueueGetsBackWhatItHad) {
  CooperatorScene scene;
  Queue& from = *scene.queues[0];
  from.coefficient = 30;
  from.raising = {.start_or_end = scene.clock.jiffies(), .longest = 1000};
  from.think_time.mean = 77;
  from.short_think_time = false;
  from.injection.limit = 5;
  scene.serve_other_at(10'000);
  ASSERT_NE(scene.find(10'000), nullptr);
  Queue& shared = scene.cooperators.merge(scene.processes[0], from);
  EXPECT_EQ(scene.cooperators.split(scene.processes[0], shared), nullptr);
  EXPECT_EQ(shared.processes, 1);
  EXPECT_EQ(scene.cooperators.split(scene.processes[1], shared), &shared);
  EXPECT_FALSE(shared.shared);
  Queue& fresh = scene.queue();
  scene.cooperators.resume(fresh, scene.processes[0], false);
  EXPECT_EQ(fresh.coefficient, 30);
  EXPECT_EQ(fresh.think_time.mean, 77U);
  EXPECT_FALSE(fresh.short_think_time);
  EXPECT_EQ(fresh.injection.limit, 5U);
}

TEST(Cooperators, ButNoRaisingThatIsOver) {
  CooperatorScene scene;
  Process& process = scene.processes[0];
  process.saved.coefficient = 30;
  process.saved.raising = {.start_or_end = scene.clock.jiffies(), .longest = 10};
  scene.advance(milliseconds(44));
  Queue& fresh = scene.queue();
  scene.cooperators.resume(fresh, process, false);
  EXPECT_EQ(fresh.coefficient, 1);
}

TEST(Cooperators, AQueueMergedBeforeItWasBusyWillHaveBeenRaised) {
  CooperatorScene scene;
  scene.queues[0]->just_created = true;
  scene.serve_other_at(10'000);
  ASSERT_NE(scene.find(10'000), nullptr);
  scene.cooperators.merge(scene.processes[0], *scene.queues[0]);
  EXPECT_EQ(scene.processes[0].saved.coefficient, 30);
}

// The second of two queues, made `later`.
Queue* joined(ElevatorGeneration generation, Queueing queueing, SimDuration later,
              int weight = 40) {
  CooperatorScene scene{{.generation = generation}};
  scene.state.queueing = queueing;
  (void)scene.cooperators.join_recent(*scene.queues[0], scene.processes[0]);
  scene.advance(later);
  Queue& second = scene.queue(weight);
  Process process;
  Queue& used = scene.cooperators.join_recent(second, process);
  const bool merged = &used == scene.queues[0];
  EXPECT_EQ(process.stably_merged, merged);
  static Queue kMerged;
  static Queue kCandidate;
  Queue* result = merged ? &kMerged : process.stable_candidate != nullptr ? &kCandidate : nullptr;
  EXPECT_EQ(scene.queues[0]->stable_refs, result == &kCandidate ? 1 : 0);
  return result == nullptr ? nullptr : result == &kMerged ? &kMerged : &kCandidate;
}

TEST(StableMerge, QueuesMadeWithin180MillisecondsBelongTogetherSinceV6_1) {
  EXPECT_NE(joined(kV6_1, Queueing::kYes, milliseconds(180)), nullptr);
  EXPECT_EQ(joined(kV6_1, Queueing::kYes, milliseconds(184)), nullptr);
  EXPECT_EQ(joined(kV5_10, Queueing::kYes, milliseconds(4)), nullptr);
  EXPECT_EQ(joined(kV6_1, Queueing::kYes, milliseconds(4), 50), nullptr);
}

TEST(StableMerge, WaitsOnADeviceThatDoesNotQueue) {
  EXPECT_NE(joined(kV6_1, Queueing::kNo, milliseconds(180)),
            joined(kV6_1, Queueing::kYes, milliseconds(180)));
}

TEST(StableMerge, ThenComesAfter600MillisecondsUnlessWaitingSpeedsUp) {
  for (const bool sequential : {true, false}) {
    CooperatorScene scene;
    Queue& queue = *scene.queues[0];
    queue.intensity.io_bound = sequential;
    scene.processes[0].stable_candidate = scene.queues[1];
    ++scene.queues[1]->stable_refs;
    scene.advance(milliseconds(600));
    EXPECT_EQ(scene.find(500'000), nullptr);
    EXPECT_NE(scene.processes[0].stable_candidate, nullptr);
    scene.advance(milliseconds(4));
    EXPECT_EQ(scene.find(500'000), sequential ? nullptr : scene.queues[1]);
    EXPECT_EQ(scene.processes[0].stable_candidate, nullptr);
    EXPECT_EQ(scene.processes[0].stably_merged, !sequential);
    EXPECT_EQ(scene.queues[1]->stable_refs, 0);
  }
}

TEST(Cooperators, BelowOrAboveTheQueueThatWaits) {
  CooperatorScene scene;
  scene.give(*scene.queues[1], scene.request(10'000));
  scene.cooperators.update_position(*scene.queues[1]);
  EXPECT_EQ(scene.find(18'193), nullptr);
  EXPECT_EQ(scene.find(18'192), scene.queues[1]);
  scene.cooperators.remove_position(*scene.queues[1]);
}

TEST(Cooperators, NotInTheIdleClassOrAnotherGroup) {
  CooperatorScene idle;
  idle.serve_other_at(10'000);
  idle.queues[0]->io_class = idle.queues[1]->io_class = kIdleClass;
  EXPECT_EQ(idle.find(10'000), nullptr);
  CooperatorScene scene;
  Entity group;
  scene.give(*scene.queues[1], scene.request(10'000));
  scene.cooperators.update_position(*scene.queues[1]);
  scene.queues[1]->parent = &group;
  EXPECT_EQ(scene.find(10'000), nullptr);
  scene.cooperators.remove_position(*scene.queues[1]);
}

TEST(Cooperators, AQueueWithoutServiceIsNeverTooLate) {
  CooperatorScene scene;
  scene.serve_other_at(10'000);
  scene.queues[0]->first_io = scene.clock.jiffies() - 100;
  EXPECT_EQ(scene.find(10'000), scene.queues[1]);
}

TEST(Cooperators, WhoHasJoinedAnotherTakesOthersThere) {
  CooperatorScene scene;
  Queue& third = scene.queue();
  scene.queues[1]->merged_into = &third;
  scene.serve_other_at(10'000);
  third.processes = 0;
  EXPECT_EQ(scene.find(10'000), nullptr) << "nobody is left there";
  third.processes = 1;
  EXPECT_EQ(scene.find(10'000), &third);
  EXPECT_EQ(third.processes, 2);
}

TEST(Cooperators, AMergeThatWasSetUpHappensInV6_1ThoughItIsLate) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    CooperatorScene scene{{.generation = generation}};
    scene.queues[0]->merged_into = scene.queues[1];
    EXPECT_EQ(scene.find(50'000'000), scene.queues[1]) << "wherever";
    scene.queues[0]->service_since_backlogged = 1;
    scene.queues[0]->first_io = scene.clock.jiffies() - 100;
    EXPECT_EQ(scene.find(50'000'000), generation == kV6_1 ? scene.queues[1] : nullptr);
  }
}

TEST(Cooperators, AMergedQueueInheritsThatItIsIoBound) {
  CooperatorScene scene;
  scene.queues[1]->intensity.io_bound = false;
  scene.serve_other_at(10'000);
  ASSERT_NE(scene.find(10'000), nullptr);
  scene.cooperators.merge(scene.processes[0], *scene.queues[0]);
  EXPECT_TRUE(scene.queues[1]->intensity.io_bound);
  EXPECT_FALSE(scene.queues[0]->intensity.io_bound);
}

TEST(Cooperators, AMergedQueueKeepsItsOwnRaisingAndIsNotItsOwnWaker) {
  CooperatorScene scene;
  Queue& from = *scene.queues[0];
  Queue& to = *scene.queues[1];
  from.coefficient = 30;
  to.coefficient = 3000;
  Wakers::set_waker(from, &to, true);
  scene.serve_other_at(10'000);
  ASSERT_NE(scene.find(10'000), nullptr);
  scene.cooperators.merge(scene.processes[0], from);
  EXPECT_EQ(to.coefficient, 3000);
  EXPECT_EQ(to.waker, nullptr);
  Wakers::unused(to);
}

TEST(Cooperators, ASplitQueueGetsBackItsWeightAndIntensityAndRaisingInBothGenerations) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    CooperatorScene scene{{.generation = generation}};
    Process& process = scene.processes[0];
    process.saved.own_weight = 80;
    process.saved.coefficient = 30;
    process.saved.raising = {.start_or_end = scene.clock.jiffies(), .longest = 1000};
    process.saved.intensity.io_bound = false;
    Queue& queue = scene.queue();
    queue.busy = true;
    scene.cooperators.resume(queue, process, true);
    EXPECT_EQ(queue.new_weight, 80);
    EXPECT_EQ(queue.coefficient, 30);
    EXPECT_EQ(queue.raising.longest, 1000U);
    EXPECT_FALSE(queue.intensity.io_bound);
    EXPECT_EQ(scene.state.raised_busy, 1) << "it was busy, and is raised now";
  }
}

TEST(Cooperators, OfRaisingThatIsOverTheInteractivePartMayBeLeft) {
  CooperatorScene scene;
  Process& process = scene.processes[0];
  process.saved.coefficient = 3000;
  process.saved.raising = {.start_or_end = scene.clock.jiffies(),
                           .longest = scene.tuning.raise_soft_real_time,
                           .before_soft_real_time = scene.clock.jiffies()};
  scene.advance(milliseconds(304));
  Queue& queue = scene.queue();
  scene.cooperators.resume(queue, process, false);
  EXPECT_EQ(queue.coefficient, 30);
}

// A queue made at a time, with what makes it belong to others or not.
struct StableScene : CooperatorScene {
  explicit StableScene(SimDuration step = {}) : gap{step} { state.queueing = Queueing::kYes; }
  Queue& make(int weight = 40, ClassIndex io_class = kBestEffortClass, Entity* group = nullptr) {
    advance(gap);
    Queue& made = queue(weight);
    made.io_class = io_class;
    made.parent = group;
    Process& process = processes_made.emplace_back();
    process.queues[1] = &made;
    return cooperators.join_recent(made, process);
  }
  SimDuration gap;
  std::deque<Process> processes_made;
};

TEST(StableMerge, IsOfOneWeightClassAndGroup) {
  StableScene scene;
  Queue& first = scene.make();
  EXPECT_EQ(&scene.make(), &first);
  Queue& real_time = scene.make(40, kRealTimeClass);
  EXPECT_NE(&real_time, &first);
  Entity group;
  EXPECT_NE(&scene.make(40, kRealTimeClass, &group), &real_time);
}

TEST(StableMerge, TheFirstOfABurstStandsForItFor600Milliseconds) {
  StableScene scene{milliseconds(150)};
  Queue& first = scene.make();
  EXPECT_EQ(&scene.make(), &first) << "150 ms later";
  Queue& late = scene.make();
  EXPECT_NE(&late, &first);
  EXPECT_NE(&scene.make(), &late) << "450 ms after the first";
  scene.make();  // 600 ms
  Queue& next = scene.make();
  EXPECT_EQ(&scene.make(), &next) << "750 ms after the first another one began";
}

TEST(StableMerge, WhoWasMergedIsRepresentedByWhomItJoined) {
  StableScene scene;
  Queue& first = scene.make(40);
  Queue& second = scene.make(50);
  second.merged_into = &first;
  ++first.processes;
  scene.cooperators.merge(scene.processes_made.back(), second);
  EXPECT_EQ(&scene.make(40), &first);
}

TEST(StableMerge, NotWithin600MillisecondsOfASplit) {
  CooperatorScene scene;
  scene.queues[0]->intensity.io_bound = false;
  scene.processes[0].stable_candidate = scene.queues[1];
  ++scene.queues[1]->stable_refs;
  scene.advance(milliseconds(1000));
  scene.queues[0]->split_time = scene.clock.jiffies() - 150;
  EXPECT_EQ(scene.find(500'000), nullptr);
  EXPECT_NE(scene.processes[0].stable_candidate, nullptr);
  scene.queues[0]->split_time -= 1;
  EXPECT_EQ(scene.find(500'000), scene.queues[1]);
}

}  // namespace
}  // namespace wbsim::block::bfq
