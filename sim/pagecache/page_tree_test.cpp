#include "sim/pagecache/page_tree.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/base/rng.hpp"

namespace wbsim::pagecache {
namespace {

constexpr std::array<Mark, kMarks> kAllMarks{Mark::kDirty, Mark::kWriteback, Mark::kToWrite};

// Page by page: present pages with their marks as bits.
using ReferenceTree = std::map<std::int64_t, unsigned>;

unsigned bit_of(Mark mark) { return 1U << static_cast<unsigned>(mark); }

std::optional<PageIndex> next_marked(const ReferenceTree& reference, Mark mark, std::int64_t from) {
  for (auto it = reference.lower_bound(from); it != reference.end(); ++it) {
    if ((it->second & bit_of(mark)) != 0) {
      return PageIndex{it->first};
    }
  }
  return std::nullopt;
}

// One random change of a few pages of one leaf, to the tree and to the reference.
void change(PageTree& tree, ReferenceTree& reference, Rng& rng, PageIndex page) {
  const std::uint64_t bits =
      PageTree::mask(page, Pages{1 + static_cast<std::int64_t>(rng.uniform(64))});
  const std::int64_t base = page.value() & ~std::int64_t{63};
  const Mark mark = kAllMarks[rng.uniform(kMarks)];
  const auto what = rng.uniform(4);
  std::uint64_t chosen = 0;
  for (int slot = 0; slot < 64; ++slot) {
    const auto it = reference.find(base + slot);
    const bool present = it != reference.end();
    if ((bits >> slot & 1) == 0 || present == (what == 0) || (what == 1 && it->second != 0)) {
      continue;
    }
    chosen |= std::uint64_t{1} << slot;
    if (what == 0) {
      reference.emplace(base + slot, 0);
    } else if (what == 1) {
      reference.erase(it);
    } else if (what == 2) {
      it->second |= bit_of(mark);
    } else {
      it->second &= ~bit_of(mark);
    }
  }
  if (chosen == 0) {
    return;
  }
  switch (what) {
    case 0:
      tree.insert(page, chosen);
      break;
    case 1:
      tree.erase(page, chosen);
      break;
    case 2:
      tree.set_mark(page, chosen, mark);
      break;
    default:
      tree.clear_mark(page, chosen, mark);
      break;
  }
}

void expect_equal(const PageTree& tree, const ReferenceTree& reference,
                  const std::vector<PageIndex>& places) {
  ASSERT_EQ(tree.pages(), Pages{static_cast<std::int64_t>(reference.size())});
  for (const Mark mark : kAllMarks) {
    EXPECT_EQ(tree.any(mark), next_marked(reference, mark, 0).has_value());
    for (const PageIndex place : places) {
      EXPECT_EQ(tree.next(mark, place), next_marked(reference, mark, place.value()));
    }
  }
}

TEST(PageTree, EqualsAMapOfPagesUnderRandomChanges) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng = Rng::stream(seed, "page tree test");
    PageTree tree;
    ReferenceTree reference;
    // Few leaves at very different depths: holes of every size in between.
    std::vector<PageIndex> places{PageIndex{0}};
    for (int i = 0; i < 12; ++i) {
      const auto top = static_cast<std::int64_t>(rng.uniform(38));
      places.push_back(PageIndex{static_cast<std::int64_t>(rng.uniform(std::uint64_t{1} << top))});
    }
    for (int step = 0; step < 3000; ++step) {
      change(tree, reference, rng, places[rng.uniform(places.size())]);
      if (step % 50 == 0) {
        expect_equal(tree, reference, places);
      }
    }
    expect_equal(tree, reference, places);
    Pages dirty{0};
    for (const auto& [page, marks] : reference) {
      dirty += Pages{(marks & bit_of(Mark::kDirty)) != 0 ? 1 : 0};
    }
    EXPECT_EQ(tree.count_marked(Mark::kDirty), dirty);
  }
}

TEST(PageTree, NextGoesOnAcrossLevelsInOrder) {
  PageTree tree;
  const std::vector<std::int64_t> pages{
      0,       63,          64,          4095,         4096,
      262'143, 262'144,     16'777'215,  16'777'216,   1'073'741'823,
      1 << 30, 68719476735, 68719476736, 4398046511103};
  for (const std::int64_t page : pages) {
    const PageIndex at{page};
    tree.insert(at, PageTree::mask(at, Pages{1}));
    tree.set_mark(at, PageTree::mask(at, Pages{1}), Mark::kDirty);
  }
  std::vector<std::int64_t> found;
  for (auto page = tree.next(Mark::kDirty, PageIndex{0}); page;
       page = tree.next(Mark::kDirty, *page + Pages{1})) {
    found.push_back(page->value());
  }
  EXPECT_EQ(found, pages);
  EXPECT_FALSE(tree.next(Mark::kWriteback, PageIndex{0}));
}

TEST(PageTree, FreesNodesThatBecomeEmpty) {
  PageTree tree;
  const std::int64_t root_alone = tree.nodes();
  const PageIndex far{std::int64_t{1} << 36};
  tree.insert(far, PageTree::mask(far, Pages{64}));
  const std::int64_t deep = tree.nodes();
  EXPECT_GT(deep, root_alone + 4);  // a path of its own down from a high root
  tree.erase(far, PageTree::mask(far, Pages{63}));
  EXPECT_EQ(tree.nodes(), deep);
  const PageIndex last = far + Pages{63};
  tree.erase(last, PageTree::mask(last, Pages{1}));
  EXPECT_LT(tree.nodes(), deep - 3);
  EXPECT_EQ(tree.find(far), nullptr);
  for (int again = 0; again < 3; ++again) {
    tree.insert(far, PageTree::mask(far, Pages{64}));
    EXPECT_EQ(tree.nodes(), deep);
    tree.erase(far, PageTree::mask(far, Pages{64}));
  }
}

TEST(PageTree, MaskEndsWithTheLeaf) {
  EXPECT_EQ(PageTree::mask(PageIndex{0}, Pages{64}), ~std::uint64_t{0});
  EXPECT_EQ(PageTree::mask(PageIndex{0}, Pages{1000}), ~std::uint64_t{0});
  EXPECT_EQ(PageTree::mask(PageIndex{62}, Pages{10}), std::uint64_t{3} << 62);
  EXPECT_EQ(PageTree::mask(PageIndex{65}, Pages{2}), 6U);
}

}  // namespace
}  // namespace wbsim::pagecache
