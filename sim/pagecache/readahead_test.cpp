#include "sim/pagecache/readahead.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace wbsim::pagecache {
namespace {

void cache_pages(PageTree& tree, std::int64_t first, std::int64_t count) {
  for (PageIndex page{first}; page < PageIndex{first + count}; ++page) {
    tree.insert(page, PageTree::mask(page, Pages{1}));
  }
}

// A file with its state, and the numbers of the windows that it asks for.
struct Stream {
  FileReadahead ra{Pages{32}};
  PageTree pages;
  ReadaheadLimits limits;

  // {start, size, async_size} of the window; {-1, 0, 0} where nothing is read.
  std::array<std::int64_t, 3> ask(std::int64_t index, std::int64_t request, bool marker = false) {
    const auto window =
        ondemand_readahead(ra, pages, limits, PageIndex{index}, marker, Pages{request});
    if (!window) {
      return {-1, 0, 0};
    }
    return {window->start.value(), window->size.count(), window->async_size.count()};
  }
  // The last read ended in this page.
  void last_page(std::int64_t page) { ra.prev_pos = FileOffset{page * kPageSize.count()}; }
};

using Window = std::array<std::int64_t, 3>;

TEST(Readahead, FirstWindowGrowsWithTheRequest) {
  struct Case {
    std::int64_t request, max, size;
  };
  for (const Case& c : {Case{1, 32, 4}, Case{2, 32, 4}, Case{3, 32, 8}, Case{4, 32, 8},
                        Case{5, 32, 16}, Case{8, 32, 16}, Case{9, 32, 32}, Case{32, 32, 32},
                        Case{1, 64, 4}, Case{2, 64, 8}, Case{16, 64, 32}, Case{17, 64, 64}}) {
    EXPECT_EQ(get_init_ra_size(Pages{c.request}, Pages{c.max}), Pages{c.size})
        << c.request << " of " << c.max;
  }
}

TEST(Readahead, NextWindowIsFourTimesThenTwiceTheLastUpToTheGreatest) {
  struct Case {
    std::int64_t size, max, next;
  };
  for (const Case& c : {Case{1, 32, 4}, Case{2, 32, 4}, Case{4, 32, 8}, Case{16, 32, 32},
                        Case{17, 32, 32}, Case{32, 32, 32}, Case{3, 64, 12}, Case{4, 64, 8}}) {
    EXPECT_EQ(get_next_ra_size(Pages{c.size}, Pages{c.max}), Pages{c.next})
        << c.size << " of " << c.max;
  }
}

TEST(Readahead, TheFirstPageOfAFileStartsAStream) {
  Stream s;
  EXPECT_EQ(s.ask(0, 1), (Window{0, 4, 3}));
  Stream whole;
  EXPECT_EQ(whole.ask(0, 32), (Window{0, 32, 16})) << "its own first page would be the mark";
  Stream small;
  EXPECT_EQ(small.ask(0, 4), (Window{0, 8, 4}));
}

TEST(Readahead, TheMarkedPageOfTheLastWindowBringsALargerOne) {
  Stream s;
  ASSERT_EQ(s.ask(0, 1), (Window{0, 4, 3}));
  EXPECT_EQ(s.ask(1, 1, true), (Window{4, 8, 8}));
  EXPECT_EQ(s.ask(4, 1, true), (Window{12, 16, 16}));
  EXPECT_EQ(s.ask(12, 1, true), (Window{28, 32, 32}));
  EXPECT_EQ(s.ask(28, 1, true), (Window{60, 32, 32}));
}

TEST(Readahead, SoDoesAMissAtItsEnd) {
  Stream s;
  ASSERT_EQ(s.ask(0, 1), (Window{0, 4, 3}));
  // The window would begin at the page asked for: the one after it is taken in.
  EXPECT_EQ(s.ask(4, 1), (Window{4, 24, 16}));
}

TEST(Readahead, AWindowShrinksWithTheMaximumOnlyBefore6_1) {
  for (const ReadaheadRules rules : {ReadaheadRules::kV5_10, ReadaheadRules::kV6_1}) {
    Stream s;
    s.limits.rules = rules;
    s.limits.io_pages = Pages{256};
    ASSERT_EQ(s.ask(0, 200), (Window{0, 200, 100}));
    const std::int64_t next = rules == ReadaheadRules::kV5_10 ? 32 : 200;
    EXPECT_EQ(s.ask(100, 1, true), (Window{200, next, next}));
  }
}

TEST(Readahead, AForgottenStreamGoesOnBehindItsCachedPages) {
  Stream s;
  s.ra.start = PageIndex{5000};
  s.ra.size = Pages{32};
  s.ra.async_size = Pages{32};
  cache_pages(s.pages, 100, 8);
  EXPECT_EQ(s.ask(100, 1, true), (Window{108, 18, 18})) << "8 cached and 1 wanted, doubled";
}

TEST(Readahead, AMarkBeforeMoreCachedPagesThanAWindowReadsFromTheirMiddle) {
  Stream s;
  cache_pages(s.pages, 100, 100);
  EXPECT_EQ(s.ask(100, 1, true), (Window{132, 32, 32}));
}

TEST(Readahead, AReadBeyondTheMaximumStartsAStreamAnywhere) {
  Stream s;
  s.limits.io_pages = Pages{32};
  EXPECT_EQ(s.ask(700, 100), (Window{700, 32, 16}));
}

TEST(Readahead, ALargeReadMayTakeAsMuchAsTheDeviceTakesAtOnce) {
  Stream s;
  s.limits.io_pages = Pages{320};
  // Random: what is asked for.
  EXPECT_EQ(s.ask(700, 100), (Window{700, 100, 0}));
  EXPECT_EQ(s.ask(0, 500), (Window{0, 320, 160}));
}

TEST(Readahead, AMissRightBehindOrInsideTheLastPageReadStartsAStream) {
  for (const std::int64_t index : {100, 101}) {
    Stream s;
    s.last_page(100);
    EXPECT_EQ(s.ask(index, 4), (Window{index, 8, 4})) << index;
  }
  for (const std::int64_t index : {99, 102}) {
    Stream s;
    s.last_page(100);
    EXPECT_EQ(s.ask(index, 4), (Window{index, 4, 0})) << index;
  }
}

TEST(Readahead, AFileNeverReadIsNotAtItsEnd) {
  Stream s;
  EXPECT_EQ(s.ask(1, 1), (Window{1, 1, 0}));
}

TEST(Readahead, ARandomReadReadsWhatItAsksForAndKeepsTheState) {
  Stream s;
  ASSERT_EQ(s.ask(0, 1), (Window{0, 4, 3}));
  EXPECT_EQ(s.ask(5000, 3), (Window{5000, 3, 0}));
  EXPECT_EQ(s.ask(1, 1, true), (Window{4, 8, 8}));
}

TEST(Readahead, CachedPagesBeforeAMissAreATraceOfAStream) {
  Stream few;
  cache_pages(few.pages, 996, 4);
  EXPECT_EQ(few.ask(1000, 4), (Window{1000, 4, 0})) << "no more than it asks for";
  Stream some;
  cache_pages(some.pages, 995, 5);
  EXPECT_EQ(some.ask(1000, 4), (Window{1000, 9, 1}));
  Stream many;
  cache_pages(many.pages, 900, 100);
  EXPECT_EQ(many.ask(1000, 4), (Window{1000, 32, 1}));
}

TEST(Readahead, CachedPagesFromTheBeginningOfTheFileCountTwice) {
  Stream s;
  cache_pages(s.pages, 0, 8);
  EXPECT_EQ(s.ask(8, 4), (Window{8, 20, 1}));
}

TEST(Readahead, HistoryEndsAtAHoleAndAtOneLessThanTheMaximum) {
  PageTree tree;
  cache_pages(tree, 10, 30);
  EXPECT_EQ(count_history_pages(tree, PageIndex{40}, Pages{64}), Pages{30});
  EXPECT_EQ(count_history_pages(tree, PageIndex{40}, Pages{16}), Pages{15});
  EXPECT_EQ(count_history_pages(tree, PageIndex{10}, Pages{16}), Pages{0});
}

TEST(Readahead, NextMissLooksAcrossLeavesAndStopsAtItsLastPage) {
  PageTree tree;
  cache_pages(tree, 60, 100);
  EXPECT_EQ(next_miss(tree, PageIndex{60}, Pages{500}), PageIndex{160});
  EXPECT_EQ(next_miss(tree, PageIndex{60}, Pages{100}), PageIndex{159});
  EXPECT_EQ(next_miss(tree, PageIndex{60}, Pages{32}), PageIndex{91});
  EXPECT_EQ(next_miss(tree, PageIndex{160}, Pages{32}), PageIndex{160});
}

TEST(Readahead, AdvisedRandomIsLimitedByTheDeviceAlone) {
  FileReadahead ra{Pages{32}};
  ReadaheadLimits limits;
  limits.io_pages = Pages{320};
  EXPECT_EQ(forced_readahead(ra, limits, Pages{100}), Pages{100});
  EXPECT_EQ(forced_readahead(ra, limits, Pages{1000}), Pages{320});
  limits.io_pages = Pages{8};
  EXPECT_EQ(forced_readahead(ra, limits, Pages{100}), Pages{32});
}

}  // namespace
}  // namespace wbsim::pagecache
