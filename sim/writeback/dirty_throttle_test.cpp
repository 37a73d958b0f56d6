#include "sim/writeback/dirty_throttle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "sim/writeback/pause.hpp"
#include "sim/writeback/test_machine.hpp"

namespace wbsim::writeback {
namespace {

using pagecache::TestTask;
using Device = WritebackMachine::Device;

constexpr std::uint64_t kNow = pagecache::kTestJiffies;

// A device that holds `dirty` pages and never completes one, so that the state stays.
struct Throttled {
  explicit Throttled(Pages dirty, const WritebackOptions& options = {}) : m{options} {
    d.file.hold = true;
    d.wb.listener = nullptr;  // no flusher: only what the task itself does
    m.dirty(d.file.inode.mapping, PageIndex{0}, dirty);
    d.wb.listener = &d.flusher;
    task.context().dirty = {};
  }
  [[nodiscard]] DirtyLimits limits() const { return m.throttle.limits_now(); }
  pagecache::TaskDirty& dirty() { return task.context().dirty; }
  bool balance(SimDuration time = seconds(1)) { return m.balance(task, d, time); }

  WritebackMachine m;
  Device& d = m.add_device(milliseconds(1));
  TestTask task{m.machine};
};

TEST(FreeRun, LeavesAtOnceWithAPollIntervalAndNothingCounted) {
  Throttled t{Pages{25'000}};
  t.dirty().nr_dirtied = Pages{77};
  t.m.run_for(milliseconds(40));
  EXPECT_TRUE(t.balance(SimDuration{}));
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{0});
  EXPECT_EQ(t.dirty().dirty_paused_when, kNow + 10);
  EXPECT_EQ(t.dirty().nr_dirtied_pause, dirty_poll_interval(Pages{24'992}, t.limits().thresh));
  EXPECT_TRUE(t.m.log.balances.empty());
}

TEST(FreeRun, EndsHalfWayBetweenTheThresholds) {
  for (const int above : {0, 1}) {
    Throttled t{Pages{20'000}};
    // Raises dirty pages until the sum is exactly at the ceiling, then one more.
    const auto dirty = [&t] { return pagecache::VmStat::read(t.m.cache.stat().nr_file_dirty); };
    const auto ceiling = [&t] {
      const DirtyLimits limits = t.limits();
      return dirty_freerun_ceiling(limits.thresh, limits.bg_thresh);
    };
    std::int64_t page = 20'000;
    while (dirty() < ceiling()) {
      t.m.dirty(t.d.file.inode.mapping, PageIndex{page++}, Pages{1});
    }
    // The counter moves in steps of its batch: memory is what meets it exactly.
    while (ceiling() > dirty() - Pages{above}) {
      t.m.cache.stat().nr_free -= Pages{1};
    }
    while (ceiling() < dirty() - Pages{above}) {
      t.m.cache.stat().nr_free += Pages{1};
    }
    t.dirty().nr_dirtied = Pages{32};
    t.balance(SimDuration{});
    EXPECT_EQ(t.m.log.balances.empty(), above == 0) << above;
  }
}

TEST(Pause, ATaskSleepsAtMostOnceUnlessItsRateIsZero) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{20'000};  // worth 400 ms at twice 25600 pages/s
  EXPECT_TRUE(t.balance());
  EXPECT_EQ(t.m.log.balances.size(), 1U);
  // max_pause: what the device needs for the 32'000 pages it has, within 200 ms.
  EXPECT_EQ(t.m.log.balances[0].pause, 40);
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{0});
}

TEST(Pause, SleepsBetweenNAndNPlusOneJiffies) {
  Throttled t{Pages{32'000}};
  t.m.run_for(milliseconds(6));  // half a jiffy after a tick
  t.dirty().nr_dirtied = Pages{20'000};
  EXPECT_FALSE(t.balance(milliseconds(161)));  // 41 ticks on: 162 ms
  t.m.run_for(milliseconds(1));
  EXPECT_TRUE(t.task.done());
  // Counted from before the sleep, plus the part that one pause could not hold.
  const auto& event = t.m.log.balances.at(0);
  EXPECT_EQ(
      t.dirty().dirty_paused_when,
      kNow + 1 + static_cast<std::uint64_t>(std::min<std::int64_t>(event.period - 40, 40)) + 40);
}

TEST(Pause, RateZeroSleepsMaxPausesUntilTheLimitIsFarAway) {
  Throttled t{Pages{60'000}};
  t.m.domain.dirty_limit = Pages{0};
  t.dirty().nr_dirtied = Pages{32};
  EXPECT_FALSE(t.balance(seconds(2)));
  EXPECT_GE(t.m.log.balances.size(), 9U);
  for (const engine::BalanceDirtyPages& event : t.m.log.balances) {
    EXPECT_EQ(event.task_ratelimit, Pages{0});
    EXPECT_EQ(event.pause, 50);
  }
  t.m.cache.stat().nr_free += Pages{500'000};
  t.m.run_for(seconds(1));
  EXPECT_TRUE(t.task.done());
}

TEST(Pause, RateZeroLeavesWhenTheDeviceItselfHasNextToNothingDirty) {
  Throttled t{Pages{60'000}};
  t.m.domain.dirty_limit = Pages{0};
  Device& idle = t.m.add_device();
  t.dirty().nr_dirtied = Pages{32};
  EXPECT_TRUE(t.m.balance(t.task, idle, seconds(1)));
  EXPECT_EQ(t.m.log.balances.size(), 1U);
}

// A pause shorter than min_pause is not slept.
TEST(ThinkTime, LongerThanASecondOverdueStartsAnew) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{32};
  t.dirty().dirty_paused_when = kNow - 400;
  EXPECT_TRUE(t.balance(SimDuration{}));
  EXPECT_EQ(t.dirty().dirty_paused_when, kNow);
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{0});
}

TEST(ThinkTime, ShortPausesAreOwedTheNextTime) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{600};
  t.dirty().dirty_paused_when = kNow - 20;
  EXPECT_TRUE(t.balance(SimDuration{}));
  const auto& event = t.m.log.balances.at(0);
  ASSERT_GT(event.period, 0);
  EXPECT_EQ(event.think, 20);
  EXPECT_EQ(t.dirty().dirty_paused_when, kNow - 20 + static_cast<std::uint64_t>(event.period));
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{0});
}

TEST(ThinkTime, PagesWorthNoJiffyAreGatheredUntilTheyAre) {
  for (const std::int64_t interval : {8, 40}) {
    Throttled t{Pages{31'000}};
    t.dirty().nr_dirtied = Pages{20};  // less than a jiffy's worth
    t.dirty().nr_dirtied_pause = Pages{interval};
    t.dirty().dirty_paused_when = kNow - 1;
    EXPECT_TRUE(t.balance(SimDuration{}));
    ASSERT_EQ(t.m.log.balances.at(0).period, 0);
    EXPECT_EQ(t.dirty().nr_dirtied, Pages{20});
    EXPECT_EQ(t.dirty().nr_dirtied_pause, Pages{interval <= 20 ? interval + 20 : interval});
    EXPECT_EQ(t.dirty().dirty_paused_when, kNow - 1);
  }
}

TEST(ThinkTime, IsTakenOffThePause) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{1200};
  t.dirty().dirty_paused_when = kNow - 3;
  EXPECT_TRUE(t.balance());
  const auto& event = t.m.log.balances.at(0);
  EXPECT_EQ(event.pause, event.period - 3);
  EXPECT_EQ(t.dirty().dirty_paused_when, kNow + static_cast<std::uint64_t>(event.pause));
}

TEST(Pause, SetsTheNumberOfPagesUntilTheNext) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{2000};
  EXPECT_TRUE(t.balance());
  const auto& event = t.m.log.balances.at(0);
  const std::int64_t max = wb_max_pause(event.bdi_dirty, kInitialBandwidth, 250);
  EXPECT_EQ(t.dirty().nr_dirtied_pause,
            wb_min_pause(max, kInitialBandwidth, event.dirty_ratelimit, event.task_ratelimit, 250)
                .nr_dirtied_pause);
}

// --- when the check is due (3.15) ---------------------------------------------------------------

TEST(CheckDue, WhenTheTaskDirtiedItsShare) {
  Throttled t{Pages{0}};
  pagecache::TaskContext& task = t.task.context();
  t.m.cache.ratelimit_count(0) = 5;
  t.dirty().nr_dirtied = Pages{31};
  EXPECT_EQ(t.m.throttle.pages_before_check(task, t.d.wb), 1);
  EXPECT_FALSE(t.m.throttle.check_due(task, t.d.wb, Pages{1}));
  EXPECT_EQ(t.m.cache.ratelimit_count(0), 5);
  t.dirty().nr_dirtied = Pages{32};
  EXPECT_TRUE(t.m.throttle.check_due(task, t.d.wb, Pages{1}));
  EXPECT_EQ(t.m.cache.ratelimit_count(0), 0);
}

TEST(CheckDue, EveryEightPagesWhileTheDeviceIsOverItsLimit) {
  Throttled t{Pages{0}};
  t.d.wb.dirty_exceeded = true;
  t.dirty().nr_dirtied = Pages{7};
  EXPECT_FALSE(t.m.throttle.check_due(t.task.context(), t.d.wb, Pages{1}));
  EXPECT_EQ(t.m.throttle.pages_before_check(t.task.context(), t.d.wb), 1);
  t.dirty().nr_dirtied = Pages{8};
  EXPECT_TRUE(t.m.throttle.check_due(t.task.context(), t.d.wb, Pages{1}));
}

TEST(CheckDue, WhenAllTasksOfACpuTogetherDirtiedItsShare) {
  Throttled t{Pages{0}};
  const std::int64_t share = ratelimit_pages(t.m.domain.dirty_limit, 1);
  t.m.cache.ratelimit_count(0) = share - 1;
  EXPECT_FALSE(t.m.throttle.check_due(t.task.context(), t.d.wb, Pages{1}));
  t.m.cache.ratelimit_count(0) = share;
  EXPECT_TRUE(t.m.throttle.check_due(t.task.context(), t.d.wb, Pages{1}));
  EXPECT_EQ(t.m.cache.ratelimit_count(0), 0);
}

// --- What exited tasks leave --------------------------------------------------------------------

// Two tasks of a machine where nothing is dirty: whatever counts, counts by nr_dirtied alone.
struct TwoTasks : Throttled {
  explicit TwoTasks(int cpus = 1) : Throttled{Pages{0}, with_cpus(cpus)} {}
  static WritebackOptions with_cpus(int cpus) {
    WritebackOptions options;
    options.cpus = cpus;
    return options;
  }
  void first_exits_after(Pages dirtied) {
    first.context().dirty.nr_dirtied = dirtied;
    m.throttle.leave_to_others(first.context());
  }
  // The next page of the second task.
  bool due_after_one_page() {
    dirty().nr_dirtied += Pages{1};
    return m.throttle.check_due(task.context(), d.wb, Pages{1});
  }

  TestTask first{m.machine};
};

TEST(Leaks, PagesOfAnExitedTaskCountForTheNextOne) {
  TwoTasks t;
  t.first_exits_after(Pages{20});
  EXPECT_FALSE(t.due_after_one_page());
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{21});
  EXPECT_FALSE(t.due_after_one_page());
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{22});
}

TEST(Leaks, FillUpToTheCheckAndKeepTheRest) {
  TwoTasks t;
  t.first_exits_after(Pages{20});
  t.first_exits_after(Pages{30});
  EXPECT_TRUE(t.due_after_one_page());
  EXPECT_EQ(t.dirty().nr_dirtied, pagecache::kNewTaskDirtiedPause);
  t.dirty().nr_dirtied = Pages{0};
  EXPECT_FALSE(t.due_after_one_page());
  EXPECT_EQ(t.dirty().nr_dirtied, Pages{1 + 50 - 31});
}

TEST(Leaks, AreLeftAloneByACheckThatIsDueAnyway) {
  for (const bool by_cpu : {false, true}) {
    TwoTasks t;
    t.first_exits_after(Pages{20});
    t.dirty().nr_dirtied = by_cpu ? Pages{0} : Pages{31};
    t.m.cache.ratelimit_count(0) =
        by_cpu ? ratelimit_pages(t.m.domain.dirty_limit, 1) : std::int64_t{0};
    EXPECT_TRUE(t.due_after_one_page()) << by_cpu;
    EXPECT_EQ(t.dirty().nr_dirtied, by_cpu ? Pages{1} : Pages{32});
  }
}

TEST(Leaks, AreMetByTheFirstPageOfARun) {
  TwoTasks t;
  EXPECT_EQ(t.m.throttle.pages_before_check(t.task.context(), t.d.wb), 32);
  t.first_exits_after(Pages{20});
  EXPECT_EQ(t.m.throttle.pages_before_check(t.task.context(), t.d.wb), 1);
  t.due_after_one_page();
  EXPECT_EQ(t.m.throttle.pages_before_check(t.task.context(), t.d.wb), 32 - 21);
}

TEST(Leaks, StayOnTheirCpu) {
  for (const int cpus : {1, 2}) {
    TwoTasks t{cpus};
    t.first.run([&t](pagecache::TaskContext& task) -> engine::Task<> {
      co_await task.thread().run(milliseconds(1));
      t.first_exits_after(Pages{20});
    });
    t.task.run([&t](pagecache::TaskContext& task) -> engine::Task<> {
      co_await task.thread().run(milliseconds(2));
      EXPECT_FALSE(t.due_after_one_page());
    });
    t.m.run_for(milliseconds(10));
    EXPECT_TRUE(t.task.done());
    EXPECT_EQ(t.dirty().nr_dirtied, cpus == 1 ? Pages{21} : Pages{1});
  }
}

// --- dirty_exceeded -----------------------------------------------------------------------------

TEST(DirtyExceeded, NeedsTheDeviceAndTheMachineOverTheirLimits) {
  Throttled t{Pages{45'000}};
  t.m.domain.dirty_limit = Pages{100'000};  // so that the rate is not zero
  t.dirty().nr_dirtied = Pages{32};
  EXPECT_TRUE(t.balance());
  EXPECT_TRUE(t.d.wb.dirty_exceeded);
  Throttled below{Pages{32'000}};
  below.dirty().nr_dirtied = Pages{32};
  below.d.wb.dirty_exceeded = true;
  EXPECT_TRUE(below.balance());
  EXPECT_FALSE(below.d.wb.dirty_exceeded);
}

TEST(DirtyExceeded, IsClearedInFreerunBy5_10Only) {
  for (const BackgroundStart start : {BackgroundStart::kOnExit, BackgroundStart::kEveryTurn}) {
    WritebackOptions options;
    options.throttle.background_start = start;
    Throttled t{Pages{1000}, options};
    t.d.wb.dirty_exceeded = true;
    EXPECT_TRUE(t.balance());
    EXPECT_EQ(t.d.wb.dirty_exceeded, start == BackgroundStart::kEveryTurn);
  }
}

// --- background writeback -----------------------------------------------------------------------

TEST(StartBackground, InFreerunAboveTheThresholdByBothKernels) {
  for (const BackgroundStart start : {BackgroundStart::kOnExit, BackgroundStart::kEveryTurn}) {
    WritebackOptions options;
    options.throttle.background_start = start;
    Throttled below{Pages{19'000}, options};
    EXPECT_TRUE(below.balance(SimDuration{}));
    EXPECT_EQ(below.m.log.background_wakes, 0);
    Throttled above{Pages{25'000}, options};
    EXPECT_TRUE(above.balance(SimDuration{}));
    EXPECT_EQ(above.m.log.background_wakes, 1);
  }
}

TEST(StartBackground, AboveFreerunBeforeTheFirstPause) {
  Throttled t{Pages{32'000}};
  t.dirty().nr_dirtied = Pages{10'000};
  EXPECT_FALSE(t.balance(SimDuration{}));
  EXPECT_EQ(t.m.log.background_wakes, 1);
}

// With few dirty pages and many under writeback only the test above freerun starts it.
TEST(StartBackground, AboveFreerunEvenIfFewPagesAreDirty) {
  Throttled t{Pages{32'000}};
  const auto write = [&t](std::int64_t page) {
    t.m.cache.start_writeback(0, t.d.file.inode.mapping, PageIndex{page},
                              pagecache::PageTree::mask(PageIndex{page}, Pages{64}));
  };
  for (std::int64_t page = 0; page < 16'000; page += 64) {
    write(page);
  }
  t.dirty().nr_dirtied = Pages{100};
  t.balance(SimDuration{});
  EXPECT_GE(t.m.log.background_wakes, 1);
}

TEST(StartBackground, NotWhileWritebackRuns) {
  Throttled t{Pages{32'000}};
  t.d.wb.writeback_running = true;
  t.dirty().nr_dirtied = Pages{100};
  EXPECT_TRUE(t.balance());
  EXPECT_EQ(t.m.log.background_wakes, 0);
}

TEST(OverBackground, CountsDirtyPagesAndNoneUnderWriteback) {
  Throttled t{Pages{25'000}};
  EXPECT_TRUE(t.m.throttle.over_background(t.task.context(), t.d.wb));
  for (std::int64_t page = 0; page < 24'960; page += 64) {
    t.m.cache.start_writeback(0, t.d.file.inode.mapping, PageIndex{page},
                              pagecache::PageTree::mask(PageIndex{page}, Pages{64}));
  }
  // Alone on the machine but without a completion yet, the device's share is 0.
  EXPECT_TRUE(t.m.throttle.over_background(t.task.context(), t.d.wb));
  t.m.domain.writeout(t.d.wb.completions, 0, 6400, 100);
  EXPECT_FALSE(t.m.throttle.over_background(t.task.context(), t.d.wb));
}

// --- ablations ----------------------------------------------------------------------------------

TEST(Ablation, WithoutThrottlingNobodySleeps) {
  WritebackOptions options;
  options.throttle.throttling = false;
  Throttled t{Pages{60'000}, options};
  t.dirty().nr_dirtied = Pages{10'000};
  EXPECT_TRUE(t.balance(SimDuration{}));
  EXPECT_EQ(t.m.log.background_wakes, 1);
}

TEST(Ablation, WithoutBackgroundWritebackNobodyStartsIt) {
  WritebackOptions options;
  options.throttle.background_writeback = false;
  Throttled t{Pages{32'000}, options};
  t.dirty().nr_dirtied = Pages{100};
  EXPECT_TRUE(t.balance());
  EXPECT_EQ(t.m.log.background_wakes, 0);
}

// --- estimates ----------------------------------------------------------------------------------

TEST(Estimates, AreUpdatedAfterMoreThan200Ms) {
  for (const int jiffies : {50, 51}) {
    Throttled t{Pages{32'000}};
    t.m.run_for(milliseconds(4 * jiffies));
    t.d.wb.bw_time_stamp = kNow;
    t.dirty().nr_dirtied = Pages{40};
    t.balance(SimDuration{});
    EXPECT_EQ(t.d.wb.bw_time_stamp == kNow, jiffies == 50) << jiffies;
  }
}

TEST(Estimates, CountPagesFromTheLastUpdateOn) {
  Throttled t{Pages{32'000}};
  t.d.wb.written.add(0, 4000);
  t.m.run_for(milliseconds(204));
  t.d.wb.bw_time_stamp = kNow;
  t.dirty().nr_dirtied = Pages{40};
  t.balance(SimDuration{});
  EXPECT_EQ(t.d.wb.dirtied_stamp, Pages{t.d.wb.dirtied.read()});
  EXPECT_EQ(t.d.wb.written_stamp, Pages{t.d.wb.written.read()});
  EXPECT_GT(t.d.wb.dirtied_stamp, Pages{30'000});
  EXPECT_EQ(t.d.wb.written_stamp, Pages{4000});
}

TEST(Estimates, SkipAnIdlePeriodThatBeganBeforeTheCallIn5_10Only) {
  for (const BandwidthUpdate update :
       {BandwidthUpdate::kThrottleAndFlusher, BandwidthUpdate::kDoWritepages}) {
    WritebackOptions options;
    options.throttle.bandwidth_update = update;
    Throttled t{Pages{32'000}, options};
    t.m.run_for(seconds(2));
    t.d.wb.bw_time_stamp = kNow;
    t.dirty().nr_dirtied = Pages{40};
    t.balance(SimDuration{});
    EXPECT_EQ(t.d.wb.bw_time_stamp, kNow + 500);
    EXPECT_EQ(t.d.wb.write_bandwidth == kInitialBandwidth,
              update == BandwidthUpdate::kThrottleAndFlusher);
  }
}

TEST(Estimates, DirtyLimitFollowsTheThresholdDown) {
  Throttled t{Pages{32'000}};
  t.m.domain.dirty_limit = Pages{400'000};
  t.m.run_for(milliseconds(220));
  t.d.wb.bw_time_stamp = kNow;
  t.dirty().nr_dirtied = Pages{40};
  const Pages thresh = t.limits().thresh;
  t.balance(SimDuration{});
  EXPECT_EQ(t.m.domain.dirty_limit, update_dirty_limit(Pages{400'000}, thresh, Pages{32'000}));
}

// --- sysctls ------------------------------------------------------------------------------------

TEST(SetVm, EachOfAPairZeroesTheOther) {
  WritebackMachine m;
  m.throttle.set_vm(VmKey::kDirtyBytes, mebibytes(64).count());
  EXPECT_EQ(m.throttle.vm().dirty_ratio, 0);
  m.throttle.set_vm(VmKey::kDirtyRatio, 30);
  EXPECT_EQ(m.throttle.vm().dirty_bytes, Bytes{0});
  m.throttle.set_vm(VmKey::kDirtyBackgroundBytes, 4096);
  EXPECT_EQ(m.throttle.vm().dirty_background_ratio, 0);
  m.throttle.set_vm(VmKey::kDirtyBackgroundRatio, 5);
  EXPECT_EQ(m.throttle.vm().dirty_background_bytes, Bytes{0});
}

// 5.10's quirk: the rate limit is computed while the old bytes still win.
TEST(SetVm, RatioTakesEffectOnTheDirtyLimitOnlyAfterOldBytesAreGone) {
  WritebackMachine m;
  m.throttle.set_vm(VmKey::kDirtyBytes, mebibytes(64).count());
  EXPECT_EQ(m.domain.dirty_limit, Pages{16'384});
  m.throttle.set_vm(VmKey::kDirtyRatio, 20);
  EXPECT_EQ(m.domain.dirty_limit, Pages{16'384});
  EXPECT_EQ(m.throttle.limits_now().thresh, Pages{819 * 200'001 / 4096});
  m.throttle.set_vm(VmKey::kDirtyRatio, 40);
  EXPECT_EQ(m.domain.dirty_limit, Pages{1638 * 200'001 / 4096});
}

TEST(SetVm, TheSameRatioAgainChangesNothing) {
  WritebackMachine m;
  m.throttle.set_vm(VmKey::kDirtyRatio, 20);
  EXPECT_EQ(m.domain.dirty_limit, Pages{40'000});
}

// --- the write loop -----------------------------------------------------------------------------

TEST(Write, IsHeldToTheDevicesSpeedOnceMemoryIsFull) {
  WritebackMachine m;
  Device& d = m.add_device(microseconds(100));  // 10'000 pages/s
  TestTask writer{m.machine};
  writer.run([&](pagecache::TaskContext& context) {
    return write_pages(m, d, context, PageIndex{0}, Pages{150'000});
  });
  m.run_for(seconds(5));
  const std::int64_t after_5 = m.cache.stat().nr_dirtied.sum();
  m.run_for(seconds(5));
  const std::int64_t after_10 = m.cache.stat().nr_dirtied.sum();
  EXPECT_NEAR(static_cast<double>(after_10 - after_5), 50'000, 5'000);
  const Pages dirty = m.cache.nr_dirty() + m.cache.nr_writeback();
  EXPECT_LT(dirty, m.throttle.limits_now().thresh);
  EXPECT_GT(dirty, m.throttle.limits_now().bg_thresh);
}

}  // namespace
}  // namespace wbsim::writeback
