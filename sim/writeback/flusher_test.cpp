#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/writeback/test_machine.hpp"
#include "sim/writeback/work_queue_flusher.hpp"

namespace wbsim::writeback {
namespace {

using engine::WbReason;
using pagecache::Inode;
using pagecache::TestFile;
using Device = WritebackMachine::Device;

constexpr PageIndex kFirst{0};

void dirty(WritebackMachine& m, TestFile& file, std::int64_t pages, std::int64_t first = 0) {
  m.dirty(file.inode.mapping, PageIndex{first}, Pages{pages});
}

std::vector<const Inode*> order(const pagecache::InodeList& list) {
  std::vector<const Inode*> inodes;
  for (const Inode& inode : list) {
    inodes.push_back(&inode);
  }
  return inodes;
}

// --- dirtying an inode --------------------------------------------------------------------------

TEST(Inode, EntersTheHeadOnceAndKeepsItsPlaceWhenDirtiedAgain) {
  WritebackMachine m;
  Device& d = m.add_device();
  TestFile other{m, d.wb};
  dirty(m, d.file, 1);
  m.run_for(milliseconds(8));
  dirty(m, other, 1);
  m.run_for(milliseconds(8));
  dirty(m, d.file, 2);
  EXPECT_EQ(order(d.wb.b_dirty), (std::vector<const Inode*>{&other.inode, &d.file.inode}));
  EXPECT_EQ(d.file.inode.dirtied_when, pagecache::kTestJiffies);
  EXPECT_EQ(other.inode.dirtied_when, pagecache::kTestJiffies + 2);
}

// --- periodic writeback -------------------------------------------------------------------------

// Dirtied at jiffy 0: looked at every 5 s (rounded up by the timer wheel), old enough at 30 s.
TEST(Kupdate, WritesAnInodeAtTheFirstLookAfterItExpired) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 3);
  m.run_for(seconds(30));
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(milliseconds(5500));
  EXPECT_EQ(d.file.written.size(), 3U);
  EXPECT_TRUE(m.log.starts.back().for_kupdate);
  EXPECT_EQ(m.log.starts.back().reason, WbReason::kPeriodic);
}

TEST(Kupdate, InodeDirtiedOneJiffyTooLateWaitsForTheNextLook) {
  for (const std::uint64_t late : {0, 1}) {
    WritebackMachine m;
    Device& d = m.add_device();
    dirty(m, d.file, 1);
    m.run_for(seconds(28));
    ASSERT_TRUE(d.file.written.empty());
    std::size_t looks = m.log.starts.size();
    while (m.log.starts.size() == looks) {
      d.file.inode.dirtied_when = m.machine.jiffies_now() + 1 - 7500 + late;
      m.run_for(milliseconds(4));
    }
    EXPECT_EQ(d.file.written.empty(), late == 1) << late;
  }
}

TEST(Kupdate, WritesTheNewestPagesOfAnExpiredInodeToo) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 1);
  m.run_for(seconds(30));
  dirty(m, d.file, 5, 10);
  m.run_for(seconds(6));
  EXPECT_EQ(d.file.written.size(), 6U);
}

TEST(Kupdate, LeavesYoungInodesToALaterLook) {
  WritebackMachine m;
  Device& d = m.add_device();
  TestFile young{m, d.wb};
  dirty(m, d.file, 1);
  m.run_for(seconds(20));
  dirty(m, young, 1);
  m.run_for(seconds(16));
  EXPECT_EQ(d.file.written.size(), 1U);
  EXPECT_TRUE(young.written.empty());
  m.run_for(seconds(20));
  EXPECT_EQ(young.written.size(), 1U);
}

TEST(Kupdate, LooksOncePerIntervalHoweverOftenTheFlusherWakes) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 1);
  for (int i = 0; i < 48; ++i) {  // woken every 100 ms, for less than 5 s
    d.flusher.start_background_writeback(d.wb, {});
    m.run_for(milliseconds(100));
  }
  EXPECT_TRUE(m.log.starts.empty());
}

