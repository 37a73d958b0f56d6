#include "sim/pagecache/page_cache.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "sim/base/rng.hpp"
#include "sim/pagecache/test_machine.hpp"

namespace wbsim::pagecache {
namespace {

constexpr PageIndex kFirst{0};

class PageCacheTest : public testing::Test {
 protected:
  AddressSpace& mapping() { return file.inode.mapping; }
  void start_writeback(PageIndex page, Pages count) {
    machine.cache.start_writeback(0, mapping(), page, PageTree::mask(page, count));
  }
  void expect_counters_equal_marks() {
    const VmStat& stat = machine.cache.stat();
    const Pages dirty = mapping().pages.count_marked(Mark::kDirty);
    const Pages writeback = mapping().pages.count_marked(Mark::kWriteback);
    EXPECT_EQ(Pages{stat.nr_file_dirty.sum()}, dirty);
    EXPECT_EQ(Pages{wb.reclaimable.sum()}, dirty);
    EXPECT_EQ(Pages{stat.nr_writeback.sum()}, writeback);
    EXPECT_EQ(Pages{wb.writeback.sum()}, writeback);
    EXPECT_EQ(stat.nr_inactive_file + stat.nr_active_file, mapping().pages.pages());
    EXPECT_EQ(stat.nr_free + mapping().pages.pages() + mapping().slab->charged, kTestMemory);
  }

  TestMachine machine;
  BdiWriteback wb{0, 1, Pages{25600}};
  TestFile file{machine, wb};
};

TEST_F(PageCacheTest, RedirtyingADirtyPageCountsNothing) {
  machine.dirty(mapping(), kFirst, Pages{10});
  machine.dirty(mapping(), kFirst, Pages{12});
  const TaskDirty& task = machine.setup.context().dirty;
  EXPECT_EQ(task.nr_dirtied, Pages{12});
  EXPECT_EQ(machine.cache.ratelimit_count(0), 12);
  EXPECT_EQ(machine.cache.stat().nr_dirtied.sum(), 12);
  EXPECT_EQ(wb.dirtied.sum(), 12);
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, PageUnderWritebackCanBeDirtiedAgainAndCountsAsBoth) {
  machine.dirty(mapping(), kFirst, Pages{1});
  start_writeback(kFirst, Pages{1});
  machine.dirty(mapping(), kFirst, Pages{1});
  EXPECT_EQ(machine.cache.stat().nr_dirtied.sum(), 2);
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 1);
  EXPECT_EQ(machine.cache.stat().nr_writeback.sum(), 1);
  machine.cache.end_writeback(0, mapping(), kFirst, Pages{1});
  EXPECT_TRUE(mapping().pages.any(Mark::kDirty));
  EXPECT_FALSE(mapping().pages.any(Mark::kWriteback));
  EXPECT_EQ(wb.written.sum(), 1);
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, CountersEqualTheMarksUnderRandomChanges) {
  Rng rng = Rng::stream(3, "page cache test");
  for (int i = 0; i < 5000; ++i) {
    const PageIndex page{static_cast<std::int64_t>(rng.uniform(640))};
    const PageTree::Leaf* leaf = mapping().pages.find(page);
    const std::uint64_t bit = PageTree::mask(page, Pages{1});
    const bool dirty = leaf != nullptr && (leaf->marked(Mark::kDirty) & bit) != 0;
    const bool busy = leaf != nullptr && (leaf->marked(Mark::kWriteback) & bit) != 0;
    if (rng.uniform(3) == 0) {
      machine.dirty(mapping(), page, Pages{1 + static_cast<std::int64_t>(rng.uniform(9))});
    } else if (busy) {
      machine.cache.end_writeback(0, mapping(), page, Pages{1});
    } else if (dirty) {
      start_writeback(page, Pages{1});
    } else if (rng.uniform(4) == 0) {
      machine.cache.shrink_inactive(8);
      machine.cache.balance_active();
    } else if (rng.uniform(200) == 0) {
      machine.cache.drop_clean(mapping());
    }
    if (i % 100 == 0) {
      expect_counters_equal_marks();
    }
  }
}

TEST_F(PageCacheTest, EveryPageCostsItsShareOfBufferHeadsAndTreeNodes) {
  BdiWriteback other_wb{1, 1, Pages{25600}};
  TestFile other{machine, other_wb};
  machine.dirty(mapping(), kFirst, Pages{6400});
  machine.dirty(other.inode.mapping, kFirst, Pages{64});
  // 6400 pages: 165 of buffer heads; 100 leaves and 2 inner nodes: 15.
  EXPECT_EQ(mapping().slab->charged, Pages{165 + 15});
  EXPECT_EQ(other.inode.mapping.slab->charged, Pages{2 + 1});
  EXPECT_EQ(machine.cache.stat().nr_free, kTestMemory - Pages{6464 + 180 + 3});
}

TEST_F(PageCacheTest, ReclaimFreesCleanPagesAndActivatesTheOthers) {
  machine.dirty(mapping(), kFirst, Pages{4});
  start_writeback(kFirst, Pages{2});
  machine.cache.add_pages(mapping(), PageIndex{4}, PageTree::mask(PageIndex{4}, Pages{4}));
  const auto shrunk = machine.cache.shrink_inactive(8);
  ASSERT_TRUE(shrunk);
  EXPECT_EQ(shrunk->scanned, Pages{8});
  EXPECT_EQ(shrunk->freed, Pages{4});
  EXPECT_EQ(shrunk->unqueued_dirty, Pages{2});
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{4});
  expect_counters_equal_marks();
  EXPECT_FALSE(machine.cache.shrink_inactive(8));
}

