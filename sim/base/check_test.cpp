#include "sim/base/check.hpp"

#include <gtest/gtest.h>

namespace wbsim {
namespace {

TEST(CheckDeathTest, FailureNamesPlaceAndCondition) {
  const int pages = 3;
  EXPECT_DEATH(SIM_CHECK(pages == 4), "check_test.cpp:[0-9]+: check failed: pages == 4");
}

TEST(CheckDeathTest, UnreachableNamesItsPlace) {
  EXPECT_DEATH(SIM_UNREACHABLE(), "check_test.cpp:[0-9]+: check failed: unreachable");
}

TEST(CheckTest, ConditionIsEvaluatedOnceInEveryBuild) {
  int evaluated = 0;
  SIM_CHECK(++evaluated > 0);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckTest, IsOneStatement) {
  const bool skipped = false;
  if (skipped)
    SIM_CHECK(false);
  else
    SIM_CHECK(true);
}

}  // namespace
}  // namespace wbsim
