#include "models/seek_curve.hpp"

#include <gtest/gtest.h>

namespace wbsim::models {
namespace {

// The fit of a Seagate Cheetah 9LP, in ns.
SeekCurve cheetah() {
  return SeekCurve{{.single = microseconds(831),
                    .base = 1'083'400,
                    .per_root = 96'640,
                    .knee = 1100,
                    .far_base = 3'110'000,
                    .per_cylinder = 1079.3}};
}

TEST(SeekCurve, FollowsItsTwoPieces) {
  EXPECT_EQ(cheetah().time(0), SimDuration{});
  EXPECT_EQ(cheetah().time(1), microseconds(831));
  EXPECT_EQ(cheetah().time(100), nanoseconds(1'083'400 + 966'400));
  EXPECT_EQ(cheetah().time(900), nanoseconds(1'083'400 + 2'899'200));
  EXPECT_EQ(cheetah().time(1100), nanoseconds(4'288'586)) << "1083400 + 96640 sqrt(1100), down";
  EXPECT_EQ(cheetah().time(1101), nanoseconds(4'298'309)) << "3110000 + 1079.3 * 1101, down";
  EXPECT_EQ(cheetah().time(6900), nanoseconds(10'557'170));
}

// Over all ordered pairs of cylinders: of distance d there are 2 (N - d).
SimDuration mean_over_pairs(const SeekCurve& curve, std::int64_t cylinders) {
  double sum = 0;
  for (std::int64_t d = 1; d < cylinders; ++d) {
    sum += static_cast<double>(2 * (cylinders - d)) * static_cast<double>(curve.time(d).count());
  }
  const double pairs = static_cast<double>(cylinders) * static_cast<double>(cylinders - 1);
  return nanoseconds(static_cast<std::int64_t>(sum / pairs));
}

TEST(SeekCurve, MeetsTheDataSheet) {
  constexpr std::int64_t kCylinders = 200'000;
  const SeekTimes sheet{microseconds(230), microseconds(7400), milliseconds(14)};
  const SeekCurve curve = SeekCurve::from_data_sheet(sheet, kCylinders);
  EXPECT_EQ(curve.time(1), sheet.single);
  EXPECT_NEAR(static_cast<double>(curve.time(kCylinders - 1).count()), 14e6, 2);
  EXPECT_NEAR(static_cast<double>(mean_over_pairs(curve, kCylinders).count()), 7.4e6, 7.4e3);
}

TEST(SeekCurve, OfADataSheetNeverTakesLessForALongerWay) {
  const SeekCurve curve =
      SeekCurve::from_data_sheet({microseconds(230), microseconds(7400), milliseconds(14)}, 10'000);
  for (std::int64_t d = 1; d < 10'000; ++d) {
    ASSERT_GE(curve.time(d), curve.time(d - 1)) << d;
  }
}

TEST(SeekCurve, OfADataSheetHasNoJumpAtTheKnee) {
  const SeekCurve curve =
      SeekCurve::from_data_sheet({microseconds(230), microseconds(7400), milliseconds(14)}, 30'000);
  EXPECT_EQ(curve.law().knee, 10'000);
  EXPECT_LT(curve.time(10'001) - curve.time(10'000), microseconds(1));
}

TEST(SeekCurve, NoSeekShorterThanATimeGoesBeyondItsReach) {
  const SeekCurve sheet =
      SeekCurve::from_data_sheet({microseconds(230), microseconds(7400), milliseconds(14)}, 10'000);
  for (const SeekCurve& curve : {sheet, cheetah()}) {
    for (std::int64_t d = 1; d < 6900; ++d) {
      ASSERT_GE(curve.reach(curve.time(d) + nanoseconds(1)), d);
      ASSERT_LE(curve.reach(curve.time(d)), d + 5) << "and is not far off";
    }
  }
}

TEST(SeekCurve, KnowsTimesThatNoCurveHas) {
  const auto possible = [](std::int64_t single_us, std::int64_t average_us, std::int64_t full_us) {
    return SeekCurve::is_possible(
        {microseconds(single_us), microseconds(average_us), microseconds(full_us)}, 10'000);
  };
  EXPECT_TRUE(possible(230, 7400, 14'000));
  EXPECT_FALSE(possible(230, 14'000, 7400)) << "the average above the full stroke";
  EXPECT_FALSE(possible(5000, 4000, 14'000)) << "the average below a single step";
  EXPECT_FALSE(SeekCurve::is_possible({microseconds(1), microseconds(2), microseconds(3)}, 15));
}

}  // namespace
}  // namespace wbsim::models
