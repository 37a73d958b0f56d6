#include "sim/fs/direct_io.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/fs/test_machine.hpp"

namespace wbsim::fs {
namespace {

using engine::Task;
using pagecache::TaskContext;
using pagecache::TestTask;
using Disk = DiskMachine::Disk;

using block::kIoError;
constexpr int kInvalid = -22;

Task<> run_io(TaskContext& task, Disk& disk, DirectRequest request, int& result) {
  DirectIo io;
  result = co_await io.run(task, disk.device, request);
}

class Client final : public DirectIoClient {
 public:
  void direct_io_done(std::int64_t bytes_or_error) override { results.push_back(bytes_or_error); }
  std::vector<std::int64_t> results;
};

Task<> start_io(TaskContext& task, Disk& disk, DirectRequest request, DirectIo& io, Client& client,
                std::size_t& done_at_return) {
  co_await io.start(task, disk.device, request, client);
  done_at_return = client.results.size();
}

// The bios queued and the requests issued.
class BioLog final : public engine::Observer {
 public:
  void on_bio(engine::BioStep step, const engine::BioTrace& bio) override {
    if (step == engine::BioStep::kQueue) {
      bios.push_back(bio);
    }
  }
  void on_unplug(const engine::UnplugTrace& unplug) override {
    unplugs_of_sleepers += unplug.from_schedule ? 1 : 0;
  }
  std::vector<engine::BioTrace> bios;
  int unplugs_of_sleepers = 0;
};

class DirectIoTest : public testing::Test {
 protected:
  DirectIoTest() { machine.tracer.attach(log); }

  int run(DirectRequest request) {
    int result = 1;
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return run_io(t, disk, request, result); });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
    return result;
  }
  pagecache::PageTree& cached() { return disk.device.inode().mapping.pages; }

  BioLog log;
  DiskMachine machine;
  Disk& disk = machine.add_disk("sda");
};

TEST_F(DirectIoTest, AWriteReachesTheDiskAndNotTheCache) {
  EXPECT_EQ(run({.write = true, .at = FileOffset{8192}, .length = kibibytes(64)}), 0);
  EXPECT_EQ(disk.model.writes, 1);
  EXPECT_EQ(cached().pages(), Pages{0});
  EXPECT_EQ(machine.cache.stat().nr_dirtied.sum(), 0);
  EXPECT_EQ(disk.queue.in_flight(), 0U);
}

TEST_F(DirectIoTest, WritesAreSyncAndIdleAndAskForFuaWithDsync) {
  run({.write = true, .at = FileOffset{0}, .length = kibibytes(4)});
  run({.write = true, .dsync = true, .at = FileOffset{0}, .length = kibibytes(4)});
  run({.write = false, .dsync = true, .at = FileOffset{0}, .length = kibibytes(4)});
  ASSERT_EQ(log.bios.size(), 3U);
  EXPECT_EQ(log.bios[0].rwbs, (engine::RwbsFlags{.write = true, .sync = true, .idle = true}));
  EXPECT_EQ(log.bios[1].rwbs,
            (engine::RwbsFlags{.write = true, .fua = true, .sync = true, .idle = true}));
  EXPECT_EQ(log.bios[2].rwbs, engine::RwbsFlags{});
}

TEST_F(DirectIoTest, TakesAtMost256PagesToABioAndPlugsSeveral) {
  EXPECT_EQ(run({.write = false, .at = FileOffset{0}, .length = mebibytes(2) + Bytes{512}}), 0);
  ASSERT_EQ(log.bios.size(), 3U);
  EXPECT_EQ(log.bios[0].length, Sectors{2048});
  EXPECT_EQ(log.bios[1].sector, Lba{2048});
  EXPECT_EQ(log.bios[2].length, Sectors{1});
}

TEST_F(DirectIoTest, HalfASectorIsInvalid) {
  EXPECT_EQ(run({.write = true, .at = FileOffset{100}, .length = kibibytes(4)}), kInvalid);
  EXPECT_EQ(run({.write = true, .at = FileOffset{0}, .length = Bytes{100}}), kInvalid);
  EXPECT_EQ(run({.write = true, .at = FileOffset{512}, .length = Bytes{512}}), 0);
  EXPECT_EQ(log.bios.size(), 1U);
}

TEST_F(DirectIoTest, ReportsAnErrorOfTheDisk) {
  disk.model.failures = 1;
  EXPECT_EQ(run({.write = true, .at = FileOffset{0}, .length = kibibytes(4)}), kIoError);
  EXPECT_EQ(run({.write = true, .at = FileOffset{0}, .length = kibibytes(4)}), 0);
}

// Dirty pages of the range first reach the disk, in the range only.
TEST_F(DirectIoTest, AReadWritesDirtyPagesOfItsRangeOutAndKeepsThem) {
  machine.dirty(disk.device.inode().mapping, PageIndex{4}, Pages{8});
  run({.write = false, .at = FileOffset{6 * 4096}, .length = kibibytes(8)});
  ASSERT_EQ(log.bios.size(), 3U);
  EXPECT_TRUE(log.bios[0].rwbs.write);
  EXPECT_EQ(log.bios[0].sector, lba_of(PageIndex{6}));
  EXPECT_FALSE(log.bios.back().rwbs.write);
  EXPECT_EQ(cached().pages(), Pages{8});
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 6);
}

TEST_F(DirectIoTest, AWriteDropsItsRangeFromTheCache) {
  machine.dirty(disk.device.inode().mapping, PageIndex{60}, Pages{8});
  run({.write = true, .at = FileOffset{62 * 4096}, .length = kibibytes(16)});
  EXPECT_EQ(cached().pages(), Pages{4});
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 4);
  EXPECT_EQ(machine.cache.stat().nr_inactive_file, Pages{4});
  EXPECT_EQ(disk.model.writes, 2);
}

// blkdev_write_iter() plugs writes: going to sleep hands them to kblockd. A small read is issued.
TEST_F(DirectIoTest, OnlyWritesWaitInAPlug) {
  run({.write = false, .at = FileOffset{0}, .length = kibibytes(4)});
  EXPECT_EQ(log.unplugs_of_sleepers, 0);
  run({.write = true, .at = FileOffset{0}, .length = kibibytes(4)});
  EXPECT_EQ(log.unplugs_of_sleepers, 1);
}

TEST_F(DirectIoTest, AnAsynchronousOneReturnsBeforeItIsDone) {
  DirectIo io;
  Client client;
  std::size_t done_at_return = 9;
  TestTask task{machine.machine};
  task.run([&](TaskContext& t) {
    return start_io(t, disk, {.write = true, .at = FileOffset{0}, .length = kibibytes(8)}, io,
                    client, done_at_return);
  });
  machine.run_for(seconds(1));
  EXPECT_EQ(done_at_return, 0U);
  EXPECT_EQ(client.results, std::vector<std::int64_t>{8192});
}

}  // namespace
}  // namespace wbsim::fs
