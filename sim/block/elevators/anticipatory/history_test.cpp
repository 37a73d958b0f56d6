// anticipatory: what it learns of tasks, one by one and on the whole. The rig's tick is 1 ms;
// antic_expire is 6 ticks. Probabilities are parts of 256.
#include <gtest/gtest.h>

#include "sim/block/elevators/anticipatory/anticipatory.hpp"
#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {
namespace {

constexpr std::int64_t kApart = 100'000'000;  // sectors between where the tasks work

class AnticipationHistory : public ::testing::Test {
 protected:
  [[nodiscard]] const Anticipation& anticipation() {
    return static_cast<Anticipatory&>(rig_.elevator()).anticipation();
  }
  [[nodiscard]] const Anticipation::Estimates& estimates() { return anticipation().estimates(); }
  // The last read of a task, served; it has ended then.
  void read_and_end(int id, std::int64_t sector) {
    rig_.submit(id, read(sector));
    Request* request = rig_.fetch();
    while (request == nullptr) {
      rig_.wait_ticks(1);
      request = rig_.fetch();
    }
    rig_.task(id).exited = true;
    rig_.complete(*request);
  }
  // Task `id` reads `count` blocks, thinking for `ticks` in between.
  void read_along(int id, int count, int ticks) {
    for (int i = 0; i < count; ++i) {
      rig_.submit(id, read(id * kApart + i * 8));
      ASSERT_NE(rig_.serve(), "-");
      rig_.wait_ticks(ticks);
    }
  }
  // Whether task `id`, which has just been served, is waited for while task 2 wants to read.
  bool waits() {
    rig_.submit(2, read(2 * kApart));
    return rig_.issue() == "-";
  }

