#include "sim/block/tag_set.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using Numbers = std::vector<int>;

// Threads that each want a tag and keep it.
class Waiters {
 public:
  Waiters(TagSet& tags, int count) : tags_{tags} {
    for (int i = 0; i < count; ++i) {
      add();
    }
  }
  ~Waiters() { sim_.destroy_processes(); }

  void add() {
    threads_.push_back(
        std::make_unique<engine::Thread>(machine_, "waiter", static_cast<int>(threads_.size())));
    sim_.spawn("waiter", wait(*this, *threads_.back()));
    settle();
  }
  void settle() { sim_.run(sim_.now()); }
  engine::Thread& thread(std::size_t number) { return *threads_.at(number); }
  [[nodiscard]] const Numbers& woken() const { return woken_; }

 private:
  static engine::Task<> wait(Waiters& self, engine::Thread& thread) {
    co_await thread.begin();
    co_await self.tags_.wait(thread);
    self.woken_.push_back(thread.name().pid);
    co_await thread.exit();
  }

  TagSet& tags_;
  engine::Simulator sim_;
  engine::Machine machine_{sim_, 1, engine::Jiffies{250, 0, {}}, free_of_cost()};
  std::vector<std::unique_ptr<engine::Thread>> threads_;
  Numbers woken_;
};

void take_all(TagSet& tags) {
  while (tags.get() != TagSet::kNoTag) {
  }
}

class TagSetTest : public ::testing::TestWithParam<TagWakeRule> {};
INSTANTIATE_TEST_SUITE_P(BothRules, TagSetTest,
                         ::testing::Values(TagWakeRule::kPerWaitQueue,
                                           TagWakeRule::kCompletionCount));

TEST_P(TagSetTest, HandsOutTheLowestFreeTagAndNoneBeyondItsDepth) {
  TagSet tags{70, {.wake = GetParam()}};
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(tags.get(), i);
  }
  EXPECT_EQ(tags.get(), TagSet::kNoTag);
  tags.put(66);
  tags.put(3);
  EXPECT_EQ(tags.in_use(), 68);
  EXPECT_EQ(tags.get(), 3);
  EXPECT_EQ(tags.get(), 66);
}

// clamp(depth / 8, 1, 8): so many freed tags wake a sleeper.
TEST_P(TagSetTest, WakesInBatchesByDepth) {
  const std::vector<std::pair<int, int>> vectors = {{1, 1},  {7, 1},  {8, 1},   {15, 1},
                                                    {16, 2}, {23, 2}, {32, 4},  {63, 7},
                                                    {64, 8}, {72, 8}, {128, 8}, {1023, 8}};
  for (const auto& [depth, batch] : vectors) {
    SCOPED_TRACE(depth);
    TagSet tags{depth, {.wake = GetParam()}};
    take_all(tags);
    Waiters waiters{tags, 1};
    for (int freed = 1; freed <= batch; ++freed) {
      EXPECT_TRUE(waiters.woken().empty()) << freed - 1 << " tags freed";
      tags.put(freed - 1);
      waiters.settle();
    }
    EXPECT_EQ(waiters.woken(), Numbers{0});
  }
}

// Eight wait queues take sleepers in turn; a batch wakes up to its size of one queue.
TEST_P(TagSetTest, ABatchWakesTheSleepersOfOneWaitQueue) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  Waiters waiters{tags, 18};  // queue 0: 0, 8, 16; queue 1: 1, 9, 17; queue 2: 2, 10; ...
  int tag = 0;
  const auto free_four = [&] {
    for (int i = 0; i < 4; ++i) {
      tags.put(tag++);
    }
    waiters.settle();
  };
  free_four();
  EXPECT_EQ(waiters.woken(), (Numbers{0, 8, 16}));
  free_four();
  EXPECT_EQ(waiters.woken(), (Numbers{0, 8, 16, 1, 9, 17}));
  free_four();
  EXPECT_EQ(waiters.woken(), (Numbers{0, 8, 16, 1, 9, 17, 2, 10}));
}

TEST_P(TagSetTest, TagsFreedWhileNobodyWaitsCountForNobody) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  for (int tag = 0; tag < 3; ++tag) {
    tags.put(tag);
  }
  Waiters waiters{tags, 1};
  tags.put(3);
  waiters.settle();
  EXPECT_TRUE(waiters.woken().empty());
}

