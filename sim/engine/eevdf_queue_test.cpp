#include "sim/engine/eevdf_queue.hpp"

#include <gtest/gtest.h>

#include "sim/engine/cpu.hpp"

namespace wbsim::engine {
namespace {

// Threads `a`, `b` and `heavy`, the last of weight 88761, in a queue of one CPU.
class Eevdf : public ::testing::Test {
 protected:
  explicit Eevdf(bool delays = true) : queue_{1, milliseconds(4), delays} {}

  void wake(FairEntity& entity) { queue_.join(entity, Joins::kWakesUp); }
  // `a` runs for so long while `b` waits.
  void run_a_beside_b(std::int64_t us) {
    wake(a_);
    wake(b_);
    ASSERT_EQ(queue_.pick(), &a_);
    queue_.charge(microseconds(us));
  }

 private:
  Simulator simulator_;
  Machine machine_{simulator_, 1, Jiffies{250, 0, {}}, CpuCosts{}};
  Thread thread_{machine_, "any", 1};

 protected:
  FairEntity a_{thread_, 1024};
  FairEntity b_{thread_, 1024};
  FairEntity heavy_{thread_, 88761};
  EevdfQueue queue_;
};

class Eevdf6_6 : public Eevdf {
 protected:
  Eevdf6_6() : Eevdf{false} {}
};

TEST_F(Eevdf, OfThoseThatAreOwedTimeTheEarliestDeadlineGoesFirst) {
  wake(a_);
  wake(b_);
  wake(heavy_);
  EXPECT_EQ(queue_.pick(), &heavy_) << "its slice of virtual time is the shortest";
  queue_.charge(milliseconds(3));
  queue_.put_current(Leaves::kStaysRunnable);
  EXPECT_EQ(queue_.pick(), &a_) << "the other is owed nothing any more";
}

TEST_F(Eevdf, WhoBeginsHasHalfASlice) {
  queue_.join(a_, Joins::kBegins);
  EXPECT_EQ(a_.deadline, microseconds(350));
  queue_.join(b_, Joins::kRested);
  EXPECT_EQ(b_.deadline, microseconds(700));
}

TEST_F(Eevdf, ATurnEndsAtItsDeadline) {
  run_a_beside_b(699);
  EXPECT_FALSE(queue_.charge(nanoseconds(999)));
  EXPECT_TRUE(queue_.charge(nanoseconds(1)));
  EXPECT_EQ(a_.deadline, microseconds(1400));
}

TEST_F(Eevdf, ATurnDoesNotEndWhereNobodyWaits) {
  wake(a_);
  ASSERT_EQ(queue_.pick(), &a_);
  EXPECT_FALSE(queue_.charge(microseconds(800)));
  EXPECT_EQ(a_.deadline, microseconds(1500));
}

TEST_F(Eevdf6_6, HasLongerSlices) {
  wake(a_);
  EXPECT_EQ(a_.deadline, microseconds(750));
}

TEST(EevdfSlices, GrowWithTheCpus) {
  Simulator simulator;
  Machine machine{simulator, 1, Jiffies{250, 0, {}}, CpuCosts{}};
  Thread thread{machine, "any", 1};
  FairEntity entity{thread, 1024};
  EevdfQueue queue{4, milliseconds(4), true};
  queue.join(entity, Joins::kWakesUp);
  EXPECT_EQ(entity.deadline, microseconds(2100));
}

TEST_F(Eevdf, NobodyPreemptsWhoIsOwedTimeBeforeItsDeadline) {
  wake(a_);
  ASSERT_EQ(queue_.pick(), &a_);
  queue_.charge(microseconds(300));
  wake(heavy_);
  ASSERT_LT(heavy_.deadline, a_.deadline);
  EXPECT_FALSE(queue_.preempts(heavy_));
}

TEST_F(Eevdf, WhoWakesUpPreemptsAfterIt) {
  wake(a_);
  ASSERT_EQ(queue_.pick(), &a_);
  queue_.charge(microseconds(700));
  wake(b_);
  EXPECT_TRUE(queue_.preempts(b_));
}

TEST_F(Eevdf, WhoWakesUpPreemptsWhoIsOwedNothing) {
  run_a_beside_b(100);
  wake(heavy_);
  EXPECT_TRUE(queue_.preempts(heavy_));
  EXPECT_FALSE(queue_.preempts(b_)) << "others come first";
}

TEST_F(Eevdf, WithoutGuardATurnEndsWhenNothingIsOwedAnyMore) {
  wake(a_);
  ASSERT_EQ(queue_.pick(), &a_);
  queue_.charge(microseconds(700));
  wake(b_);
  EXPECT_TRUE(queue_.charge(microseconds(1)));
}

TEST_F(Eevdf6_6, WithoutGuardATurnGoesOnToItsDeadline) {
  wake(a_);
  ASSERT_EQ(queue_.pick(), &a_);
  queue_.charge(microseconds(750));
  wake(b_);
  EXPECT_FALSE(queue_.charge(microseconds(1)));
}

TEST_F(Eevdf6_6, WhoComesBackOwesWhatItOwed) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kSleeps);
  EXPECT_EQ(a_.lag, microseconds(-300));
  ASSERT_EQ(queue_.pick(), &b_);
  queue_.charge(microseconds(600));
  wake(a_);
  EXPECT_EQ(a_.vruntime, microseconds(1200)) << "300 us above the mean of both";
}

TEST_F(Eevdf6_6, DebtsAreForgottenWhereNobodyElseRuns) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kSleeps);
  ASSERT_EQ(queue_.pick(), &b_);
  queue_.charge(microseconds(600));
  queue_.put_current(Leaves::kSleeps);
  wake(a_);
  EXPECT_EQ(a_.vruntime, microseconds(600)) << "where the queue was left";
}

TEST_F(Eevdf6_6, DebtsAreLimited) {
  run_a_beside_b(20'000);
  queue_.put_current(Leaves::kSleeps);
  EXPECT_EQ(a_.lag, milliseconds(-4));
}

TEST_F(Eevdf, WhoSleepsInDebtStaysUntilItIsOwedTime) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kSleeps);
  EXPECT_EQ(queue_.size(), 2U);
  ASSERT_EQ(queue_.pick(), &b_);
  queue_.charge(microseconds(700));
  queue_.put_current(Leaves::kStaysRunnable);
  EXPECT_EQ(queue_.pick(), &b_) << "it is the turn of the other, which leaves";
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_EQ(a_.lag, SimDuration{});
}

TEST_F(Eevdf, WhoWakesUpInDebtGoesOnAsItWas) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kSleeps);
  ASSERT_EQ(queue_.pick(), &b_);
  wake(a_);
  EXPECT_EQ(a_.vruntime, microseconds(600));
  EXPECT_EQ(a_.deadline, microseconds(700));
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(Eevdf, WhoWakesUpWithoutDebtBeginsAgain) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kSleeps);
  ASSERT_EQ(queue_.pick(), &b_);
  queue_.charge(microseconds(690));
  wake(a_);
  EXPECT_EQ(a_.deadline, a_.vruntime + microseconds(700));
}

TEST_F(Eevdf, WhoEndsLeavesAtOnce) {
  run_a_beside_b(600);
  queue_.put_current(Leaves::kExits);
  EXPECT_EQ(queue_.size(), 1U);
}

}  // namespace
}  // namespace wbsim::engine
