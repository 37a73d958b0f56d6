#include "sim/block/request_pool.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kRequests = 128;
constexpr engine::RwbsFlags kRead{};
constexpr engine::RwbsFlags kWrite{.write = true};
constexpr engine::RwbsFlags kSyncWrite{.write = true, .sync = true};

class PoolTest : public ::testing::Test {
 protected:
  // Takes as many as it is given, at most `most`, and returns how many.
  int take(IoContext& context, int most, RequestClass which = kWriteOrAsync,
           MayQueue may_queue = MayQueue::kMay) {
    int got = 0;
    for (; got < most; ++got) {
      Request* request = pool.get(which, context, may_queue);
      if (request == nullptr) {
        break;
      }
      taken.push_back(request);
    }
    return got;
  }
  void put(int count) {
    for (int i = 0; i < count; ++i) {
      pool.put(*taken.back());
      taken.pop_back();
    }
  }
  void sleep(SimDuration time) {
    rig.task({sleep_until(time)});
    rig.run(time);
  }

  QueueRig rig;
  RequestPool pool{rig.queue, rig.machine, kRequests, RequestClasses::kBySync};
  IoContext first{1};
  IoContext second{2};
  std::vector<Request*> taken;
};

TEST_F(PoolTest, IsCongestedFromThe113thRequestUntilFewerThan103AreLeft) {
  take(first, 112);
  EXPECT_FALSE(pool.congested(kWriteOrAsync));
  take(first, 1);
  EXPECT_TRUE(pool.congested(kWriteOrAsync));
  EXPECT_FALSE(pool.congested(kReadOrSync));
  put(113 - 103);
  EXPECT_TRUE(pool.congested(kWriteOrAsync));
  put(1);
  EXPECT_FALSE(pool.congested(kWriteOrAsync));
}

TEST_F(PoolTest, IsFullWithTheLastRequestOfAClass) {
  take(first, 127);
  EXPECT_FALSE(pool.full(kWriteOrAsync));
  take(first, 1);
  EXPECT_TRUE(pool.full(kWriteOrAsync));
  EXPECT_EQ(take(second, 1), 0);
  EXPECT_EQ(take(second, 1, kReadOrSync), 1);
}

TEST_F(PoolTest, WhoFillsItMayGoOnForABatchOf32) { EXPECT_EQ(take(first, 1000), 127 + 32); }

TEST_F(PoolTest, ABatchEndsAfter20Milliseconds) {
  take(first, 128);
  sleep(milliseconds(19));
  EXPECT_EQ(take(first, 1), 1);
  sleep(milliseconds(20));
  EXPECT_EQ(take(first, 1), 0);
}

TEST_F(PoolTest, ABatchThatHasNotBegunGrantsOneRequestHoweverLate) {
  take(second, 128);
  first.batch_requests = 32;
  sleep(seconds(1));
  EXPECT_EQ(take(first, 5), 1);
}

TEST_F(PoolTest, BatchersGetHalfAsManyAgainAtMost) {
  take(first, 1000);
  second.batch_requests = 1000;
  second.last_waited = rig.machine.jiffies_now();
  take(second, 1000);
  EXPECT_EQ(pool.count(kWriteOrAsync), 192);
}

TEST_F(PoolTest, AFreedRequestBelowTheLimitMakesRoom) {
  take(first, 159);
  put(159 - 128);
  EXPECT_TRUE(pool.full(kWriteOrAsync));
  put(1);
  EXPECT_FALSE(pool.full(kWriteOrAsync));
  EXPECT_EQ(take(second, 1), 1);
}

TEST_F(PoolTest, TheElevatorMayInsistOrRefuse) {
  take(first, 159);
  EXPECT_EQ(take(second, 1, kWriteOrAsync, MayQueue::kMust), 1);
  EXPECT_EQ(take(second, 1, kReadOrSync, MayQueue::kNo), 0);
}

TEST_F(PoolTest, ABatchCountsAllRequestsIn3_6AndThoseNearTheLimitIn2_6_18) {
  RequestPool old{rig.queue, rig.machine, kRequests, RequestClasses::kByDirection};
  for (RequestPool* tried : {&pool, &old}) {
    IoContext context{3};
    context.batch_requests = 32;
    context.last_waited = rig.machine.jiffies_now();
    EXPECT_NE(tried->get(kReadOrSync, context, MayQueue::kMay), nullptr);
    EXPECT_EQ(context.batch_requests, tried == &old ? 32 : 31);
  }
}

