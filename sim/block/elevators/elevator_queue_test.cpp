// Merging in an elevator, with mq-deadline behind it.
#include "sim/block/elevators/elevator_queue.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

ElevatorRigOptions with_nomerges(int nomerges) {
  ElevatorRigOptions options;
  options.limits.nomerges = nomerges;
  return options;
}

TEST(ElevatorMerge, ABioJoinsTheRequestThatEndsWhereItBegins) {
  ElevatorRig rig{{}};
  rig.insert(write(100));
  rig.insert(write(200));
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(write(208)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(write(116)), MergeKind::kBack) << "found at its new end";
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kNone);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+24", "W 200+16"}));
}

TEST(ElevatorMerge, ABioJoinsTheRequestThatBeginsWhereItEnds) {
  ElevatorRig rig{{}};
  rig.insert(read(100));
  rig.insert(read(200));
  EXPECT_EQ(rig.merge(read(192)), MergeKind::kFront);
  EXPECT_EQ(rig.merge(read(92)), MergeKind::kFront);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 92+16", "R 192+16"}));
}

TEST(ElevatorMerge, OfRequestsThatEndAtOneSectorTheNewestIsTaken) {
  ElevatorRig rig{{}};
  rig.insert(write(84, 24));
  rig.insert(write(100));
  rig.insert(write(500));
  EXPECT_EQ(rig.merge(write(508)), MergeKind::kBack);  // last_merge is elsewhere
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 84+24", "W 100+16", "W 500+16"}));
}

TEST(ElevatorMerge, DirectionAndPriorityMustAgree) {
  ElevatorRig rig{{}};
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(read(108)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(108), {IoClass::kBestEffort, 4}), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
}

TEST(ElevatorMerge, Nomerges1TriesOnlyTheLastRequest) {
  ElevatorRig rig{with_nomerges(1)};
  rig.insert(write(100));  // last_merge, as there was none
  rig.insert(write(200));
  EXPECT_EQ(rig.merge(write(208)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(write(92)), MergeKind::kFront);
  EXPECT_NE(rig.insert(write(208)), nullptr) << "no insertion merge by hash";
  EXPECT_EQ(rig.insert(write(116)), nullptr) << "but with the last";
}

TEST(ElevatorMerge, Nomerges2TriesNone) {
  ElevatorRig rig{with_nomerges(2)};
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kNone);
  EXPECT_NE(rig.insert(write(108)), nullptr);
}

TEST(ElevatorMerge, ARequestIsAppendedWhenItIsInserted) {
  ElevatorRig rig{{}};
  rig.insert(write(100));
  rig.insert(write(300));
  rig.insert(write(400));
  EXPECT_EQ(rig.insert(write(308)), nullptr);
  EXPECT_NE(rig.insert(write(292)), nullptr) << "never in front";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+8", "W 292+8", "W 300+16", "W 400+8"}));
}

TEST(ElevatorMerge, InsertionNeverLooksAtWhatFollows) {
  ElevatorRig rig{{}};
  rig.insert(write(500));
  rig.insert(write(92));
  rig.insert(write(108));
  rig.insert(write(116));  // behind 108
  EXPECT_EQ(rig.insert(write(100)), nullptr) << "behind 92";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 500+8", "W 92+16", "W 108+16"}));
}

TEST(ElevatorMerge, InsertionGoesOnWithWhatHasGrown) {
  ElevatorRig rig{{}};
  rig.insert(write(500));
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(write(508)), MergeKind::kBack);
  rig.insert(write(92));  // ends where 100 begins, but nobody was asked
  EXPECT_EQ(rig.merge(write(516)), MergeKind::kBack);
  EXPECT_EQ(rig.insert(write(108)), nullptr) << "joins 100, which then joins 92";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 500+24", "W 92+24"}));
}

TEST(ElevatorMerge, ABackMergeClosesTheGapToTheNextRequest) {
  ElevatorRig rig{{}};
  rig.insert(write(100));
  rig.insert(write(116));
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(write(124)), MergeKind::kBack) << "the absorbed request's end is known";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+32"}));
}

TEST(ElevatorMerge, AFrontMergeClosesTheGapToTheFormerRequest) {
  ElevatorRig rig{{}};
  rig.insert(write(116));
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(write(300)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kFront) << "116 is last_merge, so it is tried first";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+24"}));
}

TEST(ElevatorMerge, NeighboursBeyondTheLimitsStayApart) {
  ElevatorRigOptions options;
  options.limits.max_sectors = Sectors{16};
  ElevatorRig rig{options};
  rig.insert(write(100));
  rig.insert(write(116));
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+16", "W 116+8"}));
}

TEST(ElevatorMerge, AFullRequestIsGivenUp) {
  ElevatorRigOptions options;
  options.limits.max_segments = 2;
  ElevatorRig rig{options};
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(write(116)), MergeKind::kNone);
  EXPECT_NE(rig.insert(write(116)), nullptr);
  EXPECT_EQ(rig.merge(write(92)), MergeKind::kNone) << "not even in front";
  EXPECT_EQ(rig.merge(write(124)), MergeKind::kBack) << "the new one is last_merge now";
}

TEST(ElevatorMerge, ADispatchedRequestIsNoLongerFound) {
  ElevatorRig rig{{}};
  rig.insert(write(100));
  rig.insert(write(200));
  EXPECT_EQ(rig.dispatch(true), "W 100+8");
  EXPECT_EQ(rig.merge(write(108)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(92)), MergeKind::kNone);
}

TEST(ElevatorTable, ListsWhatItCanMake) {
  ASSERT_FALSE(elevator_types().empty());
  for (const ElevatorType& type : elevator_types()) {
    EXPECT_EQ(find_elevator(type.name), &type);
    for (const Tunable& tunable : type.tunables) {
      EXPECT_LE(tunable.min, tunable.value.value_or(tunable.min)) << tunable.name;
      EXPECT_GE(tunable.max, tunable.value.value_or(tunable.max)) << tunable.name;
    }
  }
  EXPECT_EQ(find_elevator("none"), nullptr);
}

TEST(ElevatorTable, GivesTwiceTheTagsOfTheDriver) {
  EXPECT_EQ(default_nr_requests(1), 2);
  EXPECT_EQ(default_nr_requests(32), 64);
  EXPECT_EQ(default_nr_requests(1023), 256);
}

}  // namespace
}  // namespace wbsim::block
