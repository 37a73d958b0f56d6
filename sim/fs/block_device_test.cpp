#include "sim/fs/block_device.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/fs/test_machine.hpp"

namespace wbsim::fs {
namespace {

using engine::Task;
using pagecache::TaskContext;
using pagecache::TestTask;
using Disk = DiskMachine::Disk;

using block::kIoError;

// A write, then an fsync where asked; results are kept.
struct Result {
  std::int64_t write = 1;
  int fsync = 1;
  std::uint64_t seen = 0;
};

Task<> write_and_sync(TaskContext& task, Disk& disk, Result& result, Pages count, bool sync) {
  result.write =
      co_await disk.device.write(task, FileOffset{0}, to_bytes(count), sync, 1, &result.seen);
}

Task<> fsync_all(TaskContext& task, Disk& disk, Result& result) {
  result.fsync = co_await disk.device.fsync(task, PageIndex{0}, PageIndex::max(), &result.seen);
}

class BlockDeviceTest : public testing::Test {
 protected:
  void write(Result& result, Pages count, bool sync = false) {
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return write_and_sync(t, disk, result, count, sync); });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
  }
  void fsync(Result& result) {
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return fsync_all(t, disk, result); });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
  }
  bool durable(Pages count) { return machine.durable(disk, PageIndex{0}, count); }

  DiskMachine machine;
  Disk& disk = machine.add_disk("sda");
};

TEST_F(BlockDeviceTest, BufferedWriteReachesNoDisk) {
  Result result;
  write(result, Pages{8});
  EXPECT_EQ(result.write, 8 * 4096);
  EXPECT_EQ(disk.model.writes, 0);
  EXPECT_TRUE(disk.device.inode().dirty_pages);
}

TEST_F(BlockDeviceTest, FsyncReturnsAfterDataIsDurable) {
  Result result;
  write(result, Pages{8});
  fsync(result);
  EXPECT_EQ(result.fsync, 0);
  EXPECT_TRUE(durable(Pages{8}));
  EXPECT_EQ(disk.model.flushes, 1);
  EXPECT_EQ(disk.queue.in_flight(), 0U);
}

// Notes the flags of all bios.
class SubmittedFlags final : public engine::Observer {
 public:
  void on_bio(engine::BioStep step, const engine::BioTrace& bio) override {
    if (step == engine::BioStep::kQueue) {
      seen.push_back(bio.rwbs);
    }
  }
  std::vector<engine::RwbsFlags> seen;
};

// wbc_to_write_flags(), and submit_bio_wait() for the flush.
TEST_F(BlockDeviceTest, WritebackSaysWhetherSomebodyWaitsOrItIsDoneInTheBackground) {
  SubmittedFlags flags;
  machine.tracer.attach(flags);
  Result result;
  write(result, Pages{1});
  fsync(result);
  ASSERT_EQ(flags.seen.size(), 2U);
  EXPECT_EQ(flags.seen[0], (engine::RwbsFlags{.write = true, .sync = true}));
  EXPECT_EQ(flags.seen[1], (engine::RwbsFlags{.write = true, .preflush = true, .sync = true}));
  write(result, Pages{1});
  machine.run_for(seconds(40));  // it is old enough for periodic writeback
  ASSERT_EQ(flags.seen.size(), 3U);
  EXPECT_EQ(flags.seen[2], (engine::RwbsFlags{.write = true, .background = true}));
}

TEST_F(BlockDeviceTest, FsyncLeavesTheInodeOnItsListUntilTheFlusherComes) {
  Result result;
  write(result, Pages{8});
  fsync(result);
  EXPECT_TRUE(disk.wb.has_dirty_io());
  machine.run_for(seconds(40));
  EXPECT_FALSE(disk.wb.has_dirty_io());
  EXPECT_EQ(disk.model.writes, 1);  // it found nothing to write
}

class Polls final : public engine::Observer {
 public:
  void on_global_dirty_state(const engine::GlobalDirtyState& /*state*/) override { ++count; }
  int count = 0;
};

Task<> write_later_again(TaskContext& task, Disk& disk, Pages first, Pages then) {
  co_await disk.device.write(task, FileOffset{0}, to_bytes(first), false, 1, nullptr);
  co_await task.thread().nanosleep(SimTime{milliseconds(10)});
  co_await disk.device.write(task, FileOffset{0}, to_bytes(then), false, 2, nullptr);
}

// A new task is looked at after 32 pages: at the end of the write, or at the beginning of the next.
TEST(DirtyCheck, ComesAfterThePageOrBeforeTheNext) {
  for (const writeback::DirtyCheck check :
       {writeback::DirtyCheck::kAfterPage, writeback::DirtyCheck::kBeforePage}) {
    writeback::WritebackOptions options;
    options.throttle.dirty_check = check;
    DiskMachine machine{options};
    Disk& disk = machine.add_disk("sda");
    Polls polls;
    machine.tracer.attach(polls);
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return write_later_again(t, disk, Pages{32}, Pages{1}); });
    machine.run_for(milliseconds(1));
    EXPECT_EQ(polls.count, check == writeback::DirtyCheck::kAfterPage ? 1 : 0);
    machine.run_for(milliseconds(20));
    EXPECT_EQ(polls.count, 1);
  }
}

