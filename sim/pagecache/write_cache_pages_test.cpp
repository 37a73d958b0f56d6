#include "sim/pagecache/write_cache_pages.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/pagecache/test_machine.hpp"

namespace wbsim::pagecache {
namespace {

using Written = std::vector<std::int64_t>;

class WriteCachePages : public testing::Test {
 protected:
  AddressSpace& mapping() { return file.inode.mapping; }
  void dirty(std::initializer_list<std::int64_t> pages) {
    for (const std::int64_t page : pages) {
      machine.dirty(mapping(), PageIndex{page}, Pages{1});
    }
  }
  // One call, to its end.
  Written write(WritebackControl& wbc) {
    file.written.clear();
    TestTask task{machine.machine};
    task.run([&](TaskContext& context) { return file.writepages(context, mapping(), wbc); });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
    return file.written;
  }
  Written write(WritebackControl&& wbc) { return write(wbc); }

  TestMachine machine{2};
  BdiWriteback wb{0, 2, Pages{25600}};
  TestFile file{machine, wb};
};

TEST_F(WriteCachePages, RangeCyclicGoesOnWhereItStopped) {
  machine.dirty(mapping(), PageIndex{0}, Pages{100});
  EXPECT_EQ(write({.nr_to_write = 30, .range_cyclic = true}).size(), 30U);
  EXPECT_EQ(mapping().writeback_index, PageIndex{29});
  dirty({3});
  const Written second = write({.nr_to_write = 40, .range_cyclic = true});
  EXPECT_EQ(second.front(), 30);
  EXPECT_EQ(second.size(), 40U);
}

TEST_F(WriteCachePages, RangeCyclicDoesNotWrapInsideACall) {
  machine.dirty(mapping(), PageIndex{0}, Pages{20});
  mapping().writeback_index = PageIndex{15};
  EXPECT_EQ(write({.range_cyclic = true}), (Written{15, 16, 17, 18, 19}));
  EXPECT_EQ(mapping().writeback_index, PageIndex{0});
  EXPECT_EQ(write({.range_cyclic = true}).size(), 15U);
}

TEST_F(WriteCachePages, ARangeLeavesTheRestAndTheIndexAlone) {
  machine.dirty(mapping(), PageIndex{0}, Pages{20});
  mapping().writeback_index = PageIndex{7};
  const WritebackControl range{.range_start = PageIndex{5}, .range_end = PageIndex{8}};
  EXPECT_EQ(write(WritebackControl{range}), (Written{5, 6, 7, 8}));
  EXPECT_EQ(mapping().writeback_index, PageIndex{7});
}

TEST_F(WriteCachePages, WholeFileMovesTheIndexWhileItsBudgetLasts) {
  machine.dirty(mapping(), PageIndex{0}, Pages{20});
  write({.nr_to_write = 5});
  EXPECT_EQ(mapping().writeback_index, PageIndex{0});
  write({.nr_to_write = 100});
  EXPECT_EQ(mapping().writeback_index, PageIndex{19});
}

TEST_F(WriteCachePages, BudgetEndsTheCallOnlyWithoutSyncAll) {
  machine.dirty(mapping(), PageIndex{0}, Pages{45});
  EXPECT_EQ(write({.nr_to_write = 5}).size(), 5U);
  EXPECT_EQ(write({.nr_to_write = 5, .sync_all = true}).size(), 40U);
}

// Each page dirtied behind the writer's back lies ahead of it: without tags it would never end.
TEST_F(WriteCachePages, TaggedWritebackWritesWhatWasDirtyAtItsStart) {
  for (const bool sync_all : {true, false}) {
    machine.dirty(mapping(), PageIndex{0}, Pages{3});
    file.on_write = [this](PageIndex page) { dirty({page.value() + 50}); };
    file.run_max = Pages{1};
    const WritebackControl wbc{.sync_all = sync_all, .tagged_writepages = !sync_all};
    EXPECT_EQ(write(WritebackControl{wbc}), (Written{0, 1, 2}));
    file.on_write = {};
    EXPECT_EQ(write({}), (Written{50, 51, 52}));
  }
}

// Pages [0, count) as a list, then the others.
Written pages_and(std::int64_t count, std::initializer_list<std::int64_t> others) {
  Written pages;
  for (std::int64_t page = 0; page < count; ++page) {
    pages.push_back(page);
  }
  pages.insert(pages.end(), others);
  return pages;
}

TEST_F(WriteCachePages, AFullLookUpIsFollowedByOneThatMeetsPagesDirtiedAheadMeanwhile) {
  machine.dirty(mapping(), PageIndex{0}, Pages{kPagevecSize});
  file.on_write = [this](PageIndex page) {
    if (page == PageIndex{0}) {
      dirty({40});
    }
  };
  EXPECT_EQ(write({}), pages_and(kPagevecSize, {40}));
}

TEST_F(WriteCachePages, ALookUpThatFoundFewerIsTheLast) {
  machine.dirty(mapping(), PageIndex{0}, Pages{kPagevecSize - 1});
  file.on_write = [this](PageIndex page) {
    if (page == PageIndex{0}) {
      dirty({40});
    }
  };
  EXPECT_EQ(write({.range_cyclic = true}), pages_and(kPagevecSize - 1, {}));
  EXPECT_EQ(mapping().writeback_index, PageIndex{0});
  EXPECT_EQ(write({}), (Written{40}));
}

TEST_F(WriteCachePages, APageDirtiedBetweenThoseLookedUpIsLeftForTheNextCall) {
  machine.dirty(mapping(), PageIndex{0}, Pages{kPagevecSize - 2});
  dirty({200, 300, 400});  // the look-up ends with page 300
  file.on_write = [this](PageIndex page) {
    if (page == PageIndex{0}) {
      dirty({150});
    }
  };
  EXPECT_EQ(write({}), pages_and(kPagevecSize - 2, {200, 300, 400}));
  EXPECT_EQ(write({}), (Written{150}));
}

// Somebody else writes page 2 after it was looked up.
TEST_F(WriteCachePages, APageThatIsCleanWhenItsTurnComesIsSkipped) {
  const auto clean_page_2 = [this] {
    const PageIndex page{2};
    machine.cache.start_writeback(0, mapping(), page, PageTree::mask(page, Pages{1}));
    machine.cache.end_writeback(0, mapping(), page, Pages{1});
  };
  for (const bool sync_all : {false, true}) {
    machine.dirty(mapping(), PageIndex{0}, Pages{4});
    file.run_max = Pages{1};
    file.on_write = [&](PageIndex page) {
      if (page == PageIndex{0}) {
        clean_page_2();
      }
    };
    EXPECT_EQ(write({.sync_all = sync_all}), (Written{0, 1, 3}));
    // Dirtied again it is written, though it has lost the mark of tagged writeback.
    machine.dirty(mapping(), PageIndex{0}, Pages{4});
    file.on_write = [&](PageIndex page) {
      if (page == PageIndex{0}) {
        clean_page_2();
        dirty({2});
      }
    };
    EXPECT_EQ(write({.sync_all = sync_all}), (Written{0, 1, 2, 3}));
  }
}

// Every page takes 1 ms, so that a second thread waits from the start on.
class SlowWriter final : public PageWriter {
 public:
  explicit SlowWriter(PageCache& cache) : cache_{cache} {}
  engine::Task<Pages> write_run(TaskContext& task, AddressSpace& mapping, PageIndex first, Pages,
                                const WritebackControl&) override {
    cache_.start_writeback(0, mapping, first, PageTree::mask(first, Pages{1}));
    co_await task.thread().run(milliseconds(1));
    ++written;
    co_return Pages{1};
  }
  int written = 0;

