#include "sim/block/elevators/bfq/weight_counts.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

TEST(WeightCounts, KnowTheSmallestAndWhetherTheyDiffer) {
  Parts parts;
  WeightCounts counts;
  Queue& a = parts.queue(40);
  Queue& b = parts.queue(40);
  Queue& c = parts.queue(20);
  counts.add(a);
  counts.add(b);
  EXPECT_FALSE(counts.are_varied());
  counts.add(c);
  EXPECT_TRUE(counts.are_varied());
  EXPECT_TRUE(counts.is_smallest(c));
  EXPECT_FALSE(counts.is_smallest(a));
  EXPECT_TRUE(counts.remove(a));
  EXPECT_FALSE(counts.remove(a));
  EXPECT_TRUE(counts.are_varied());
  counts.remove(b);
  EXPECT_FALSE(counts.are_varied());
}

}  // namespace
}  // namespace wbsim::block::bfq
