#include "sim/fs/extent_fs.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/fs/extent_test_machine.hpp"

namespace wbsim::fs {
namespace {

using pagecache::TaskContext;

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kFirstData = 257;   // 64 MiB: 4096 inodes in 256 blocks behind the first
constexpr std::int64_t kTableOfFirst = 1;  // block of the first inodes

QueuedBios::Entry sync_write(std::int64_t block, std::int64_t blocks) {
  return {block, blocks, true, true, false};
}

engine::Task<> cut_to_nothing(TaskContext& task, ExtentFile& file) {
  co_await file.truncate(task, Bytes{0});
}

using Entries = std::vector<QueuedBios::Entry>;

// --- data ---------------------------------------------------------------------------------------

TEST(ExtentFs, PagesInARowGoInBiosOf256AndThenTheInodesBlock) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  EXPECT_EQ(m.write(file, 0, 600 * kPage), 600 * kPage);
  EXPECT_TRUE(m.bios.entries.empty());
  EXPECT_EQ(m.fsync(file), 0);
  // The block of the table is read first: it is not cached yet.
  EXPECT_EQ(m.bios.entries, (Entries{sync_write(kFirstData, 256),
                                     sync_write(kFirstData + 256, 256),
                                     sync_write(kFirstData + 512, 88),
                                     {kTableOfFirst, 1, false, false, false},
                                     sync_write(kTableOfFirst, 1)}));
  EXPECT_EQ(m.disk.model.flushes, 1);
  EXPECT_TRUE(m.durable(m.disk, PageIndex{kFirstData}, Pages{600}));
  m.check();
}

TEST(ExtentFs, DelayedAllocationKeepsFilesThatAreWrittenAlternatelyInOnePieceEach) {
  ExtentMachine m;
  ExtentFile& a = m.create("a");
  ExtentFile& b = m.create("b");
  for (std::int64_t i = 0; i < 10; ++i) {
    m.write(a, i * kPage, kPage);
    m.write(b, i * kPage, kPage);  // 0.4 s for both: before the flusher wakes
  }
  EXPECT_EQ(m.fs.space().reserved(), FsBlocks{20});
  m.fsync(b);
  m.fsync(a);
  EXPECT_EQ(a.extents().extents(), 1U);
  EXPECT_EQ(b.extents().extents(), 1U);
  EXPECT_EQ(b.extents().find(PageIndex{0}).block, FsBlock{kFirstData});
  EXPECT_EQ(a.extents().find(PageIndex{0}).block, FsBlock{kFirstData + 10});
  EXPECT_EQ(m.fs.space().reserved(), FsBlocks{0});
  m.check();
}

TEST(ExtentFs, APageThatDoesNotFollowOnTheDeviceBeginsABio) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 4 * kPage);
  m.write(file, 8 * kPage, 4 * kPage);  // behind a hole in the file, in a row on the device
  m.fsync(file);
  ASSERT_GE(m.bios.entries.size(), 1U);
  EXPECT_EQ(m.bios.entries[0], sync_write(kFirstData, 8));
  m.bios.entries.clear();
  m.write(file, 0, kPage);
  m.write(file, 2 * kPage, kPage);
  m.fsync(file, true);
  EXPECT_EQ(m.bios.entries, (Entries{sync_write(kFirstData, 1), sync_write(kFirstData + 2, 1)}));
}

TEST(ExtentFs, PeriodicWritebackIsBackgroundAndLeavesTheInodeInTheCacheOfTheDevice) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 3 * kPage);
  m.run_for(seconds(36));
  ASSERT_EQ(m.bios.entries.size(), 2U);
  EXPECT_EQ(m.bios.entries[0], (QueuedBios::Entry{kFirstData, 3, true, false, true}));
  EXPECT_EQ(m.bios.entries[1], (QueuedBios::Entry{kTableOfFirst, 1, false, false, false}));
  EXPECT_TRUE(m.disk.device.inode().dirty_pages);
  EXPECT_FALSE(file.inode().dirty_at_all());
  m.run_for(seconds(36));
  ASSERT_EQ(m.bios.entries.size(), 3U);
  EXPECT_EQ(m.bios.entries[2], (QueuedBios::Entry{kTableOfFirst, 1, true, false, true}));
}

// --- what fsync and fdatasync write beside data -------------------------------------------------

TEST(ExtentFs, FdatasyncLeavesOutWhatTheDataIsFoundWithout) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 2 * kPage);
  m.fsync(file, true);
  EXPECT_EQ(m.bios.entries.back(), sync_write(kTableOfFirst, 1)) << "it has grown";
  m.bios.entries.clear();
  m.run_for(milliseconds(8));  // another time stamp
  m.write(file, 0, kPage);
  m.fsync(file, true);
  EXPECT_EQ(m.bios.entries, (Entries{sync_write(kFirstData, 1)}));
  EXPECT_TRUE(file.inode().dirty_sync);
  m.bios.entries.clear();
  m.fsync(file);
  EXPECT_EQ(m.bios.entries, (Entries{sync_write(kTableOfFirst, 1)}));
  EXPECT_FALSE(file.inode().dirty_at_all());
}