TEST_P(TagSetTest, AWaiterWokenFromElsewhereUsesUpNoBatch) {
  TagSet tags{8, {.wake = GetParam()}};
  take_all(tags);
  Waiters waiters{tags, 9};
  waiters.thread(0).wake();  // queue 0: 0, 8
  waiters.settle();
  tags.put(0);
  waiters.settle();
  EXPECT_EQ(waiters.woken(), (Numbers{0, 8}));
}

// Somebody who is told instead of woken.
class Listener final : public TagWaiter {
 public:
  int told = 0;

 private:
  void on_tags_freed(int /*cpu*/) override { ++told; }
};

TEST_P(TagSetTest, WhoIsToldIsToldOnceABatchWasFreed) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  Listener listener;
  tags.add_waiter(listener);
  for (int tag = 0; tag < 16; ++tag) {
    EXPECT_EQ(listener.told, tag < 4 ? 0 : 1) << tag;
    EXPECT_EQ(listener.waiting(), tag < 4);
    tags.put(tag);
  }
  EXPECT_EQ(listener.told, 1);
}

TEST_P(TagSetTest, WhoWaitsNoLongerIsNotTold) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  Listener listener;
  tags.add_waiter(listener);
  tags.remove_waiter(listener);
  for (int tag = 0; tag < 15; ++tag) {
    tags.put(tag);
  }
  tags.add_waiter(listener);
  tags.put(15);
  EXPECT_EQ(listener.told, 0) << "of this batch one tag was freed while it waited";
}

// Being told uses up no wake-up: with a batch of one the sleeper of the same queue wakes, too.
TEST_P(TagSetTest, WhoIsToldAndASleeperShareABatch) {
  TagSet tags{8, {.wake = GetParam()}};
  take_all(tags);
  Waiters waiters{tags, 1};
  Listener listener;
  tags.add_waiter(listener);
  tags.put(0);
  waiters.settle();
  EXPECT_EQ(listener.told, 1);
  EXPECT_EQ(waiters.woken(), Numbers{0});
}

// Each time in the next wait queue. There, as in every queue, v5.10 counts from anew.
TEST(TagWakeRule, PerWaitQueueWhoWaitsAgainWaitsForAWholeBatch) {
  TagSet tags{32, {.wake = TagWakeRule::kPerWaitQueue}};
  take_all(tags);
  Listener listener;
  tags.add_waiter(listener);
  tags.put(0);
  tags.put(1);
  tags.remove_waiter(listener);
  tags.add_waiter(listener);
  for (int tag = 2; tag < 6; ++tag) {
    EXPECT_EQ(listener.told, 0);
    tags.put(tag);
  }
  EXPECT_EQ(listener.told, 1);
}

TEST_P(TagSetTest, AShrunkSetHandsOutTheFirstTagsOnly) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  tags.resize(20);
  tags.put(20);
  tags.put(31);
  EXPECT_EQ(tags.get(), TagSet::kNoTag);
  tags.put(19);
  EXPECT_EQ(tags.get(), 19);
  EXPECT_EQ(tags.get(), TagSet::kNoTag);
}

TEST_P(TagSetTest, AGrownSetHandsOutWhatWasFreedMeanwhile) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  tags.resize(20);
  tags.put(31);
  tags.resize(32);
  EXPECT_EQ(tags.get(), 31);
  EXPECT_EQ(tags.get(), TagSet::kNoTag);
}

TEST_P(TagSetTest, AShrunkSetForgetsItsHintBeyondTheEnd) {
  TagSet tags{32, {.wake = GetParam(), .cpus = 2}};
  for (int tag = 0; tag < 30; ++tag) {
    tags.get();
  }
  tags.resize(8);
  tags.put(1, 1);
  EXPECT_EQ(tags.get(), 1);
}

// From 32 tags to 16 the batch goes from 4 to 2.
TEST_P(TagSetTest, AShrunkSetWakesInSmallerBatches) {
  TagSet tags{32, {.wake = GetParam()}};
  take_all(tags);
  Listener first;
  Listener second;
  tags.add_waiter(first);
  tags.resize(16);
  tags.put(0);
  // v5.10 sets the counts of all queues to one.
  EXPECT_EQ(first.told, GetParam() == TagWakeRule::kPerWaitQueue ? 1 : 0);
  tags.put(1);
  EXPECT_EQ(first.told, 1);
  tags.add_waiter(first);  // in the second queue, whose count is one as well
  tags.put(2);
  tags.put(3);
  EXPECT_EQ(first.told, 2);
  tags.add_waiter(second);  // in the first one
  tags.put(4);
  EXPECT_EQ(second.told, 0);
  tags.put(5);
  EXPECT_EQ(second.told, 1);
}