 private:
  PageCache& cache_;
};

TEST(WriteCachePagesOnOneCpu, OthersRunBetweenLookUps) {
  TestMachine machine;
  BdiWriteback wb{0, 1, Pages{25600}};
  TestFile file{machine, wb};
  machine.dirty(file.inode.mapping, PageIndex{0}, Pages{40});
  SlowWriter writer{machine.cache};
  WritebackControl wbc;
  TestTask task{machine.machine};
  task.run([&](TaskContext& context) {
    return write_cache_pages(context, file.inode.mapping, wbc, writer);
  });
  machine.run_for(microseconds(100));
  TestTask other{machine.machine};
  int written_before_other = 0;
  other.run([&](TaskContext&) -> engine::Task<> {
    written_before_other = writer.written;
    co_return;
  });
  machine.run_for(milliseconds(60));
  EXPECT_TRUE(task.done());
  EXPECT_TRUE(other.done());
  EXPECT_EQ(written_before_other, kPagevecSize);
}

TEST_F(WriteCachePages, PagesUnderWritebackAreSkippedWithoutSyncAll) {
  machine.dirty(mapping(), PageIndex{0}, Pages{4});
  file.hold = true;
  write({.range_end = PageIndex{1}});
  dirty({0, 1});
  EXPECT_EQ(write({}), (Written{2, 3}));
  file.release();
  machine.run_for(milliseconds(1));
  EXPECT_EQ(write({}), (Written{0, 1}));
}

TEST_F(WriteCachePages, SyncAllWaitsForPagesUnderWritebackAndWritesThemAgain) {
  machine.dirty(mapping(), PageIndex{0}, Pages{2});
  file.hold = true;
  write({.range_end = PageIndex{0}});
  dirty({0});
  file.written.clear();
  WritebackControl wbc{.sync_all = true};
  TestTask task{machine.machine};
  task.run([&](TaskContext& context) { return file.writepages(context, mapping(), wbc); });
  machine.run_for(seconds(1));
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(file.written.empty());
  file.release();
  machine.run_for(seconds(1));
  EXPECT_TRUE(task.done());
  EXPECT_EQ(file.written, (Written{0, 1}));
}

TEST_F(WriteCachePages, TwoSyncWritersOnTwoCpusWriteEachPageOnce) {
  TestFile slow{machine, wb, microseconds(100), 2};
  AddressSpace& pages = slow.inode.mapping;
  slow.run_max = Pages{1};
  machine.dirty(pages, PageIndex{0}, Pages{200});
  WritebackControl first{.sync_all = true};
  WritebackControl second{.range_start = PageIndex{50}, .sync_all = true};
  TestTask a{machine.machine};
  a.run([&](TaskContext& context) { return slow.writepages(context, pages, first); });
  machine.run_for(microseconds(50));
  TestTask b{machine.machine};
  b.run([&](TaskContext& context) { return slow.writepages(context, pages, second); });
  machine.run_for(seconds(1));
  EXPECT_TRUE(a.done());
  EXPECT_TRUE(b.done());
  EXPECT_EQ(slow.written.size(), 200U);
}

// fdatawait must not look into a page that reclaim freed while it slept.
TEST_F(WriteCachePages, WaitEndsWhenThePageIsCleanAndReclaimed) {
  machine.dirty(mapping(), PageIndex{0}, Pages{3});
  file.hold = true;
  write({});
  TestTask task{machine.machine};
  task.run([&](TaskContext& context) {
    return fdatawait_range(context, mapping(), PageIndex{0}, PageIndex::max());
  });
  machine.run_for(milliseconds(1));
  EXPECT_FALSE(task.done());
  file.release();
  machine.run_for(milliseconds(1));
  EXPECT_TRUE(task.done());
  machine.cache.drop_clean(mapping());
  EXPECT_EQ(mapping().pages.pages(), Pages{0});
  TestTask again{machine.machine};
  again.run([&](TaskContext& context) {
    return fdatawait_range(context, mapping(), PageIndex{0}, PageIndex::max());
  });
  machine.run_for(milliseconds(1));
  EXPECT_TRUE(again.done());
}

}  // namespace
}  // namespace wbsim::pagecache
