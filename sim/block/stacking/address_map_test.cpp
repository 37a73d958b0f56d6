#include "sim/block/stacking/address_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

namespace wbsim::block {
namespace {

using Spot = std::pair<std::size_t, std::int64_t>;  // member and sector of it

std::vector<Sectors> sectors(std::initializer_list<std::int64_t> counts) {
  std::vector<Sectors> sizes;
  for (const std::int64_t count : counts) {
    sizes.emplace_back(count);
  }
  return sizes;
}

Spot spot(const AddressMap& map, std::int64_t sector) {
  const Extent extent = map.map(Lba{sector});
  return {extent.member, extent.sector.value()};
}

// Every sector has a place of its own, and `left` says how far places follow one another.
void expect_one_to_one(const AddressMap& map) {
  std::set<Spot> seen;
  Extent last;
  for (std::int64_t i = 0; i < map.size().count(); ++i) {
    const Extent here = map.map(Lba{i});
    EXPECT_TRUE(seen.insert({here.member, here.sector.value()}).second) << "sector " << i;
    EXPECT_GT(here.left, Sectors{0});
    if (i > 0 && last.left > Sectors{1}) {
      EXPECT_EQ(here, (Extent{last.member, last.sector + Sectors{1}, last.left - Sectors{1}}));
    }
    last = here;
  }
}

TEST(LinearMap, HasMembersOneBehindTheOther) {
  const LinearMap map{sectors({100, 50})};
  EXPECT_EQ(map.size(), Sectors{150});
  EXPECT_EQ(map.map(Lba{99}), (Extent{0, Lba{99}, Sectors{1}}));
  EXPECT_EQ(map.map(Lba{100}), (Extent{1, Lba{0}, Sectors{50}}));
  expect_one_to_one(map);
}

TEST(StripeMap, TakesChunksInTurn) {
  const StripeMap map{sectors({64, 64, 64}), Sectors{16}};
  EXPECT_EQ(map.size(), Sectors{192});
  EXPECT_EQ(spot(map, 0), (Spot{0, 0}));
  EXPECT_EQ(spot(map, 16), (Spot{1, 0}));
  EXPECT_EQ(spot(map, 47), (Spot{2, 15}));
  EXPECT_EQ(spot(map, 48), (Spot{0, 16}));
  expect_one_to_one(map);
}

TEST(StripeMap, UsesOfEachMemberWhatTheSmallestHasInWholeChunks) {
  EXPECT_EQ((StripeMap{sectors({64, 40}), Sectors{16}}.size()), Sectors{64});
}

TEST(ZonedStripeMap, GoesOnOverTheLargerMembersWhereTheSmallestEnds) {
  const ZonedStripeMap map{sectors({16, 48, 32}), Sectors{8}};
  EXPECT_EQ(map.zones(), 3U);
  EXPECT_EQ(map.size(), Sectors{96});
  // Zone 1: all three up to 16; zone 2 from 48 on: the second and the third; zone 3: the second.
  EXPECT_EQ(spot(map, 40), (Spot{2, 8}));
  EXPECT_EQ(spot(map, 80), (Spot{1, 32}));
  EXPECT_EQ(spot(map, 95), (Spot{1, 47}));
  expect_one_to_one(map);
}

// Three chunks lie before the zone, an odd number: the original layout begins it on its second
// member.
TEST(ZonedStripeMap, NumbersChunksFromTheArrayOrFromTheZone) {
  const std::vector<Sectors> sizes = sectors({8, 24, 24});
  const ZonedStripeMap original{sizes, Sectors{8}, ZoneLayout::kOriginal};
  const ZonedStripeMap alternate{sizes, Sectors{8}, ZoneLayout::kAlternate};
  EXPECT_EQ(spot(original, 24), (Spot{2, 8}));
  EXPECT_EQ(spot(alternate, 24), (Spot{1, 8}));
  expect_one_to_one(original);
  expect_one_to_one(alternate);
}

TEST(ZonedStripeMap, IgnoresWhatIsNoWholeChunk) {
  EXPECT_EQ((ZonedStripeMap{sectors({20, 20}), Sectors{8}}.size()), Sectors{32});
}

// The figure of mdadm(8) for left-symmetric: parity walks from the last member to the first, data
// begins behind it.
TEST(ParityLayout, IsLeftSymmetric) {
  const ParityLayout layout{4, 1, Sectors{8}, Sectors{64}};
  EXPECT_EQ(layout.size(), Sectors{192});
  const std::vector<std::vector<int>> rows = {
      {0, 1, 2, -1}, {4, 5, -1, 3}, {8, -1, 6, 7}, {-1, 9, 10, 11}};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Lba on_member{static_cast<std::int64_t>(row) * 8};
    for (std::size_t member = 0; member < 4; ++member) {
      const int chunk = rows[row][member];
      if (chunk < 0) {
        EXPECT_EQ(layout.row(on_member).p, member);
        continue;
      }
      const ParityLayout::Place place = layout.place(Lba{chunk * 8});
      EXPECT_EQ(place.member, member) << "chunk " << chunk;
      EXPECT_EQ(place.sector, on_member);
      EXPECT_EQ(layout.sector_of(member, on_member), Lba{chunk * 8});
    }
  }
}

TEST(ParityLayout, PutsQBehindPAndDataBehindQ) {
  const ParityLayout layout{5, 2, Sectors{8}, Sectors{64}};
  EXPECT_EQ(layout.row(Lba{0}).p, 4U);
  EXPECT_EQ(layout.row(Lba{0}).q, 0U);
  EXPECT_EQ(layout.place(Lba{0}).member, 1U);
  EXPECT_EQ(layout.row(Lba{8}).p, 3U);
  EXPECT_EQ(layout.row(Lba{8}).q, 4U);
  EXPECT_EQ(layout.place(Lba{24}).member, 0U);
}

TEST(ParityLayout, HasAPlaceOfItsOwnForEverySectorAndEveryParity) {
  for (const std::size_t parities : {1U, 2U}) {
    for (std::size_t members = parities + 1; members < 8; ++members) {
      const ParityLayout layout{members, parities, Sectors{8}, Sectors{96}};
      std::set<Spot> seen;
      for (std::int64_t i = 0; i < layout.size().count(); ++i) {
        const ParityLayout::Place place = layout.place(Lba{i});
        EXPECT_TRUE(seen.insert({place.member, place.sector.value()}).second);
        EXPECT_EQ(layout.sector_of(place.member, place.sector), Lba{i});
        const ParityLayout::Row row = layout.row(place.sector);
        EXPECT_NE(place.member, row.p);
        EXPECT_NE(place.member, row.q);
      }
      const auto member_sectors = static_cast<std::size_t>(96);
      EXPECT_EQ(seen.size(), member_sectors * (members - parities));
    }
  }
}

}  // namespace
}  // namespace wbsim::block
