// The flusher threads of v3.6.
#include "sim/writeback/bdi_thread.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "sim/writeback/test_machine.hpp"

namespace wbsim::writeback {
namespace {

using engine::WbReason;
using pagecache::TestTask;

WritebackOptions options_of_3_6() {
  WritebackOptions options;
  options.throttle.limits = LimitRules::kV3_6;
  options.throttle.laws = ControlLaws::kV3_6;
  options.throttle.writepages = pagecache::WritepagesRules::kV3_6;
  options.throttle.flusher_plug = false;
  return options;
}

struct ThreadMachine : WritebackMachine {
  explicit ThreadMachine(int fork_failures = 0, const WritebackOptions& options = options_of_3_6())
      : WritebackMachine{options}, forker{machine, throttle, fork_failures} {
    run_for(SimDuration{});
  }
  ~ThreadMachine() { simulator.destroy_processes(); }

  struct Disk {
    Disk(ThreadMachine& owner, int index, SimDuration per_page, std::size_t depth)
        : wb{index, owner.machine.cpus(), kInitialBandwidth},
          file{owner, wb, per_page, depth},
          thread{owner.machine,       owner.tracer, owner.throttle, owner.cache, wb,
                 owner.inodes_in_use, owner.forker} {
      wb.bw_time_stamp = owner.machine.jiffies_now();
      wb.last_old_flush = owner.machine.jiffies_now();
    }
    pagecache::BdiWriteback wb;
    pagecache::TestFile file;
    BdiThread thread;
  };
  Disk& add_disk(SimDuration per_page = SimDuration{}, std::size_t depth = 64) {
    disks.push_back(std::make_unique<Disk>(*this, static_cast<int>(disks.size()), per_page, depth));
    return *disks.back();
  }
  void dirty_file(Disk& d, std::int64_t pages, std::int64_t first = 0) {
    dirty(d.file.inode.mapping, PageIndex{first}, Pages{pages});
  }

