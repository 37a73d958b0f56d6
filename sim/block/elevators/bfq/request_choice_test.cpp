#include "sim/block/elevators/bfq/request_choice.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

Request* choose(const Parts& parts, Request& a, Request& b, std::int64_t last) {
  EXPECT_EQ(choose_request(parts.tuning, &a, &b, Lba{last}),
            choose_request(parts.tuning, &b, &a, Lba{last}));
  return choose_request(parts.tuning, &a, &b, Lba{last});
}

TEST(RequestChoice, TheNearestInFrontGoesFirst) {
  Parts parts;
  Request& near = parts.request(1100);
  Request& far = parts.request(1200);
  EXPECT_EQ(choose(parts, near, far, 1000), &near);
}

TEST(RequestChoice, WhatIsBehindCountsTwiceAsFar) {
  Parts parts;
  Request& behind = parts.request(950);
  Request& front = parts.request(1099);
  EXPECT_EQ(choose(parts, behind, front, 1000), &front);
  Request& farther = parts.request(1101);
  EXPECT_EQ(choose(parts, behind, farther, 1000), &behind);
}

TEST(RequestChoice, WhatIsMoreThanBackSeekMaxBehindComesLast) {
  Parts parts;
  const std::int64_t last = 10'000'000;
  Request& behind = parts.request(last - 32'768);
  Request& front = parts.request(last + 1'000'000);
  EXPECT_EQ(choose(parts, behind, front, last), &behind);
  Request& too_far = parts.request(last - 32'769);
  EXPECT_EQ(choose(parts, too_far, front, last), &front);
  Request& lower = parts.request(5);
  EXPECT_EQ(choose(parts, too_far, lower, last), &lower);
}

TEST(RequestChoice, SynchronousRequestsGoFirst) {
  Parts parts;
  Request& async = parts.request(1000, 8, {.write = true});
  Request& sync = parts.request(9000, 8, {.write = true, .sync = true});
  EXPECT_EQ(choose(parts, async, sync, 1000), &sync);
}

TEST(RequestChoice, AnExpiredRequestGoesFirstOnceInATurn) {
  Parts parts;
  Queue& queue = parts.queue();
  Request& oldest = parts.request(100);
  Request& last = parts.request(500);
  Request& next = parts.request(600);
  for (Request* each : {&oldest, &last, &next}) {
    queue.sorted.add(*each);
    queue.fifo.push_back(*each);
    each->fifo_time = 5'000'000;
  }
  EXPECT_EQ(find_next_request(parts.state, queue, last), &next) << "none has expired";
  queue.fifo_checked = false;
  parts.advance(milliseconds(5));
  EXPECT_EQ(find_next_request(parts.state, queue, last), &oldest);
  EXPECT_EQ(find_next_request(parts.state, queue, last), &next) << "once";
}

TEST(RequestChoice, OfTwoAtOneDistanceTheHigher) {
  Parts parts;
  Request& behind = parts.request(950);
  Request& front = parts.request(1100);
  EXPECT_EQ(choose(parts, behind, front, 1000), &front);
}

// The former one is 20 GB behind; of those that are out of reach the lowest is next.
TEST(RequestChoice, AfterTheHighestComesTheLowestOrTheOneBefore) {
  Parts parts;
  Queue& queue = parts.queue();
  queue.fifo_checked = true;
  Request& lowest = parts.request(100);
  Request& far = parts.request(50'000'000);
  Request& former = parts.request(89'999'000);
  Request& last = parts.request(90'000'000);
  for (Request* each : {&lowest, &far, &last}) {
    queue.sorted.add(*each);
  }
  EXPECT_EQ(find_next_request(parts.state, queue, last), &lowest);
  queue.sorted.add(former);
  EXPECT_EQ(find_next_request(parts.state, queue, last), &former);
}

}  // namespace
}  // namespace wbsim::block::bfq
