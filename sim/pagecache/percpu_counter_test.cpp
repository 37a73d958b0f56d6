#include "sim/pagecache/percpu_counter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "sim/base/rng.hpp"
#include "sim/pagecache/errseq.hpp"
#include "sim/pagecache/proportions.hpp"
#include "sim/pagecache/vm_stat.hpp"

namespace wbsim::pagecache {
namespace {

TEST(PercpuCounter, ClosedFormEqualsStepsOfOne) {
  Rng rng = Rng::stream(1, "percpu counter test");
  for (const std::int64_t batch : {1, 2, 8, 33, 126}) {
    constexpr int kCpus = 3;
    PercpuCounter counter{kCpus, batch};
    std::array<std::int64_t, kCpus> local{};
    std::int64_t shared = 0;
    std::int64_t exact = 0;
    for (int i = 0; i < 4000; ++i) {
      const auto cpu = rng.uniform(kCpus);
      const std::int64_t n = static_cast<std::int64_t>(rng.uniform(400)) - 200;
      counter.add(static_cast<int>(cpu), n);
      for (std::int64_t step = 0; step < (n < 0 ? -n : n); ++step) {
        local[cpu] += n < 0 ? -1 : 1;
        if (local[cpu] >= batch || local[cpu] <= -batch) {
          shared += local[cpu];
          local[cpu] = 0;
        }
      }
      exact += n;
      ASSERT_EQ(counter.read(), shared) << batch;
      ASSERT_EQ(counter.sum(), exact) << batch;
      ASSERT_EQ(counter.read_positive(), shared > 0 ? shared : 0);
      ASSERT_LT(exact - shared, kCpus * batch);
    }
  }
}

TEST(PercpuCounter, OneBigStepFoldsWhole) {
  PercpuCounter counter{1, 8};
  counter.add_once(0, 7);
  EXPECT_EQ(counter.read(), 0);
  counter.add_once(0, 30);
  EXPECT_EQ(counter.read(), 37);
  counter.add_once(0, -36);
  EXPECT_EQ(counter.read(), 1);
}

TEST(PercpuCounter, SetDropsThePartsOfAllCpus) {
  PercpuCounter counter{2, 8};
  counter.add(0, 5);
  counter.add(1, 7);
  counter.set(0);
  EXPECT_EQ(counter.sum(), 0);
  counter.add(1, 1);  // 7 + 1 would have folded
  EXPECT_EQ(counter.read(), 0);
}

TEST(PercpuCounter, NodeCountersFoldWhenTheyExceedTheirThreshold) {
  EXPECT_EQ(vm_stat_threshold(1, 1 << 18), 2 * 1 * (1 + 4));
  EXPECT_EQ(vm_stat_threshold(4, 2 << 18), 2 * 3 * (1 + 5));
  EXPECT_EQ(vm_stat_threshold(1024, std::int64_t{1} << 40), 125);
  VmStat stat{1, Pages{1 << 18}};
  stat.nr_file_dirty.add(0, 10);
  EXPECT_EQ(VmStat::read(stat.nr_file_dirty), Pages{0});
  stat.nr_file_dirty.add(0, 1);
  EXPECT_EQ(VmStat::read(stat.nr_file_dirty), Pages{11});
}

TEST(VmStat, DirtyableIsFreeBeyondTheReservePlusFilePages) {
  VmStat stat{1, Pages{1 << 18}};
  stat.nr_free = Pages{1000};
  stat.totalreserve = Pages{300};
  stat.nr_inactive_file = Pages{20};
  stat.nr_active_file = Pages{4};
  EXPECT_EQ(stat.dirtyable(), Pages{700 + 24 + 1});
  stat.nr_free = Pages{200};
  EXPECT_EQ(stat.dirtyable(), Pages{24 + 1});
}

void expect_fraction(const Fraction& fraction, std::int64_t numerator, std::int64_t denominator) {
  EXPECT_EQ(fraction.numerator, numerator);
  EXPECT_EQ(fraction.denominator, denominator);
}

TEST(Proportions, CountsFoldInBatchesAndTheGlobalOneStartsAtOne) {
  GlobalProportion global{1};
  LocalProportion a{1};
  LocalProportion b{1};
  expect_fraction(a.fraction(global), 0, 1);
  a.add(global, 0, 7, 100);
  expect_fraction(a.fraction(global), 0, 1);  // the local batch is 8
  a.add(global, 0, 17, 100);
  expect_fraction(a.fraction(global), 24, 24);  // the global one is 32: never above 1
  b.add(global, 0, 72, 100);
  expect_fraction(a.fraction(global), 24, 97);
  expect_fraction(b.fraction(global), 72, 97);
}

TEST(Proportions, EachPeriodHalvesAllCountsLocalOnesWhenNextUsed) {
  GlobalProportion global{1};
  LocalProportion a{1};
  LocalProportion b{1};
  a.add(global, 0, 640, 100);
  b.add(global, 0, 1280, 100);
  EXPECT_TRUE(global.new_period(1));
  expect_fraction(a.fraction(global), 320, 960);
  EXPECT_TRUE(global.new_period(3));
  expect_fraction(a.fraction(global), 40, 120);
  expect_fraction(b.fraction(global), 80, 120);  // four periods at once
}

TEST(Proportions, WhoPeeksSeesTheShareAndBringsNothingUpToDate) {
  GlobalProportion global{2};
  LocalProportion a{2};
  a.add(global, 0, 6, 100);  // less than a batch: halved where it is, not folded
  LocalProportion b{2};
  b.add(global, 1, 64, 100);
  EXPECT_TRUE(global.new_period(1));
  EXPECT_TRUE(global.new_period(1));
  const LocalProportion before = a;
  LocalProportion looked_at = before;
  const Fraction seen = a.peek(global);
  const Fraction real = looked_at.fraction(global);
  expect_fraction(seen, real.numerator, real.denominator);
  EXPECT_TRUE(global.new_period(1));
  LocalProportion never_looked_at = before;
  const Fraction later = never_looked_at.fraction(global);
  expect_fraction(a.fraction(global), later.numerator, later.denominator);
}

TEST(Proportions, AgingEndsWhenHardlyAnEventIsLeft) {
  GlobalProportion global{1};
  LocalProportion a{1};
  EXPECT_FALSE(global.new_period(1));
  a.add(global, 0, 64, 100);
  EXPECT_TRUE(global.new_period(70));
  expect_fraction(a.fraction(global), 0, 1);
  EXPECT_FALSE(global.new_period(1));
}

TEST(Proportions, AgedAwayCountsLeaveNothingOnOtherCpus) {
  GlobalProportion global{2};
  LocalProportion a{2};
  a.add(global, 1, 15, 100);  // just below the batch of 16
  EXPECT_TRUE(global.new_period(64));
  expect_fraction(a.fraction(global), 0, 1);
  a.add(global, 1, 15, 100);
  EXPECT_EQ(a.fraction(global).numerator, 0);
}

TEST(Proportions, ADeviceAboveItsMaximumRecordsNothing) {
  GlobalProportion global{1};
  LocalProportion big{1};
  LocalProportion small{1};
  big.add(global, 0, 8000, 100);
  small.add(global, 0, 4000, 10);
  const Fraction share = small.fraction(global);
  // 10 % is 102/1024; counting goes on until the folded share lies above it.
  EXPECT_GT(share.numerator * 1024, share.denominator * 102);
  EXPECT_LT(share.numerator, 8000 / 9 + 64);
}

TEST(ErrSeq, EachOpenFileIsToldOnce) {
  ErrSeq error;
  std::uint64_t a = error.sample();
  std::uint64_t b = error.sample();
  EXPECT_EQ(error.check_and_advance(&a), 0);
  error.set(-5);
  EXPECT_EQ(error.check_and_advance(&a), -5);
  EXPECT_EQ(error.check_and_advance(&a), 0);
  EXPECT_EQ(error.check_and_advance(&b), -5);
  EXPECT_EQ(error.check_and_advance(&b), 0);
  error.set(-28);
  EXPECT_EQ(error.check_and_advance(&a), -28);
}

TEST(ErrSeq, BeforeV413TheFirstThatAsksIsToldAndNobodyElse) {
  ErrSeq error;
  error.tell_first_only();
  std::uint64_t a = error.sample();
  std::uint64_t b = error.sample();
  EXPECT_EQ(error.check_and_advance(&a), 0);
  error.set(-5);
  EXPECT_EQ(error.check_and_advance(&b), -5);
  EXPECT_EQ(error.check_and_advance(&a), 0);
  error.set(-5);
  EXPECT_EQ(error.take_flag(), -5);
  EXPECT_EQ(error.take_flag(), 0);
  EXPECT_EQ(error.check_and_advance(&a), 0) << "who waited took it away";
}

TEST(ErrSeq, IsNotTakenAwayByWhoWaits) {
  ErrSeq error;
  std::uint64_t since = error.sample();
  error.set(-5);
  EXPECT_EQ(error.take_flag(), 0);
  EXPECT_EQ(error.check_and_advance(&since), -5);
}

TEST(ErrSeq, AFileOpenedLaterIsToldOnlyOfWhatNobodySaw) {
  ErrSeq error;
  error.set(-5);
  std::uint64_t first = error.sample();
  EXPECT_EQ(error.check_and_advance(&first), -5);
  std::uint64_t second = error.sample();
  EXPECT_EQ(error.check_and_advance(&second), 0);
}

}  // namespace
}  // namespace wbsim::pagecache