TEST(Kupdate, AnIntervalOfZeroSwitchesItOff) {
  WritebackOptions options;
  options.vm.dirty_writeback_centisecs = 0;
  WritebackMachine m{options};
  Device& d = m.add_device();
  dirty(m, d.file, 1);
  m.run_for(seconds(300));
  EXPECT_TRUE(d.file.written.empty());
  // Nor does it happen when something else wakes the flusher.
  m.domain.writeout(d.wb.completions, 0, 6400, 100);
  d.flusher.start_background_writeback(d.wb, {});
  m.run_for(seconds(1));
  EXPECT_TRUE(d.file.written.empty());
}

TEST(Kupdate, AChangedIntervalWritesEverythingAtOnce) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 3);
  m.throttle.set_vm(VmKey::kDirtyWritebackCentisecs, 0);
  d.flusher.interval_changed();
  m.run_for(seconds(1));
  EXPECT_TRUE(d.file.written.empty());
  m.throttle.set_vm(VmKey::kDirtyWritebackCentisecs, 100);
  d.flusher.interval_changed();
  m.run_for(seconds(1));
  EXPECT_EQ(d.file.written.size(), 3U);
}

// --- order of service ---------------------------------------------------------------------------

// queue_io() of v5.10: b_dirty "g f", b_io "e d c", b_more_io "B A" are served as
// c d e A B f, where g is too young.
TEST(QueueIo, ServesInterruptedInodesBeforeNewlyExpiredOnes) {
  WritebackMachine m;
  Device& d = m.add_device();
  std::string served;
  std::vector<std::unique_ptr<TestFile>> files;
  const auto file = [&](char name) -> Inode& {
    files.push_back(std::make_unique<TestFile>(m, d.wb));
    TestFile& made = *files.back();
    made.on_write = [&served, name](PageIndex) { served += name; };
    dirty(m, made, 1);
    pagecache::remove_from_lists(made.inode);
    made.inode.dirtied_when = m.machine.jiffies_now() - 10'000;
    return made.inode;
  };
  for (const char name : {'c', 'd', 'e'}) {
    move_to_head(file(name), d.wb.b_io);
  }
  for (const char name : {'A', 'B'}) {
    move_to_head(file(name), d.wb.b_more_io);
  }
  move_to_head(file('f'), d.wb.b_dirty);
  Inode& young = file('g');
  move_to_head(young, d.wb.b_dirty);
  young.dirtied_when = m.machine.jiffies_now();
  d.flusher.queue_work({.for_kupdate = true});
  m.run_for(milliseconds(1));
  EXPECT_EQ(served, "cdeABf");
}

TEST(QueueIo, TakesTheOldestInodeFirst) {
  WritebackMachine m;
  Device& d = m.add_device();
  TestFile second{m, d.wb};
  std::string served;
  d.file.on_write = [&](PageIndex) { served += 'a'; };
  second.on_write = [&](PageIndex) { served += 'b'; };
  dirty(m, d.file, 1);
  m.run_for(milliseconds(4));
  dirty(m, second, 1);
  d.flusher.start_all(WbReason::kSync);
  m.run_for(milliseconds(1));
  EXPECT_EQ(served, "ab");
}

// --- work ---------------------------------------------------------------------------------------

TEST(StartAll, IsAskedOnceUntilItIsDone) {
  WritebackMachine m;
  Device& d = m.add_device(milliseconds(1));
  d.flusher.start_all(WbReason::kSync);  // nothing dirty: nothing to do
  EXPECT_FALSE(d.wb.start_all);
  dirty(m, d.file, 1000);
  d.flusher.start_all(WbReason::kSync);
  d.flusher.start_all(WbReason::kVmscan);  // asked already
  m.run_for(milliseconds(10));
  d.flusher.start_all(WbReason::kVmscan);  // still under way
  m.run_for(seconds(2));
  EXPECT_FALSE(d.wb.start_all);
  for (const engine::WritebackTrace& start : m.log.starts) {
    EXPECT_EQ(start.reason, WbReason::kSync);
  }
  EXPECT_EQ(d.file.written.size(), 1000U);
}