TEST_F(PageCacheTest, PageFlaggedByReclaimIsNextToGoWhenItsWritebackEnds) {
  machine.dirty(mapping(), kFirst, Pages{1});
  machine.cache.shrink_inactive(1);
  machine.cache.add_pages(mapping(), PageIndex{9}, PageTree::mask(PageIndex{9}, Pages{1}));
  start_writeback(kFirst, Pages{1});
  machine.cache.end_writeback(0, mapping(), kFirst, Pages{1});
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{0});
  machine.cache.shrink_inactive(1);
  ASSERT_NE(mapping().pages.find(kFirst), nullptr);
  EXPECT_EQ(mapping().pages.find(kFirst)->present, PageTree::mask(PageIndex{9}, Pages{1}));
}

TEST_F(PageCacheTest, PageDirtiedAgainIsNotRotated) {
  machine.dirty(mapping(), kFirst, Pages{1});
  machine.cache.shrink_inactive(1);
  start_writeback(kFirst, Pages{1});
  machine.dirty(mapping(), kFirst, Pages{1});
  machine.cache.end_writeback(0, mapping(), kFirst, Pages{1});
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{1});
  // The flag is gone all the same.
  start_writeback(kFirst, Pages{1});
  machine.cache.end_writeback(0, mapping(), kFirst, Pages{1});
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{1});
}

TEST_F(PageCacheTest, FlaggedPageIsNextToGoThoughItWasDeactivatedMeanwhile) {
  machine.dirty(mapping(), kFirst, Pages{33});
  machine.cache.shrink_inactive(32);
  machine.cache.add_pages(mapping(), PageIndex{100}, PageTree::mask(PageIndex{100}, Pages{1}));
  ASSERT_EQ(machine.cache.balance_active(), Pages{32});
  start_writeback(PageIndex{7}, Pages{1});
  machine.cache.end_writeback(0, mapping(), PageIndex{7}, Pages{1});
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{0});
  EXPECT_EQ(machine.cache.stat().nr_inactive_file, Pages{34});
  EXPECT_EQ(machine.cache.shrink_inactive(1)->freed, Pages{1});
  EXPECT_EQ(mapping().pages.find(kFirst)->present & PageTree::mask(PageIndex{7}, Pages{1}), 0U);
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, DroppingLeavesWhatIsNotClean) {
  machine.dirty(mapping(), kFirst, Pages{3});
  start_writeback(kFirst, Pages{1});
  machine.cache.add_pages(mapping(), PageIndex{100}, PageTree::mask(PageIndex{100}, Pages{5}));
  machine.cache.drop_clean(mapping());
  EXPECT_EQ(mapping().pages.pages(), Pages{3});
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, InactiveListTakesFromTheActiveOneWhenItIsTheShorter) {
  machine.dirty(mapping(), kFirst, Pages{64});
  machine.cache.shrink_inactive(32);
  EXPECT_EQ(machine.cache.balance_active(), Pages{0});  // 32 against 32
  machine.cache.shrink_inactive(1);
  EXPECT_EQ(machine.cache.balance_active(), Pages{32});
  EXPECT_EQ(machine.cache.stat().nr_inactive_file, Pages{63});
}

TEST_F(PageCacheTest, ProvenanceSurvivesRedirtyingAndLeavesWithThePages) {
  mapping().provenance.enable();
  const auto write = [this](std::int64_t page, std::int64_t count, std::uint64_t id) {
    const PageIndex first{page};
    const std::uint64_t bits = PageTree::mask(first, Pages{count});
    const PageTree::Leaf* leaf = mapping().pages.find(first);
    machine.cache.add_pages(mapping(), first, bits & ~(leaf == nullptr ? 0 : leaf->present));
    machine.cache.set_dirty(machine.setup.context(), mapping(), first, bits, id);
  };
  write(0, 30, 11);
  write(10, 5, 12);  // splits the first run
  EXPECT_EQ(mapping().provenance.runs(), 3U);
  EXPECT_EQ(mapping().provenance.find(PageIndex{12}).origin.write_id, 12U);
  EXPECT_EQ(mapping().provenance.find(PageIndex{15}).first, PageIndex{15});
  write(10, 5, 11);
  EXPECT_EQ(mapping().provenance.runs(), 1U);  // neighbours of one origin are one run
  write(20, 2, 14);
  const block::WriteIds ids = machine.cache.start_writeback(
      0, mapping(), PageIndex{12}, PageTree::mask(PageIndex{12}, Pages{12}));
  EXPECT_EQ(ids.first, 11U);
  EXPECT_EQ(ids.last, 14U);
  EXPECT_EQ(mapping().provenance.find(PageIndex{20}).length, Pages{0});
  EXPECT_EQ(mapping().provenance.find(PageIndex{24}).length, Pages{6});
}

