// How v2.6.18 and v3.6 go through the dirty pages of a file.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "sim/pagecache/test_machine.hpp"
#include "sim/pagecache/testing_queue.hpp"
#include "sim/pagecache/write_cache_pages.hpp"

namespace wbsim::pagecache {
namespace {

using PageList = std::vector<std::int64_t>;

PageList pages_of(std::int64_t first, std::int64_t last) {
  PageList pages(static_cast<std::size_t>(last - first + 1));
  std::iota(pages.begin(), pages.end(), first);
  return pages;
}

class OldWritepages : public ::testing::Test {
 protected:
  AddressSpace& mapping() { return file.inode.mapping; }
  void dirty(std::int64_t first, std::int64_t last) {
    machine.dirty(mapping(), PageIndex{first}, Pages{last - first + 1});
  }
  PageList write(WritebackControl& wbc, WritepagesRules rules) {
    file.written.clear();
    TestTask task{machine.machine};
    task.run([&](TaskContext& context) -> engine::Task<> {
      return rules == WritepagesRules::kV2_6_18
                 ? mpage_writepages(context, mapping(), wbc, file)
                 : write_cache_pages(context, mapping(), wbc, file, rules);
    });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
    return file.written;
  }
  PageList write_36(WritebackControl wbc) { return write(wbc, WritepagesRules::kV3_6); }
  PageList write_2618(WritebackControl wbc) { return write(wbc, WritepagesRules::kV2_6_18); }

  TestMachine machine{2};
  BdiWriteback wb{0, 2, Pages{25600}};
  TestFile file{machine, wb};
};

TEST_F(OldWritepages, V36WrapsWithinACallUpToWhereItBegan) {
  dirty(0, 19);
  mapping().writeback_index = PageIndex{15};
  PageList expected = pages_of(15, 19);
  for (const std::int64_t page : pages_of(0, 14)) {
    expected.push_back(page);
  }
  EXPECT_EQ(write_36({.range_cyclic = true}), expected);
  EXPECT_EQ(mapping().writeback_index, PageIndex{14});
}

TEST_F(OldWritepages, V36LeavesWhatBecameDirtyBehindWhereItBegan) {
  dirty(0, 19);
  mapping().writeback_index = PageIndex{15};
  file.run_max = Pages{1};
  file.on_write = [this](PageIndex page) {
    if (page == PageIndex{0}) {
      dirty(30, 30);
    }
  };
  EXPECT_EQ(write_36({.range_cyclic = true}).size(), 20U);
}

TEST_F(OldWritepages, V36DoesNotWrapWhenItHasWrittenEnough) {
  dirty(0, 19);
  mapping().writeback_index = PageIndex{15};
  EXPECT_EQ(write_36({.nr_to_write = 5, .range_cyclic = true}), pages_of(15, 19));
  EXPECT_EQ(mapping().writeback_index, PageIndex{19});
}

TEST_F(OldWritepages, V36WrapsOnlyWhereItIsRangeCyclic) {
  dirty(0, 19);
  mapping().writeback_index = PageIndex{15};
  EXPECT_EQ(write_36({.range_start = PageIndex{10}}), pages_of(10, 19));
}

TEST_F(OldWritepages, V2618WritesAllThatItLookedUp) {
  dirty(0, 99);
  WritebackControl wbc{.nr_to_write = 20, .range_cyclic = true};
  EXPECT_EQ(write(wbc, WritepagesRules::kV2_6_18), pages_of(0, 27));  // two look-ups of 14
  EXPECT_EQ(wbc.nr_to_write, -8);
  EXPECT_EQ(mapping().writeback_index, PageIndex{28});
}

TEST_F(OldWritepages, V2618StopsAtNrToWriteForDataIntegrityToo) {
  dirty(0, 99);
  EXPECT_EQ(write_2618({.nr_to_write = 10, .sync_all = true}), pages_of(0, 13));
}

TEST_F(OldWritepages, V2618WrapsOnlyIfItMetNothing) {
  dirty(0, 19);
  mapping().writeback_index = PageIndex{15};
  EXPECT_EQ(write_2618({.range_cyclic = true}), pages_of(15, 19));
  EXPECT_EQ(mapping().writeback_index, PageIndex{20});
  EXPECT_EQ(write_2618({.range_cyclic = true}), pages_of(0, 14));
}

TEST_F(OldWritepages, V2618LeavesACongestedDeviceWhereItMustNotBlock) {
  TestingQueue queue{machine.machine};
  wb.queue = &queue;
  dirty(0, 99);
  queue.congested = true;
  WritebackControl wbc{.range_cyclic = true};
  EXPECT_EQ(write(wbc, WritepagesRules::kV2_6_18).size(), 100U) << "it may block";
  dirty(0, 99);
  wbc = {.range_cyclic = true, .nonblocking = true};
  EXPECT_TRUE(write(wbc, WritepagesRules::kV2_6_18).empty());
  EXPECT_TRUE(wbc.encountered_congestion);
  queue.congested = false;
  mapping().writeback_index = PageIndex{0};
  file.on_write = [&queue](PageIndex) { queue.congested = true; };
  wbc = {.range_cyclic = true, .nonblocking = true};
  EXPECT_EQ(write(wbc, WritepagesRules::kV2_6_18), pages_of(0, 13)) << "what was looked up";
  EXPECT_TRUE(wbc.encountered_congestion);
}

}  // namespace
}  // namespace wbsim::pagecache
