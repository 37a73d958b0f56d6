// Slices and places of queues in a group of cfq (v3.6), and whose turn it is. A jiffy is a
// millisecond.
#include "sim/block/elevators/cfq/cfq_group.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kHz = 1000;

class CfqGroupTest : public ::testing::Test {
 protected:
  explicit CfqGroupTest(TunableValues values = {}) : values_{std::move(values)} {}

  CfqQueue& queue(int level = kCfqNormalLevel, bool sync = true,
                  IoClass io_class = IoClass::kBestEffort) {
    CfqQueue& made = *queues_.emplace_back(std::make_unique<CfqQueue>(sync));
    made.level = level;
    made.io_class = io_class;
    return made;
  }
  // Busy, due at `key`.
  CfqQueue& add(std::int64_t key, CfqWorkload workload = CfqWorkload::kSync,
                IoClass io_class = IoClass::kBestEffort) {
    CfqQueue& made = queue(kCfqNormalLevel, workload != CfqWorkload::kAsync, io_class);
    made.idle_window = workload == CfqWorkload::kSync;
    group_.tree_for(made).put(made, key);
    return made;
  }
  void add_many(int count) {
    for (int i = 0; i < count; ++i) {
      add(i);
    }
  }
  ~CfqGroupTest() override {
    for (const auto& queue : queues_) {
      if (queue->tree != nullptr) {
        ServiceTree::remove(*queue);
      }
    }
  }

  TunableValues values_;
  QueueRig owner_{RigOptions{.hz = kHz}};
  CfqTunables tunables_{ElevatorContext{
      .machine = owner_.machine, .generation = ElevatorGeneration::kV3_6, .tunables = values_}};
  CfqGroup group_{tunables_, 0};
  CfqTurn turn_{tunables_, group_};
  std::vector<std::unique_ptr<CfqQueue>> queues_;
};

// Slices.

TEST_F(CfqGroupTest, ASliceIsWholeWhereAllHaveATurnInTime) {
  add(0);
  EXPECT_EQ(group_.scaled_slice(queue(0)), 180);
  EXPECT_EQ(group_.busy_average(CfqClass::kBestEffort), 1) << "(3 * 1 + 0 + 2) / 4";
}

TEST_F(CfqGroupTest, ASliceIsCutSoThatAllHave) {
  add_many(6);
  EXPECT_EQ(group_.scaled_slice(queue()), 60) << "average (3 * 6 + 0 + 2) / 4 = 5";
  EXPECT_EQ(group_.scaled_slice(queue()), 50) << "(3 * 6 + 5 + 2) / 4 = 6";
  EXPECT_EQ(group_.scaled_slice(queue(0)), 90) << "in proportion, of 180";
}

TEST_F(CfqGroupTest, TheAverageNumberOfQueuesFallsSlowly) {
  add_many(6);
  static_cast<void>(group_.scaled_slice(queue()));
  ASSERT_EQ(group_.scaled_slice(queue()), 50);
  for (std::size_t i = 1; i < 6; ++i) {
    ServiceTree::remove(*queues_[i]);
  }
  ASSERT_EQ(group_.busy(CfqClass::kBestEffort), 1);
  EXPECT_EQ(group_.scaled_slice(queue()), 60) << "(3 * 6 + 1 + 2) / 4 = 5";
}

TEST_F(CfqGroupTest, QueuesOfAnotherClassDoNotCutASlice) {
  add_many(6);
  EXPECT_EQ(group_.scaled_slice(queue(4, true, IoClass::kRealTime)), 100);
}

TEST_F(CfqGroupTest, ASliceIsNotCutBelowTwoWaitsScaledByPriority) {
  add_many(40);
  EXPECT_EQ(group_.scaled_slice(queue(4)), 16) << "100 * 300 / 3000 would be 10";
  EXPECT_EQ(group_.scaled_slice(queue(7)), 6) << "2 * 8 * 40 / 100";
}

class CfqGroupLongWait : public CfqGroupTest {
 protected:
  CfqGroupLongWait() : CfqGroupTest{{{"slice_idle", 200}}} {}
};
TEST_F(CfqGroupLongWait, TheLimitIsNotAboveTheWholeSlice) {
  add_many(40);
  EXPECT_EQ(group_.scaled_slice(queue()), 100);
}

class CfqGroupThroughput : public CfqGroupTest {
 protected:
  CfqGroupThroughput() : CfqGroupTest{{{"low_latency", 0}}} {}
};
TEST_F(CfqGroupThroughput, SlicesAreWholeWithoutLowLatency) {
  add_many(40);
  EXPECT_EQ(group_.scaled_slice(queue()), 100);
}

