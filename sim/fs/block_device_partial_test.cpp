// Writes of parts of pages, and writes of pages that are being read.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "sim/fs/block_device.hpp"
#include "sim/fs/test_machine.hpp"

namespace wbsim::fs {
namespace {

using engine::Task;
using pagecache::Flag;
using pagecache::PageTree;
using pagecache::TaskContext;
using pagecache::TestTask;
using Disk = DiskMachine::Disk;

using block::kIoError;

Task<> write_at(TaskContext& task, Disk& disk, FileOffset at, Bytes length, bool sync,
                std::int64_t& result) {
  std::uint64_t seen = 0;
  result = co_await disk.device.write(task, at, length, sync, 1, &seen);
}

class PartialWrite : public testing::Test {
 protected:
  std::int64_t write(std::int64_t at, std::int64_t length, bool sync = false) {
    std::int64_t result = 0;
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) {
      return write_at(t, disk, FileOffset{at}, Bytes{length}, sync, result);
    });
    machine.run_for(milliseconds(10));
    EXPECT_TRUE(task.done());
    return result;
  }
  std::size_t reads() { return std::exchange(disk.model.reads, {}).size(); }
  [[nodiscard]] std::int64_t dirty() { return machine.cache.stat().nr_file_dirty.sum(); }
  pagecache::AddressSpace& mapping() { return disk.device.inode().mapping; }

  DiskMachine machine;
  Disk& disk = machine.add_disk("sda");
};

TEST_F(PartialWrite, ReadsThePageFirstUnlessItIsCached) {
  EXPECT_EQ(write(512, 1024), 1024);
  ASSERT_EQ(disk.model.reads.size(), 1U);
  EXPECT_EQ(disk.model.reads[0].sector, Lba{0});
  EXPECT_EQ(disk.model.reads[0].length, kSectorsPerPage);
  EXPECT_EQ(dirty(), 1);
  EXPECT_EQ(reads(), 1U);
  EXPECT_EQ(write(2048, 512), 512);
  EXPECT_EQ(reads(), 0U);
  EXPECT_EQ(dirty(), 1);
}

TEST_F(PartialWrite, ReadsTheFirstAndTheLastPageOfALongWriteOnly) {
  EXPECT_EQ(write(512, 4 * 4096), 4 * 4096);
  ASSERT_EQ(disk.model.reads.size(), 2U);
  EXPECT_EQ(disk.model.reads[0].sector, Lba{0});
  EXPECT_EQ(disk.model.reads[1].sector, Lba{4 * 8});
  EXPECT_EQ(dirty(), 5);
}

TEST_F(PartialWrite, WholePagesAreNeverRead) {
  EXPECT_EQ(write(4096, 2 * 4096), 2 * 4096);
  EXPECT_EQ(reads(), 0U);
}

TEST_F(PartialWrite, TheReadTravelsInThePlugThatTheSleepingWriterIssues) {
  std::int64_t result = 0;
  TestTask task{machine.machine};
  task.run([&](TaskContext& t) {
    return write_at(t, disk, FileOffset{512}, Bytes{512}, false, result);
  });
  machine.run_for(microseconds(50));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(dirty(), 0);
  EXPECT_EQ(mapping().pages.flagged(PageIndex{0}, Flag::kLocked), 1U);
  machine.run_for(milliseconds(1));
  EXPECT_EQ(result, 512);
  EXPECT_EQ(mapping().pages.flagged(PageIndex{0}, Flag::kLocked), 0U);
}

TEST_F(PartialWrite, OfAPageThatCannotBeReadIsAnError) {
  disk.model.read_failures = 1;
  EXPECT_EQ(write(512, 512), kIoError);
  EXPECT_EQ(dirty(), 0);
  EXPECT_EQ(write(512, 512), 512) << "it is read anew";
}

TEST_F(PartialWrite, ReportsWhatCameBeforeAPageThatCannotBeRead) {
  disk.model.read_failures = 1;
  EXPECT_EQ(write(0, 4096 + 512), 4096);
  EXPECT_EQ(dirty(), 1);
}

TEST_F(PartialWrite, OverwritingABadPageAsAWholeNeedsNoRead) {
  disk.model.read_failures = 1;
  EXPECT_EQ(write(512, 512), kIoError);
  reads();
  EXPECT_EQ(write(0, 4096), 4096);
  EXPECT_EQ(reads(), 0U);
  EXPECT_EQ(mapping().pages.uptodate(PageIndex{0}), 1U);
}

TEST_F(PartialWrite, WithSyncMakesItsPagesDurable) {
  EXPECT_EQ(write(4000, 200, true), 200);
  EXPECT_TRUE(machine.durable(disk, PageIndex{0}, Pages{2}));
  EXPECT_EQ(dirty(), 0);
}

TEST_F(PartialWrite, AWriteWaitsForThePagesThatAreBeingRead) {
  pagecache::FileReadahead ra = disk.device.new_readahead();
  std::int64_t read = 0;
  TestTask reader{machine.machine};
  reader.run([&](TaskContext& t) -> Task<> {
    return [](TaskContext& task, Disk& d, pagecache::FileReadahead& state,
              std::int64_t& result) -> Task<> {
      result = co_await d.device.read(task, FileOffset{0}, Bytes{4 * 4096}, state);
    }(t, disk, ra, read);
  });
  std::int64_t written = 0;
  TestTask writer{machine.machine};
  writer.run([&](TaskContext& t) {
    return write_at(t, disk, FileOffset{4096}, Bytes{20 * 4096}, false, written);
  });
  machine.run_for(microseconds(50));
  EXPECT_FALSE(writer.done());
  EXPECT_EQ(dirty(), 0) << "pages 1 to 3 are locked";
  machine.run_for(milliseconds(5));
  EXPECT_EQ(read, 4 * 4096);
  EXPECT_EQ(written, 20 * 4096);
  EXPECT_EQ(dirty(), 20);
}

// A page that readahead brought in has no buffer head until it is written.
TEST_F(PartialWrite, GivesAPageItsBufferHead) {
  machine.cache.add_for_read(mapping(), PageIndex{0}, 1, 0);
  machine.cache.end_read(mapping(), PageIndex{0}, Pages{1}, false);
  EXPECT_EQ(mapping().pages.bare(), Pages{1});
  EXPECT_EQ(write(0, 512), 512);
  EXPECT_EQ(mapping().pages.bare(), Pages{0});
}

}  // namespace
}  // namespace wbsim::fs
