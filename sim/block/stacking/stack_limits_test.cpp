#include "sim/block/stacking/stack_limits.hpp"

#include <gtest/gtest.h>

namespace wbsim::block {
namespace {

QueueLimits disk() { return {}; }

QueueLimits over(const QueueLimits& bottom, Sectors start = Sectors{0}) {
  QueueLimits top = stacking_limits();
  stack_limits(top, bottom, start);
  return top;
}

TEST(StackLimits, TakesTheSmallestOfWhatIsAllowed) {
  QueueLimits a = disk();
  a.max_sectors = Sectors{1024};
  a.max_segments = 200;
  QueueLimits b = disk();
  b.max_sectors = Sectors{2048};
  b.max_segments = 64;
  b.max_segment_size = Bytes{8192};
  QueueLimits top = over(a);
  stack_limits(top, b, Sectors{0});
  EXPECT_EQ(top.max_sectors, Sectors{1024});
  EXPECT_EQ(top.max_segments, 64);
  EXPECT_EQ(top.max_segment_size, Bytes{8192});
}

TEST(StackLimits, TakesTheLargestBlocks) {
  QueueLimits large = disk();
  large.physical_block = large.io_min = Bytes{4096};
  QueueLimits top = over(disk());
  stack_limits(top, large, Sectors{0});
  EXPECT_EQ(top.physical_block, Bytes{4096});
  EXPECT_EQ(top.io_min, Bytes{4096});
  EXPECT_EQ(top.logical_block, Bytes{512});
  EXPECT_FALSE(top.misaligned);
}

TEST(StackLimits, ALogicalBlockHoldsForTheLengthOfRequests) {
  QueueLimits large = disk();
  large.logical_block = large.physical_block = large.io_min = Bytes{4096};
  large.max_sectors = Sectors{1027};
  const QueueLimits top = over(large);
  EXPECT_EQ(top.logical_block, Bytes{4096});
  EXPECT_EQ(top.max_sectors, Sectors{1024});
}

TEST(StackLimits, OfAMisalignedMemberAreMisaligned) {
  QueueLimits bad = disk();
  bad.misaligned = true;
  EXPECT_TRUE(over(bad).misaligned);
  EXPECT_FALSE(over(disk()).misaligned);
}

TEST(StackLimits, OptimalIoIsAMultipleOfAllMembers) {
  QueueLimits a = disk();
  a.io_opt = kibibytes(192);
  QueueLimits b = disk();
  b.io_opt = kibibytes(128);
  QueueLimits top = over(a);
  stack_limits(top, b, Sectors{0});
  EXPECT_EQ(top.io_opt, kibibytes(384));
  stack_limits(top, disk(), Sectors{0});
  EXPECT_EQ(top.io_opt, kibibytes(384));
}

TEST(StackLimits, ChunksAreTheGreatestCommonDivisor) {
  QueueLimits a = disk();
  a.chunk_sectors = Sectors{384};
  QueueLimits b = disk();
  b.chunk_sectors = Sectors{256};
  QueueLimits top = over(a);
  EXPECT_EQ(top.chunk_sectors, Sectors{384});
  stack_limits(top, b, Sectors{0});
  EXPECT_EQ(top.chunk_sectors, Sectors{128});
}

TEST(StackLimits, DataThatBeginsInsideAPhysicalBlockIsOffByItsRest) {
  QueueLimits disk4k = disk();
  disk4k.physical_block = disk4k.io_min = Bytes{4096};
  EXPECT_EQ(over(disk4k, Sectors{8}).alignment_offset, Bytes{0});
  const QueueLimits top = over(disk4k, Sectors{63});
  EXPECT_EQ(top.alignment_offset, Bytes{512});
  EXPECT_FALSE(top.misaligned);
}

TEST(StackLimits, MembersWhoseBlocksDoNotLineUpAreMisaligned) {
  QueueLimits disk4k = disk();
  disk4k.physical_block = disk4k.io_min = Bytes{4096};
  QueueLimits top = over(disk4k, Sectors{0});
  stack_limits(top, disk4k, Sectors{63});
  EXPECT_TRUE(top.misaligned);
}

TEST(StackLimits, OptimalIoThatIsNoMultipleOfAPhysicalBlockIsDropped) {
  QueueLimits odd = disk();
  odd.physical_block = odd.io_min = Bytes{4096};
  odd.io_opt = Bytes{6144};
  const QueueLimits top = over(odd);
  EXPECT_EQ(top.io_opt, Bytes{0});
  EXPECT_TRUE(top.misaligned);
}

TEST(StackLimits, OneMemberWithACacheOrAHeadIsEnough) {
  QueueLimits cached = disk();
  cached.write_cache = cached.fua = true;
  QueueLimits rotating = disk();
  rotating.rotational = true;
  QueueLimits top = over(disk());
  EXPECT_FALSE(top.write_cache || top.fua || top.rotational);
  stack_limits(top, cached, Sectors{0});
  stack_limits(top, rotating, Sectors{0});
  EXPECT_TRUE(top.write_cache && top.fua && top.rotational);
}

TEST(StackLimits, MembersDoNotLowerWhatTheDeviceItselfAsksFor) {
  QueueLimits top = stacking_limits();
  top.io_min = kibibytes(64);
  top.io_opt = kibibytes(256);
  stack_limits(top, disk(), Sectors{0});
  EXPECT_EQ(top.io_min, kibibytes(64));
  EXPECT_EQ(top.io_opt, kibibytes(256));
}

TEST(PartitionLimits, AreThoseOfTheDeviceButForTheAlignment) {
  QueueLimits disk4k = disk();
  disk4k.physical_block = disk4k.io_min = Bytes{4096};
  disk4k.max_sectors = Sectors{256};
  const QueueLimits limits = partition_limits(disk4k, Lba{63});
  EXPECT_EQ(limits.max_sectors, Sectors{256});
  EXPECT_EQ(limits.alignment_offset, Bytes{512});
  EXPECT_EQ(partition_limits(disk4k, Lba{2048}).alignment_offset, Bytes{0});
}

TEST(StackedReadahead, IsTwiceTheOptimalIoAndAtLeast128KiB) {
  QueueLimits limits = disk();
  EXPECT_EQ(stacked_readahead(limits), Pages{32});
  limits.io_opt = mebibytes(1);
  EXPECT_EQ(stacked_readahead(limits), Pages{512});
}

}  // namespace
}  // namespace wbsim::block
