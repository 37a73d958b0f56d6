// Buffered reads of a block device: what is read from the disk, when, and who waits for it.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sim/fs/block_device.hpp"
#include "sim/fs/test_machine.hpp"

namespace wbsim::fs {
namespace {

using engine::Task;
using pagecache::FileReadahead;
using pagecache::PageTree;
using pagecache::ReadaheadLimits;
using pagecache::ReadaheadRules;
using pagecache::TaskContext;
using pagecache::TestTask;
using Disk = DiskMachine::Disk;

using block::kIoError;
constexpr FileOffset offset(std::int64_t page) { return FileOffset{page * kPageSize.count()}; }

Task<> read_into(TaskContext& task, BlockDevice& device, FileReadahead& ra, FileOffset at,
                 Bytes length, std::int64_t& result) {
  result = co_await device.read(task, at, length, ra);
}

class BlockDeviceRead : public testing::TestWithParam<ReadaheadRules> {
 protected:
  BlockDeviceRead() : disk{machine.add_disk("sda", {.rules = GetParam()})} {}

  // One read to its end, and as much longer as its readahead takes.
  std::int64_t read(FileOffset at, Bytes length) {
    std::int64_t result = 0;
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return read_into(t, disk.device, ra, at, length, result); });
    machine.run_for(milliseconds(20));
    EXPECT_TRUE(task.done());
    return result;
  }
  std::int64_t read_pages(std::int64_t first, std::int64_t count) {
    return read(offset(first), to_bytes(Pages{count}));
  }
  void advise(Advice advice, FileOffset at = {}, Bytes length = {}) {
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return advised(t, disk.device, ra, at, length, advice); });
    machine.run_for(milliseconds(20));
    EXPECT_TRUE(task.done());
  }
  static Task<> advised(TaskContext& t, BlockDevice& device, FileReadahead& ra, FileOffset at,
                        Bytes length, Advice advice) {
    EXPECT_EQ(co_await device.fadvise(t, ra, at, length, advice), 0);
  }
  // First page and number of pages of each read of the disk, since the last call.
  std::vector<std::pair<std::int64_t, std::int64_t>> taken() {
    std::vector<std::pair<std::int64_t, std::int64_t>> list;
    for (const FailingDisk::Read& read : std::exchange(disk.model.reads, {})) {
      list.emplace_back(page_of(read.sector).value(), pages_floor(read.length).count());
    }
    return list;
  }
  bool cached(std::int64_t page) {
    const PageTree::Leaf* leaf = disk.device.inode().mapping.pages.find(PageIndex{page});
    return leaf != nullptr && (leaf->present & PageTree::mask(PageIndex{page}, Pages{1})) != 0;
  }
  [[nodiscard]] pagecache::VmStat& stat() { return machine.cache.stat(); }

  using Reads = std::vector<std::pair<std::int64_t, std::int64_t>>;

  DiskMachine machine;
  Disk& disk;
  FileReadahead ra = disk.device.new_readahead();
};

TEST_P(BlockDeviceRead, ReadsAheadOfAStreamInGrowingWindows) {
  EXPECT_EQ(read_pages(0, 1), 4096);
  EXPECT_EQ(taken(), (Reads{{0, 4}}));
  EXPECT_EQ(read_pages(1, 1), 4096);
  EXPECT_EQ(taken(), (Reads{{4, 8}})) << "page 1 is marked";
  EXPECT_EQ(read_pages(2, 2), 8192);
  EXPECT_EQ(taken(), Reads{});
  EXPECT_EQ(read_pages(4, 16), 16 * 4096);
  EXPECT_EQ(taken(), (Reads{{12, 16}, {28, 32}})) << "pages 4 and 12 are marked";
}

TEST_P(BlockDeviceRead, AdvisedSequentialReadsTwiceAsFarAhead) {
  advise(Advice::kSequential);
  for (std::int64_t page = 0; page < 96; page += 16) {
    EXPECT_EQ(read_pages(page, 16), 16 * 4096);
  }
  // As the kernel: 128 KiB, then windows of 256 KiB.
  EXPECT_EQ(taken(), (Reads{{0, 32}, {32, 64}, {96, 64}}));
  advise(Advice::kNormal);
  EXPECT_EQ(ra.ra_pages, Pages{32});
}