// Places.

TEST_F(CfqGroupTest, WhoHasAShortSliceWaitsLongerTheMoreQueuesThereAre) {
  CfqQueue& normal = queue();
  group_.queues = 1;
  EXPECT_EQ(group_.service_key(normal, 5000, kHz), 5000);
  group_.queues = 3;
  EXPECT_EQ(group_.service_key(normal, 5000, kHz), 5160) << "2 * (180 - 100)";
  EXPECT_EQ(group_.service_key(queue(0), 5000, kHz), 5000);
  EXPECT_EQ(group_.service_key(queue(4, false), 5000, kHz), 5280) << "2 * (180 - 40)";
}

TEST_F(CfqGroupTest, WhatWasLeftOrOverrunCountsOnce) {
  group_.queues = 1;
  CfqQueue& one = queue();
  one.slice.residual = 30;
  EXPECT_EQ(group_.service_key(one, 5000, kHz), 4970);
  EXPECT_EQ(group_.service_key(one, 5000, kHz), 5000);
  one.slice.residual = -30;
  EXPECT_EQ(group_.service_key(one, 5000, kHz), 5030);
}

TEST_F(CfqGroupTest, IdleQueuesFormALine) {
  CfqQueue& first = queue(7, true, IoClass::kIdle);
  EXPECT_EQ(group_.service_key(first, 5000, kHz), 5200);
  group_.tree_for(first).put(first, 5200);
  EXPECT_EQ(group_.service_key(first, 5010, kHz), 5210) << "not behind itself";
  CfqQueue& second = queue(7, true, IoClass::kIdle);
  EXPECT_EQ(group_.service_key(second, 5001, kHz), 5400);
}

TEST_F(CfqGroupTest, WhoPreemptsComesASecondBeforeTheFirst) {
  CfqQueue& newcomer = queue();
  EXPECT_EQ(group_.front_key(newcomer, 5000, kHz), 4000);
  add(4500);
  EXPECT_EQ(group_.front_key(newcomer, 5000, kHz), 3500);
}

// Turns. What save() remembers at once is how long a turn lasts.

class CfqTurnTest : public CfqGroupTest {
 protected:
  std::int64_t chosen_slice(std::int64_t busy_queues) {
    turn_.choose(0, busy_queues);
    turn_.save(0);
    return group_.saved.slice;
  }
};

TEST_F(CfqTurnTest, RealTimeThenBestEffortThenIdle) {
  CfqQueue& idle = add(0, CfqWorkload::kSync, IoClass::kIdle);
  turn_.choose(0, 1);
  EXPECT_EQ(turn_.tree().first(), &idle);
  CfqQueue& best_effort = add(100);
  turn_.choose(0, 2);
  EXPECT_EQ(turn_.tree().first(), &best_effort);
  CfqQueue& real_time = add(200, CfqWorkload::kSync, IoClass::kRealTime);
  turn_.choose(0, 3);
  EXPECT_EQ(turn_.tree().first(), &real_time);
}

TEST_F(CfqTurnTest, TheIdleClassHasAJiffy) {
  add(0, CfqWorkload::kSync, IoClass::kIdle);
  EXPECT_EQ(chosen_slice(1), 1);
}

TEST_F(CfqTurnTest, TheWorkloadThatIsDueFirst) {
  add(50, CfqWorkload::kSync);
  add(40, CfqWorkload::kSyncNoIdle);
  add(60, CfqWorkload::kAsync);
  turn_.choose(0, 3);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSyncNoIdle);
}

TEST_F(CfqTurnTest, OfWorkloadsDueAtATimeTheAsynchronousOne) {
  add(50, CfqWorkload::kSync);
  add(50, CfqWorkload::kSyncNoIdle);
  add(50, CfqWorkload::kAsync);
  turn_.choose(0, 3);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kAsync);
}

TEST_F(CfqTurnTest, GoesOnWithTheRestUntilThatIsUsed) {
  add(50, CfqWorkload::kSync);
  add(60, CfqWorkload::kSyncNoIdle);
  ASSERT_EQ(chosen_slice(2), 150) << "300 * 1 / 2";
  add(40, CfqWorkload::kSyncNoIdle);
  turn_.choose(100, 3);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSync);
  turn_.save(249);
  EXPECT_EQ(group_.saved.slice, 1) << "100 + 150 - 249";
  turn_.save(251);
  EXPECT_EQ(group_.saved.slice, 0) << "overrun, which is not made up for";
  turn_.choose(251, 3);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSyncNoIdle) << "due first";
}

