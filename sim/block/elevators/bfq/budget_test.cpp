#include "sim/block/elevators/bfq/budget.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kMin = kDefaultMaxBudget / 32;  // 512

std::int64_t after(Expiration reason, std::int64_t before, int dispatched = 0) {
  Parts parts;
  Queue& queue = parts.queue();
  queue.max_budget = before;
  queue.dispatched = dispatched;
  queue.service = 700;
  adjust_budget(parts.state, queue, reason);
  return queue.max_budget;
}

TEST(BudgetFeedback, IdlingShrinksABudget) {
  EXPECT_EQ(after(Expiration::kTooIdle, 5 * kMin + 1), kMin + 1);
  EXPECT_EQ(after(Expiration::kTooIdle, 5 * kMin), kMin);
}

TEST(BudgetFeedback, ButDoublesItWhileRequestsAreOutstanding) {
  EXPECT_EQ(after(Expiration::kTooIdle, 3000, 1), 6000);
}

TEST(BudgetFeedback, ATimeoutDoubles) {
  EXPECT_EQ(after(Expiration::kBudgetTimeout, 3000), 6000);
  EXPECT_EQ(after(Expiration::kBudgetTimeout, 12'000), kDefaultMaxBudget);
}

TEST(BudgetFeedback, ExhaustionQuadruples) {
  EXPECT_EQ(after(Expiration::kBudgetExhausted, 3000), 12'000);
  EXPECT_EQ(after(Expiration::kBudgetExhausted, 6000), kDefaultMaxBudget);
}

TEST(BudgetFeedback, NoMoreRequestsFitsItToTheService) {
  EXPECT_EQ(after(Expiration::kNoMoreRequests, 3000), 700);
}

TEST(BudgetFeedback, PreemptionLeavesIt) { EXPECT_EQ(after(Expiration::kPreempted, 3000), 3000); }

TEST(BudgetFeedback, ARaisedQueueHasTwiceTheLeast) {
  Parts parts;
  Queue& queue = parts.queue();
  queue.coefficient = 30;
  adjust_budget(parts.state, queue, Expiration::kBudgetExhausted);
  EXPECT_EQ(queue.max_budget, 2 * kMin);
}

TEST(BudgetFeedback, AnAsynchronousQueueHasTheLargest) {
  Parts parts;
  Queue& queue = parts.queue();
  queue.sync = false;
  adjust_budget(parts.state, queue, Expiration::kNoMoreRequests);
  EXPECT_EQ(queue.max_budget, kDefaultMaxBudget);
}

TEST(BudgetFeedback, TheBudgetHoldsAtLeastTheNextRequest) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0, 2000));
  adjust_budget(parts.state, queue, Expiration::kNoMoreRequests);
  EXPECT_EQ(queue.budget, 2000);
}

// 194 of 256, reached by an average over eight.
TEST(Budget, TheMeasuredLargestBudgetCountsOnceEnoughWereGivenOut) {
  Parts parts;
  parts.state.max_budget = 20'000;
  int given = 0;
  while (max_budget(parts.state) == kDefaultMaxBudget) {
    budget_assigned(parts.state);
    ++given;
  }
  EXPECT_EQ(given, 11);
  EXPECT_EQ(max_budget(parts.state), 20'000);
  EXPECT_EQ(min_budget(parts.state), 20'000 / 32);
}

TEST(Budget, WhoComesInTimeGoesOnWithWhatWasLeft) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0));
  queue.expired_by_waiting = true;
  queue.budget = 900;
  queue.service = 600;
  EXPECT_TRUE(assign_for_activation(parts.state, queue, true));
  EXPECT_EQ(queue.budget, 300);
  EXPECT_EQ(queue.service, 0);
}

TEST(Budget, WhoComesLateGetsANewOne) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0));
  queue.expired_by_waiting = true;
  queue.budget = 900;
  queue.service = 600;
  EXPECT_FALSE(assign_for_activation(parts.state, queue, false));
  EXPECT_EQ(queue.budget, 1000);
  EXPECT_FALSE(queue.expired_by_waiting);
}

