#include "sim/block/elevators/noop.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

TEST(Noop, DispatchesInOrderOfArrival) {
  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  rig.insert(write(300));
  rig.insert(write(100));
  rig.insert(read(200));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 300+8", "W 100+8", "R 200+8"}));
}

TEST(Noop, GivesUpOneRequestAtATime) {
  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  rig.insert(write(300));
  rig.insert(write(100));
  EXPECT_EQ(rig.elevator().dispatch_to(rig.host().list, true), 1);
  EXPECT_TRUE(rig.elevator().has_work());
}

TEST(Noop, SortsIntoWhatTheDriverHasNotTaken) {
  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  rig.insert(write(300));
  rig.insert(write(100));
  rig.elevator().dispatch_to(rig.host().list, false);
  rig.elevator().dispatch_to(rig.host().list, false);
  EXPECT_EQ(rig.host().list.front().sector, Lba{100});
}

TEST(Noop, FindsAnyRequestToMergeBehindExceptIn2_6_18) {
  for (const bool old : {false, true}) {
    ElevatorRig rig{{.elevator = "noop",
                     .generation = old ? ElevatorGeneration::kV2_6_18 : ElevatorGeneration::kV3_6}};
    rig.insert(write(900));  // last_merge
    rig.insert(write(0));
    EXPECT_EQ(rig.merge(write(8)), old ? MergeKind::kNone : MergeKind::kBack);
    EXPECT_EQ(rig.merge(write(908)), MergeKind::kBack);
  }
}

TEST(Noop, FindsOnlyTheLastRequestToMergeBefore) {
  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  rig.insert(write(900));
  rig.insert(write(100));
  EXPECT_EQ(rig.merge(write(92)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(write(892)), MergeKind::kFront);
}

TEST(Noop, AfterAMergeTriesItsNeighbourInOrderOfArrival) {
  ElevatorRig adjacent{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  adjacent.insert(write(0));
  adjacent.insert(write(16));
  adjacent.merge(write(8));
  EXPECT_EQ(adjacent.dispatch_all(), (Lines{"W 0+24"}));

  ElevatorRig apart{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  apart.insert(write(0));
  apart.insert(write(900));
  apart.insert(write(16));
  apart.merge(write(8));
  EXPECT_EQ(apart.dispatch_all(), (Lines{"W 0+16", "W 900+8", "W 16+8"}));
}

TEST(Noop, ABioThatFillsTheGapFromBehindJoinsBoth) {
  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
  rig.insert(write(0));
  rig.insert(write(16));
  rig.merge(write(24));  // last_merge is the second now
  EXPECT_EQ(rig.merge(write(8)), MergeKind::kFront);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 0+32"}));
}

}  // namespace
}  // namespace wbsim::block
