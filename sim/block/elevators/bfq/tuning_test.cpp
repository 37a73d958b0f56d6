#include "sim/block/elevators/bfq/tuning.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

// bfq_init_queue() and the constants of bfq-iosched.c; jiffies of 4 ms.
TEST(Tuning, HasTheKernelsDefaults) {
  for (const bool rotational : {true, false}) {
    const Parts parts{{.rotational = rotational}};
    const Tuning& tuning = parts.tuning;
    EXPECT_EQ(tuning.fifo_expire[0], milliseconds(250));
    EXPECT_EQ(tuning.fifo_expire[1], milliseconds(125));
    EXPECT_EQ(tuning.back_seek_max, Sectors{32'768});
    EXPECT_EQ(tuning.back_seek_penalty, 2);
    EXPECT_EQ(tuning.slice_idle, milliseconds(8));
    EXPECT_EQ(tuning.timeout, 31U);
    EXPECT_EQ(tuning.raise_soft_real_time, 75U);
    EXPECT_EQ(tuning.raise_min_idle, 500U);
    EXPECT_EQ(tuning.raise_min_async_interval, 125U);
    EXPECT_EQ(tuning.raise_min, 750U);
    EXPECT_EQ(tuning.raise_max, 6250U);
    EXPECT_EQ(tuning.reference_duration, rotational ? 1750U : 625U);
    EXPECT_EQ(tuning.burst_interval, 45U);
    EXPECT_EQ(tuning.merge_limit, 25U);
    EXPECT_EQ(tuning.idle_class_timeout, 50U);
    EXPECT_EQ(parts.state.max_budget, 16'384);
  }
}

TEST(Tuning, WhatIsSetHolds) {
  const Parts parts{{.tunables = {{"fifo_expire_sync", 7},
                                  {"fifo_expire_async", 9},
                                  {"back_seek_max", 2},
                                  {"back_seek_penalty", 5},
                                  {"max_budget", 1000},
                                  {"timeout_sync", 40}}}};
  EXPECT_EQ(parts.tuning.fifo_expire[0], milliseconds(9));
  EXPECT_EQ(parts.tuning.fifo_expire[1], milliseconds(7));
  EXPECT_EQ(parts.tuning.back_seek_max, Sectors{4});
  EXPECT_EQ(parts.tuning.back_seek_penalty, 5);
  EXPECT_EQ(parts.state.max_budget, 1000);
  EXPECT_EQ(parts.tuning.timeout, 10U);
}

TEST(Tuning, OfTwoFilesForTheSliceTheOneThatWasChangedCounts) {
  EXPECT_EQ((Parts{{.tunables = {{"slice_idle_us", 500}}}}).tuning.slice_idle, microseconds(500));
  EXPECT_EQ((Parts{{.tunables = {{"slice_idle", 3}, {"slice_idle_us", 8000}}}}).tuning.slice_idle,
            milliseconds(3));
}

}  // namespace
}  // namespace wbsim::block::bfq