TEST(Background, StopsAtTheThresholdAndThePeriodicFlushTakesTheRest) {
  WritebackMachine m;
  Device& d = m.add_device(microseconds(10));
  const Pages background = m.throttle.limits_now().bg_thresh;
  dirty(m, d.file, background.count() + 500);
  d.flusher.start_background_writeback(d.wb, {});
  m.run_for(seconds(2));
  const auto written = static_cast<std::int64_t>(d.file.written.size());
  EXPECT_GE(written, 500);
  EXPECT_LT(written, 30'000);
  EXPECT_TRUE(m.log.starts.front().for_background);
  // It lies on b_more_io, so its age does not matter at the next look.
  EXPECT_EQ(order(d.wb.b_more_io), (std::vector<const Inode*>{&d.file.inode}));
  m.run_for(milliseconds(3500));
  EXPECT_EQ(static_cast<std::int64_t>(d.file.written.size()), background.count() + 500);
}

// v6.12: what is left of a file of which periodic writeback wrote a turn waits until it is old,
// unless it is (inode_dirtied_after()).
TEST(Kupdate, GoesOnWithAYoungFileUnlessTheKernelAsksForItsAge) {
  for (const bool requeues : {true, false}) {
    WritebackOptions options;
    options.throttle.requeues_young = requeues;
    WritebackMachine m{options};
    Device& d = m.add_device(microseconds(10));
    const Pages background = m.throttle.limits_now().bg_thresh;
    dirty(m, d.file, background.count() + 500);
    d.flusher.start_background_writeback(d.wb, {});
    m.run_for(seconds(2));
    ASSERT_EQ(order(d.wb.b_more_io), (std::vector<const Inode*>{&d.file.inode}));
    const auto before = static_cast<std::int64_t>(d.file.written.size());
    m.run_for(milliseconds(3500));
    const auto after = static_cast<std::int64_t>(d.file.written.size());
    EXPECT_GT(after, before) << "a turn";
    EXPECT_EQ(after == background.count() + 500, requeues);
    EXPECT_EQ(d.wb.b_dirty.empty(), requeues);
  }
}

TEST(Background, IsNotStartedBelowTheThreshold) {
  WritebackMachine m;
  Device& d = m.add_device();
  m.domain.writeout(d.wb.completions, 0, 6400, 100);  // the device's share is all of the limit
  dirty(m, d.file, m.throttle.limits_now().bg_thresh.count() - 500);
  d.flusher.start_background_writeback(d.wb, {});
  m.run_for(seconds(1));
  EXPECT_TRUE(d.file.written.empty());
}

TEST(Background, YieldsToQueuedWorkAfterTheInodeInHand) {
  WritebackMachine m;
  Device& d = m.add_device(microseconds(100));
  dirty(m, d.file, 40'000);
  d.flusher.start_background_writeback(d.wb, {});
  m.run_for(milliseconds(200));
  const std::size_t background = m.log.starts.size();
  d.flusher.queue_work({.sync_all = true, .for_sync = true, .reason = WbReason::kSync});
  m.run_for(seconds(2));
  ASSERT_GT(m.log.starts.size(), background);
  EXPECT_TRUE(m.log.starts[background].sync_all);
  EXPECT_EQ(m.log.inodes[background - 1].nr_to_write, Pages{5'120});  // that chunk was finished
}

TEST(SliceOf100Ms, IsTestedBetweenInodesOnly) {
  for (const bool long_first : {false, true}) {
    WritebackMachine m;
    Device& d = m.add_device(milliseconds(1), 1);
    TestFile second{m, d.wb, milliseconds(1), 1};
    dirty(m, d.file, long_first ? 150 : 50);
    m.run_for(milliseconds(4));
    dirty(m, second, 10);
    d.flusher.start_all(WbReason::kSync);
    m.run_for(seconds(1));
    // 150 ms in one inode end the batch; 50 ms leave time for the second. The last start finds
    // nothing left.
    EXPECT_EQ(m.log.starts.size(), long_first ? 3U : 2U);
    EXPECT_EQ(d.file.written.size(), long_first ? 150U : 50U);
    EXPECT_EQ(second.written.size(), 10U);
  }
}

// writeback_chunk_size(): min(bandwidth / 2, dirty_limit / 8, work) rounded to 1024 pages.
TEST(Chunk, FollowsBandwidthAndLimitInStepsOf4MiB) {
  struct Vector {
    std::int64_t bandwidth, limit, nr_pages, chunk;
  };
  constexpr std::array<Vector, 5> kVectors{{{25'600, 399'902, pagecache::kAllPages, 13'312},
                                            {2'560, 399'902, pagecache::kAllPages, 2'048},
                                            {256'000, 399'902, pagecache::kAllPages, 50'176},
                                            {25'600, 399'902, 100, 1'024},
                                            {1, 8, pagecache::kAllPages, 1'024}}};
  for (const Vector& v : kVectors) {
    WritebackMachine m;
    Device& d = m.add_device();
    dirty(m, d.file, 1);
    d.wb.avg_write_bandwidth = Pages{v.bandwidth};
    m.domain.dirty_limit = Pages{v.limit};
    d.flusher.queue_work({.nr_pages = v.nr_pages, .range_cyclic = true});
    m.run_for(milliseconds(1));
    ASSERT_EQ(m.log.inodes.size(), 1U);
    EXPECT_EQ(m.log.inodes[0].nr_to_write, Pages{v.chunk});
  }
}

TEST(Chunk, HasNoEndForDataIntegrityOrTaggedWork) {
  for (const bool sync_all : {true, false}) {
    WritebackMachine m;
    Device& d = m.add_device();
    dirty(m, d.file, 1);
    d.flusher.queue_work({.sync_all = sync_all, .tagged_writepages = !sync_all});
    m.run_for(milliseconds(1));
    EXPECT_EQ(m.log.inodes[0].nr_to_write, Pages{pagecache::kAllPages});
  }
}

// --- requeue rules, requeue_inode() -------------------------------------------------------------

TEST(Requeue, ACleanInodeLeavesAllLists) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 1);
  d.flusher.start_all(WbReason::kSync);
  m.run_for(milliseconds(1));
  EXPECT_FALSE(d.wb.has_dirty_io());
  dirty(m, d.file, 1);
  EXPECT_TRUE(d.wb.has_dirty_io());
}

TEST(Requeue, AnInodeThatUsedUpItsChunkTakesItsNextTurn) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 1500);
  d.flusher.queue_work({.nr_pages = 1000, .range_cyclic = true});
  m.run_for(milliseconds(1));
  EXPECT_EQ(d.file.written.size(), 1024U);
  EXPECT_EQ(order(d.wb.b_more_io), (std::vector<const Inode*>{&d.file.inode}));
}

TEST(Requeue, AnInodeDirtiedMeanwhileWaitsOnBDirty) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 2);
  // Behind the writer, with budget left.
  d.file.on_write = [&](PageIndex page) {
    if (page == kFirst) {
      dirty(m, d.file, 1);
    }
  };
  d.flusher.queue_work({.nr_pages = 1000, .range_cyclic = true});
  m.run_for(SimDuration{});
  EXPECT_EQ(order(d.wb.b_dirty), (std::vector<const Inode*>{&d.file.inode}));
  EXPECT_EQ(d.file.inode.dirtied_when, pagecache::kTestJiffies);  // its age stays
}

TEST(Requeue, AnInodeWithSkippedPagesWaitsOnBDirtyEvenIfItsChunkIsUsedUp) {
  WritebackMachine m;
  Device& d = m.add_device();
  dirty(m, d.file, 1500);
  d.file.skip_pages = 1;
  d.flusher.queue_work({.nr_pages = 1000, .range_cyclic = true});
  m.run_for(milliseconds(1));
  EXPECT_EQ(d.file.written.size(), 1024U);
  EXPECT_EQ(order(d.wb.b_dirty), (std::vector<const Inode*>{&d.file.inode}));
}

TEST(Requeue, RedirtyTailMakesAnInodeAsYoungAsNowOnlyBehindYoungerOnes) {
  for (const bool younger_there : {false, true}) {
    WritebackMachine m;
    Device& d = m.add_device();
    TestFile younger{m, d.wb};
    dirty(m, d.file, 1500);
    m.run_for(milliseconds(20));
    if (younger_there) {
      dirty(m, younger, 1);
      younger.inode.dirtied_when += 10'000;  // not expired: stays on b_dirty
    }
    m.run_for(milliseconds(20));
    d.file.skip_pages = 1;
    d.flusher.queue_work({.nr_pages = 1000, .range_cyclic = true});
    m.run_for(milliseconds(1));
    const std::uint64_t age = m.machine.jiffies_now() - d.file.inode.dirtied_when;
    EXPECT_EQ(age, younger_there ? 0U : 10U);
    EXPECT_EQ(&d.wb.b_dirty.front(), &d.file.inode);
  }
}

TEST(Requeue, DataIntegrityWorkMakesAStillDirtyInodeYoung) {
  for (const bool sync_all : {true, false}) {
    WritebackMachine m;
    Device& d = m.add_device(milliseconds(8), 0);
    dirty(m, d.file, 1);
    m.run_for(milliseconds(40));
    d.file.on_write = [&](PageIndex) { dirty(m, d.file, 1, 5); };
    d.flusher.queue_work({.sync_all = sync_all, .tagged_writepages = !sync_all, .for_sync = true});
    m.run_for(milliseconds(20));
    EXPECT_EQ(d.file.inode.dirtied_when, pagecache::kTestJiffies + 12);
    EXPECT_EQ(d.file.written.size(), 1U);  // younger than the work: not its business
  }
}

TEST(SyncAll, WaitsForPagesUnlessSomebodyElseWill) {
  for (const bool for_sync : {true, false}) {
    WritebackMachine m;
    Device& d = m.add_device();
    dirty(m, d.file, 1);
    d.file.hold = true;
    d.flusher.queue_work({.sync_all = true, .for_sync = for_sync});
    m.run_for(milliseconds(1));
    EXPECT_EQ(m.log.inodes.size(), for_sync ? 1U : 0U);
    EXPECT_EQ(d.file.inode.sync, !for_sync);
    d.file.release();
    m.run_for(milliseconds(1));
    EXPECT_EQ(m.log.inodes.size(), 1U);
  }
}

// A wake-up while the flusher sleeps in the middle of its work is for later.
TEST(Wake, DoesNotDisturbAFlusherThatWaitsForItsDevice) {
  WritebackMachine m;
  Device& d = m.add_device(milliseconds(1), 1);
  dirty(m, d.file, 20);
  d.flusher.start_all(WbReason::kSync);
  m.run_for(microseconds(1500));
  const std::size_t written = d.file.written.size();
  d.flusher.start_background_writeback(d.wb, {});
  d.flusher.queue_work({.nr_pages = 10});
  m.run_for(microseconds(200));
  EXPECT_EQ(d.file.written.size(), written);
  EXPECT_EQ(d.file.early_wakeups, 0);
}

TEST(Bandwidth, IsEstimatedAfterABatchButNotOverAnIdlePeriodBeforeIt) {
  for (const bool idle : {false, true}) {
    WritebackMachine m;
    Device& d = m.add_device(microseconds(100), 1);
    dirty(m, d.file, 3000);  // 300 ms
    m.run_for(idle ? seconds(2) : milliseconds(4));
    d.flusher.start_all(WbReason::kSync);
    m.run_for(seconds(1));
    EXPECT_EQ(d.wb.write_bandwidth == kInitialBandwidth, idle);
    EXPECT_NE(d.wb.bw_time_stamp, pagecache::kTestJiffies);
  }
}

TEST(Bandwidth, IsEstimatedLaterByDoWritepagesIn6_1) {
  WritebackOptions options;
  options.throttle.bandwidth_update = BandwidthUpdate::kDoWritepages;
  WritebackMachine m{options};
  Device& d = m.add_device(microseconds(100), 1);
  dirty(m, d.file, 500);  // 50 ms: no update is due at the end of do_writepages()
  d.flusher.start_all(WbReason::kSync);
  m.run_for(milliseconds(60));
  EXPECT_EQ(d.wb.bw_time_stamp, pagecache::kTestJiffies);
  m.run_for(milliseconds(200));  // 200 ms after the last page under writeback
  EXPECT_NE(d.wb.bw_time_stamp, pagecache::kTestJiffies);
  EXPECT_NE(d.wb.write_bandwidth, kInitialBandwidth);
}

}  // namespace
}  // namespace wbsim::writeback