TEST_F(BlockDeviceTest, SyncWriteWritesItsOwnRangeAlone) {
  machine.dirty(disk.device.inode().mapping, PageIndex{100}, Pages{3});
  Result result;
  write(result, Pages{4}, true);
  EXPECT_EQ(result.write, 4 * 4096);
  EXPECT_TRUE(durable(Pages{4}));
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 3);
}

TEST_F(BlockDeviceTest, NeighbouringPagesBecomeOneRequest) {
  Result result;
  write(result, Pages{64});
  fsync(result);
  EXPECT_EQ(disk.model.writes, 1);
  EXPECT_EQ(disk.queue.stats().back_merges, 63);
}

TEST_F(BlockDeviceTest, AWriteErrorIsReportedOncePerFileAndSendsNoFlush) {
  Result first;
  Result second;
  write(first, Pages{2});
  disk.model.failures = 1;
  fsync(first);
  EXPECT_EQ(first.fsync, kIoError);
  EXPECT_EQ(disk.model.flushes, 0);
  fsync(first);
  EXPECT_EQ(first.fsync, 0);
  EXPECT_EQ(disk.model.flushes, 1);
  fsync(second);  // opened before the error
  EXPECT_EQ(second.fsync, kIoError);
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 0);  // the page is clean all the same
}

TEST_F(BlockDeviceTest, AnErrorReplacesTheByteCountOfASyncWrite) {
  Result result;
  disk.model.failures = 1;
  write(result, Pages{2}, true);
  EXPECT_EQ(result.write, kIoError);
}

TEST_F(BlockDeviceTest, FlushBuffersWritesWaitsAndDropsPages) {
  Result result;
  write(result, Pages{16});
  TestTask task{machine.machine};
  task.run([&](TaskContext& t) { return disk.device.flush_buffers(t); });
  machine.run_for(seconds(1));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(disk.device.inode().mapping.pages.pages(), Pages{0});
  EXPECT_EQ(machine.cache.stat().nr_written.sum(), 16);
}

TEST_F(BlockDeviceTest, RequestsCarryTheWritesTheyComeFrom) {
  disk.device.inode().mapping.provenance.enable();
  Result result;
  write(result, Pages{4});
  EXPECT_EQ(disk.device.inode().mapping.provenance.runs(), 1U);
  fsync(result);
  EXPECT_EQ(disk.device.inode().mapping.provenance.runs(), 0U);
}

// Concurrent O_SYNC writers of one device on two CPUs: pages change state while others sleep.
TEST(BlockDeviceSmp, SyncWritersOfTheSamePagesAllEndWithDurableData) {
  writeback::WritebackOptions options;
  options.cpus = 2;
  DiskMachine machine{options};
  Disk& disk = machine.add_disk("sda");
  std::vector<std::unique_ptr<TestTask>> tasks;
  std::vector<Result> results(6);
  const auto pages = [](std::size_t i) { return Pages{3 + static_cast<std::int64_t>(i) * 40}; };
  for (std::size_t i = 0; i < results.size(); ++i) {
    tasks.push_back(std::make_unique<TestTask>(machine.machine));
    tasks.back()->run(
        [&, i](TaskContext& t) { return write_and_sync(t, disk, results[i], pages(i), true); });
    machine.run_for(microseconds(70));
  }
  machine.run_for(seconds(1));
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(tasks[i]->done());
    EXPECT_EQ(results[i].write, to_bytes(pages(i)).count());
  }
  EXPECT_TRUE(machine.durable(disk, PageIndex{0}, Pages{203}));
  EXPECT_EQ(machine.cache.stat().nr_writeback.sum(), 0);
  EXPECT_EQ(disk.queue.in_flight(), 0U);
}

// Each CPU's part of a counter moves into the shared value when it reaches the batch: two CPUs that
// complete half a batch each keep it, one that completed all of it would not.
TEST(BlockDeviceSmp, CompletionsCountOnTheCpuOfTheirRequest) {
  writeback::WritebackOptions options;
  options.cpus = 2;
  DiskMachine machine{options};
  Disk& disk = machine.add_disk("sda");
  const auto half =
      Pages{(pagecache::vm_stat_threshold(options.cpus, options.memory.count()) + 2) / 2};
  std::vector<std::unique_ptr<TestTask>> tasks;
  for (int i = 0; i < 2; ++i) {
    tasks.push_back(std::make_unique<TestTask>(machine.machine));
    tasks.back()->run([&, i](TaskContext& t) -> Task<> {
      std::uint64_t seen = 0;
      co_await t.thread().run(milliseconds(1));  // so that each has a CPU of its own
      EXPECT_EQ(t.cpu(), i);
      co_await disk.device.write(t, FileOffset{mebibytes(i).count()}, to_bytes(half), true, 1,
                                 &seen);
    });
  }
  machine.run_for(seconds(1));
  const pagecache::VmStat& stat = machine.cache.stat();
  EXPECT_EQ(Pages{stat.nr_written.sum()}, 2 * half);
  EXPECT_EQ(pagecache::VmStat::read(stat.nr_written), Pages{0});
}

}  // namespace
}  // namespace wbsim::fs
