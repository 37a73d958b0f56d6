// Who may pass, who is woken, how windows are judged and what follows. One test a rule.
#include <gtest/gtest.h>

#include "sim/block/rq_qos/wbt_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr WbtBio kDiscard{.flags = {.write = true, .discard = true, .sync = true, .idle = true}};
constexpr WbtBio kFromKswapd{.flags = kWriteFlags, .kswapd = true};

TEST(WbtTracking, ReadsFlushesAndDirectWritesAlwaysPass) {
  WbtRig rig;
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(rig.submit(kReadFlags), nullptr);
    EXPECT_NE(rig.submit({.flush = true}), nullptr);
    EXPECT_NE(rig.submit({.write = true, .sync = true, .idle = true}), nullptr);
  }
  EXPECT_EQ(rig.wbt().inflight(), 0);
}

TEST(WbtTracking, AFlushIsNoRead) {
  WbtRig rig;
  rig.submit({.flush = true});
  EXPECT_EQ(rig.room(kWriteFlags), 8);
}

TEST(WbtTracking, WritesThoseOfKswapdAndDiscardsAreCountedApart) {
  WbtRig rig;
  EXPECT_EQ(rig.room(kWriteFlags), 8);
  EXPECT_EQ(rig.room(kFromKswapd), 16);
  EXPECT_EQ(rig.room(kDiscard), 4);
  EXPECT_EQ(rig.wbt().inflight(), 28);
  rig.complete(28);
  EXPECT_EQ(rig.wbt().inflight(), 0);
}

TEST(WbtLimit, OfAnyWriteIsHalfTheDepth) {
  WbtRig rig;
  EXPECT_EQ(rig.room(kWriteFlags), 8);
}

TEST(WbtLimit, OfBackgroundWritesIsAQuarterOfTheDepth) {
  WbtRig rig;
  EXPECT_EQ(rig.room(kBackgroundWriteFlags), 4);
}

TEST(WbtLimit, OfWritesThatSomebodyWaitsForIsTheDepth) {
  WbtRig sync;
  EXPECT_EQ(sync.room(kSyncWriteFlags), 16);
  WbtRig prio;
  EXPECT_EQ(prio.room({.write = true, .prio = true}), 16);
}

TEST(WbtLimit, IsAQuarterOfTheDepthWithin100MsOfTheIssueOfARead) {
  WbtRig rig;
  rig.submit(kReadFlags);
  rig.run_until(milliseconds(100) - nanoseconds(1));
  EXPECT_EQ(rig.room(kWriteFlags), 4);
  rig.run_until(milliseconds(100));
  EXPECT_EQ(rig.room(kWriteFlags), 4);  // four more
}

TEST(WbtLimit, IsAQuarterOfTheDepthWithin100MsOfTheCompletionOfARead) {
  WbtRig rig;
  rig.read(milliseconds(200));
  rig.run_until(milliseconds(300) - nanoseconds(1));
  EXPECT_EQ(rig.room(kWriteFlags), 4);
  rig.run_until(milliseconds(300));
  EXPECT_EQ(rig.room(kWriteFlags), 4);  // four more
}

TEST(WbtLimit, IsTheDepthWithinASecondOfAPause) {
  WbtRig rig;
  rig.pause();
  rig.run_until(seconds(1) - nanoseconds(1));
  EXPECT_EQ(rig.room(kBackgroundWriteFlags), 16);
  rig.complete(16);
  rig.run_until(seconds(1));
  EXPECT_EQ(rig.room(kBackgroundWriteFlags), 4);
}

TEST(WbtLimit, OfShallowDevices) {
  WbtRig two{{.queue_depth = 2}};
  EXPECT_EQ(two.room(kWriteFlags), 2);
  WbtRig background{{.queue_depth = 2}};
  EXPECT_EQ(background.room(kBackgroundWriteFlags), 1);
  WbtRig three{{.queue_depth = 3}};
  EXPECT_EQ(three.room(kWriteFlags), 2);
}

TEST(WbtWake, NeedsRoomForHalfOfTheBackgroundLimit) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kWriteFlags), 8);
  rig.sleeper("sleeper", kWriteFlags);
  rig.complete(1);
  EXPECT_EQ(rig.woken(), Lines{});
  rig.complete(1);
  EXPECT_EQ(rig.woken(), (Lines{"sleeper"}));
}

TEST(WbtWake, NeedsAnIdleDeviceWhereThatHasAVolatileCache) {
  WbtRig rig{{.write_cache = true}};
  ASSERT_EQ(rig.room(kWriteFlags), 8);
  rig.sleeper("sleeper", kWriteFlags);
  rig.complete(7);
  EXPECT_EQ(rig.woken(), Lines{});
  rig.complete(1);
  EXPECT_EQ(rig.woken(), (Lines{"sleeper"}));
}