// Where the rules differ: tags freed after a batch was woken, before its threads have run.
int woken_by_one_more(TagWakeRule rule) {
  TagSet tags{32, {.wake = rule}};
  take_all(tags);
  Waiters waiters{tags, 1};
  for (int tag = 0; tag < 7; ++tag) {
    tags.put(tag);  // four wake thread 0, which is still among the waiting for the other three
  }
  waiters.settle();
  waiters.add();
  tags.put(7);
  waiters.settle();
  return static_cast<int>(waiters.woken().size()) - 1;
}

TEST(TagWakeRule, PerWaitQueueAQueueCountsFromItsOwnSleeper) {
  EXPECT_EQ(woken_by_one_more(TagWakeRule::kPerWaitQueue), 0);
}

TEST(TagWakeRule, CompletionCountGoesOnCountingBetweenBatches) {
  EXPECT_EQ(woken_by_one_more(TagWakeRule::kCompletionCount), 1);
}

// A batch of four; one thread waits in each queue.
std::size_t woken_by_a_batch(TagWakeRule rule) {
  TagSet tags{32, {.wake = rule}};
  take_all(tags);
  Waiters waiters{tags, 6};
  for (int tag = 0; tag < 4; ++tag) {
    tags.put(tag);
  }
  waiters.settle();
  return waiters.woken().size();
}

TEST(TagWakeRule, ABatchIsOfOneWaitQueueOrOfSeveral) {
  EXPECT_EQ(woken_by_a_batch(TagWakeRule::kCompletionCount), 1U);
  EXPECT_EQ(woken_by_a_batch(TagWakeRule::kWholeBatches), 4U);
}

// 64 tags in words of 16.
Numbers taken_with_limit(ShallowDepth of, int limit) {
  TagSet tags{64, {.limits = of}};
  Numbers taken;
  for (int tag = tags.get(0, limit); tag != TagSet::kNoTag; tag = tags.get(0, limit)) {
    taken.push_back(tag);
  }
  return taken;
}

TEST(ShallowDepth, LimitsEachWordOrAllTogether) {
  EXPECT_EQ(taken_with_limit(ShallowDepth::kEachWord, 2), (Numbers{0, 1, 16, 17, 32, 33, 48, 49}));
  EXPECT_EQ(taken_with_limit(ShallowDepth::kAll, 8), (Numbers{0, 1, 16, 17, 32, 33, 48, 49}));
  EXPECT_EQ(taken_with_limit(ShallowDepth::kAll, 6), (Numbers{0, 1, 16, 17, 32, 48}))
      << "what rounding leaves over goes to the first words";
  EXPECT_EQ(taken_with_limit(ShallowDepth::kAll, 1), (Numbers{0}));
  EXPECT_EQ(taken_with_limit(ShallowDepth::kAll, 64).size(), 64U);
}

TEST(ShallowDepth, SetsTheBatchesByWhatMayBeTaken) {
  for (const ShallowDepth of : {ShallowDepth::kEachWord, ShallowDepth::kAll}) {
    TagSet tags{64, {.wake = TagWakeRule::kCompletionCount, .limits = of}};
    tags.set_min_word_depth(16);
    take_all(tags);
    Waiters waiters{tags, 1};
    tags.put(0);
    tags.put(1);
    waiters.settle();
    EXPECT_EQ(waiters.woken().size(), of == ShallowDepth::kAll ? 1U : 0U)
        << "a batch is 16 / 8 tags instead of 64 / 8";
  }
}

// A batch of a small set is one.
TEST(TagSetWakeUps, OneThatIsNotUsedIsPassedOn) {
  TagSet tags{2, {}};
  take_all(tags);
  Waiters waiters{tags, 2};
  tags.put(0);
  waiters.settle();
  EXPECT_EQ(waiters.woken(), Numbers{0});
  tags.pass_on_wakeup(0);
  waiters.settle();
  EXPECT_EQ(waiters.woken(), (Numbers{0, 1}));
}

}  // namespace
}  // namespace wbsim::block
