// anticipatory: when it waits for the next read of the task that read last. The rig's tick is 1 ms,
// so antic_expire is 6 ticks.
#include "sim/block/elevators/anticipatory/anticipation.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/anticipatory/anticipatory.hpp"
#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {
namespace {

constexpr std::int64_t kFar = 100'000'000;  // sectors: where the n-th task works

class AnticipationTest : public ::testing::Test {
 protected:
  [[nodiscard]] const Anticipation& anticipation() {
    return static_cast<Anticipatory&>(rig_.elevator()).anticipation();
  }
  [[nodiscard]] Anticipation::State state() { return anticipation().state(); }
  // Task `id` reads `count` blocks, thinking for `ticks` in between.
  void read_along(int id, int count, int ticks, std::int64_t gap = 8) {
    for (int i = 0; i < count; ++i) {
      rig_.submit(id, read(id * kFar + i * gap));
      while (rig_.serve() == "-") {
        rig_.wait_ticks(1);
      }
      rig_.wait_ticks(ticks);
    }
  }

  SingleQueueRig rig_{
      {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
};
using State = Anticipation::State;

TEST_F(AnticipationTest, WaitsForAnticExpireFromTheEndOfTheRead) {
  rig_.submit(1, read(kFar));
  rig_.submit(2, read(2 * kFar));
  ASSERT_EQ(rig_.issue(), "R 100000000+8");
  EXPECT_EQ(rig_.issue(), "-");
  EXPECT_EQ(state(), State::kWaitReq) << "the read is still in the device";
  rig_.wait_ticks(50);
  EXPECT_EQ(state(), State::kWaitReq) << "for however long";
  rig_.complete_all();
  EXPECT_EQ(state(), State::kWaitNext);
  rig_.async_runs_asked();
  rig_.wait(microseconds(5999));
  EXPECT_EQ(rig_.issue(), "-");
  EXPECT_EQ(rig_.async_runs_asked(), 0);
  rig_.wait(microseconds(1));
  EXPECT_EQ(state(), State::kFinished);
  EXPECT_EQ(rig_.async_runs_asked(), 1);
  EXPECT_EQ(rig_.issue(), "R 200000000+8");
  EXPECT_EQ(state(), State::kOff);
}

TEST_F(AnticipationTest, StartsFromTheEndOfAReadThatHasEndedBefore) {
  rig_.submit(1, read(kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  rig_.wait_ticks(4);
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "-");
  EXPECT_EQ(state(), State::kWaitNext);
  rig_.wait(microseconds(1900));
  EXPECT_EQ(rig_.issue(), "R 200000000+8") << "6 ticks after the end";
}

TEST_F(AnticipationTest, IsOverWhenTheTimeWasUpBeforeAnythingCame) {
  rig_.submit(1, read(kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  rig_.wait_ticks(6);
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "R 200000000+8");
}

TEST_F(AnticipationTest, EndsWithARequestOfTheTask) {
  for (const IoStep& step : {read(kFar + 5000), write(kFar + 5000)}) {
    SingleQueueRig rig{
        {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
    rig.submit(1, read(kFar));
    rig.submit(2, read(2 * kFar));
    ASSERT_EQ(rig.serve(), "R 100000000+8");
    ASSERT_EQ(rig.issue(), "-");
    rig.async_runs_asked();
    rig.submit(1, step);
    EXPECT_EQ(rig.async_runs_asked(), 1);
    EXPECT_NE(rig.issue(), "-");
  }
}

TEST_F(AnticipationTest, DoesNotBeginWhileTheTaskHasMoreInTheQueue) {
  rig_.submit(1, read(kFar));
  rig_.submit(1, read(kFar + 50'000'000));
  rig_.submit(2, read(kFar + 20'000'000));
  ASSERT_EQ(rig_.issue(), "R 100000000+8");
  EXPECT_EQ(rig_.issue(), "R 120000000+8") << "in order of sectors";
}

TEST_F(AnticipationTest, DoesNotBeginAfterAnAsynchronousWrite) {
  rig_.submit(1, write(kFar));
  ASSERT_EQ(rig_.serve(), "W 100000000+8");
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "R 200000000+8");
}

TEST_F(AnticipationTest, BeginsAfterASynchronousWrite) {
  rig_.submit(1, sync_write(kFar));
  ASSERT_EQ(rig_.serve(), "W 100000000+8");
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "-");
}

TEST_F(AnticipationTest, IsNotForDirectWrites) {
  rig_.submit(1, direct_write(kFar));
  ASSERT_EQ(rig_.serve(), "W 100000000+8");
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "R 200000000+8");
}

TEST_F(AnticipationTest, EndsWithAnotherTasksReadThatIsClose) {
  for (const auto& [sector, breaks] : {std::pair{kFar + 8 + 8192, true},
                                       {kFar + 8 + 8193, false},
                                       {kFar + 8 - 4096, true},
                                       {kFar + 8 - 4097, false}}) {
    SingleQueueRig rig{
        {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
    rig.submit(1, read(kFar));
    ASSERT_EQ(rig.serve(), "R 100000000+8");
    rig.submit(2, read(sector));
    EXPECT_EQ(rig.issue() != "-", breaks) << sector;
  }
}

TEST_F(AnticipationTest, ButNotWithAWriteThatIs) {
  rig_.submit(1, read(kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  rig_.submit(2, write(kFar + 8));
  EXPECT_EQ(rig_.issue(), "-");
}

TEST_F(AnticipationTest, TakesWhatIsTwiceAsFarForCloseWithEachMillisecondOfWaiting) {
  rig_.submit(1, read(kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  rig_.submit(2, read(2 * kFar));
  ASSERT_EQ(rig_.issue(), "-");
  rig_.wait_ticks(3);
  rig_.submit(3, read(kFar + 8 + (8192 << 3) + 1));
  EXPECT_EQ(rig_.issue(), "-");
  rig_.submit(4, read(kFar + 8 + (8192 << 3)));
  EXPECT_NE(rig_.issue(), "-");
}

TEST_F(AnticipationTest, TakesForCloseWhatIsNearerThanTheTaskSeeks) {
  read_along(1, 8, 1, 200'000);
  rig_.submit(1, read(kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  rig_.submit(2, read(kFar + 150'000));
  EXPECT_EQ(rig_.issue(), "R 100150000+8");
}

TEST_F(AnticipationTest, DoesNotBeginForATaskThatThinksForTooLong) {
  for (const auto& [ticks, waits] : {std::pair{5, true}, {9, false}}) {
    SingleQueueRig rig{
        {.elevator = "anticipatory", .generation = ElevatorGeneration::kV2_6_18, .hz = 1000}};
    for (int i = 0; i < 30; ++i) {
      rig.submit(1, read(kFar + i * 8));
      ASSERT_NE(rig.serve(), "-");
      rig.wait_ticks(ticks);
    }
    rig.submit(1, read(kFar + 240));
    ASSERT_NE(rig.serve(), "-");
    rig.submit(2, read(2 * kFar));
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

TEST_F(AnticipationTest, CountsAThinkingTimeOfUpToTwentyMilliseconds) {
  read_along(1, 20, 1);
  rig_.wait_ticks(1000);  // a pause counts as 19
  rig_.submit(1, read(kFar + 160));
  ASSERT_NE(rig_.serve(), "-");
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "-") << "(7 * 1 + 19) / 8 = 3";
}

TEST_F(AnticipationTest, LearnsWhatNewTasksDo) {
  // Tasks that read twice, 18 ms apart, then end.
  for (int id = 10; id < 60; ++id) {
    rig_.submit(id, read(kFar + id * 8));
    while (rig_.serve() == "-") {
      rig_.wait_ticks(1);
    }
    rig_.wait_ticks(18);
    rig_.submit(id, read(kFar + id * 8));
    while (rig_.serve() == "-") {
      rig_.wait_ticks(1);
    }
    rig_.wait_ticks(20);
  }
  EXPECT_GT(anticipation().estimates().new_think_mean, 6);
  rig_.submit(1, read(5 * kFar));
  ASSERT_EQ(rig_.serve(), "R 500000000+8");
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.issue(), "R 200000000+8");
}

TEST_F(AnticipationTest, LearnsThatTasksEndWithoutASuccessor) {
  int waited = 0;
  for (int id = 10; id < 30; ++id) {
    rig_.submit(id, read(kFar * (id % 7)));
    Request* request = rig_.fetch();
    ASSERT_NE(request, nullptr);
    rig_.task(id).exited = true;
    rig_.complete(*request);
    rig_.submit(1, write(kFar * (id % 7) + 50'000'000));
    while (rig_.serve() == "-") {
      rig_.wait_ticks(1);
      ++waited;
    }
    rig_.wait_ticks(1);
  }
  EXPECT_GT(anticipation().estimates().exit_no_coop, 128);
  EXPECT_GT(anticipation().estimates().exit_prob, 200);
  EXPECT_LE(waited, 6 * 7) << "after six times 1/8 it is taken to be more likely than not";
  EXPECT_GE(waited, 6 * 5);
}

TEST_F(AnticipationTest, LearnsThatAnotherTaskTakesOver) {
  // Each task reads once and ends; the next one goes on where it was.
  for (int id = 10; id < 30; ++id) {
    rig_.submit(id, read(kFar + id * 8));
    Request* request = rig_.fetch();
    ASSERT_NE(request, nullptr);
    rig_.task(id).exited = true;
    rig_.complete(*request);
    if (id == 10) {
      rig_.submit(1, write(3 * kFar));
    }
    ASSERT_EQ(rig_.issue(), "-") << id;
    rig_.wait_ticks(1);
  }
  EXPECT_LT(anticipation().estimates().exit_no_coop, 128);
}

TEST_F(AnticipationTest, WhoIsWaitedForMustHaveARequest) {
  rig_.submit(1, read(kFar));
  EXPECT_EQ(rig_.may_queue(1, read(kFar)), MayQueue::kMay);
  rig_.submit(2, read(2 * kFar));
  ASSERT_EQ(rig_.serve(), "R 100000000+8");
  ASSERT_EQ(rig_.issue(), "-");
  EXPECT_EQ(rig_.may_queue(1, read(kFar)), MayQueue::kMust);
  EXPECT_EQ(rig_.may_queue(2, read(kFar)), MayQueue::kMay);
}

TEST(AnticipationOff, WithAnticExpireZero) {
  SingleQueueRig rig{{.elevator = "anticipatory",
                      .generation = ElevatorGeneration::kV2_6_18,
                      .tunables = {{"antic_expire", 0}},
                      .hz = 1000}};
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.issue(), "R 100000000+8");
  EXPECT_EQ(rig.issue(), "R 200000000+8");
}

}  // namespace
}  // namespace wbsim::block