TEST_P(BlockDeviceRead, AdvisedRandomReadsWhatIsAskedFor) {
  advise(Advice::kRandom);
  EXPECT_EQ(read_pages(0, 1), 4096);
  EXPECT_EQ(read_pages(1, 1), 4096);
  EXPECT_EQ(read_pages(2, 40), 40 * 4096);
  EXPECT_EQ(taken(), (Reads{{0, 1}, {1, 1}, {2, 40}}));
}

TEST_P(BlockDeviceRead, WithReadaheadSwitchedOffPageAfterPage) {
  ra.ra_pages = Pages{0};
  EXPECT_EQ(read_pages(0, 3), 3 * 4096);
  EXPECT_EQ(taken(), (Reads{{0, 1}, {1, 1}, {2, 1}}));
}

// The window of a large request is max_sectors, 320 pages: a bio of 256 and one of 64, split at 128
// segments.
TEST_P(BlockDeviceRead, BiosHold256PagesAndAreSplitAtTheLimitsOfTheQueue) {
  EXPECT_EQ(read_pages(0, 320), 320 * 4096);
  const Reads reads = taken();
  ASSERT_GE(reads.size(), 3U);
  EXPECT_EQ(Reads(reads.begin(), reads.begin() + 3), (Reads{{0, 128}, {128, 128}, {256, 64}}));
}

TEST_P(BlockDeviceRead, PagesAreUpToDateOnlyWhenTheDiskIsDone) {
  std::int64_t result = 0;
  TestTask task{machine.machine};
  task.run(
      [&](TaskContext& t) { return read_into(t, disk.device, ra, offset(0), kPageSize, result); });
  machine.run_for(microseconds(50));
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(cached(3));
  EXPECT_EQ(disk.device.inode().mapping.pages.uptodate(PageIndex{0}), 0U);
  machine.run_for(microseconds(100));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(disk.device.inode().mapping.pages.uptodate(PageIndex{0}), 0b1111U);
}

TEST_P(BlockDeviceRead, TwoReadersOfAPageReadItOnce) {
  std::int64_t results[2] = {};
  FileReadahead other = disk.device.new_readahead();
  TestTask a{machine.machine};
  TestTask b{machine.machine};
  a.run([&](TaskContext& t) {
    return read_into(t, disk.device, ra, offset(900), kPageSize, results[0]);
  });
  b.run([&](TaskContext& t) {
    return read_into(t, disk.device, other, offset(900), kPageSize, results[1]);
  });
  machine.run_for(milliseconds(1));
  EXPECT_EQ(results[0], 4096);
  EXPECT_EQ(results[1], 4096);
  EXPECT_EQ(taken(), (Reads{{900, 1}}));
}

TEST_P(BlockDeviceRead, AFailedReadaheadIsTriedAgainPageByPage) {
  disk.model.read_failures = 1;
  EXPECT_EQ(read_pages(100, 2), 2 * 4096);
  EXPECT_EQ(taken(), (Reads{{100, 2}, {100, 1}, {101, 1}}));
}

TEST_P(BlockDeviceRead, APageThatCannotBeReadIsAnErrorAndStaysNotUpToDate) {
  disk.model.read_failures = 2;
  EXPECT_EQ(read_pages(100, 1), kIoError);
  EXPECT_EQ(ra.ra_pages, Pages{8}) << "a quarter of the window";
  EXPECT_EQ(read_pages(100, 1), 4096) << "it is read anew";
}

TEST_P(BlockDeviceRead, BytesBeforeABadPageAreReadAll) {
  EXPECT_EQ(read_pages(100, 1), 4096);
  advise(Advice::kRandom);
  disk.model.read_failures = 3;
  EXPECT_EQ(read_pages(100, 2), 4096);
}

TEST_P(BlockDeviceRead, NothingIsReadBeyondTheEnd) {
  const std::int64_t end = pages_floor(disk.device.size()).count();
  advise(Advice::kSequential);
  ra.prev_pos = offset(end - 5);
  EXPECT_EQ(read_pages(end - 4, 4), 4 * 4096);
  EXPECT_EQ(taken(), (Reads{{end - 4, 4}}));
}

TEST_P(BlockDeviceRead, PagesReadTwiceAreActivated) {
  advise(Advice::kRandom);
  read_pages(10, 3);
  EXPECT_EQ(stat().nr_inactive_file, Pages{3});
  read_pages(11, 1);
  EXPECT_EQ(stat().nr_active_file, Pages{1});
  EXPECT_EQ(stat().nr_inactive_file, Pages{2});
  read_pages(11, 1);
  EXPECT_EQ(stat().nr_active_file, Pages{1});
}

