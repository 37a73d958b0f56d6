#include "sim/writeback/pdflush.hpp"

#include <gtest/gtest.h>

#include "sim/writeback/old_test_machine.hpp"

namespace wbsim::writeback {
namespace {

using engine::WbReason;
using pagecache::TestTask;

// --- the pool -----------------------------------------------------------------------------------

// A device that is congested keeps the two threads waiting until it is not any more.
OldDevice& keep_both_threads_busy(OldMachine& m) {
  OldDevice& d = m.add_device();
  m.dirty_file(d, 14);
  d.queue.congested = true;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(m.pdflush.start_background(1));
    m.run_for(SimDuration{});
  }
  EXPECT_EQ(m.pdflush.idle_threads(), 0U);
  return d;
}

void end_congestion(OldMachine& m, OldDevice& d) {
  d.queue.congested = false;
  m.congestion.cleared(block::kWriteOrAsync);
  m.run_for(milliseconds(200));  // the last wait of each
}

TEST(PdflushPool, HasTwoThreadsAndFailsWithoutAnIdleOne) {
  OldMachine m;
  EXPECT_EQ(m.pdflush.threads(), 2);
  EXPECT_EQ(m.pdflush.idle_threads(), 2U);
  keep_both_threads_busy(m);
  EXPECT_FALSE(m.pdflush.start_background(1));
}

TEST(PdflushPool, GrowsWhenNobodyWasIdleForMoreThanASecond) {
  for (const SimDuration busy : {milliseconds(800), milliseconds(1100)}) {
    OldMachine m;
    OldDevice& d = keep_both_threads_busy(m);
    m.run_for(busy);
    end_congestion(m, d);
    EXPECT_EQ(m.pdflush.threads(), busy > seconds(1) ? 3 : 2);
    EXPECT_EQ(m.pdflush.idle_threads(), busy > seconds(1) ? 3U : 2U);
  }
}

TEST(PdflushPool, ShrinksWhenOneHasSleptForMoreThanASecond) {
  OldMachine m;
  OldDevice& d = keep_both_threads_busy(m);
  m.run_for(milliseconds(1100));
  end_congestion(m, d);
  ASSERT_EQ(m.pdflush.threads(), 3);
  m.pdflush.start_background(1);
  m.run_for(milliseconds(300));
  EXPECT_EQ(m.pdflush.threads(), 3) << "nobody has slept for a second";
  m.run_for(milliseconds(1200));
  m.pdflush.start_background(1);
  m.run_for(milliseconds(300));
  EXPECT_EQ(m.pdflush.threads(), 2);
  m.run_for(milliseconds(1200));
  m.pdflush.start_background(1);
  m.run_for(milliseconds(300));
  EXPECT_EQ(m.pdflush.threads(), 2) << "the least there are";
}

// --- background writeback -----------------------------------------------------------------------

TEST(PdflushBackground, StopsBelowTheThreshold) {
  OldMachine m;
  OldDevice& d = m.add_device();
  m.dirty_file(d, 15'000);
  m.pdflush.start_background(0);
  m.run_for(seconds(1));
  EXPECT_LT(m.cache.nr_dirty(), Pages{10'000});
  EXPECT_GE(m.cache.nr_dirty(), Pages{10'000 - 1100}) << "one chunk at most";
}

TEST(PdflushBackground, WritesAtLeastWhatItIsAskedFor) {
  OldMachine m;
  OldDevice& d = m.add_device();
  m.dirty_file(d, 5000);
  m.pdflush.wakeup_flushers(WbReason::kVmscan, 1500);
  m.run_for(milliseconds(1));
  EXPECT_EQ(d.file.written.size(), 2072U);  // two chunks of 74 look-ups
}

TEST(PdflushBackground, WakeupForEverythingWritesEverything) {
  OldMachine m;
  OldDevice& d = m.add_device();
  m.dirty_file(d, 5000);
  m.pdflush.wakeup_flushers(WbReason::kSync, pagecache::kAllPages);
  m.run_for(milliseconds(1));
  EXPECT_EQ(d.file.written.size(), 5000U);
}

TEST(PdflushBackground, WaitsForACongestedDeviceAndGivesUpOtherwise) {
  OldMachine m;
  OldDevice& d = m.add_device();
  m.dirty_file(d, 15'000);
  d.queue.congested = true;
  m.pdflush.start_background(0);
  m.run_for(milliseconds(90));
  EXPECT_TRUE(d.file.written.empty());
  EXPECT_EQ(m.pdflush.idle_threads(), 1U) << "it waits";
  d.queue.congested = false;
  m.congestion.cleared(block::kWriteOrAsync);
  m.run_for(SimDuration{});
  EXPECT_FALSE(d.file.written.empty());
  m.run_for(milliseconds(200));
  EXPECT_EQ(m.pdflush.idle_threads(), 2U);
}

// --- old data -----------------------------------------------------------------------------------

// Up for 1001 s: the timer ends 4 s from now, and every 5 s.
TEST(PdflushKupdate, LooksEveryFiveSecondsForWhatIsThirtySecondsOld) {
  OldMachine m;
  OldDevice& d = m.add_device();
  m.dirty_file(d, 10);
  m.run_for(milliseconds(33'900));
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(milliseconds(200));
  EXPECT_EQ(d.file.written.size(), 10U);
  ASSERT_FALSE(m.log.starts.empty());
  EXPECT_EQ(m.log.starts.back().reason, WbReason::kPeriodic);
  EXPECT_TRUE(m.log.starts.back().for_kupdate);
}

TEST(PdflushKupdate, WithoutAThreadItTriesAgainASecondLater) {
  WritebackOptions options = options_of_2_6_18();
  options.vm.dirty_expire_centisecs = 0;
  OldMachine m{options};
  m.run_for(milliseconds(3500));
  OldDevice& busy = keep_both_threads_busy(m);
  m.run_for(milliseconds(600));  // the timer ended at 4 s
  end_congestion(m, busy);
  EXPECT_EQ(m.pdflush.idle_threads(), 2U);
  OldDevice& d = m.add_device();
  m.dirty_file(d, 10);
  m.run_for(milliseconds(600));
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(milliseconds(200));
  EXPECT_EQ(d.file.written.size(), 10U) << "at 5 s";
}

TEST(PdflushKupdate, AnIntervalOfZeroSwitchesItOffAndANewOneOn) {
  WritebackOptions options = options_of_2_6_18();
  options.vm.dirty_writeback_centisecs = 0;
  OldMachine m{options};
  OldDevice& d = m.add_device();
  m.dirty_file(d, 10);
  m.run_for(seconds(60));
  EXPECT_TRUE(d.file.written.empty());
  m.throttle.set_vm(VmKey::kDirtyWritebackCentisecs, 200);
  d.flusher.interval_changed();
  m.run_for(milliseconds(1900));
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(milliseconds(200));
  EXPECT_EQ(d.file.written.size(), 10U);
}

// --- sync(2) ------------------------------------------------------------------------------------

TEST(PdflushSync, WritesAndWaitsForEverything) {
  OldMachine m;
  keep_both_threads_busy(m);  // they might take the inodes that sync holds, as in the kernel
  OldDevice& one = m.add_device(microseconds(100));
  OldDevice& two = m.add_device(microseconds(300));
  m.dirty_file(one, 100);
  m.dirty_file(two, 100);
  TestTask task{m.machine};
  task.run([&m](pagecache::TaskContext& context) { return m.pdflush.sync(context); });
  m.run_for(milliseconds(29));
  EXPECT_FALSE(task.done());
  m.run_for(milliseconds(2));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(one.file.written.size() + two.file.written.size(), 200U);
  EXPECT_EQ(one.flusher.sync_passes(), &m.pdflush);
}

TEST(PdflushSync, PagesDirtiedMeanwhileDoNotKeepItForEver) {
  OldMachine m;
  OldDevice& d = m.add_device(microseconds(10), 64);
  m.dirty_file(d, 1000);
  std::int64_t next = 1000;
  d.file.on_write = [&](PageIndex) { m.dirty_file(d, 1, next++); };
  d.file.run_max = Pages{1};
  TestTask task{m.machine};
  task.run([&m](pagecache::TaskContext& context) { return m.pdflush.sync(context); });
  m.run_for(seconds(5));
  EXPECT_TRUE(task.done());
  EXPECT_GT(next, 1000);
}

}  // namespace
}  // namespace wbsim::writeback
