// Bios that exceed the limits of a queue.
#include <gtest/gtest.h>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

RigOptions limits(std::int64_t max_sectors, std::int64_t max_segments = 128) {
  RigOptions options;
  options.queue.limits.max_sectors = Sectors{max_sectors};
  options.queue.limits.max_segments = max_segments;
  options.queue.limits.max_segment_size = mebibytes(64);
  return options;
}

IoStep in_segments(IoStep step, std::int64_t sectors_each) {
  step.segment = sectors_each;
  return step;
}

TEST(Split, ABioAtTheLimitStaysWhole) {
  QueueRig rig{limits(256)};
  rig.task({write(0, 256)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+256"}));
  EXPECT_EQ(rig.log.lines("split"), Lines{});
}

TEST(Split, LeavesPartsOfTheGreatestSizeAndARest) {
  QueueRig rig{limits(256)};
  rig.task({write(8, 600)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 8+256", "W 264+256", "W 520+88"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Split, IsQueuedOnceAndTracedWithWhatIsLeft) {
  QueueRig rig{limits(256)};
  rig.task({write(0, 600)});
  rig.run();
  EXPECT_EQ(rig.log.lines("queue"), (Lines{"0 task0 queue 0+600"}));
  EXPECT_EQ(rig.log.lines("split"), (Lines{"0 task0 split 256+344", "0 task0 split 512+88"}));
  EXPECT_EQ(rig.queue.stats().bios, 1);
  EXPECT_EQ(rig.queue.stats().requests, 3);
}

TEST(Split, HappensWhereTheSegmentsAreUsedUp) {
  QueueRig rig{limits(2560, 16)};
  rig.task({in_segments(write(0, 200), 8)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+128", "W 128+72"}));
}

TEST(Split, CountsLongStretchesOfMemoryAsSeveralSegments) {
  RigOptions options = limits(2560, 2);
  options.queue.limits.max_segment_size = kibibytes(64);
  QueueRig rig{options};
  rig.task({write(0, 600)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+256", "W 256+256", "W 512+88"}));
}

TEST(Split, PartsAreNotMergedButTheRestIs) {
  QueueRig rig{limits(256)};
  rig.task({plug(), write(0, 8), write(8, 300), write(308, 8), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 8+256", "W 264+52"}))
      << "the part follows sector 0+8, and the last bio the rest";
  EXPECT_TRUE(rig.drained());
}

TEST(Split, NothingMergesIntoAPart) {
  QueueRig rig{limits(256, 16)};
  rig.task({plug(), in_segments(write(8, 200), 8), write(0, 8), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 8+128", "W 136+72", "W 0+8"}));
}

TEST(Split, ItsOwnerIsToldOnceAndWithTheWholeExtent) {
  RigOptions options = limits(256);
  options.device.faults = {
      {.range = Fault::Range{Lba{256}, Sectors{8}}, .delay = microseconds(30)}};
  QueueRig rig{options};
  rig.task({write(0, 600)});
  rig.run();
  EXPECT_EQ(rig.ledger.ends(), (std::vector<BioLedger::End>{{0, 130, BlkStatus::kOk}}));
  EXPECT_TRUE(rig.drained());
}

TEST(Split, AnErrorOfOnePartIsTheErrorOfAll) {
  RigOptions options = limits(256);
  options.device.faults = {
      {.range = Fault::Range{Lba{0}, Sectors{8}}, .status = BlkStatus::kIoError}};
  QueueRig rig{options};
  rig.task({write(0, 600)});
  rig.run();
  EXPECT_EQ(rig.ledger.ends(), (std::vector<BioLedger::End>{{0, 100, BlkStatus::kIoError}}));
}

TEST(Split, EveryPartOfAForcedWriteIsForced) {
  RigOptions options = limits(256);
  options.queue.limits.write_cache = true;
  options.queue.limits.fua = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  rig.task({fua(0, 300)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+256 fua", "W 256+44 fua"}));
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