// --- wb_domain ----------------------------------------------------------------------------------

TEST_F(PageCacheTest, PagesBeingReadAreNeitherFreedNorDropped) {
  machine.cache.add_for_read(mapping(), kFirst, 0b111, 0);
  const auto shrunk = machine.cache.shrink_inactive(32);
  ASSERT_TRUE(shrunk);
  EXPECT_EQ(shrunk->scanned, Pages{3});
  EXPECT_EQ(shrunk->freed, Pages{0});
  machine.cache.drop_clean(mapping());
  EXPECT_EQ(mapping().pages.pages(), Pages{3});
  machine.cache.end_read(mapping(), kFirst, Pages{2}, false);
  machine.cache.drop_clean(mapping());
  EXPECT_EQ(mapping().pages.pages(), Pages{1});
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, ReadPagesAreUpToDateUnlessTheReadFailed) {
  machine.cache.add_for_read(mapping(), kFirst, 0b11, 0);
  EXPECT_EQ(mapping().pages.uptodate(kFirst), 0U);
  machine.cache.end_read(mapping(), kFirst, Pages{1}, false);
  machine.cache.end_read(mapping(), kFirst + Pages{1}, Pages{1}, true);
  EXPECT_EQ(mapping().pages.uptodate(kFirst), 0b01U);
  EXPECT_EQ(mapping().pages.flagged(kFirst, Flag::kLocked), 0U);
}

TEST_F(PageCacheTest, TheSecondAccessActivatesAndReclaimPassesOver) {
  machine.cache.add_for_read(mapping(), kFirst, 0b11, 0);
  machine.cache.end_read(mapping(), kFirst, Pages{2}, false);
  machine.cache.mark_accessed(mapping(), kFirst, 0b11);
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{0});
  machine.cache.mark_accessed(mapping(), kFirst, 0b10);
  EXPECT_EQ(machine.cache.stat().nr_active_file, Pages{1});
  EXPECT_EQ(machine.cache.shrink_inactive(32)->freed, Pages{1});
  EXPECT_FALSE(machine.cache.shrink_inactive(32));
  expect_counters_equal_marks();
}

// PG_readahead and PG_reclaim are one bit.
TEST_F(PageCacheTest, AMarkedPageThatWasOverwrittenIsNextToGoAfterItsWriteback) {
  machine.cache.add_pages(mapping(), PageIndex{64}, 1);
  machine.cache.add_for_read(mapping(), kFirst, 0b1, 0b1);
  machine.cache.end_read(mapping(), kFirst, Pages{1}, false);
  machine.dirty(mapping(), kFirst, Pages{1});
  start_writeback(kFirst, Pages{1});
  machine.cache.end_writeback(0, mapping(), kFirst, Pages{1});
  EXPECT_EQ(mapping().pages.flagged(kFirst, Flag::kReadahead), 0U);
  EXPECT_EQ(machine.cache.shrink_inactive(1)->freed, Pages{1});
  EXPECT_EQ(mapping().pages.find(kFirst), nullptr);
  expect_counters_equal_marks();
}

TEST_F(PageCacheTest, SharesAgeEveryThreeSecondsFromTheFirstCompletionOn) {
  const auto complete = [this](std::int64_t n) {
    machine.domain.writeout(wb.completions, 0, n, 100);
  };
  machine.run_for(milliseconds(10));
  complete(640);  // jiffy 2; the timer is due at 752 and, 63 jiffies or more away, rounded up
  EXPECT_EQ(machine.domain.fraction(wb.completions).numerator, 640);
  machine.run_for(milliseconds(3000));
  EXPECT_EQ(machine.domain.fraction(wb.completions).numerator, 640);
  machine.run_for(milliseconds(300));
  EXPECT_EQ(machine.domain.fraction(wb.completions).numerator, 320);
  machine.run_for(seconds(60));  // stops by itself; the queue would never run dry otherwise
  EXPECT_EQ(machine.domain.fraction(wb.completions).numerator, 1);
  EXPECT_EQ(machine.simulator.run(machine.simulator.now() + seconds(1)),
            engine::Simulator::RunEnd::kDry);
}

}  // namespace
}  // namespace wbsim::pagecache
