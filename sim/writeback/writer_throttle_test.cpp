// Throttling before v3.2. A machine of 100'000 pages: 40'000 may be dirty, a task looks after 1024
// pages and then writes 1536 (sim/writeback/old_test_machine.hpp).
#include "sim/writeback/writer_throttle.hpp"

#include <gtest/gtest.h>

#include "sim/writeback/old_test_machine.hpp"

namespace wbsim::writeback {
namespace {

using pagecache::TestTask;

constexpr std::int64_t kLimit = 40'000;
constexpr std::int64_t kChunkWritten =
    1540;  // 1536 (sync_writeback_pages()), in whole look-ups of 14

// No thread of the pool is idle: nobody but the task writes.
void keep_pdflush_busy(OldMachine& m) {
  OldDevice& other = m.add_device(seconds(1000), 1);
  m.dirty_file(other, 5);
  for (int i = 0; i < 2; ++i) {
    m.pdflush.start_background(1'000'000);
  }
  m.run_for(SimDuration{});
}

TEST(WriterThrottle, NobodyIsHeldBackUpToTheLimit) {
  OldMachine m;
  OldDevice& d = m.add_device();
  d.file.hold = true;
  m.dirty_file(d, kLimit);
  TestTask task{m.machine};
  EXPECT_TRUE(m.balance(task, d));
  EXPECT_TRUE(m.log.balances.empty());
}

TEST(WriterThrottle, OverTheLimitTheTaskWritesOneAndAHalfTimesWhatItMayDirty) {
  OldMachine m;
  OldDevice& d = m.add_device();
  d.file.hold = true;
  m.dirty_file(d, kLimit + 2000);
  TestTask task{m.machine};
  std::int64_t by_task = 0;
  d.file.on_write = [&](PageIndex) { by_task += task.done() ? 0 : 1; };
  d.file.run_max = Pages{1};
  EXPECT_TRUE(m.balance(task, d));
  EXPECT_EQ(by_task, kChunkWritten);
  ASSERT_EQ(m.log.balances.size(), 1U);
  EXPECT_EQ(m.log.balances[0].pause, 0) << "it has done its duty";
  EXPECT_EQ(m.log.balances[0].dirtied, Pages{kChunkWritten});
}

TEST(WriterThrottle, LeavesAtOnceWhenDirtyMemoryIsWithinTheLimitAgain) {
  OldMachine m;
  OldDevice& d = m.add_device(SimDuration{}, 0);  // completes each page before the next
  m.dirty_file(d, kLimit + 100);
  TestTask task{m.machine};
  m.balance(task, d, milliseconds(1));
  EXPECT_TRUE(task.done());
  EXPECT_TRUE(m.log.balances.empty());
}

TEST(WriterThrottle, WhereThereIsLittleToWriteItWaitsForATenthOfASecond) {
  OldMachine m;
  keep_pdflush_busy(m);
  OldDevice& d = m.add_device();
  d.file.hold = true;
  m.dirty_file(d, kLimit + 1000);
  TestTask first{m.machine};
  m.balance(first, d, seconds(1));
  while (d.file.written.size() < kLimit + 1000) {  // until nothing but writeback is left
    TestTask again{m.machine};
    m.balance(again, d, seconds(1));
  }
  m.log.balances.clear();
  TestTask task{m.machine};
  EXPECT_FALSE(m.balance(task, d, seconds(1)));
  EXPECT_GE(m.log.balances.size(), 9U);
  EXPECT_EQ(m.log.balances[1].pause, 25) << "HZ / 10";
  d.file.release();
  m.run_for(seconds(1));
  EXPECT_TRUE(task.done());
}

TEST(WriterThrottle, AQueueWithFewRequestsEndsTheWait) {
  OldMachine m;
  keep_pdflush_busy(m);
  OldDevice& d = m.add_device();
  OldDevice& clean = m.add_device();  // nothing of it can be written
  d.file.hold = true;
  m.dirty_file(d, kLimit + 1000);
  TestTask task{m.machine};
  EXPECT_FALSE(m.balance(task, clean, milliseconds(10)));
  EXPECT_TRUE(m.log.balances.empty());
  m.congestion.cleared(block::kReadOrSync);
  m.run_for(SimDuration{});
  EXPECT_TRUE(m.log.balances.empty()) << "it waits for writes";
  m.congestion.cleared(block::kWriteOrAsync);
  m.run_for(SimDuration{});
  ASSERT_EQ(m.log.balances.size(), 1U);
  EXPECT_EQ(m.log.balances[0].pause, 2);
}

TEST(WriterThrottle, CountsPagesOfACpuAlsoThoseThatWereDirty) {
  OldMachine m;
  OldDevice& d = m.add_device();
  TestTask one{m.machine};
  TestTask two{m.machine};
  EXPECT_EQ(m.throttle.pages_before_check(one.context(), d.wb), 1024);
  EXPECT_FALSE(m.throttle.check_due(one.context(), d.wb, Pages{1000}));
  EXPECT_EQ(m.throttle.pages_before_check(two.context(), d.wb), 24);
  EXPECT_FALSE(m.throttle.check_due(two.context(), d.wb, Pages{23}));
  EXPECT_TRUE(m.throttle.check_due(one.context(), d.wb, Pages{1}));
  EXPECT_FALSE(m.throttle.check_due(one.context(), d.wb, Pages{1023}));
}

TEST(WriterThrottle, LooksAfterEightPagesWhileTheLimitIsExceeded) {
  OldMachine m;
  OldDevice& d = m.add_device();
  OldDevice& other = m.add_device();
  d.file.hold = true;
  m.dirty_file(d, kLimit + 2000);
  TestTask task{m.machine};
  m.balance(task, d);
  EXPECT_EQ(m.throttle.pages_before_check(task.context(), d.wb), 8);
  EXPECT_EQ(m.throttle.pages_before_check(task.context(), other.wb), 8) << "the machine is";
  d.file.release();
  m.run_for(seconds(1));
  TestTask later{m.machine};
  m.balance(later, d);
  EXPECT_EQ(m.throttle.pages_before_check(later.context(), d.wb), 1024);
}

TEST(WriterThrottle, StartsBackgroundWritebackAboveItsThreshold) {
  for (const std::int64_t dirty : {10'000, 10'100}) {
    OldMachine m;
    OldDevice& d = m.add_device();
    d.file.hold = true;
    m.dirty_file(d, dirty);
    const bool over = m.cache.nr_dirty() > Pages{10'000};
    ASSERT_EQ(over, dirty > 10'000);
    TestTask task{m.machine};
    m.balance(task, d);
    EXPECT_EQ(d.file.written.empty(), !over);
  }
}

TEST(WriterThrottle, DoesNotStartItWhileAPdflushWritesToTheDevice) {
  OldMachine m;
  OldDevice& d = m.add_device(seconds(1000), 1);
  m.dirty_file(d, 20'000);
  m.pdflush.start_background(0);
  m.run_for(SimDuration{});
  ASSERT_TRUE(d.wb.writeback_running);
  EXPECT_EQ(m.pdflush.idle_threads(), 1U);
  TestTask task{m.machine};
  m.balance(task, d);
  EXPECT_EQ(m.pdflush.idle_threads(), 1U);
}

TEST(WriterThrottle, TheAblationLetsTasksGo) {
  WritebackOptions options = options_of_2_6_18();
  options.throttle.throttling = false;
  OldMachine m{options};
  OldDevice& d = m.add_device();
  d.file.hold = true;
  m.dirty_file(d, kLimit + 2000);
  TestTask task{m.machine};
  EXPECT_TRUE(m.balance(task, d));
  EXPECT_TRUE(m.log.balances.empty());
}

// --- per device, v2.6.24 ------------------------------------------------------------------------

// The limit is 40'000 of the machine; `slow` never completed a page, so that its share is none.
TEST(WriterThrottlePerDevice, ADeviceWithoutAShareIsHeldBackFirst) {
  OldMachine m{options_of_2_6_18(ThrottleAction::kWriteBackPerDevice)};
  OldDevice& fast = m.add_device();
  OldDevice& slow = m.add_device();
  m.dirty_file(fast, 1000);
  TestTask writes{m.machine};
  writes.run([&fast](pagecache::TaskContext& context) -> engine::Task<> {
    pagecache::WritebackControl wbc;
    co_await fast.file.writepages(context, fast.file.inode.mapping, wbc);
  });
  m.run_for(milliseconds(10));
  slow.file.hold = fast.file.hold = true;
  m.dirty_file(fast, 20'000, 1000);
  m.dirty_file(slow, 6'000);
  TestTask on_slow{m.machine};
  EXPECT_TRUE(m.balance(on_slow, slow));
  ASSERT_EQ(m.log.balances.size(), 1U);
  EXPECT_TRUE(slow.wb.dirty_exceeded);
  TestTask on_fast{m.machine};
  EXPECT_TRUE(m.balance(on_fast, fast));
  EXPECT_EQ(m.log.balances.size(), 1U) << "it is within its share";
  EXPECT_EQ(m.throttle.pages_before_check(on_fast.context(), fast.wb), 1024);
  EXPECT_EQ(m.throttle.pages_before_check(on_fast.context(), slow.wb), 8);
}

TEST(WriterThrottlePerDevice, AShareOfMoreThanIsLeftOfAllEndsNothing) {
  for (const std::int64_t others : {25'000, 35'000}) {
    OldMachine m{options_of_2_6_18(ThrottleAction::kWriteBackPerDevice)};
    OldDevice& fast = m.add_device();
    OldDevice& slow = m.add_device();
    m.dirty_file(fast, 1000);
    TestTask writes{m.machine};
    writes.run([&fast](pagecache::TaskContext& context) -> engine::Task<> {
      pagecache::WritebackControl wbc;
      co_await fast.file.writepages(context, fast.file.inode.mapping, wbc);
    });
    m.run_for(milliseconds(10));
    slow.file.hold = fast.file.hold = true;
    m.dirty_file(fast, 8'000, 1000);
    m.dirty_file(slow, others);
    fast.wb.dirty_exceeded = true;
    TestTask task{m.machine};
    m.balance(task, fast);
    EXPECT_EQ(fast.wb.dirty_exceeded, others > 32'000) << "it is the machine that has too many";
  }
}

TEST(WriterThrottlePerDevice, NothingIsHeldBackBelowTheMiddleOfBothThresholds) {
  for (const std::int64_t dirty : {24'000, 26'000}) {
    OldMachine m{options_of_2_6_18(ThrottleAction::kWriteBackPerDevice)};
    OldDevice& fast = m.add_device();
    OldDevice& slow = m.add_device();
    m.dirty_file(fast, 1000);
    TestTask writes{m.machine};
    writes.run([&fast](pagecache::TaskContext& context) -> engine::Task<> {
      pagecache::WritebackControl wbc;
      co_await fast.file.writepages(context, fast.file.inode.mapping, wbc);
    });
    m.run_for(milliseconds(10));
    slow.file.hold = true;
    m.dirty_file(slow, dirty);
    TestTask task{m.machine};
    m.balance(task, slow);
    EXPECT_EQ(m.log.balances.empty(), dirty < 25'000) << dirty;
  }
}

}  // namespace
}  // namespace wbsim::writeback