TEST(WbtWake, NeedsNoIdleDeviceAfterAPause) {
  WbtRig rig{{.write_cache = true}};
  rig.pause();
  ASSERT_EQ(rig.room(kWriteFlags), 16);
  rig.sleeper("sleeper", kWriteFlags);
  rig.complete(9);  // seven are left
  EXPECT_EQ(rig.woken(), Lines{});
  rig.complete(1);
  EXPECT_EQ(rig.woken(), (Lines{"sleeper"}));
}

TEST(WbtWake, OfDiscardsIsMeasuredByTheBackgroundLimit) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kDiscard), 4);
  rig.sleeper("sleeper", kDiscard);
  rig.complete(1);
  EXPECT_EQ(rig.woken(), Lines{});
  rig.complete(1);
  EXPECT_EQ(rig.woken(), (Lines{"sleeper"}));
}

TEST(WbtWake, IsNotForThoseWhoWaitForOthers) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kWriteFlags), 8);
  ASSERT_EQ(rig.room(kDiscard), 4);
  rig.sleeper("discard", kDiscard);
  rig.complete(8);
  EXPECT_EQ(rig.woken(), Lines{});
  rig.complete(4);
  EXPECT_EQ(rig.woken(), (Lines{"discard"}));
}

TEST(WbtWake, IsNotForThoseWhoWaitForOthersThoughThereIsRoom) {
  WbtRig rig;
  Request& write = *rig.submit(kWriteFlags);
  Request& discard = *rig.submit(kDiscard);
  ASSERT_EQ(rig.room(kDiscard), 3);
  rig.sleeper("discard", kDiscard);
  rig.complete(discard);  // room for one is not enough to be woken
  rig.complete(write);
  EXPECT_EQ(rig.woken(), Lines{});
}

TEST(WbtWake, AsksForEachSleepersLimitAnew) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kSyncWriteFlags), 16);
  rig.sleeper("any", kWriteFlags);
  rig.sleeper("background", kBackgroundWriteFlags);
  rig.sleeper("sync", kSyncWriteFlags);
  rig.complete(10);  // six are left
  EXPECT_EQ(rig.woken(), (Lines{"any"}));
  rig.complete(4);  // three are left
  EXPECT_EQ(rig.woken(), (Lines{"any", "background", "sync"}));
}

TEST(WbtWake, GivesKswapdNoMoreThanOthersAsTheWakerIsNotKswapd) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kFromKswapd), 16);
  for (const char* name : {"a", "b", "c"}) {
    rig.sleeper(name, kFromKswapd);
  }
  rig.complete(10);  // six are left, and eight is the limit
  EXPECT_EQ(rig.woken(), (Lines{"a", "b"}));
}

TEST(WbtWindowTimer, BeginsWithTheFirstThrottledBio) {
  WbtRig rig;
  rig.submit(kReadFlags);
  rig.run_until(milliseconds(200));
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(303));
  EXPECT_EQ(rig.lines(), Lines{});
  rig.run_until(milliseconds(304));
  EXPECT_EQ(rig.lines().size(), 2U);
}

TEST(WbtWindowTimer, StopsWhenNothingIsInFlightAtStepZero) {
  WbtRig rig;
  rig.wbt().done(*rig.submit(kWriteFlags));
  rig.run_until(seconds(2));
  EXPECT_EQ(rig.lines(), (Lines{"104 unknown step 0 inflight 0"}));
}

TEST(WbtWindowTimer, GoesOnAtStepZeroWhileRequestsAreInFlight) {
  WbtRig rig;
  Request& read = *rig.submit(kReadFlags);
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(104));
  rig.wbt().done(read);
  rig.run_until(milliseconds(180));
  ASSERT_EQ(rig.lines().back(), "180 to 0: 4/8/16");
  rig.run_until(milliseconds(284));
  EXPECT_EQ(rig.lines().back(), "284 to -1: 8/16/31");
}

TEST(WbtWindowTimer, IsShortenedInPositiveSteps) {
  WbtRig rig;
  rig.submit(kReadFlags);
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(399));
  EXPECT_EQ(
      rig.lines(),
      (Lines{"104 exceeded step 0 inflight 1", "104 to 1: 2/4/8", "180 exceeded step 1 inflight 1",
             "180 to 2: 1/2/4", "240 exceeded step 2 inflight 1", "240 to 3: 1/2/2",
             "292 exceeded step 3 inflight 1", "292 to 4: 1/1/1", "340 exceeded step 4 inflight 1",
             "388 exceeded step 4 inflight 1"}));
}

