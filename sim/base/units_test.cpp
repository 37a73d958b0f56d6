#include "sim/base/units.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>

namespace wbsim {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};

// What must not compile. units_mix.cpp shows the same through a failing compiler.
static_assert(Addable<Bytes, Bytes>);
static_assert(!Addable<Bytes, Sectors>);
static_assert(!Addable<Pages, Sectors>);
static_assert(!Addable<Bytes, int>);
static_assert(!Addable<Lba, Lba>, "points do not add up");
static_assert(Addable<Lba, Sectors>);
static_assert(!Addable<Lba, Pages>);
static_assert(!Addable<PageIndex, Sectors>);
static_assert(!Addable<SimTime, SimTime>);
static_assert(Addable<SimTime, SimDuration>);
static_assert(Subtractable<Lba, Lba>);
static_assert(!Subtractable<Lba, PageIndex>);
static_assert(!Comparable<Bytes, Sectors>);
static_assert(!Comparable<Lba, PageIndex>);
static_assert(!Comparable<Pages, int>);
static_assert(!std::convertible_to<int, Bytes>, "a number alone is no amount");
static_assert(!std::convertible_to<Bytes, std::int64_t>);

TEST(UnitsTest, DifferenceOfPointsIsALength) {
  static_assert(std::same_as<decltype(Lba{8} - Lba{3}), Sectors>);
  EXPECT_EQ(Lba{8} - Lba{3}, Sectors{5});
  EXPECT_EQ(PageIndex{8} - Pages{3}, PageIndex{5});
  EXPECT_EQ(at(milliseconds(5)) - at(milliseconds(2)), milliseconds(3));
}

TEST(UnitsTest, AmountsDoArithmetic) {
  Bytes n = kibibytes(3);
  n += Bytes{1};
  EXPECT_EQ(n, Bytes{3073});
  n -= Bytes{73};
  EXPECT_EQ(n * 2, Bytes{6000});
  EXPECT_EQ(2 * n, Bytes{6000});
  EXPECT_EQ(n / 7, Bytes{428}) << "truncates";
  EXPECT_EQ(Bytes{-7} / 2, Bytes{-3}) << "toward zero, as in C";
  EXPECT_EQ(mebibytes(1) / kibibytes(4), 256) << "a ratio has no unit";
  EXPECT_EQ(Bytes{4097} % kPageSize, Bytes{1});
  EXPECT_EQ(++n, Bytes{3001});
  EXPECT_EQ(--n, Bytes{3000});
}

TEST(UnitsTest, ExactConversions) {
  EXPECT_EQ(to_bytes(Sectors{3}), Bytes{1536});
  EXPECT_EQ(to_bytes(Pages{3}), Bytes{12288});
  EXPECT_EQ(to_sectors(Pages{3}), Sectors{24});
  EXPECT_EQ(kSectorsPerPage, Sectors{8});
  EXPECT_EQ(gibibytes(1), mebibytes(1024));
}

TEST(UnitsTest, InexactConversionsRoundAsTheirNamesSay) {
  EXPECT_EQ(sectors_floor(Bytes{1023}), Sectors{1});
  EXPECT_EQ(pages_floor(Bytes{8191}), Pages{1});
  EXPECT_EQ(pages_floor(Sectors{15}), Pages{1});
  EXPECT_EQ(pages_ceil(Bytes{0}), Pages{0});
  EXPECT_EQ(pages_ceil(Bytes{1}), Pages{1});
  EXPECT_EQ(pages_ceil(Bytes{4096}), Pages{1});
  EXPECT_EQ(pages_ceil(Bytes{4097}), Pages{2});
}

TEST(UnitsTest, PositionsConvert) {
  EXPECT_EQ(page_containing(FileOffset{4095}), PageIndex{0});
  EXPECT_EQ(page_containing(FileOffset{4096}), PageIndex{1});
  EXPECT_EQ(lba_of(PageIndex{5}), Lba{40});
  EXPECT_EQ(page_of(Lba{47}), PageIndex{5});
}

TEST(UnitsTest, TimeIsIntegerNanoseconds) {
  static_assert(std::same_as<SimDuration::rep, std::int64_t>);
  EXPECT_EQ(seconds(2).count(), 2'000'000'000);
  EXPECT_EQ(milliseconds(2), microseconds(2'000));
  EXPECT_LT(at(seconds(-1)), at(seconds(0)));
  EXPECT_GT(kSimTimeMax - at(seconds(0)), seconds(9'000'000'000));
}

}  // namespace
}  // namespace wbsim
