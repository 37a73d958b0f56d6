#include "sim/block/dispatch_queue.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

class DispatchQueueTest : public ::testing::Test {
 protected:
  Request& request(const IoStep& step) { return rig.request(rig.bio(step)); }
  void sort(std::initializer_list<IoStep> steps) {
    for (const IoStep& step : steps) {
      list().add_sorted(request(step));
    }
  }
  DispatchQueue& list() { return rig.host().list; }
  // The driver takes the first.
  std::int64_t take() {
    list().look_at_front();
    const std::int64_t sector = list().front().sector.value();
    list().pop_front();
    return sector;
  }
  std::vector<std::int64_t> sectors() {
    std::vector<std::int64_t> all;
    for (const Request& request : list()) {
      all.push_back(request.sector.value());
    }
    return all;
  }
  using Order = std::vector<std::int64_t>;

  ElevatorRig rig{{.elevator = "noop", .generation = ElevatorGeneration::kV3_6}};
};

TEST_F(DispatchQueueTest, SortsBySector) {
  sort({write(300), write(100), write(200)});
  EXPECT_EQ(sectors(), (Order{100, 200, 300}));
}

TEST_F(DispatchQueueTest, OfEqualSectorsTheLaterComesLast) {
  sort({write(100), write(50), write(100, 16)});
  EXPECT_EQ(sectors(), (Order{50, 100, 100}));
  EXPECT_EQ(list().begin()->length, Sectors{8});
  EXPECT_EQ(std::next(list().begin(), 2)->length, Sectors{16});
}

TEST_F(DispatchQueueTest, TheHeadMovesOneWay) {
  sort({write(200)});
  EXPECT_EQ(take(), 200);
  sort({write(100), write(400), write(300), write(50)});
  EXPECT_EQ(sectors(), (Order{300, 400, 50, 100}));
}

TEST_F(DispatchQueueTest, NothingPassesWhatTheDriverHasLookedAt) {
  sort({write(500)});
  list().look_at_front();
  sort({write(100)});
  EXPECT_EQ(sectors(), (Order{500, 100}));
}

TEST_F(DispatchQueueTest, NothingIsSortedPastASoftBarrier) {
  sort({write(500)});
  list().push_back(request(write(300)));
  sort({write(100)});
  EXPECT_EQ(sectors(), (Order{500, 300, 100}));
}

TEST_F(DispatchQueueTest, WhatIsAddedAtTheTailSetsTheBoundary) {
  list().add_tail(request(write(200)));
  sort({write(100), write(300)});
  EXPECT_EQ(sectors(), (Order{300, 100, 200}));
}

TEST_F(DispatchQueueTest, TheBoundaryHoldsUntilTheDriverGetsThere) {
  sort({write(900)});
  list().add_tail(request(write(200)));
  EXPECT_EQ(take(), 900);  // does not move the boundary, which is further back
  sort({write(100), write(300)});
  EXPECT_EQ(sectors(), (Order{300, 100, 200}));
}

TEST_F(DispatchQueueTest, ReadsDoNotPassWritesExceptIn2_6_18) {
  sort({write(500), read(100)});
  EXPECT_EQ(sectors(), (Order{500, 100}));
  ElevatorRig old{{.elevator = "noop", .generation = ElevatorGeneration::kV2_6_18}};
  old.host().list.add_sorted(old.request(old.bio(write(500))));
  old.host().list.add_sorted(old.request(old.bio(read(100))));
  EXPECT_EQ(old.host().list.front().sector, Lba{100});
}

}  // namespace
}  // namespace wbsim::block