TEST(ExtentFs, LazyTimeStampsWaitForAnFsync) {
  ExtentMachine m{{.lazytime = true}};
  ExtentFile& file = m.create("a");
  m.write(file, 0, kPage);
  m.fsync(file);
  m.run_for(milliseconds(8));
  m.write(file, 0, kPage);
  EXPECT_TRUE(file.inode().dirty_time);
  m.bios.entries.clear();
  m.run_for(seconds(36));
  EXPECT_EQ(m.bios.entries, (Entries{{kFirstData, 1, true, false, true}}));
  EXPECT_TRUE(file.inode().dirty_time);
  EXPECT_FALSE(file.inode().dirty());
  m.bios.entries.clear();
  m.fsync(file);
  EXPECT_EQ(m.bios.entries, (Entries{sync_write(kTableOfFirst, 1)}));
  EXPECT_FALSE(file.inode().dirty_at_all());
}

TEST(ExtentFs, LazyTimeStampsAreWrittenWithinADay) {
  ExtentMachine m{{.lazytime = true}};
  ExtentFile& file = m.create("a");
  m.write(file, 0, kPage);
  m.fsync(file);
  m.run_for(milliseconds(8));
  m.write(file, 0, kPage);
  m.run_for(seconds(11 * 3600));
  EXPECT_TRUE(file.inode().dirty_time);
  m.run_for(seconds(14 * 3600));
  EXPECT_FALSE(file.inode().dirty_time);
}

TEST(ExtentFs, AnErrorIsReportedToTheFileAndTheFileSystem) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, kPage);
  m.disk.model.failures = 1;
  EXPECT_EQ(m.fsync(file), kEio);
  std::uint64_t since = 0;
  EXPECT_EQ(m.fs.super_block().wb_err.check_and_advance(&since), kEio);
  m.write(file, 0, kPage);
  EXPECT_EQ(m.fsync(file), 0);
}

TEST(ExtentFs, AFailedWriteOfTheTableOfInodesIsAnErrorOfTheFileSystem) {
  ExtentMachine m;
  m.create("a");
  m.disk.model.failures = 1;
  m.run_for(seconds(75));  // the inode is written after 30 s, its block 30 s later
  std::uint64_t since = 0;
  EXPECT_EQ(m.fs.super_block().wb_err.check_and_advance(&since), kEio);
}

TEST(ExtentFs, ALinkCountIsNoTimeStampThatMayWait) {
  ExtentMachine m{{.lazytime = true}};
  ExtentFile& file = m.create("a");
  m.fsync(file);
  m.run_for(milliseconds(8));
  EXPECT_TRUE(m.finished([&](TaskContext& t) { return m.fs.unlink(t, "a"); }));
  EXPECT_FALSE(file.inode().dirty_time);
  EXPECT_TRUE(file.inode().dirty_datasync);
}

// --- writes -------------------------------------------------------------------------------------

TEST(ExtentFs, AWriteEndsWhereSpaceDoesAndTheNextOneFails) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  const std::int64_t room = ExtentFs::capacity(mebibytes(64), {}).count();
  EXPECT_EQ(m.write(file, 0, room + kPage, {}), room);
  EXPECT_EQ(m.write(file, room, 1), kEnospc);
  EXPECT_EQ(m.write(file, 0, kPage), kPage) << "has its block reserved already";
  EXPECT_EQ(m.fsync(file), 0);
  m.check();
}

TEST(ExtentFs, TheSizeLimitOfTheProcessCutsAWriteShort) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  EXPECT_EQ(m.write(file, 0, 3000, {.size_limit = Bytes{2000}}), 2000);
  EXPECT_EQ(m.write(file, 2000, 1, {.size_limit = Bytes{2000}}), kEfbig);
  EXPECT_EQ(m.write(file, ExtentFile::kSizeMax.count(), 1), kEfbig);
  EXPECT_EQ(file.size(), Bytes{2000});
}

TEST(ExtentFs, AppendingGoesToTheEndWhateverTheOffset) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  FileOffset end;
  m.write(file, 0, 100);
  EXPECT_EQ(m.write(file, 0, 50, {.append = true, .end = &end}), 50);
  EXPECT_EQ(end, FileOffset{150});
  EXPECT_EQ(file.size(), Bytes{150});
}

TEST(ExtentFs, WritingAPartOfAPageReadsItOnlyWhereThereIsData) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, kPage);
  m.write(file, 5 * kPage + 10, 20);
  m.fsync(file);
  m.fs.drop_pagecache();
  m.bios.entries.clear();
  m.write(file, 100, 10);
  m.write(file, 3 * kPage + 100, 10);
  EXPECT_EQ(m.bios.entries, (Entries{{kFirstData, 1, false, false, false}}));
  m.check();
}

// --- truncate, fallocate, unlink ----------------------------------------------------------------

