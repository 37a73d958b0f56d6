#include "sim/block/tag_host.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace wbsim::block {
namespace {

TagHostOptions of_depth(int depth) { return {.depth = depth}; }

TEST(DriverTags, AnActiveUserMayHaveItsShareRoundedUp) {
  DriverTags tags{of_depth(17)};
  TagShare one;
  TagShare other;
  tags.busy(one);
  one.requests = 16;
  EXPECT_TRUE(tags.may_take(one));
  tags.busy(other);
  EXPECT_FALSE(tags.may_take(one));
  one.requests = 9;
  EXPECT_FALSE(tags.may_take(one));
  one.requests = 8;
  EXPECT_TRUE(tags.may_take(one));
}

TEST(DriverTags, AnActiveUserMayHaveFourHoweverManyThereAre) {
  DriverTags tags{of_depth(8)};
  std::vector<TagShare> users(8);
  for (TagShare& user : users) {
    tags.busy(user);
  }
  users[0].requests = 3;
  EXPECT_TRUE(tags.may_take(users[0]));
  users[0].requests = 4;
  EXPECT_FALSE(tags.may_take(users[0]));
}

TEST(DriverTags, WhoIsNotActiveIsNotLimited) {
  DriverTags tags{of_depth(8)};
  TagShare one;
  TagShare other;
  tags.busy(one);
  other.requests = 8;
  EXPECT_TRUE(tags.may_take(other));
}

TEST(DriverTags, ASingleTagIsNotDivided) {
  DriverTags tags{of_depth(1)};
  TagShare one;
  tags.busy(one);
  one.requests = 4;
  EXPECT_TRUE(tags.may_take(one));
}

TEST(DriverTags, AskingAgainMakesNobodyActiveTwice) {
  DriverTags tags{of_depth(16)};
  TagShare one;
  tags.busy(one);
  tags.busy(one);
  EXPECT_EQ(tags.active_users(), 1);
  tags.idle(one, 0);
  tags.idle(one, 0);
  EXPECT_EQ(tags.active_users(), 0);
  EXPECT_FALSE(one.active);
}

// Tells how often it was told.
class CountingWaiter final : public TagWaiter {
 public:
  int told = 0;

 private:
  void on_tags_freed(int /*cpu*/) override { ++told; }
};

TEST(DriverTags, WhoBecomesIdleWakesWhoWaits) {
  DriverTags tags{of_depth(16)};
  TagShare one;
  TagShare other;
  tags.busy(one);
  tags.busy(other);
  CountingWaiter waiter;
  tags.tags().add_waiter(waiter);
  tags.idle(other, 0);
  EXPECT_EQ(waiter.told, 1);
  EXPECT_FALSE(waiter.waiting());
}

// 64 tags wake in batches of eight; two users have 32 each, whose batch is four.
TEST(DriverTags, BatchesOfWakeUpsFollowTheShareWhereItIsAsked) {
  for (const bool by_share : {false, true}) {
    TagHostOptions options = of_depth(64);
    options.tags.wake = TagWakeRule::kCompletionCount;
    options.wakes_by_share = by_share;
    DriverTags tags{options};
    TagShare one;
    TagShare other;
    tags.busy(one);
    tags.busy(other);
    for (int tag = 0; tag < 64; ++tag) {
      tags.tags().get();
    }
    CountingWaiter waiter;
    tags.tags().add_waiter(waiter);
    for (int tag = 0; tag < 4; ++tag) {
      tags.tags().put(tag);
    }
    EXPECT_EQ(waiter.told, by_share ? 1 : 0);
  }
}

TEST(TagHost, HardwareQueuesHaveTagsOfTheirOwnUnlessTheyAreTheHosts) {
  TagHost own{{.depth = 8, .hw_queues = 2}};
  EXPECT_NE(&own.of(0), &own.of(1));
  EXPECT_EQ(own.first_tag(1), 8);
  EXPECT_EQ(own.tags(), 16);
  TagHost host_wide{{.depth = 8, .hw_queues = 2, .host_wide = true}};
  EXPECT_EQ(&host_wide.of(0), &host_wide.of(1));
  EXPECT_EQ(host_wide.first_tag(1), 0);
  EXPECT_EQ(host_wide.tags(), 8);
}

TEST(TagHost, IsSharedFromTheSecondQueueOn) {
  TagHost host{of_depth(8)};
  host.add_queue();
  EXPECT_FALSE(host.shared());
  host.add_queue();
  EXPECT_TRUE(host.shared());
}

}  // namespace
}  // namespace wbsim::block