TEST(Budget, AQueueInServiceKeepsItsBudgetWhateverComes) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0, 3000));
  parts.state.in_service = &queue;
  EXPECT_FALSE(assign_for_next_request(parts.state, queue));
  parts.state.in_service = nullptr;
  EXPECT_TRUE(assign_for_next_request(parts.state, queue));
  EXPECT_EQ(queue.budget, 3000);
}

TEST(Budget, WhoComesInTimeWithNothingLeftGetsANewOne) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0));
  queue.expired_by_waiting = true;
  queue.budget = queue.service = 600;
  EXPECT_FALSE(assign_for_activation(parts.state, queue, true));
  EXPECT_EQ(queue.budget, 1000);
}

TEST(Budget, WhatWasLeftCountsUpToTheBudgetThatFeedbackAllows) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0));
  queue.expired_by_waiting = true;
  queue.budget = 5000;
  queue.service = 600;
  EXPECT_TRUE(assign_for_activation(parts.state, queue, true));
  EXPECT_EQ(queue.budget, 1000);
}

TEST(Budget, CoversWhatWasServedAlready) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.give(queue, parts.request(0));
  queue.service = 2000;
  EXPECT_TRUE(assign_for_next_request(parts.state, queue));
  EXPECT_EQ(queue.budget, 2000);
}

TEST(Budget, FollowsALargestOneThatHasBecomeSmallerUnlessTheUserFixedIt) {
  for (const int user : {0, 600}) {
    Parts parts{{.tunables = {{"max_budget", user}}}};
    while (parts.state.budgets_assigned < 200) {
      budget_assigned(parts.state);
    }
    parts.state.max_budget = 600;
    Queue& queue = parts.queue();
    queue.service = 700;
    adjust_budget(parts.state, queue, Expiration::kNoMoreRequests);
    EXPECT_EQ(queue.max_budget, user == 0 ? 600 : 700);
  }
}

TEST(Charge, AsynchronousRequestsCountThreefold) {
  Parts parts;
  Queue& queue = parts.queue();
  const Request& request = parts.request(0, 8, {.write = true});
  EXPECT_EQ(parts.state.charge_of(request, queue), 8);
  queue.sync = false;
  EXPECT_EQ(parts.state.charge_of(request, queue), 24);
}

TEST(Charge, UnlessTheQueueIsRaisedOrQueuesAreOwedDifferentShares) {
  Parts parts;
  Queue& queue = parts.queue();
  const Request& request = parts.request(0, 8, {.write = true});
  queue.sync = false;
  queue.coefficient = 30;
  EXPECT_EQ(parts.state.charge_of(request, queue), 8);
  queue.coefficient = 1;
  parts.state.busy = {1, 1, 0};
  EXPECT_EQ(parts.state.charge_of(request, queue), 8);
}

// A timed turn of `took` in which the queue was served `service` of a budget of 3000.
std::int64_t charged(SimDuration took, std::int64_t service, Expiration reason,
                     std::uint32_t seeks = 1, int coefficient = 1, bool rotational = false) {
  Parts parts{{.rotational = rotational}};
  Queue& queue = parts.queue();
  queue.coefficient = coefficient;
  parts.state.wf2q.activate(queue, false);
  parts.state.wf2q.next_queue();
  start_budget_timeout(parts.state, queue);
  queue.budget = 3000;
  queue.seek_history = seeks;
  serve(parts.state, queue, service);
  parts.advance(took);
  charge_time(parts.state, queue, reason, parts.clock.now());
  return queue.service;
}
constexpr std::uint32_t kSeeky = 0xFFFFF;
constexpr auto kNoMore = Expiration::kNoMoreRequests;

TEST(ChargeTime, ASlowQueueIsChargedForItsTime) {
  EXPECT_EQ(charged(milliseconds(62), 100, kNoMore), kDefaultMaxBudget * 62 / 124);
}

TEST(ChargeTime, ButForNoMoreThanTheTimeout) {
  EXPECT_EQ(charged(milliseconds(300), 100, kNoMore), kDefaultMaxBudget);
}