TEST(ExtentFs, TruncatedPagesAreNeverWritten) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 10 * kPage);
  EXPECT_EQ(m.call([&](TaskContext& t) { return file.truncate(t, Bytes{4 * kPage}); }), 0);
  EXPECT_EQ(file.inode().mapping.pages.pages(), Pages{4});
  EXPECT_EQ(m.fs.space().reserved(), FsBlocks{4});
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 4);
  m.fsync(file);
  EXPECT_EQ(m.bios.entries.front(), sync_write(kFirstData, 4));
  m.check();
}

TEST(ExtentFs, TruncateWaitsForWritebackAndThenFreesTheBlocks) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 100 * kPage);
  m.disk.flusher.start_all(engine::WbReason::kSync);
  m.run_for(microseconds(50));
  ASSERT_EQ(m.cache.stat().nr_writeback.sum(), 100);
  const FsBlocks before = m.fs.space().free();
  pagecache::TestTask task{m.machine};
  task.run([&](TaskContext& t) { return cut_to_nothing(t, file); });
  m.run_for(microseconds(10));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(m.fs.space().free(), before);
  m.run_for(seconds(1));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(m.fs.space().free(), before + FsBlocks{100});
  m.check();
}

TEST(ExtentFs, TruncatingWithinABlockThatIsOnDiskReadsAndDirtiesIt) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  m.write(file, 0, 2 * kPage);
  m.fsync(file);
  m.fs.drop_pagecache();
  m.bios.entries.clear();
  m.call([&](TaskContext& t) { return file.truncate(t, Bytes{kPage + 10}); });
  EXPECT_EQ(m.bios.entries, (Entries{{kFirstData + 1, 1, false, false, false}}));
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 1);
}

TEST(ExtentFs, SpaceThatWasAllocatedAheadReadsAsZerosUntilItIsWritten) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  EXPECT_EQ(m.call([&](TaskContext& t) {
    return file.fallocate(t, FileOffset{0}, Bytes{64 * kPage}, false);
  }),
            0);
  EXPECT_EQ(file.size(), Bytes{64 * kPage});
  EXPECT_EQ(file.extents().blocks(), FsBlocks{64});
  m.write(file, 3 * kPage, kPage);
  m.fsync(file);
  EXPECT_EQ(m.bios.entries.front(), sync_write(kFirstData + 3, 1));
  m.fs.drop_pagecache();
  m.bios.entries.clear();
  pagecache::FileReadahead ra = file.new_readahead();
  EXPECT_EQ(
      m.call([&](TaskContext& t) { return file.read(t, FileOffset{0}, Bytes{64 * kPage}, ra); }),
      64 * kPage);
  EXPECT_EQ(m.bios.entries, (Entries{{kFirstData + 3, 1, false, false, false}}));
  m.check();
}

TEST(ExtentFs, FallocateKeepsTheSizeWhereAskedToAndFailsWhereSpaceEnds) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  const auto fallocate = [&](std::int64_t length, bool keep) {
    return m.call([&, length, keep](TaskContext& t) {
      return file.fallocate(t, FileOffset{0}, Bytes{length}, keep);
    });
  };
  EXPECT_EQ(fallocate(8 * kPage, true), 0);
  EXPECT_EQ(file.size(), Bytes{0});
  EXPECT_EQ(fallocate(mebibytes(64).count(), false), kEnospc);
  EXPECT_EQ(file.size(), Bytes{0});
  m.check();
}

TEST(ExtentFs, AnUnlinkedFileLivesUntilItIsClosed) {
  ExtentMachine m;
  ExtentFile& file = m.create("a");
  const FsBlocks all = m.fs.space().free();
  m.write(file, 0, 10 * kPage);
  m.fsync(file);
  m.write(file, 0, 20 * kPage);
  EXPECT_TRUE(m.finished([&](TaskContext& t) { return m.fs.unlink(t, "a"); }));
  EXPECT_EQ(m.fs.find("a"), nullptr);
  EXPECT_EQ(m.fs.files(), 1U);
  EXPECT_TRUE(m.finished([&](TaskContext& t) { return file.closed(t); }));
  EXPECT_EQ(m.fs.files(), 0U);
  EXPECT_EQ(m.fs.space().free(), all);
  EXPECT_EQ(m.fs.space().reserved(), FsBlocks{0});
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 1) << "the block of the inode";
  m.check();
}

TEST(ExtentFs, InodesAreLimitedAndUsedAgain) {
  ExtentMachine m{{.inode_ratio = mebibytes(32)}};
  m.create("a");
  ExtentFile* const b = m.fs.create(m.setup.context(), "b");
  EXPECT_EQ(m.fs.create(m.setup.context(), "c"), nullptr);
  EXPECT_TRUE(m.finished([&](TaskContext& t) { return m.fs.unlink(t, "b"); }));
  ASSERT_NE(b, nullptr);
  EXPECT_NE(m.fs.create(m.setup.context(), "c"), nullptr);
}

}  // namespace
}  // namespace wbsim::fs
