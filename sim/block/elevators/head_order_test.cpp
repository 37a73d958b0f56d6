// Which of two requests lies better for the head: at 1000, 500 sectors back within reach, the way
// back twice as far.
#include "sim/block/elevators/head_order.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

class HeadOrderTest : public ::testing::Test {
 protected:
  Request& request(std::int64_t sector) {
    requests_.push_back(
        std::make_unique<Request>(owner_.queue, static_cast<int>(requests_.size())));
    requests_.back()->sector = Lba{sector};
    return *requests_.back();
  }
  // The sector of the better one, whichever is named first.
  std::int64_t better(std::int64_t a, std::int64_t b) {
    Request& one = request(a);
    Request& other = request(b);
    Request* chosen = order_.better(&one, &other, Lba{1000});
    EXPECT_EQ(order_.better(&other, &one, Lba{1000}), chosen);
    return chosen->sector.value();
  }

  QueueRig owner_{RigOptions{}};
  HeadOrder order_{Sectors{500}, 2};
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(HeadOrderTest, TheNearerOneAhead) {
  EXPECT_EQ(better(1000, 1001), 1000);
  EXPECT_EQ(better(1200, 1100), 1100);
}

TEST_F(HeadOrderTest, TheWayBackCountsTwice) {
  EXPECT_EQ(better(951, 1100), 951);
  EXPECT_EQ(better(949, 1100), 1100);
  EXPECT_EQ(better(980, 990), 990);
}

TEST_F(HeadOrderTest, OfEquallyNearOnesThatAhead) { EXPECT_EQ(better(950, 1100), 1100); }

TEST_F(HeadOrderTest, ReachesAsFarBackAsIsAllowed) {
  EXPECT_EQ(better(500, 1'000'000), 500);
  EXPECT_EQ(better(499, 1'000'000), 1'000'000);
}

TEST_F(HeadOrderTest, BeyondReachTheLowerSector) { EXPECT_EQ(better(499, 100), 100); }

TEST_F(HeadOrderTest, AnyIsBetterThanNone) {
  Request& one = request(7);
  EXPECT_EQ(order_.better(&one, nullptr, Lba{1000}), &one);
  EXPECT_EQ(order_.better(nullptr, &one, Lba{1000}), &one);
  EXPECT_EQ(order_.better(nullptr, nullptr, Lba{1000}), nullptr);
}

TEST_F(HeadOrderTest, NeighboursAreTheNextOneOrTheFirstAndTheFormer) {
  SectorOrder sorted;
  Request& low = request(10);
  sorted.add(low);
  EXPECT_EQ(HeadOrder::neighbours(sorted, low).next, nullptr);
  EXPECT_EQ(HeadOrder::neighbours(sorted, low).former, nullptr);
  Request& middle = request(20);
  Request& high = request(30);
  sorted.add(middle);
  sorted.add(high);
  EXPECT_EQ(HeadOrder::neighbours(sorted, middle).next, &high);
  EXPECT_EQ(HeadOrder::neighbours(sorted, middle).former, &low);
  EXPECT_EQ(HeadOrder::neighbours(sorted, high).next, &low) << "round the end";
  for (Request* left : {&low, &middle, &high}) {
    sorted.remove(*left);
  }
}

}  // namespace
}  // namespace wbsim::block
