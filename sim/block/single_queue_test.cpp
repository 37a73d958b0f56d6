#include "sim/block/single_queue.hpp"

#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

TEST(SingleQueue, WithoutAPlugABioIsIssuedByItsSubmitterAtOnce) {
  SingleRig rig{of_3_6()};
  rig.task({write(0), compute(microseconds(5)), write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "5 task0 issue W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
