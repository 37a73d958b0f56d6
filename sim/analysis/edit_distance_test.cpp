#include "sim/analysis/edit_distance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace wbsim::analysis {
namespace {

using Sequence = std::vector<std::uint32_t>;

// Raw engine output only: distributions differ between libraries.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : engine_{seed} {}
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(engine_() % n); }

 private:
  std::mt19937 engine_;
};

std::int64_t naive(const Sequence& a, const Sequence& b) {
  std::vector<std::int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::int64_t diagonal = row[0];
    row[0] = static_cast<std::int64_t>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::int64_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::int64_t exact(const Sequence& a, const Sequence& b) {
  const EditDistance distance = edit_distance(a, b);
  EXPECT_TRUE(distance.exact());
  return distance.lower;
}

TEST(EditDistance, IsZeroForEqualSequences) {
  EXPECT_EQ(exact({}, {}), 0);
  EXPECT_EQ(exact({1, 2, 3}, {1, 2, 3}), 0);
}

TEST(EditDistance, CountsInsertionsDeletionsAndSubstitutionsOnceEach) {
  EXPECT_EQ(exact({1, 2, 3}, {}), 3);
  EXPECT_EQ(exact({1, 2, 3}, {1, 3}), 1);
  EXPECT_EQ(exact({1, 3}, {1, 2, 3}), 1);
  EXPECT_EQ(exact({1, 2, 3}, {1, 9, 3}), 1);
  EXPECT_EQ(exact({1, 2, 3, 4}, {2, 1, 4, 3}), 3);
  // "kitten" and "sitting".
  EXPECT_EQ(exact({1, 2, 3, 3, 4, 5}, {6, 2, 3, 3, 2, 5, 7}), 3);
}

TEST(EditDistance, EqualsTheDynamicProgramOnRandomSequences) {
  Numbers random{20240611};
  for (int round = 0; round < 600; ++round) {
    const auto sequence = [&random](std::uint32_t symbols) {
      Sequence s(random.below(300));
      std::generate(s.begin(), s.end(), [&] { return random.below(symbols); });
      return s;
    };
    const std::uint32_t symbols = 1 + random.below(round % 2 == 0 ? 4 : 200);
    const Sequence a = sequence(symbols);
    const Sequence b = sequence(symbols);
    ASSERT_EQ(exact(a, b), naive(a, b)) << "round " << round;
  }
}

TEST(EditDistance, EqualsTheDynamicProgramOnAFewEditsOfALongSequence) {
  Numbers random{7};
  for (int round = 0; round < 100; ++round) {
    Sequence a(1 + random.below(700));
    std::iota(a.begin(), a.end(), 0U);
    Sequence b = a;
    for (int edit = 0; edit < 5 && !b.empty(); ++edit) {
      const auto place = b.begin() + random.below(b.size());
      switch (random.below(3)) {
        case 0:
          b.erase(place);
          break;
        case 1:
          b.insert(place, 5000);
          break;
        default:
          *place = 6000;
          break;
      }
    }
    ASSERT_EQ(exact(a, b), naive(a, b)) << "round " << round;
  }
}

TEST(EditDistance, HandlesLengthsAroundTheWordSize) {
  for (const std::size_t n : {63U, 64U, 65U, 127U, 128U, 129U}) {
    Sequence a(n);
    std::iota(a.begin(), a.end(), 0U);
    Sequence b(a.rbegin(), a.rend());
    EXPECT_EQ(exact(a, b), naive(a, b)) << n;
  }
}

TEST(EditDistance, GivesTrueBoundsAboveTheWorkLimit) {
  const Sequence a{1, 2, 3, 4, 5, 6};
  const Sequence b{9, 1, 2, 3, 4, 5};
  const EditDistance bounds = edit_distance(a, b, 0);
  EXPECT_FALSE(bounds.exact());
  EXPECT_EQ(bounds.lower, 1);  // 6 and 9 are not common
  EXPECT_EQ(bounds.upper, 6);  // no position agrees
  EXPECT_EQ(exact(a, b), 2);
}

}  // namespace
}  // namespace wbsim::analysis
