#include "sim/system/memory_layout.hpp"

#include <gtest/gtest.h>

namespace wbsim::system {
namespace {

MemoryLayout layout_of(Bytes total) {
  MemoryConfig memory;
  memory.total = total;
  return memory_layout(memory);
}

TEST(MemoryLayout, WatermarksAreInOrderAtEverySize) {
  for (const Bytes total : {mebibytes(64), mebibytes(100), gibibytes(1), gibibytes(3), gibibytes(4),
                            gibibytes(64), gibibytes(4096)}) {
    const MemoryLayout layout = layout_of(total);
    EXPECT_EQ(layout.total, pages_floor(total));
    EXPECT_GT(layout.watermarks.min, Pages{0});
    EXPECT_LT(layout.watermarks.min, layout.watermarks.low);
    EXPECT_LT(layout.watermarks.low, layout.watermarks.high);
    EXPECT_LT(layout.watermarks.high, layout.free) << total.count();
    EXPECT_LT(layout.totalreserve, layout.free);
  }
}

// set_recommended_min_free_kbytes(): (2 + 3 * 3) page blocks of 512 pages for each zone, of which
// there are two up to 3 GiB and three above.
TEST(MemoryLayout, MinFreeFollowsTheNumberOfZones) {
  const auto min_free = [](Bytes total) {
    // The step between two watermarks is a quarter of min, or a thousandth of memory if that is
    // more: here it is the quarter.
    const MemoryLayout layout = layout_of(total);
    return layout.totalreserve.count() - 906;  // min + 2 * min / 4 and lowmem_reserve
  };
  EXPECT_EQ(min_free(gibibytes(1)), 11'264 * 3 / 2);
  EXPECT_EQ(min_free(gibibytes(3)), 11'264 * 3 / 2);
  EXPECT_EQ(min_free(gibibytes(3) + mebibytes(4)), 16'896 * 3 / 2);
}

TEST(MemoryLayout, ReservesAreAtMostATwentiethOfSmallMemory) {
  const MemoryLayout layout = layout_of(mebibytes(64));
  EXPECT_LE(layout.watermarks.min, layout.total / 20 + layout.total / 100);
}

TEST(MemoryLayout, AnonymousAndCachedPagesAreNotFree) {
  MemoryConfig memory;
  const Pages unused = memory_layout(memory).free;
  memory.anon = mebibytes(100);
  memory.active_file = Pages{1000};
  memory.inactive_file = Pages{500};
  EXPECT_EQ(memory_layout(memory).free, unused - Pages{25'600 + 1500});
}

TEST(MemoryLayout, FreeIsNeverNegative) {
  MemoryConfig memory;
  memory.anon = memory.total;
  EXPECT_EQ(memory_layout(memory).free, Pages{0});
}

TEST(MemoryLayout, WhatIsStatedIsTaken) {
  MemoryConfig memory;
  memory.free = Pages{12'345};
  memory.totalreserve = Pages{678};
  EXPECT_EQ(memory_layout(memory).free, Pages{12'345});
  EXPECT_EQ(memory_layout(memory).totalreserve, Pages{678});
}

}  // namespace
}  // namespace wbsim::system
