// The plug of a queue (2.6.18): from its first request until somebody wants something.
#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

TEST(QueuePlug, HoldsTheFirstRequestsForAJiffy) {
  SingleRig rig{of_2_6_18()};  // 3 ms are less than a jiffy at HZ 250
  rig.task(scattered_writes(3));
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"4000 ? unplug by sleep 3"}));
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"4000 kworker/0:1H issue W 0+8", "4000 kworker/0:1H issue W 100+8",
                   "4000 kworker/0:1H issue W 200+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(QueuePlug, GoesWithTheFourthRequest) {
  SingleRig rig{of_2_6_18()};
  rig.task(scattered_writes(3) + IoScript{compute(microseconds(5)), write(300)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 5);
  EXPECT_EQ(rig.log.lines("issue").at(3), "5 task0 issue W 300+8");
}

TEST(QueuePlug, CountsOnlyRequestsThatAreNotInTheDevice) {
  SingleRigOptions options = of_2_6_18();
  options.device.service = milliseconds(20);
  SingleRig rig{options};
  // Two are in the device when the plug begins anew; the fourth of the others ends it.
  rig.task({write(0), write(100), unplug_queue(), write(200), write(300), write(400),
            compute(microseconds(7)), write(500)});
  rig.run();
  EXPECT_EQ(rig.issued_us(1), 0);
  EXPECT_EQ(rig.issued_us(2), 7);
}

TEST(QueuePlug, GoesWithASynchronousBio) {
  SingleRig rig{of_2_6_18()};
  rig.task({write(0), compute(microseconds(5)), sync_write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"5 task0 issue W 0+8", "5 task0 issue W 100+8"}));
}

TEST(QueuePlug, GoesWithASynchronousBioThatMerges) {
  SingleRig rig{of_2_6_18()};
  rig.task({write(0), compute(microseconds(5)), sync_write(8)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"5 task0 issue W 0+16"}));
}

TEST(QueuePlug, GoesWhenSomebodyIsAboutToWait) {
  SingleRig rig{of_2_6_18()};
  rig.task({write(0), compute(microseconds(5)), unplug_queue()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"5 task0 unplug 1"}));
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"5 task0 issue W 0+8"}));
}

TEST(QueuePlug, GoesWithACompletion) {
  SingleRig rig{of_2_6_18()};
  rig.task({sync_write(0), compute(microseconds(5)), write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "100 ? issue W 100+8"}));
}

TEST(QueuePlug, IsNotMadeWhereRequestsWait) {
  SingleRigOptions options = of_2_6_18();
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({sync_write(0), sync_write(100), write(200)});
  rig.run();
  EXPECT_FALSE(rig.queue.is_plugged());
  EXPECT_EQ(rig.log.lines("unplug"), Lines{});
}

TEST(QueuePlug, BiosMergeInIt) {
  SingleRig rig{of_2_6_18("deadline")};
  rig.task({write(8), write(100), write(16), write(0), write(24)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+32", "W 100+8"}));
}

TEST(QueuePlug, OfATaskMeansNothing) {
  SingleRig rig{of_2_6_18()};
  rig.task({plug(), sync_write(0), compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 0);
}

TEST(QueuePlug, DoesNotExistIn3_6) {
  SingleRig rig{of_3_6()};
  rig.task({write(0), unplug_queue()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), Lines{});
  EXPECT_EQ(rig.issued_us(0), 0);
}

}  // namespace
}  // namespace wbsim::block