TEST_P(BlockDeviceRead, SmallReadsOfOnePageInARowAccessItOnce) {
  advise(Advice::kRandom);
  for (std::int64_t at = 0; at < 4096; at += 512) {
    EXPECT_EQ(read(FileOffset{40'960 + at}, Bytes{512}), 512);
  }
  EXPECT_EQ(stat().nr_active_file, Pages{0});
  EXPECT_EQ(taken(), (Reads{{10, 1}}));
  read_pages(20, 1);
  EXPECT_EQ(read(FileOffset{40'960}, Bytes{512}), 512);
  EXPECT_EQ(stat().nr_active_file, Pages{1}) << "something else was read meanwhile";
}

TEST_P(BlockDeviceRead, ReadPagesHaveNoBufferHeads) {
  advise(Advice::kRandom);
  read_pages(0, 300);
  EXPECT_EQ(disk.device.inode().mapping.slab->charged, Pages{1}) << "tree nodes alone";
  disk.model.read_failures = 1;
  EXPECT_EQ(read_pages(350, 1), 4096);
  EXPECT_EQ(disk.device.inode().mapping.slab->charged, Pages{1 + 1})
      << "block_read_full_page() makes one";
}

TEST_P(BlockDeviceRead, AdvisedWillNeedReadsInTheBackground) {
  advise(Advice::kWillNeed, offset(100), to_bytes(Pages{30}));
  EXPECT_EQ(taken(), (Reads{{100, 30}}));
  EXPECT_EQ(read_pages(100, 30), 30 * 4096);
  EXPECT_EQ(taken(), Reads{});
}

TEST_P(BlockDeviceRead, AdvisedDontNeedDropsWholeCleanPagesOfTheRange) {
  advise(Advice::kRandom);
  read_pages(10, 4);
  advise(Advice::kDontNeed, FileOffset{10 * 4096 + 1}, Bytes{2 * 4096});
  EXPECT_TRUE(cached(10));
  EXPECT_FALSE(cached(11));
  EXPECT_TRUE(cached(12)) << "the range ends inside";
  advise(Advice::kDontNeed);
  EXPECT_EQ(disk.device.inode().mapping.pages.pages(), Pages{0});
}

// v5.10 looks at one page at a time, v6.1 waits for the one that ends a batch before it copies
// those in front of it.
TEST_P(BlockDeviceRead, CachedPagesBeforeAMissingOneAreCopiedFirstOnlyBefore6_1) {
  advise(Advice::kRandom);
  read_pages(0, 4);
  read_pages(4, 4);
  disk.device.inode().mapping.pages.clear_flag(PageIndex{0}, ~std::uint64_t{0},
                                               pagecache::Flag::kReferenced);
  machine.cache.drop_clean(disk.device.inode().mapping, PageIndex{4}, PageIndex{7});
  FileReadahead other = disk.device.new_readahead();
  other.random = true;
  std::int64_t result = 0;
  TestTask first{machine.machine};
  first.run([&](TaskContext& t) {
    return read_into(t, disk.device, other, offset(4), kPageSize, result);
  });
  TestTask second{machine.machine};
  std::int64_t second_result = 0;
  second.run([&](TaskContext& t) {
    return read_into(t, disk.device, ra, offset(0), to_bytes(Pages{5}), second_result);
  });
  machine.run_for(microseconds(50));
  const std::uint64_t referenced =
      disk.device.inode().mapping.pages.flagged(PageIndex{0}, pagecache::Flag::kReferenced);
  EXPECT_EQ(referenced, GetParam() == ReadaheadRules::kV5_10 ? 0b1111U : 0U);
  machine.run_for(milliseconds(1));
  EXPECT_EQ(second_result, 5 * 4096);
}

INSTANTIATE_TEST_SUITE_P(Kernels, BlockDeviceRead,
                         testing::Values(ReadaheadRules::kV5_10, ReadaheadRules::kV6_1),
                         [](const auto& test) {
                           return test.param == ReadaheadRules::kV5_10 ? "v5_10" : "v6_1";
                         });

}  // namespace
}  // namespace wbsim::fs
