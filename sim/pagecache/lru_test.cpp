#include "sim/pagecache/lru.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <new>
#include <set>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/pagecache/page_tree.hpp"

namespace {
std::int64_t heap_bytes = 0;
}

// Counts what is on the heap: each block carries its size in front.
void* operator new(std::size_t size) {
  constexpr std::size_t kHeader = alignof(std::max_align_t);
  auto* block = static_cast<std::size_t*>(std::malloc(size + kHeader));
  if (block == nullptr) {
    throw std::bad_alloc{};
  }
  *block = size;
  heap_bytes += static_cast<std::int64_t>(size);
  return reinterpret_cast<char*>(block) + kHeader;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) {
    return;
  }
  auto* block =
      reinterpret_cast<std::size_t*>(static_cast<char*>(memory) - alignof(std::max_align_t));
  heap_bytes -= static_cast<std::int64_t>(*block);
  std::free(block);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace wbsim::pagecache {
namespace {

// The same lists page by page, as the kernel has them. Page = leaf * 64 + slot; mapping 0 alone.
struct ReferenceLists {
  std::deque<std::int64_t> inactive;  // front: oldest
  std::deque<std::int64_t> active;
  std::set<std::int64_t> flagged;
};

std::vector<std::int64_t> pages_of(const LruRun& run) {
  std::vector<std::int64_t> pages;
  for (std::uint64_t rest = run.bits; rest != 0; rest &= rest - 1) {
    pages.push_back(static_cast<std::int64_t>(run.leaf) * 64 + std::countr_zero(rest));
  }
  return pages;
}

class LruAgainstReference {
 public:
  explicit LruAgainstReference(std::uint64_t seed) : rng_{Rng::stream(seed, "lru test")} {}

  void step() {
    switch (rng_.uniform(10)) {
      case 0:
      case 1:
        add();
        break;
      case 2:
      case 3:
        reclaim();
        break;
      case 4:
      case 5:
        end_writeback();
        break;
      case 6:
        deactivate();
        break;
      case 7:
      case 8:
        activate();
        break;
      default:
        if (rng_.uniform(10) == 0) {
          remove();
        }
    }
  }

  // Takes everything, and compares the order page by page.
  void drain() {
    while (!reference_.active.empty()) {
      deactivate();
    }
    while (!reference_.inactive.empty()) {
      take(32);
    }
    EXPECT_FALSE(lru_.take_oldest(1));
    EXPECT_EQ(lru_.deactivate_oldest(Pages{1}), Pages{0});
  }

  [[nodiscard]] std::size_t runs() const { return lru_.runs(); }
  [[nodiscard]] std::size_t pages() const {
    return reference_.inactive.size() + reference_.active.size();
  }

 private:
  static constexpr std::uint64_t kLeaves = 12;

  LruRun random_run() {
    return {0, static_cast<std::uint32_t>(rng_.uniform(kLeaves)),
            PageTree::mask(PageIndex{static_cast<std::int64_t>(rng_.uniform(64))},
                           Pages{1 + static_cast<std::int64_t>(rng_.uniform(20))})};
  }
  bool listed(std::int64_t page) const {
    return std::count(reference_.inactive.begin(), reference_.inactive.end(), page) +
               std::count(reference_.active.begin(), reference_.active.end(), page) >
           0;
  }

  void add() {
    LruRun run = random_run();
    for (const std::int64_t page : pages_of(run)) {
      if (listed(page)) {
        run.bits &= ~(std::uint64_t{1} << (page % 64));
      } else {
        reference_.inactive.push_back(page);
      }
    }
    if (run.bits != 0) {
      lru_.add(run);
    }
  }

  LruRun take(int wanted) {
    const std::optional<LruRun> run = lru_.take_oldest(wanted);
    if (!run) {
      EXPECT_TRUE(reference_.inactive.empty());
      return {};
    }
    for (const std::int64_t page : pages_of(*run)) {
      EXPECT_EQ(page, reference_.inactive.front());
      reference_.inactive.pop_front();
      reference_.flagged.erase(page);
    }
    EXPECT_LE(std::popcount(run->bits), wanted);
    return *run;
  }

  // Some of what is taken is busy and activated, the rest is freed.
  void reclaim() {
    LruRun run = take(static_cast<int>(1 + rng_.uniform(32)));
    run.bits &= rng_.next_u64();
    if (run.bits != 0) {
      lru_.activate_for_reclaim(run);
      for (const std::int64_t page : pages_of(run)) {
        reference_.active.push_back(page);
        reference_.flagged.insert(page);
      }
    }
  }

  void end_writeback() {
    const LruRun run = random_run();
    const std::uint64_t dirty = rng_.next_u64() & rng_.next_u64();
    std::uint64_t expected = 0;
    for (const std::int64_t page : pages_of(run)) {
      const std::uint64_t bit = std::uint64_t{1} << (page % 64);
      if (reference_.flagged.erase(page) == 0 || (dirty & bit) != 0) {
        continue;
      }
      expected |= std::erase(reference_.active, page) > 0 ? bit : 0;
      std::erase(reference_.inactive, page);
      reference_.inactive.push_front(page);
    }
    EXPECT_EQ(lru_.end_writeback(run, dirty), expected);
  }

  // Pages that are read again; some of them also carry the flag.
  void activate() {
    LruRun run = random_run();
    const std::uint64_t flagged = rng_.next_u64() & rng_.next_u64() & rng_.next_u64();
    std::uint64_t expected = 0;
    for (const std::int64_t page : pages_of(run)) {
      const std::uint64_t bit = std::uint64_t{1} << (page % 64);
      if (!listed(page)) {
        run.bits &= ~bit;
        continue;
      }
      if (std::erase(reference_.inactive, page) > 0) {
        expected |= bit;
        reference_.active.push_back(page);
      }
      if ((flagged & bit) != 0) {
        reference_.flagged.insert(page);
        lru_.flag({run.mapping, run.leaf, bit});
      }
    }
    EXPECT_EQ(lru_.activate(run), expected);
  }

  void deactivate() {
    const auto wanted = static_cast<std::int64_t>(1 + rng_.uniform(32));
    const std::int64_t moved = lru_.deactivate_oldest(Pages{wanted}).count();
    EXPECT_EQ(moved, std::min(wanted, static_cast<std::int64_t>(reference_.active.size())));
    for (std::int64_t i = 0; i < moved; ++i) {
      reference_.inactive.push_back(reference_.active.front());
      reference_.active.pop_front();
    }
  }

  void remove() {
    const std::uint64_t chosen = rng_.next_u64();
    for (std::uint32_t leaf = 0; leaf < kLeaves; ++leaf) {
      LruRun run{0, leaf, 0};
      std::uint64_t active = 0;
      for (const std::int64_t page : pages_of({0, leaf, chosen})) {
        const std::uint64_t bit = std::uint64_t{1} << (page % 64);
        run.bits |= listed(page) ? bit : 0;
        active |= std::erase(reference_.active, page) > 0 ? bit : 0;
        std::erase(reference_.inactive, page);
        reference_.flagged.erase(page);
      }
      if (run.bits != 0) {
        EXPECT_EQ(lru_.remove(run), active);
      }
    }
  }

  Rng rng_;
  Lru lru_;
  ReferenceLists reference_;
};

TEST(Lru, ReclaimOrderEqualsThatOfListsOfSinglePages) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    LruAgainstReference both{seed};
    for (int i = 0; i < 2000; ++i) {
      both.step();
    }
    both.drain();
    if (testing::Test::HasFailure()) {
      return;
    }
  }
}