TEST(WbtWindowTimer, KeepsItsLengthInNegativeSteps) {
  WbtRig rig;
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(416));
  EXPECT_EQ(rig.lines(), (Lines{"104 writes step 0 inflight 1", "104 to -1: 8/16/31",
                                "208 writes step -1 inflight 1", "208 to -2: 12/24/48",
                                "312 writes step -2 inflight 1", "416 writes step -2 inflight 1"}));
}

// What the first window is judged to be, at 104 ms.
std::string first_status(WbtRig& rig) {
  rig.run_until(milliseconds(104));
  const std::string line = rig.lines().at(0);
  return line.substr(4, line.find(' ', 4) - 4);
}

TEST(WbtStatusTest, ExceededByAReadOlderThanTheWindowThoughOthersCompleted) {
  WbtRig rig;
  rig.submit(kReadFlags);
  rig.write(3);
  rig.read(milliseconds(1));
  EXPECT_EQ(first_status(rig), "exceeded");
  EXPECT_EQ(rig.log.windows.at(0).exceeding, milliseconds(104));
}

TEST(WbtStatusTest, ExceededByAReadOlderThanTheTargetIfNoneCompleted) {
  WbtRig rig;
  rig.write(3);
  rig.run_until(milliseconds(50));
  rig.submit(kReadFlags);
  EXPECT_EQ(first_status(rig), "exceeded");
  EXPECT_EQ(rig.log.windows.at(0).exceeding, milliseconds(54));
}

TEST(WbtStatusTest, NotExceededByAReadOlderThanTheTargetIfAnotherCompleted) {
  WbtRig rig;
  rig.write(3);
  rig.run_until(milliseconds(50));
  rig.submit(kReadFlags);
  rig.read(milliseconds(1));
  EXPECT_EQ(first_status(rig), "ok");
}

TEST(WbtStatusTest, NotExceededByAReadAsOldAsTheTarget) {
  WbtRig rig;
  rig.write(3);
  rig.run_until(milliseconds(100));
  rig.submit(kReadFlags);
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, OnlyTheFirstReadOfSeveralIsWatched) {
  WbtRig rig;
  Request& first = *rig.submit(kReadFlags);
  rig.run_until(milliseconds(1));
  rig.submit(kReadFlags);  // never completes
  rig.complete(first);
  rig.submit(kWriteFlags);
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, AReadThatIsToBeTriedAgainIsNotWatched) {
  WbtRig rig;
  Request& request = *rig.submit(kReadFlags);
  rig.run_until(milliseconds(1));
  rig.wbt().requeue(request);
  rig.submit(kWriteFlags);
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, AfterItsCompletionTheNextReadIsWatched) {
  WbtRig rig;
  rig.read(milliseconds(1));
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(60));
  rig.submit(kReadFlags);
  EXPECT_EQ(first_status(rig), "exceeded");
  EXPECT_EQ(rig.log.windows.at(0).exceeding, milliseconds(44));
}

TEST(WbtStatusTest, ExceededWhereTheFastestReadTookLongerThanTheTarget) {
  WbtRig rig;
  rig.write(3);
  rig.read(milliseconds(4) + nanoseconds(1));
  rig.read(milliseconds(9));
  EXPECT_EQ(first_status(rig), "exceeded");
  EXPECT_EQ(rig.log.windows.at(0).exceeding, milliseconds(4) + nanoseconds(1));
}

TEST(WbtStatusTest, OkWhereOneReadWasFastEnough) {
  WbtRig rig;
  rig.write(3);
  rig.read(milliseconds(4));
  rig.read(milliseconds(9));
  EXPECT_EQ(first_status(rig), "ok");
}

TEST(WbtStatusTest, WithFewerThanThreeWritesSaysNothingAboutReads) {
  WbtRig rig;
  rig.write(2);
  rig.read(milliseconds(9));
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, WritesOnlyIfSomeCompleted) {
  WbtRig rig;
  rig.write(1);
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, WritesOnlyIfSomeAreInFlight) {
  WbtRig rig;
  rig.submit(kWriteFlags);
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, WritesOnlyIfATaskHasPaused) {
  WbtRig rig;
  rig.wbt().done(*rig.submit(kWriteFlags));
  rig.pause();
  EXPECT_EQ(first_status(rig), "writes");
}