TEST_F(CfqTurnTest, EndsWithItsLastQueue) {
  CfqQueue& only = add(50, CfqWorkload::kSync);
  add(60, CfqWorkload::kSyncNoIdle);
  chosen_slice(2);
  ServiceTree::remove(only);
  turn_.choose(1, 1);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSyncNoIdle);
}

TEST_F(CfqTurnTest, WhatWasKeptIsForItsClassAndWorkload) {
  add(50, CfqWorkload::kSync);
  add(60, CfqWorkload::kSyncNoIdle);
  chosen_slice(2);
  CfqQueue& real_time = add(0, CfqWorkload::kSyncNoIdle, IoClass::kRealTime);
  turn_.choose(1, 3);
  ASSERT_EQ(turn_.tree().first(), &real_time);
  // Real time is gone; what best effort had left is gone on with.
  ServiceTree::remove(real_time);
  group_.saved = {.slice = 10, .io_class = CfqClass::kBestEffort, .workload = CfqWorkload::kSync};
  add(40, CfqWorkload::kSyncNoIdle);
  turn_.choose(2, 3);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSync);
  turn_.save(2);
  EXPECT_EQ(group_.saved.slice, 10);
}

TEST_F(CfqTurnTest, AnotherClassHasATurnOfItsOwn) {
  add(50, CfqWorkload::kSync);
  chosen_slice(1);
  add(0, CfqWorkload::kSync, IoClass::kRealTime);
  add(0, CfqWorkload::kSyncNoIdle, IoClass::kRealTime);
  turn_.choose(1, 3);
  turn_.save(1);
  EXPECT_EQ(group_.saved.slice, 150) << "not what best effort has left";
  EXPECT_EQ(group_.saved.io_class, CfqClass::kRealTime);
  EXPECT_EQ(group_.saved.workload, CfqWorkload::kSyncNoIdle);
}

TEST_F(CfqTurnTest, ASynchronousOneHasThePartOfItsQueues) {
  add(1, CfqWorkload::kSync);
  add(2, CfqWorkload::kSync);
  add(3, CfqWorkload::kSyncNoIdle);
  EXPECT_EQ(chosen_slice(3), 200) << "300 * 2 / 3";
}

TEST_F(CfqTurnTest, AmongThoseThatWereThereLately) {
  add_many(6);
  static_cast<void>(group_.scaled_slice(*queues_[0]));
  ASSERT_EQ(group_.busy_average(CfqClass::kBestEffort), 5);
  for (std::size_t i = 2; i < 6; ++i) {
    ServiceTree::remove(*queues_[i]);
  }
  EXPECT_EQ(chosen_slice(2), 120) << "300 * 2 / 5";
}

TEST_F(CfqTurnTest, ASynchronousOneLastsTwoWaitsAtLeast) {
  add(1, CfqWorkload::kSyncNoIdle);
  for (int i = 0; i < 39; ++i) {
    add(2, CfqWorkload::kSync);
  }
  EXPECT_EQ(chosen_slice(40), 16) << "300 * 1 / 40 would be 7";
}

TEST_F(CfqTurnTest, AnAsynchronousOneIsCutByItsPartOfAllAndAsItsSlicesAre) {
  add(1, CfqWorkload::kAsync);
  add(2, CfqWorkload::kSync);
  EXPECT_EQ(chosen_slice(2), 60) << "300 * 1 / 2 * 40 / 100";
  group_.saved.slice = 0;
  EXPECT_EQ(chosen_slice(10), 12) << "300 * 1 / 10 of all * 40 / 100";
}

TEST_F(CfqTurnTest, AnAsynchronousOneLastsTwoJiffiesAtLeast) {
  add(1, CfqWorkload::kAsync);
  add(2, CfqWorkload::kSync);
  EXPECT_EQ(chosen_slice(100), 2) << "300 / 100 * 40 / 100 would be 1";
}

TEST_F(CfqTurnTest, IsOverWhereNothingWasKept) {
  add(50, CfqWorkload::kSync);
  chosen_slice(1);
  add(40, CfqWorkload::kSyncNoIdle);
  group_.saved.slice = 0;
  turn_.choose(1, 2);
  EXPECT_EQ(turn_.workload(), CfqWorkload::kSyncNoIdle);
}

}  // namespace
}  // namespace wbsim::block