  SingleQueueRig rig_{
      {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
};

// Think time of a task.

TEST_F(AnticipationHistory, ATaskOfMeanThinkTimeUpToAnticExpireIsWaitedFor) {
  // (mean * samples + 128) / samples: 6 ticks come out as 6 once there are several samples.
  read_along(1, 20, 6);
  rig_.submit(1, read(kApart + 1000));
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_TRUE(waits());
}

TEST_F(AnticipationHistory, ATaskThatThoughtOnceIsJudgedByThat) {
  for (const auto& [ticks, waits] : {std::pair{2, true}, {3, false}}) {
    SingleQueueRig rig{
        {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
    rig.submit(1, read(kApart));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(ticks);
    rig.submit(1, read(kApart + 8));
    ASSERT_NE(rig.serve(), "-");
    rig.submit(2, read(2 * kApart));
    EXPECT_EQ(rig.issue() == "-", waits) << "one sample: 128 / 32 are added";
  }
}

TEST_F(AnticipationHistory, AReadWhileAnotherIsQueuedOrOnItsWayIsNoThinking) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  for (int i = 1; i <= 8; ++i) {
    rig_.submit(1, read(kApart + i * 16));
    rig_.wait_ticks(18);
  }
  while (rig_.serve() != "-") {
  }
  rig_.submit(2, read(2 * kApart));
  EXPECT_EQ(rig_.issue(), "-") << "one sample of 0, and seven more";
}

TEST_F(AnticipationHistory, WhoHasHadNoReadEndDoesNotThink) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.issue(), "-");
  rig_.wait_ticks(18);
  rig_.submit(1, read(kApart + 8));
  ASSERT_NE(rig_.issue(), "-");
  rig_.complete_all();
  EXPECT_TRUE(waits());
}

TEST_F(AnticipationHistory, AnAsynchronousWriteIsNoPartOfIt) {
  rig_.submit(1, write(kApart));
  ASSERT_EQ(rig_.serve(), "W 100000000+8");
  rig_.wait_ticks(18);
  rig_.submit(1, read(kApart + 8));
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_TRUE(waits()) << "the first read is no sample";
}

TEST_F(AnticipationHistory, ACloseReadOfAnotherTaskCountsAsTheTasksOwn) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  ASSERT_EQ(estimates().exit_prob, 32);
  ASSERT_EQ(rig_.serve(), "R 200000000+8");
  rig_.wait_ticks(7);
  rig_.submit(3, read(3 * kApart));
  ASSERT_NE(rig_.serve(), "-");
  rig_.submit(4, read(3 * kApart + 100));
  ASSERT_EQ(rig_.issue(), "R 300000100+8");
  EXPECT_EQ(estimates().exit_prob, 28) << "task 3 has, as it were, read twice";
}

// What new tasks do: their think time and their seek between the first two reads.

TEST_F(AnticipationHistory, NewTasksAreJudgedByTheSecondReadsOfOthers) {
  // A task that reads on has no say after its second read.
  read_along(10, 12, 18);
  const std::int64_t after_one = estimates().new_think_mean;
  EXPECT_EQ(after_one, 2) << "18 / 8";
  for (const int id : {11, 12}) {
    read_along(id, 2, 18);
  }
  EXPECT_EQ(estimates().new_think_mean, 5) << "(7 * (7 * 18 / 8 + 18) / 8 + 18) / 8";
}

TEST_F(AnticipationHistory, ANewTaskIsWaitedForUpToAMeanOfAnticExpire) {
  for (const int id : {10, 11, 12}) {
    read_along(id, 2, 18);
  }
  read_along(13, 2, 10);
  ASSERT_EQ(estimates().new_think_mean, 6);
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_TRUE(waits());
}

TEST_F(AnticipationHistory, WhatIsNearerThanNewTasksSeekIsClose) {
  for (const auto& [sector, breaks] : {std::pair{25'007, true}, {25'008, false}}) {
    SingleQueueRig rig{
        {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
    for (int i = 0; i < 6; ++i) {  // only the second read says what new tasks do
      rig.submit(9, read(9 * kApart + (i == 0 ? 0 : 200'000 + 8)));
      ASSERT_NE(rig.serve(), "-");
      rig.wait_ticks(1);
    }
    rig.wait_ticks(10);
    rig.submit(1, read(kApart));
    ASSERT_NE(rig.serve(), "-");
    rig.submit(2, read(kApart + sector));
    EXPECT_EQ(rig.issue() != "-", breaks) << "200000 / 8 from sector 8";
  }
}

TEST_F(AnticipationHistory, WhatIsNearerThanATaskSeeksIsClose) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  rig_.submit(1, read(kApart + 100'000));
  ASSERT_NE(rig_.serve(), "-");
  // From 100008 on: a mean of 99992.
  rig_.submit(2, read(kApart + 200'000));
  EXPECT_EQ(rig_.issue(), "-");
  SingleQueueRig nearer{
      {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
  nearer.submit(1, read(kApart));
  ASSERT_NE(nearer.serve(), "-");
  nearer.submit(1, read(kApart + 100'000));
  ASSERT_NE(nearer.serve(), "-");
  nearer.submit(2, read(kApart + 199'999));
  EXPECT_EQ(nearer.issue(), "R 100199999+8");
}

TEST_F(AnticipationHistory, ThinkTimesCountUpToNineteenJiffies) {
  for (int id = 10; id < 17; ++id) {
    read_along(id, 2, 100);
  }
  EXPECT_EQ(estimates().new_think_mean, 11) << "19 * (1 - (7 / 8) ^ 7)";
}

TEST_F(AnticipationHistory, WhatIsGivenBackToTheDriversListIsNoThinking) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  rig_.submit(1, read(kApart + 16));
  Request* request = rig_.fetch();
  rig_.elevator().deactivate_request(*request);
  rig_.wait_ticks(18);
  rig_.submit(1, read(kApart + 32));
  rig_.elevator().activate_request(*request);
  rig_.complete(*request);
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_TRUE(waits());
}

// Tasks that end.

// A task was waited for in vain.
class AnticipationVain : public AnticipationHistory {
 protected:
  AnticipationVain() {
    rig_.submit(1, read(kApart));
    rig_.serve();
    waits();
    rig_.wait_ticks(7);
    EXPECT_EQ(estimates().exit_prob, 32);
    rig_.serve();
    rig_.wait_ticks(7);
  }
};

TEST_F(AnticipationVain, ASecondReadCountsThoughTheFirstHasNotEnded) {
  rig_.submit(3, read(3 * kApart));
  EXPECT_EQ(estimates().exit_prob, 32);
  rig_.submit(3, read(3 * kApart + 100));
  EXPECT_EQ(estimates().exit_prob, 28);
}

TEST_F(AnticipationVain, AReadAfterAWriteIsTheFirst) {
  rig_.submit(3, write(3 * kApart));
  rig_.submit(3, read(3 * kApart + 100));
  EXPECT_EQ(estimates().exit_prob, 32);
}

TEST_F(AnticipationVain, AReadAfterAWriteThatBecamePartOfAnotherTasksIsTheFirstToo) {
  rig_.submit(4, write(90'008));
  rig_.wait_ticks(1);
  rig_.submit(3, write(89'992));
  ASSERT_NE(rig_.merge(3, write(90'000)), MergeKind::kNone);
  rig_.submit(3, read(3 * kApart));
  EXPECT_EQ(estimates().exit_prob, 32);
}

TEST_F(AnticipationHistory, ATaskWhoseReadIsGivenBackIsNotWaitedFor) {
  rig_.submit(1, read(kApart));
  Request* request = rig_.fetch();
  ASSERT_NE(request, nullptr);
  ASSERT_TRUE(waits());
  rig_.elevator().deactivate_request(*request);
  rig_.submit(3, read(3 * kApart));
  EXPECT_EQ(rig_.async_runs_asked(), 1);
}

TEST_F(AnticipationHistory, ATaskThatIsWaitedForInVainMayHaveHadItsLastRead) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  EXPECT_EQ(estimates().exit_prob, 32) << "256 / 8";
  EXPECT_EQ(estimates().exit_no_coop, 0) << "it has not ended";
}

TEST_F(AnticipationHistory, OneThatHasReadTwiceSaysNothingOfThat) {
  read_along(1, 2, 0);
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  EXPECT_EQ(estimates().exit_prob, 0);
}

TEST_F(AnticipationHistory, ASecondReadMakesItLessLikely) {
  rig_.submit(1, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  ASSERT_EQ(estimates().exit_prob, 32);
  rig_.submit(1, read(kApart + 8));
  EXPECT_EQ(estimates().exit_prob, 28);
}

TEST_F(AnticipationHistory, AnEndedTaskThatIsWaitedForInVainHadNoSuccessor) {
  read_and_end(10, kApart);
  ASSERT_TRUE(waits());
  EXPECT_EQ(estimates().exit_prob, 32) << "it ended with its first read";
  rig_.wait_ticks(7);
  EXPECT_EQ(estimates().exit_no_coop, 32);
  EXPECT_EQ(estimates().exit_prob, 60) << "(7 * 32 + 256) / 8";
}

TEST_F(AnticipationHistory, AnEndedTaskThatHadReadTwiceDidNotEndWithItsFirst) {
  read_along(10, 1, 0);
  read_and_end(10, 10 * kApart + 8);
  ASSERT_TRUE(waits());
  EXPECT_EQ(estimates().exit_prob, 0);
}

TEST_F(AnticipationHistory, ACloseReadAfterItsEndIsASuccessor) {
  read_and_end(10, kApart);
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  ASSERT_EQ(estimates().exit_no_coop, 32);
  ASSERT_EQ(rig_.serve(), "R 200000000+8");
  rig_.wait_ticks(7);
  read_and_end(11, kApart);
  rig_.submit(3, read(kApart + 8));
  ASSERT_EQ(rig_.issue(), "R 100000008+8");
  EXPECT_EQ(estimates().exit_no_coop, 28);
}

TEST_F(AnticipationHistory, ACloseReadWhileItRunsIsNone) {
  read_and_end(10, kApart);
  ASSERT_TRUE(waits());
  rig_.wait_ticks(7);
  ASSERT_EQ(rig_.serve(), "R 200000000+8");
  rig_.wait_ticks(7);
  rig_.submit(11, read(kApart));
  ASSERT_NE(rig_.serve(), "-");
  rig_.submit(3, read(kApart + 8));
  ASSERT_EQ(rig_.issue(), "R 100000008+8");
  EXPECT_EQ(estimates().exit_no_coop, 32);
  EXPECT_EQ(estimates().exit_prob, 52) << "60, lowered as of a second read";
}

TEST_F(AnticipationHistory, ASuccessorOfATasksFirstReadMakesTheEndMoreLikely) {
  read_and_end(10, kApart);
  rig_.submit(3, read(kApart + 8));
  ASSERT_EQ(rig_.issue(), "R 100000008+8");
  EXPECT_EQ(estimates().exit_prob, 28) << "and lowered as of a second read";
}

// Six tasks end one after another, each waited for in vain.
class AnticipationEnds : public AnticipationHistory {
 protected:
  void end_tasks(int count) {
    for (int id = 10; id < 10 + count; ++id) {
      read_and_end(id, kApart * (id % 7));
      rig_.submit(1, write(kApart * (id % 7) + 50'000'000));
      while (rig_.serve() == "-") {
        rig_.wait_ticks(1);
      }
      rig_.wait_ticks(1);
    }
  }
};

TEST_F(AnticipationEnds, AreNotWaitedForWhenMostHaveNoSuccessor) {
  end_tasks(6);
  ASSERT_GT(estimates().exit_no_coop, 128);
  ASSERT_LT(estimates().exit_no_coop, 160);
  // One that has read twice, so that only its end counts.
  read_along(40, 1, 0);
  read_and_end(40, 40 * kApart + 8);
  EXPECT_FALSE(waits());
}

TEST_F(AnticipationEnds, AreWaitedForBeforeThat) {
  end_tasks(5);
  ASSERT_GT(estimates().exit_no_coop, 100);
  ASSERT_LE(estimates().exit_no_coop, 128);
  read_along(40, 1, 0);
  read_and_end(40, 40 * kApart + 8);
  EXPECT_TRUE(waits());
}

TEST_F(AnticipationEnds, KeepNewTasksFromBeingWaitedForWhenBothAreLikely) {
  end_tasks(30);
  ASSERT_GT(estimates().exit_prob * estimates().exit_no_coop, 128 * 256);
  rig_.submit(50, read(5 * kApart + 777));
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_FALSE(waits());
}

TEST_F(AnticipationEnds, DoNotWhereTheProductIsLess) {
  end_tasks(5);
  ASSERT_LT(estimates().exit_prob * estimates().exit_no_coop, 128 * 256);
  ASSERT_GT(estimates().exit_prob * estimates().exit_no_coop, 64 * 256);
  rig_.submit(50, read(5 * kApart + 777));
  ASSERT_NE(rig_.serve(), "-");
  EXPECT_TRUE(waits());
}

// Close: the kernel shifts by the milliseconds that have been waited, and compares them with
// antic_expire in jiffies.

struct CloseRead {
  int hz;
  int antic_expire;  // ms
  int ticks;         // of waiting
  std::int64_t sectors;
  bool breaks;
};

TEST(AnticipationClose, GrowsByTheMillisecondAndHasNoEndAfterAnticExpireOrTwenty) {
  constexpr std::int64_t kAnywhere = 100'000'000'000;
  for (const CloseRead& read_of : {CloseRead{250, 40, 2, 8192 << 8, true},
                                   {250, 40, 2, (8192 << 8) + 1, false},
                                   {250, 40, 3, kAnywhere, true},   // 12 ms, 10 jiffies
                                   {250, 32, 2, kAnywhere, false},  // 8 ms, 8 jiffies
                                   {1000, 40, 13, kAnywhere, false},
                                   {1000, 40, 20, kAnywhere, false},
                                   {1000, 40, 21, kAnywhere, true}}) {
    SingleQueueRig rig{{.elevator = "anticipatory",
                        .generation = ElevatorGeneration::kV2_6_18,
                        .tunables = {{"antic_expire", read_of.antic_expire}},
                        .hz = read_of.hz}};
    rig.submit(1, read(kApart));
    ASSERT_NE(rig.serve(), "-");
    rig.submit(2, write(3 * kApart));
    ASSERT_EQ(rig.issue(), "-");
    rig.wait_ticks(read_of.ticks);
    rig.submit(3, read(kApart + 8 + read_of.sectors));
    EXPECT_EQ(rig.issue() != "-", read_of.breaks)
        << read_of.ticks << " ticks of " << read_of.hz << " Hz, " << read_of.sectors;
  }
}

}  // namespace
}  // namespace wbsim::block