TEST(Lru, ListsDoNotGrowWithPagesThatComeAndGo) {
  LruAgainstReference both{7};
  for (int i = 0; i < 30'000; ++i) {
    both.step();
  }
  EXPECT_LE(both.runs(), 3 * both.pages() + 200);
}

// A page that was rotated, and activated again, stands where it was activated last.
TEST(Lru, PageActivatedTwiceIsAsOldAsItsSecondActivation) {
  Lru lru;
  lru.activate_for_reclaim({0, 1, 1});
  EXPECT_EQ(lru.end_writeback({0, 1, 1}, 0), 1U);
  lru.activate_for_reclaim({0, 2, 1});
  ASSERT_EQ(lru.take_oldest(1)->leaf, 1U);
  lru.activate_for_reclaim({0, 1, 1});
  EXPECT_EQ(lru.deactivate_oldest(Pages{1}), Pages{1});
  EXPECT_EQ(lru.take_oldest(1)->leaf, 2U);
}

TEST(Lru, APageReadAgainLeavesTheInactiveListFromItsMiddle) {
  Lru lru;
  lru.add({0, 1, 0b111});
  EXPECT_EQ(lru.activate({0, 1, 0b010}), 0b010U);
  EXPECT_EQ(lru.activate({0, 1, 0b010}), 0U) << "it is active";
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b101U);
  EXPECT_FALSE(lru.take_oldest(1));
  EXPECT_EQ(lru.deactivate_oldest(Pages{2}), Pages{1});
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b010U);
}

