#include "sim/analysis/spread.hpp"

#include <gtest/gtest.h>

#include "sim/analysis/test_folder.hpp"

namespace wbsim::analysis {
namespace {

TEST(Spread, ReadsACaseALineAndEmptyCellsAsZero) {
  const TestFolder folder;
  folder.write("s.csv",
               "case,repeats,bytes,wr,merges,n,total,first_pause,curve,p99\n"
               "a,2,0.001,3.298e-06,0.25,0,0.5,3.995,,1\n");
  Diagnostics diagnostics;
  const auto table = read_spread(folder.path() / "s.csv", diagnostics);
  ASSERT_TRUE(table);
  const CaseSpread& spread = table->at("a");
  EXPECT_DOUBLE_EQ(spread.bytes, 0.001);
  EXPECT_DOUBLE_EQ(spread.requests, 3.298e-06);
  EXPECT_DOUBLE_EQ(spread.merges, 0.25);
  EXPECT_DOUBLE_EQ(spread.paused_total, 0.5);
  EXPECT_EQ(spread.first_pause, microseconds(3995));
  EXPECT_DOUBLE_EQ(spread.curve, 0);
  EXPECT_DOUBLE_EQ(spread.p99, 1);
}

TEST(Spread, ReportsBadNumbersWithTheirLine) {
  const TestFolder folder;
  folder.write("s.csv",
               "case,repeats,bytes,wr,merges,n,total,first_pause,curve,p99\n"
               "a,2,0,0,0,0,0,0,0,0\nb,2,x,0,-1,0,0,0,0,0\n");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_spread(folder.path() / "s.csv", diagnostics));
  ASSERT_EQ(diagnostics.all().size(), 2U);
  EXPECT_EQ(folder.shortened(to_string(diagnostics.all()[0])),
            "DIR/s.csv:3: bytes is \"x\"; a number >= 0 expected");
  EXPECT_EQ(folder.shortened(to_string(diagnostics.all()[1])),
            "DIR/s.csv:3: merges is \"-1\"; a number >= 0 expected");
}

}  // namespace
}  // namespace wbsim::analysis