TEST(WbtStatusTest, UnknownElse) {
  WbtRig rig;
  rig.wbt().done(*rig.submit(kWriteFlags));
  EXPECT_EQ(first_status(rig), "unknown");
}

TEST(WbtSteps, UpWhereReadsAreFastEnough) {
  WbtRig rig;
  rig.write(3);
  rig.read(milliseconds(1));
  rig.run_until(milliseconds(104));
  EXPECT_EQ(rig.lines(), (Lines{"104 ok step 0 inflight 0", "104 to -1: 8/16/31"}));
}

TEST(WbtSteps, FromAnyNegativeStepToZeroWhenExceeded) {
  WbtRig rig;
  rig.submit(kWriteFlags);
  rig.run_until(milliseconds(208));
  ASSERT_EQ(rig.lines().back(), "208 to -2: 12/24/48");
  rig.submit(kReadFlags);
  rig.run_until(milliseconds(312));
  EXPECT_EQ(rig.lines().back(), "312 to 0: 4/8/16");
}

TEST(WbtSteps, TowardsZeroAfterFiveUnknownWindowsFromBelow) {
  WbtRig rig;
  rig.write(1);
  rig.run_until(seconds(2));
  EXPECT_EQ(rig.lines(), (Lines{"104 writes step 0 inflight 0", "104 to -1: 8/16/31",
                                "208 unknown step -1 inflight 0", "312 unknown step -1 inflight 0",
                                "416 unknown step -1 inflight 0", "520 unknown step -1 inflight 0",
                                "624 unknown step -1 inflight 0", "624 to 0: 4/8/16"}));
}

TEST(WbtSteps, TowardsZeroAfterFiveUnknownWindowsFromAbove) {
  WbtRig rig;
  Request& read = *rig.submit(kReadFlags);
  Request& write = *rig.submit(kWriteFlags);
  rig.run_until(milliseconds(104));
  ASSERT_EQ(rig.lines().back(), "104 to 1: 2/4/8");
  rig.wbt().done(read);
  rig.wbt().done(write);
  rig.run_until(milliseconds(480));
  EXPECT_EQ(rig.lines().back(), "408 unknown step 1 inflight 0");
  rig.run_until(seconds(2));
  EXPECT_EQ(rig.lines().back(), "484 to 0: 4/8/16");
}

TEST(WbtSteps, AStepBeginsTheCountOfUnknownWindowsAnew) {
  WbtRig rig;
  rig.write(1);
  rig.run_until(milliseconds(530));
  ASSERT_EQ(rig.lines().back(), "520 unknown step -1 inflight 0");  // the fourth
  rig.write(1);
  rig.run_until(milliseconds(624));
  ASSERT_EQ(rig.lines().back(), "624 to -2: 12/24/48");
  rig.run_until(milliseconds(1143));
  EXPECT_EQ(rig.lines().back(), "1040 unknown step -2 inflight 0");  // the fourth again
  rig.run_until(milliseconds(1144));
  EXPECT_EQ(rig.lines().back(), "1144 to -1: 8/16/31");
}

TEST(WbtSteps, AStepDownBeginsTheCountOfUnknownWindowsAnewToo) {
  WbtRig rig;
  Request& read = *rig.submit(kReadFlags);
  Request& write = *rig.submit(kWriteFlags);
  rig.run_until(milliseconds(104));
  rig.wbt().done(read);
  rig.wbt().done(write);
  rig.run_until(milliseconds(410));
  ASSERT_EQ(rig.lines().back(), "408 unknown step 1 inflight 0");  // the fourth
  Request& slow = *rig.submit(kReadFlags);
  rig.run_until(milliseconds(484));
  ASSERT_EQ(rig.lines().back(), "484 to 2: 1/2/4");
  rig.wbt().done(slow);
  rig.run_until(milliseconds(783));
  EXPECT_EQ(rig.lines().back(), "724 unknown step 2 inflight 0");  // the fourth again
  rig.run_until(milliseconds(784));
  EXPECT_EQ(rig.lines().back(), "784 to 1: 2/4/8");
}

TEST(WbtSteps, UpWakesWhoHasRoomNow) {
  WbtRig rig;
  ASSERT_EQ(rig.room(kWriteFlags), 8);
  ASSERT_EQ(rig.room(kDiscard), 4);
  rig.sleeper("write", kWriteFlags);
  rig.sleeper("discard", kDiscard);
  rig.run_until(milliseconds(103));
  EXPECT_EQ(rig.woken(), Lines{});
  rig.run_until(milliseconds(104));
  EXPECT_EQ(rig.woken(), (Lines{"write", "discard"}));
}

}  // namespace
}  // namespace wbsim::block
