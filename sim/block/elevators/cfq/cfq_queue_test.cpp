// Parts of a queue of cfq: its seeks and its slice; the trees that queues are in.
#include "sim/block/elevators/cfq/cfq_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/block/elevators/cfq/close_queues.hpp"
#include "sim/block/elevators/cfq/service_tree.hpp"
#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

// Adds requests of 8 sectors, each `gap` behind the end of the one before.
class Seeks {
 public:
  explicit Seeks(bool rotational = true) : rotational_{rotational} {}
  void add(std::int64_t gap, std::int64_t length = 8, int count = 1) {
    for (int i = 0; i < count; ++i) {
      request_.sector = Lba{end_ + gap};
      request_.length = Sectors{length};
      history_.add(request_, rotational_);
      end_ = request_.end().value();
    }
  }
  [[nodiscard]] bool seeky() const { return history_.seeky(); }

 private:
  bool rotational_;
  QueueRig owner_{RigOptions{}};
  Request request_{owner_.queue, 0};
  SeekHistory history_;
  std::int64_t end_ = 1'000'000;
};

TEST(SeekHistoryTest, MoreThanFourSeeksOfThirtyTwo) {
  Seeks seeks;
  seeks.add(0);
  seeks.add(801, 8, 4);
  EXPECT_FALSE(seeks.seeky());
  seeks.add(801);
  EXPECT_TRUE(seeks.seeky());
  seeks.add(0, 8, 27);
  EXPECT_TRUE(seeks.seeky()) << "five of the last 32";
  seeks.add(0);
  EXPECT_FALSE(seeks.seeky()) << "the first one is forgotten";
}

TEST(SeekHistoryTest, EightHundredSectorsAreNoSeek) {
  Seeks seeks;
  seeks.add(0);
  seeks.add(800, 8, 32);
  EXPECT_FALSE(seeks.seeky());
}

TEST(SeekHistoryTest, CountFromTheEndOfTheRequestBefore) {
  Seeks seeks;
  seeks.add(0);
  seeks.add(800, 512, 32);
  EXPECT_FALSE(seeks.seeky());
}

TEST(SeekHistoryTest, AFirstRequestIsNoSeek) {
  Seeks seeks;
  seeks.add(0);
  seeks.add(801, 8, 4);
  EXPECT_FALSE(seeks.seeky());
}

TEST(SeekHistoryTest, WithoutHeadsWhatIsSmallCounts) {
  for (const auto& [length, small] : {std::pair{64, false}, {63, true}}) {
    Seeks seeks{false};
    seeks.add(1'000'000, length, 4);
    EXPECT_FALSE(seeks.seeky());
    seeks.add(0, length);
    EXPECT_EQ(seeks.seeky(), small) << length;
  }
}

TEST(CfqSliceTest, IsUsedAtItsEndOnceItHasBegun) {
  CfqSlice slice{.is_new = true, .end = 100};
  EXPECT_FALSE(slice.used(100));
  slice.is_new = false;
  EXPECT_FALSE(slice.used(99));
  EXPECT_TRUE(slice.used(100));
  EXPECT_EQ(slice.left(130), -30);
}

TEST(CfqWorkloadTest, FollowsKindAndIdleWindow) {
  CfqQueue sync{true};
  EXPECT_EQ(sync.workload(), CfqWorkload::kSync);
  sync.idle_window = false;
  EXPECT_EQ(sync.workload(), CfqWorkload::kSyncNoIdle);
  EXPECT_EQ(CfqQueue{false}.workload(), CfqWorkload::kAsync);
}

TEST(ServiceTreeTest, OfEqualKeysTheOlderOneAndItKeepsItsPlace) {
  ServiceTree tree{0};
  CfqQueue first{true};
  CfqQueue second{true};
  tree.put(first, 7);
  tree.put(second, 7);
  tree.put(first, 7);
  EXPECT_EQ(tree.first(), &first) << "has not moved";
  EXPECT_EQ(tree.size(), 2);
  tree.put(first, 8);
  EXPECT_EQ(tree.first(), &second);
  EXPECT_EQ(tree.last(), &first);
  ServiceTree other{0};
  other.put(first, 8);
  EXPECT_EQ(tree.last(), &second) << "in one tree only";
  ServiceTree::remove(first);
  ServiceTree::remove(second);
  EXPECT_EQ(tree.size() + other.size(), 0);
}

class CloseQueuesTest : public ::testing::Test {
 protected:
  CfqQueue& add(std::int64_t sector, int level = kCfqNormalLevel) {
    CfqQueue& queue = *queues_.emplace_back(std::make_unique<CfqQueue>(true));
    Request& next = *requests_.emplace_back(
        std::make_unique<Request>(owner_.queue, static_cast<int>(requests_.size())));
    next.sector = Lba{sector};
    queue.next = &next;
    queue.level = level;
    close_.update(queue);
    return queue;
  }
  ~CloseQueuesTest() override {
    for (const auto& queue : queues_) {
      close_.remove(*queue);
    }
  }
  CfqQueue* near(std::int64_t head) { return close_.near(kCfqNormalLevel, Lba{head}); }

  QueueRig owner_{RigOptions{}};
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<std::unique_ptr<CfqQueue>> queues_;
  CloseQueues close_;
};

TEST_F(CloseQueuesTest, FindTheQueueAboveOrBelowWithinReach) {
  const CfqQueue& only = add(100'000);
  EXPECT_EQ(near(100'000 - 8192), &only);
  EXPECT_EQ(near(100'000 - 8193), nullptr);
  EXPECT_EQ(near(100'000 + 8192), &only);
  EXPECT_EQ(near(100'000 + 8193), nullptr);
}

TEST_F(CloseQueuesTest, FindTheNearerOne) {
  const CfqQueue& below = add(100'000);
  const CfqQueue& above = add(104'000);
  EXPECT_EQ(near(101'000), &below);
  EXPECT_EQ(near(103'000), &above);
}

TEST_F(CloseQueuesTest, FindOnlyThoseOfTheLevel) {
  add(100'000, 3);
  EXPECT_EQ(near(100'000), nullptr);
}

TEST_F(CloseQueuesTest, FollowTheNextRequest) {
  CfqQueue& queue = add(100'000);
  queue.next->sector = Lba{500'000};
  close_.update(queue);
  EXPECT_EQ(near(100'000), nullptr);
  EXPECT_EQ(near(500'000), &queue);
  queue.next = nullptr;
  close_.update(queue);
  EXPECT_EQ(near(500'000), nullptr);
}

TEST_F(CloseQueuesTest, KeepTheFirstOfSeveralAtASector) {
  const CfqQueue& first = add(100'000);
  CfqQueue& second = add(100'000);
  EXPECT_EQ(near(100'000), &first);
  close_.remove(second);
  EXPECT_EQ(near(100'000), &first);
}

TEST_F(CloseQueuesTest, HaveNoIdleOnes) {
  CfqQueue& queue = add(100'000);
  queue.io_class = IoClass::kIdle;
  close_.update(queue);
  EXPECT_EQ(near(100'000), nullptr);
}

}  // namespace
}  // namespace wbsim::block
