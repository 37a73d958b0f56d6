#include "models/hdd_mechanics.hpp"

#include <gtest/gtest.h>

#include "models/test_parameters.hpp"
#include "sim/base/rng.hpp"
#include "sim/engine/test_time.hpp"

namespace wbsim::models {
namespace {

using engine::ns;

// small_hdd(), or its tracks at another speed.
HddMechanics mechanics(std::int64_t rpm = 6000) {
  const HddParameters p = small_hdd();
  const Geometry geometry{p.heads, p.zones};
  const SeekCurve curve = SeekCurve::from_data_sheet(p.read_seek, geometry.cylinders());
  return {geometry, curve, curve, p.head_switch, rpm};
}

TEST(HddMechanics, TurnsWithTimeAlone) {
  const HddMechanics m = mechanics();
  EXPECT_EQ(m.angle_at(at(SimDuration{})), 0);
  EXPECT_EQ(m.angle_at(at(milliseconds(2))), kTurn / 5);
  EXPECT_EQ(m.angle_at(at(milliseconds(1012))), kTurn / 5);
  EXPECT_EQ(m.angle_at(at(milliseconds(-2))), kTurn / 5 * 4);
}

// A turn of a 7200 rpm disk is 8 333 333 1/3 ns: three of them are 25 ms to the nanosecond.
TEST(HddMechanics, DoesNotDriftFromATurnThatIsNoWholeNumberOfNanoseconds) {
  const HddMechanics m = mechanics(7200);
  EXPECT_EQ(m.angle_at(at(milliseconds(25))), 0);
  EXPECT_EQ(m.angle_at(at(seconds(3'000'000) + milliseconds(25))), 0);
  EXPECT_EQ(m.rotation(0, kTurn / 3), nanoseconds(2'777'778));
  EXPECT_EQ(m.rotation(kTurn / 3, 0), nanoseconds(5'555'556));
}

TEST(HddMechanics, WaitsUntilTheSectorComesRound) {
  const HddMechanics m = mechanics();
  const HddMechanics::Arm arm{0, 0};
  const Place sector_10 = m.geometry().place(Lba{10});
  EXPECT_EQ(m.access(at(SimDuration{}), arm, sector_10, Motion::kRead), milliseconds(1));
  EXPECT_EQ(m.access(at(microseconds(999)), arm, sector_10, Motion::kRead), microseconds(1));
  EXPECT_EQ(m.access(at(milliseconds(1)), arm, sector_10, Motion::kRead), SimDuration{});
  EXPECT_EQ(m.access(at(nanoseconds(1'000'001)), arm, sector_10, Motion::kRead),
            nanoseconds(9'999'999))
      << "missed by a nanosecond: once round";
}

TEST(HddMechanics, SwitchesHeadsWhileTheArmMoves) {
  const HddMechanics m = mechanics();
  const auto move = [&m](HddMechanics::Arm arm, std::int64_t lba) {
    return m.move(arm, m.geometry().place(Lba{lba}), Motion::kRead);
  };
  EXPECT_EQ(move({0, 0}, 50), SimDuration{});
  EXPECT_EQ(move({0, 0}, 150), microseconds(500));
  EXPECT_EQ(move({0, 0}, 250), milliseconds(1));
  EXPECT_EQ(move({0, 0}, 350), milliseconds(1)) << "the longer of the two";
  EXPECT_EQ(move({95, 0}, 50), milliseconds(7));
}

TEST(HddMechanics, PassesSectorsAtTheRateOfTheirZone) {
  const HddMechanics m = mechanics();
  const auto pass = [&m](std::int64_t lba, std::int64_t sectors) {
    const Place place = m.geometry().place(Lba{lba});
    const SimTime start = at(m.rotation(0, place.angle));
    return m.pass(start, Lba{lba}, place, Sectors{sectors}, Motion::kRead).end - start;
  };
  EXPECT_EQ(pass(0, 1), microseconds(100));
  EXPECT_EQ(pass(40, 50), milliseconds(5));
  EXPECT_EQ(pass(12'800, 50), milliseconds(10)) << "half as many to the turn";
  EXPECT_EQ(pass(0, 101), milliseconds(10) + microseconds(500 + 100)) << "a switch of heads";
  EXPECT_EQ(pass(100, 101), milliseconds(11) + microseconds(100)) << "a step of the arm";
}

TEST(HddMechanics, KnowsHowFarItHasCome) {
  const HddMechanics m = mechanics();
  const auto passed = [&m](SimDuration time) {
    return m
        .progress(at(SimDuration{}), Lba{0}, m.geometry().place(Lba{0}), Sectors{150}, at(time),
                  Motion::kRead)
        .sectors.count();
  };
  EXPECT_EQ(passed(SimDuration{}), 0);
  EXPECT_EQ(passed(nanoseconds(99'999)), 0);
  EXPECT_EQ(passed(microseconds(100)), 1);
  EXPECT_EQ(passed(milliseconds(10)), 100);
  EXPECT_EQ(passed(microseconds(10'599)), 100) << "the head switches";
  EXPECT_EQ(passed(microseconds(10'600)), 101);
  EXPECT_EQ(passed(seconds(1)), 150);
}

// At speeds and track sizes that do not divide a turn, neighbours still follow without a lost turn,
// however the transfer is cut.
TEST(HddMechanics, LosesNoTurnBetweenNeighbours) {
  Rng rng = Rng::stream(1, "hdd_mechanics");
  for (const std::int64_t rpm : {5400, 7200, 10'025, 15'000}) {
    HddParameters p = small_hdd();
    p.zones = {{.cylinders = 40, .track = Sectors{733}}};
    p.zones[0].track_skew = skew_covering(p.head_switch, Sectors{733}, rpm);
    p.zones[0].cylinder_skew = skew_covering(p.read_seek.single, Sectors{733}, rpm);
    const Geometry geometry{p.heads, p.zones};
    const SeekCurve curve = SeekCurve::from_data_sheet(p.read_seek, geometry.cylinders());
    const HddMechanics m{geometry, curve, curve, p.head_switch, rpm};
    const Sectors all{30'000};
    const SimTime whole =
        m.pass(at(SimDuration{}), Lba{0}, geometry.place(Lba{0}), all, Motion::kRead).end;
    SimTime now{};
    HddMechanics::Arm arm;
    for (Lba lba{0}; lba < Lba{0} + all;) {
      const Sectors some =
          std::min(Sectors{1 + static_cast<std::int64_t>(rng.uniform(300))}, Lba{0} + all - lba);
      const Place place = geometry.place(lba);
      now += m.access(now, arm, place, Motion::kRead);
      const HddMechanics::Passage passage = m.pass(now, lba, place, some, Motion::kRead);
      now = passage.end;
      arm = passage.arm;
      lba += some;
    }
    EXPECT_LE(std::abs(ns(now) - ns(whole)), 1) << rpm;
  }
}

}  // namespace
}  // namespace wbsim::models
