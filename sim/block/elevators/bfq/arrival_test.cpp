// What bfq does when a request arrives, and what it learns from that.
#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {
namespace {

constexpr std::int64_t kAway = 10'000'000;  // sectors between processes
const TunableValues kRaising{{"low_latency", 1}};

std::uint64_t expires_ns(SimDuration after) { return static_cast<std::uint64_t>(after.count()); }

TEST(Arrival, GivesSynchronousRequestsAnEighthOfASecondAndOthersAQuarter) {
  Scene scene;
  EXPECT_EQ(scene.insert(1, read(8)).fifo_time, expires_ns(milliseconds(125)));
  EXPECT_EQ(scene.insert(1, write(800)).fifo_time, expires_ns(milliseconds(250)));
}

TEST(Arrival, TheNearestToTheLastDispatchIsNext) {
  Scene scene;
  scene.add(1, read(5000));
  scene.add(1, read(1000));
  EXPECT_EQ(scene.take(), "R 1000+8");
  scene.add(1, read(500));
  scene.add(1, read(1100));
  EXPECT_EQ(scene.take(), "R 1100+8");
}

TEST(Arrival, ALargeRequestThatComesNextRaisesTheBudgetOfAWaitingQueue) {
  Scene scene;
  scene.add(1, read(kAway));
  scene.take();
  const Queue& queue = scene.add(2, read(9000));
  EXPECT_EQ(queue.budget, 16'384 * 2 / 3);
  scene.add(2, read(kAway + 90'000, 12'000));
  EXPECT_EQ(queue.budget, 12'000) << "it is nearer";
}

TEST(Arrival, AfterAPauseTheBacklogBeginsAnew) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.finish();
  EXPECT_EQ(queue.service_since_backlogged, 8);
  scene.at_ms(1000);
  scene.add(1, read(16));
  EXPECT_EQ(queue.backlogged_since, queue.created + 250);
  EXPECT_EQ(queue.service_since_backlogged, 0);
}

TEST(Arrival, BeforeTheLastCompletionMakesThatDecideNothing) {
  Scene scene{{.tunables = {{"low_latency", 1}, {"slice_idle", 0}}}};
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.add(2, read(kAway), {IoClass::kRealTime, 4});
  EXPECT_EQ(scene.take(), "R 10000000+8");
  scene.take();
  EXPECT_FALSE(queue.busy);
  EXPECT_TRUE(queue.soft_real_time_pending);
  scene.add(1, read(16));
  EXPECT_FALSE(queue.soft_real_time_pending);
}

TEST(Arrival, OfAnAsynchronousRequestPutsOffRaisingByHalfASecond) {
  Scene scene{{.tunables = kRaising}};
  std::int64_t sector = 0;
  for (const int ms : {0, 400, 800, 1304}) {
    scene.at_ms(ms);
    const Queue& queue = scene.add(1, write(sector += 800));
    EXPECT_EQ(queue.is_raised(), ms == 1304) << ms;
  }
}

TEST(Arrival, OfAWokenQueuePutsItInFront) {
  Scene scene;
  Queue& waker = scene.add(1, read(8));
  Queue& first = scene.add(2, read(kAway));
  Queue& second = scene.add(3, read(2 * kAway));
  while (scene.take() != "-") {
    scene.finish();
    scene.rig.run_until(milliseconds(100));
  }
  scene.at_ms(200);
  ASSERT_FALSE(first.busy);
  Wakers::set_waker(first, &waker, true);
  Wakers::set_waker(second, &waker, true);
  EXPECT_EQ(&waker.woken.front(), &second);
  scene.add(2, read(kAway + 8));
  EXPECT_EQ(&waker.woken.front(), &first);
}

TEST(Arrival, AfterTenSecondsWithoutWorkIsNoPartOfABurst) {
  Scene scene;
  Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.finish();
  scene.at_ms(100);
  queue.in_large_burst = true;
  scene.at_ms(10'200);
  scene.add(1, read(16));
  EXPECT_FALSE(queue.in_large_burst);
}

TEST(ThinkTime, OfAFirstRequestAndOfALongPauseIsTwoSlices) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8));
  EXPECT_EQ(queue.think_time.mean, 16'000'004U);
  scene.take();
  scene.finish();
  scene.at_ms(3000);
  scene.add(1, read(16));
  EXPECT_EQ(queue.think_time.mean, 16'000'002U);
}

TEST(ThinkTime, IsNotShortWhereNobodyWaitsForIt) {
  Scene scene;
  EXPECT_TRUE(scene.add(1, read(8)).short_think_time);
  EXPECT_FALSE(scene.add(2, read(kAway), {IoClass::kIdle, 0}).short_think_time);
  EXPECT_FALSE(scene.add(1, write(800)).short_think_time);
}

TEST(SeekHistory, TheFirstRequestIsNoSeekWhereverItIs) {
  Scene scene;
  EXPECT_EQ(scene.add(1, read(kAway)).seek_history, 0b10U);
}

// Idle for a second, then busy without a pause.
TEST(IoBound, HalfOfTheTimeIsForgottenBeyond200MillisecondsInV6_1) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  scene.finish();
  std::int64_t sector = 8;
  for (int ms = 1000; ms <= 1500; ms += 10) {
    scene.at_ms(ms);
    scene.add(1, read(sector += 8));
    EXPECT_EQ(queue.intensity.io_bound && ms < 1200, false) << ms;
    if (ms > 1000) {
      scene.finish();
    }
    scene.take();
  }
  EXPECT_TRUE(queue.intensity.io_bound) << "all in all it was idle for two thirds of the time";
}

TEST(IoBound, WhoHasRequestsOutstandingIsNotIdleInV6_1) {
  Scene scene;
  const Queue& queue = scene.add(1, read(8));
  scene.take();
  for (int i = 1; i <= 3; ++i) {
    scene.at_ms(10 * i);
    scene.add(1, read(8 + 8 * i));
    scene.take();
    EXPECT_TRUE(queue.intensity.io_bound);
  }
}

TEST(IoBound, OneLateRequestBreaksTheRowInV5_10) {
  Scene scene{{.generation = kV5_10}};
  const Queue& queue = scene.add(1, read(8));
  std::int64_t sector = 8;
  int ms = 0;
  const auto next = [&](int pause) {
    scene.take();
    scene.finish();
    scene.at_ms(ms += pause);
    scene.add(1, read(sector += 8));
  };
  const auto in_time = [&](int count) {
    for (int i = 0; i < count; ++i) {
      next(15);
    }
  };
  in_time(100);
  next(25);
  in_time(119);
  EXPECT_FALSE(queue.intensity.io_bound);
  in_time(1);
  EXPECT_TRUE(queue.intensity.io_bound);
}

TEST(Waker, IsNoSharedQueueInV6_1) {
  for (const bool shared : {false, true}) {
    Scene scene;
    Queue* waker = nullptr;
    const Queue* woken = nullptr;
    for (int i = 0; i < 6; ++i) {
      scene.at_ms(100 * i);
      waker = &scene.add(1, read(8 + 8 * i));
      waker->shared = shared;
      scene.take();
      scene.at_ms(100 * i + 1);
      scene.finish();
      scene.at_ms(100 * i + 2);
      woken = &scene.add(2, read(kAway + 8 * i));
      scene.at_ms(100 * i + 20);
      scene.take();
      scene.finish();
    }
    EXPECT_EQ(woken->waker, shared ? nullptr : waker);
    waker->shared = false;
  }
}

}  // namespace
}  // namespace wbsim::block::bfq