TEST(ChargeTime, OneThatUsedHalfTheLargestBudgetIsChargedForItsService) {
  constexpr std::int64_t kHalf = kDefaultMaxBudget / 2;
  EXPECT_EQ(charged(milliseconds(93), kHalf, kNoMore), kHalf);
  EXPECT_EQ(charged(milliseconds(93), kHalf - 1, kNoMore), kDefaultMaxBudget * 93 / 124);
}

TEST(ChargeTime, BelowTwentyMillisecondsSeekingDecides) {
  EXPECT_EQ(charged(milliseconds(20), 100, kNoMore), 100);
  EXPECT_EQ(charged(milliseconds(20), 100, kNoMore, kSeeky), kDefaultMaxBudget * 20 / 124);
  EXPECT_GT(charged(milliseconds(20) + microseconds(1), 100, kNoMore), 100);
}

TEST(ChargeTime, AShortTurnCountsAsTwoMillisecondsOrASliceOfIdlingOnADisk) {
  EXPECT_EQ(charged(microseconds(999), 100, kNoMore, kSeeky), kDefaultMaxBudget * 2 / 124);
  EXPECT_EQ(charged(microseconds(999), 100, kNoMore, kSeeky, 1, true), kDefaultMaxBudget * 8 / 124);
}

TEST(ChargeTime, ATimeoutWithAThirdLeftIsChargedForItsTime) {
  EXPECT_EQ(charged(milliseconds(19), 2000, Expiration::kBudgetTimeout),
            kDefaultMaxBudget * 19 / 124);
  EXPECT_EQ(charged(milliseconds(19), 2001, Expiration::kBudgetTimeout), 2001);
}

TEST(ChargeTime, AnAsynchronousQueueHasNoTimeToBeChargedFor) {
  for (const Expiration reason : {kNoMore, Expiration::kBudgetTimeout}) {
    Parts parts;
    Queue& queue = parts.queue();
    queue.sync = false;
    parts.state.wf2q.activate(queue, false);
    parts.state.wf2q.next_queue();
    start_budget_timeout(parts.state, queue);
    queue.service = 100;
    parts.advance(milliseconds(62));
    charge_time(parts.state, queue, reason, parts.clock.now());
    EXPECT_EQ(queue.service, 100);
  }
}

TEST(ChargeTime, RaisesTheBudgetToWhatIsCharged) {
  Parts parts;
  Queue& queue = parts.queue();
  parts.state.wf2q.activate(queue, false);
  parts.state.wf2q.next_queue();
  start_budget_timeout(parts.state, queue);
  parts.advance(milliseconds(62));
  charge_time(parts.state, queue, kNoMore, parts.clock.now());
  EXPECT_EQ(queue.budget, kDefaultMaxBudget * 62 / 124);
}

TEST(ChargeTime, ARaisedQueueIsNot) {
  EXPECT_EQ(charged(milliseconds(62), 100, kNoMore, 1, 30), 100);
}

TEST(BudgetTimeout, IsAnEighthOfASecondAndGrowsWithInteractiveRaising) {
  Parts parts;
  Queue& queue = parts.queue();
  start_budget_timeout(parts.state, queue);
  EXPECT_EQ(queue.budget_timeout - parts.clock.jiffies(), 31U);
  queue.weight = 30 * queue.own_weight;
  start_budget_timeout(parts.state, queue);
  EXPECT_EQ(queue.budget_timeout - parts.clock.jiffies(), 30U * 31U);
  queue.raising.longest = parts.tuning.raise_soft_real_time;
  start_budget_timeout(parts.state, queue);
  EXPECT_EQ(queue.budget_timeout - parts.clock.jiffies(), 31U);
}

TEST(BudgetTimeout, DoesNotEndTheWaitForAQueueThatHasUsedMostOfItsBudget) {
  Parts parts;
  Queue& queue = parts.queue();
  start_budget_timeout(parts.state, queue);
  EXPECT_FALSE(may_time_out(parts.state, queue));
  parts.advance(milliseconds(124));
  EXPECT_TRUE(may_time_out(parts.state, queue));
  queue.waits_for_request = true;
  queue.service = 668;  // of 1000
  EXPECT_FALSE(may_time_out(parts.state, queue));
  queue.service = 667;
  EXPECT_TRUE(may_time_out(parts.state, queue));
}

}  // namespace
}  // namespace wbsim::block::bfq