TEST_F(PoolTest, ClassesGoByDirectionIn2_6_18AndBySyncIn3_6) {
  const RequestPool old{rig.queue, rig.machine, kRequests, RequestClasses::kByDirection};
  EXPECT_EQ(old.class_of(kRead), kReadOrSync);
  EXPECT_EQ(old.class_of(kSyncWrite), kWriteOrAsync);
  EXPECT_EQ(pool.class_of(kRead), kReadOrSync);
  EXPECT_EQ(pool.class_of(kSyncWrite), kReadOrSync);
  EXPECT_EQ(pool.class_of(kWrite), kWriteOrAsync);
}

// A queue of four requests of each class before a device that serves one command after the other.
SingleRigOptions small(SingleRigOptions options) {
  options.queue.nr_requests = 4;
  options.device.depth = 1;
  return options;
}

// A task that waits for less congestion, for ten jiffies at most.
engine::Task<> wait_for_congestion(engine::Thread& thread, Congestion& congestion, bool& woken) {
  co_await thread.begin();
  const SimTime start = thread.now();
  co_await congestion.wait(thread, kWriteOrAsync, 10);
  woken = thread.now() - start < milliseconds(20);
  co_await thread.exit();
}

TEST(CongestionTest, ARequestThatIsFreedBelowTheSecondNumberWakesWhoWaits) {
  for (const int left : {103, 102}) {
    QueueRig rig;
    Congestion congestion;
    RequestPool pool{rig.queue, rig.machine, kRequests, RequestClasses::kBySync, &congestion};
    IoContext context{1};
    std::vector<Request*> taken;
    while (taken.size() < static_cast<std::size_t>(left) + 1) {
      taken.push_back(pool.get(kWriteOrAsync, context, MayQueue::kMay));
    }
    engine::Thread thread{rig.machine, "waits", 7};
    bool woken = false;
    rig.sim.spawn("waits", wait_for_congestion(thread, congestion, woken));
    rig.run(milliseconds(1));
    pool.put(*taken.back());
    rig.run(milliseconds(100));
    EXPECT_EQ(woken, left < 103) << "though it never was congested";
  }
}

TEST(RequestWait, OneOfTwoSleepersWakesForARequestAndTakesABatch) {
  SingleRig rig{small(of_3_6())};
  rig.task(scattered_writes(6));  // fills the pool; one and a half times is the end
  rig.task(scattered_writes(2, 10000));
  rig.task(scattered_writes(2, 20000));
  rig.run();
  EXPECT_EQ(rig.log.lines("getrq"),
            (Lines{"0 task0 getrq 0+8", "0 task0 getrq 100+8", "0 task0 getrq 200+8",
                   "0 task0 getrq 300+8", "0 task0 getrq 400+8", "0 task0 getrq 500+8",
                   "300 task1 getrq 10000+8", "300 task1 getrq 10100+8", "500 task2 getrq 20000+8",
                   "500 task2 getrq 20100+8"}));
}

TEST(RequestWait, ASynchronousWriteDoesNotWaitForAsynchronousOnesIn3_6) {
  for (const bool old : {false, true}) {
    SingleRig rig{small(old ? of_2_6_18() : of_3_6())};
    rig.task(scattered_writes(6));
    rig.task({sync_write(10000)});
    rig.task({read(20000)});
    rig.run();
    EXPECT_EQ(rig.log.lines("task1 getrq").front() == "0 task1 getrq 10000+8", !old);
    EXPECT_EQ(rig.log.lines("task2 getrq").front(), "0 task2 getrq 20000+8") << "a read never does";
  }
}

TEST(RequestWait, ASleeperTakesThePlugOf2_6_18Away) {
  SingleRigOptions options = small(of_2_6_18());
  options.queue.nr_requests = 2;  // fewer than unplug on their own
  SingleRig rig{options};
  rig.task(scattered_writes(3));
  rig.task({write(10000)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 0);
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