  BdiForker forker;
  std::vector<std::unique_ptr<Disk>> disks;
};

using Disk = ThreadMachine::Disk;

TEST(BdiForkerTest, MakesAThreadWhenThereIsSomethingToDo) {
  ThreadMachine m;
  Disk& d = m.add_disk();
  m.forker.wake();
  m.run_for(seconds(20));
  EXPECT_FALSE(d.thread.exists());
  m.dirty_file(d, 3);
  m.run_for(milliseconds(4900));
  EXPECT_FALSE(d.thread.exists()) << "the timer of the first dirty inode";
  m.run_for(milliseconds(200));
  EXPECT_TRUE(d.thread.exists());
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(seconds(31));
  EXPECT_EQ(d.file.written.size(), 3U);
}

TEST(BdiForkerTest, ARequestForBackgroundWritebackMakesItAtOnce) {
  ThreadMachine m;
  Disk& d = m.add_disk();
  m.dirty_file(d, 25'000);
  d.thread.start_background_writeback(d.wb, {});
  m.run_for(SimDuration{});
  EXPECT_TRUE(d.thread.exists());
  EXPECT_FALSE(d.file.written.empty());
}

TEST(BdiForkerTest, WritesAChunkItselfWhereThatFailsAndTriesAgain) {
  ThreadMachine m{2};
  Disk& d = m.add_disk(microseconds(10), 100'000);
  m.dirty_file(d, 5000);
  d.thread.start_all(WbReason::kSync);
  m.run_for(SimDuration{});
  ASSERT_EQ(m.log.inodes.size(), 3U);
  EXPECT_EQ(m.log.inodes[0].task.comm, "bdi-default");
  EXPECT_EQ(m.log.inodes[1].task.comm, "bdi-default");
  EXPECT_EQ(m.log.inodes[0].wrote, Pages{2048});
  EXPECT_EQ(m.log.inodes.back().task.comm, "flush-8:0");
  EXPECT_TRUE(d.thread.exists());
}

TEST(BdiForkerTest, EndsAThreadThatWasIdleForFiveMinutes) {
  ThreadMachine m;
  Disk& d = m.add_disk();
  m.dirty_file(d, 3);
  d.thread.start_all(WbReason::kSync);
  m.run_for(seconds(1));
  ASSERT_TRUE(d.thread.exists());
  m.run_for(seconds(299));
  EXPECT_TRUE(d.thread.exists());
  m.run_for(seconds(600));  // the forker looks every five minutes
  EXPECT_FALSE(d.thread.exists());
  m.dirty_file(d, 1000);
  d.thread.start_all(WbReason::kSync);
  m.run_for(milliseconds(1));
  EXPECT_TRUE(d.thread.exists());
  EXPECT_EQ(d.file.written.size(), 1003U);
}

TEST(BdiForkerTest, ALongerIntervalLetsThemLiveLonger) {
  WritebackOptions options = options_of_3_6();
  options.vm.dirty_writeback_centisecs = 100'000;
  ThreadMachine m{0, options};
  Disk& d = m.add_disk();
  m.dirty_file(d, 1000);
  d.thread.start_all(WbReason::kSync);
  m.run_for(seconds(950));
  EXPECT_TRUE(d.thread.exists());
}

TEST(BdiThreadTest, RequestsForEverythingPileUp) {
  ThreadMachine m;
  Disk& d = m.add_disk(milliseconds(1), 1);
  m.dirty_file(d, 100);
  d.thread.start_all(WbReason::kSync);
  m.run_for(milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    d.thread.start_all(WbReason::kSync);
  }
  m.run_for(seconds(1));
  EXPECT_EQ(m.log.starts.size(), 4U);
  EXPECT_GT(m.log.starts[0].nr_pages, 90) << "dirty pages, as far as the counter knows";
  EXPECT_LE(m.log.starts[0].nr_pages, 100);
  EXPECT_FALSE(m.log.starts[0].range_cyclic);
}

TEST(BdiThreadTest, AskedForNothingWhereNothingIsDirty) {
  ThreadMachine m;
  Disk& d = m.add_disk();
  d.thread.start_all(WbReason::kSync);
  m.run_for(seconds(1));
  EXPECT_TRUE(m.log.starts.empty());
  EXPECT_FALSE(d.thread.exists());
}

TEST(BdiThreadTest, AWakeUpWhileItWritesIsForgotten) {
  ThreadMachine m;
  Disk& d = m.add_disk(milliseconds(1), 1);
  m.dirty_file(d, 100);
  d.thread.start_all(WbReason::kSync);
  m.run_for(milliseconds(1));
  d.thread.start_background_writeback(d.wb, {});
  m.dirty_file(d, 25'000, 1000);
  m.run_for(milliseconds(500));
  const std::size_t passes = m.log.starts.size();
  m.run_for(milliseconds(500));
  EXPECT_EQ(m.log.starts.size(), passes);
}

TEST(BdiThreadTest, AnotherIntervalWakesNobody) {
  ThreadMachine m;
  Disk& d = m.add_disk();
  m.dirty_file(d, 100);
  m.throttle.set_vm(VmKey::kDirtyWritebackCentisecs, 100);
  d.thread.interval_changed();
  m.run_for(seconds(2));
  EXPECT_TRUE(m.log.starts.empty());
}

TEST(BdiThreadTest, TheFirstDirtyInodeSetsTheTimerAnew) {
  WritebackOptions options = options_of_3_6();
  options.vm.dirty_expire_centisecs = 0;
  ThreadMachine m{0, options};
  Disk& d = m.add_disk();
  m.dirty_file(d, 1);
  m.run_for(seconds(3));
  // Written by somebody else, and dirty again: the first dirty inode once more.
  TestTask writer{m.machine};
  pagecache::remove_from_lists(d.file.inode);
  d.file.inode.dirty_pages = false;
  m.dirty_file(d, 1, 1);
  m.run_for(milliseconds(4900));
  EXPECT_TRUE(d.file.written.empty());
  m.run_for(milliseconds(600));  // the timers of this machine are coarse
  EXPECT_EQ(d.file.written.size(), 2U);
}

}  // namespace
}  // namespace wbsim::writeback