TEST(Lru, APageCachedAgainIsAsOldAsItsSecondLife) {
  Lru lru;
  lru.add({0, 1, 0b1});
  lru.add({0, 2, 0b1});
  EXPECT_EQ(lru.activate({0, 1, 0b1}), 0b1U);
  EXPECT_EQ(lru.remove({0, 1, 0b1}), 0b1U);
  lru.add({0, 1, 0b11});
  EXPECT_EQ(lru.take_oldest(32)->leaf, 2U);
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b01U);
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b10U);
}

TEST(Lru, RotatedPagesAreReclaimedFirstAndTheLastOfThemAtOnce) {
  Lru lru;
  lru.add({0, 5, 1});
  lru.activate_for_reclaim({0, 9, 0b110});
  EXPECT_EQ(lru.end_writeback({0, 9, 0b1111}, 0), 0b110U);
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b100U);
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b010U);
  EXPECT_EQ(lru.take_oldest(32)->leaf, 5U);
}

TEST(Lru, AFlaggedPageThatWasDeactivatedIsRotatedToo) {
  Lru lru;
  lru.activate_for_reclaim({0, 9, 0b110});
  lru.add({0, 5, 1});
  EXPECT_EQ(lru.deactivate_oldest(Pages{2}), Pages{2});
  lru.add({0, 6, 1});
  EXPECT_EQ(lru.end_writeback({0, 9, 0b100}, 0), 0U) << "it is not active any more";
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b100U);
  EXPECT_EQ(lru.take_oldest(32)->leaf, 5U);
  EXPECT_EQ(lru.take_oldest(32)->bits, 0b010U);
  EXPECT_EQ(lru.take_oldest(32)->leaf, 6U);
}

TEST(Lru, TheFlagEndsWithTheNextWritebackThoughThePageIsDirtyAgain) {
  Lru lru;
  lru.activate_for_reclaim({0, 9, 1});
  EXPECT_EQ(lru.end_writeback({0, 9, 1}, 1), 0U);
  EXPECT_EQ(lru.end_writeback({0, 9, 1}, 0), 0U);
  EXPECT_FALSE(lru.take_oldest(1));
  EXPECT_EQ(lru.deactivate_oldest(Pages{1}), Pages{1});
  EXPECT_EQ(lru.end_writeback({0, 9, 1}, 0), 0U);
}

TEST(Lru, APageDroppedAndCachedAgainIsNotFlagged) {
  Lru lru;
  lru.activate_for_reclaim({0, 9, 1});
  EXPECT_EQ(lru.remove({0, 9, 1}), 1U);
  lru.add({0, 5, 1});
  lru.add({0, 9, 1});
  EXPECT_EQ(lru.end_writeback({0, 9, 1}, 0), 0U);
  EXPECT_EQ(lru.take_oldest(32)->leaf, 5U);
}

TEST(Lru, PagesThatAreDroppedWithoutReclaimLeaveNothingBehind) {
  Lru lru;
  lru.add({1, 0, 1});
  for (std::uint32_t leaf = 0; leaf < 100'000; ++leaf) {
    lru.add({0, leaf, 0b11});
    EXPECT_EQ(lru.remove({0, leaf, 0b11}), 0U);
  }
  EXPECT_LT(lru.runs(), 200U);
  EXPECT_EQ(lru.take_oldest(32)->mapping, 1U);
  EXPECT_FALSE(lru.take_oldest(32));
}

// The goals: <= 1 byte per cached page sequential, <= 28 bytes random.
double bytes_per_page(std::int64_t pages, std::int64_t stride) {
  const std::int64_t before = heap_bytes;
  PageTree tree;
  Lru lru;
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < pages; ++i) {
    const PageIndex page{at};
    tree.insert(page, PageTree::mask(page, Pages{1}));
    lru.add({0, static_cast<std::uint32_t>(PageTree::leaf_number(page)),
             PageTree::mask(page, Pages{1})});
    at = (at + stride) % pages;
  }
  return static_cast<double>(heap_bytes - before) / static_cast<double>(pages);
}

TEST(Lru, SequentialPagesTakeLessThanOneByteEach) {
  const double bytes = bytes_per_page(1 << 20, 1);
  RecordProperty("bytes_per_page", std::to_string(bytes));
  EXPECT_LE(bytes, 1.0);
}

TEST(Lru, PagesInRandomOrderTakeAtMost28BytesEach) {
  for (const std::int64_t pages : {1'000'003, 700'001, 524'287, 1'572'869}) {
    const double bytes = bytes_per_page(pages, 377'777);
    RecordProperty("bytes_per_page_of_" + std::to_string(pages), std::to_string(bytes));
    EXPECT_LE(bytes, 28.0) << pages;
  }
}

}  // namespace
}  // namespace wbsim::pagecache
