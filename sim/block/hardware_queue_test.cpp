// A hardware queue by itself: where it is run, its software queues, its tags.
#include "sim/block/hardware_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using Cpus = std::vector<int>;

// A hardware queue of somebody who only notes where it was run.
class RunLog final : public HardwareQueueHost, public FlushHost {
 public:
  [[nodiscard]] SimDuration kblockd_hop() const override { return {}; }
  engine::Task<> run_from_kblockd(TaskIo& io, HardwareQueue& /*hctx*/) override {
    ran.push_back(io.thread().cpu_index());
    return {};
  }
  void on_tags_freed(HardwareQueue& /*hctx*/, int cpu) override { told.push_back(cpu); }
  void queue_flush_data(Request& /*request*/, int /*cpu*/) override {}
  void queue_flush(Request& /*flush_request*/, int /*cpu*/) override {}
  void leave_device(Request& /*request*/) override {}
  void end_flushed(Request& /*request*/) override {}

  Cpus ran;
  Cpus told;
};

class HardwareQueueTest : public ::testing::Test {
 protected:
  HardwareQueue& make(int hw_queues, Cpus cpus, bool elevator = true) {
    HardwareQueueHost& host = log;
    FlushHost& flush_host = log;
    hctx = std::make_unique<HardwareQueue>(
        rig.queue, host, flush_host, rig.machine, rig.kblockd,
        HardwareQueueOptions{.hw_queues = hw_queues,
                             .cpus = std::move(cpus),
                             .requests = 4,
                             .allocation_tags = elevator ? elevator_tags : tags.of(0).tags(),
                             .driver_tags = tags.of(0),
                             .elevator = elevator,
                             .share = share,
                             .host = tags});
    return *hctx;
  }
  void run_async(int times, int cpu) {
    for (int i = 0; i < times; ++i) {
      hctx->run_async(cpu);
      rig.sim.run(rig.sim.now());
    }
  }

  QueueRig rig{RigOptions{.cpus = 4}};
  TagHost tags{{.depth = 2}};
  TagSet elevator_tags{4, {.cpus = 4}};
  TagShare share;
  RunLog log;
  std::unique_ptr<HardwareQueue> hctx;
};

TEST_F(HardwareQueueTest, TheOnlyOneIsRunWhereItIsAskedFor) {
  make(1, {0, 1, 2, 3});
  rig.sim.run(at(SimDuration{}));
  run_async(2, 3);
  run_async(1, 1);
  EXPECT_EQ(log.ran, (Cpus{3, 3, 1}));
}

TEST_F(HardwareQueueTest, OneOfSeveralIsRunOnItsCpusInTurnEightTimesOnEach) {
  make(2, {1, 3});
  rig.sim.run(at(SimDuration{}));
  run_async(24, 0);
  Cpus expected(7, 1);  // the count begins at eight
  expected.insert(expected.end(), 8, 3);
  expected.insert(expected.end(), 8, 1);
  expected.insert(expected.end(), 1, 3);
  EXPECT_EQ(log.ran, expected);
}

TEST_F(HardwareQueueTest, ADelayReplacesARunAndARunADelay) {
  make(1, {0, 1, 2, 3});
  rig.sim.run(at(SimDuration{}));
  hctx->run_async(0);
  hctx->run_delayed(0);
  rig.sim.run(rig.sim.now());
  EXPECT_EQ(log.ran, Cpus{});
  EXPECT_TRUE(hctx->delay_pending());
  hctx->run_async(0);
  EXPECT_FALSE(hctx->delay_pending());
  rig.sim.run(at(seconds(1)));
  EXPECT_EQ(log.ran, Cpus{0});
}

TEST_F(HardwareQueueTest, ADelayedRunIsOnOneOfItsCpus) {
  make(2, {1, 3});
  hctx->run_delayed(0);
  rig.sim.run(at(seconds(1)));
  EXPECT_EQ(log.ran, Cpus{1});
}

TEST_F(HardwareQueueTest, BusyGrowsToNineAndFallsFaster) {
  make(1, {0});
  std::vector<int> seen;
  for (int i = 0; i < 12; ++i) {
    hctx->update_dispatch_busy(true);
    seen.push_back(hctx->dispatch_busy());
  }
  EXPECT_EQ(seen, (std::vector<int>{2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9}));
}

// The tags of the driver are taken at dispatch, and of tags that nobody shares those who lack one
// ask for a restart.
TEST_F(HardwareQueueTest, WithoutATagOfItsOwnItAsksForARestart) {
  make(1, {0});
  tags.add_queue();
  hctx->wait_for_driver_tag();
  EXPECT_TRUE(hctx->needs_restart());
  EXPECT_FALSE(hctx->waiting());
}

TEST_F(HardwareQueueTest, WithoutATagThatOthersShareItIsToldOfFreedOnes) {
  make(1, {0});
  tags.add_queue();
  tags.add_queue();
  Request* first = hctx->allocate(0, Sbitmap::kWholeWord);
  Request* second = hctx->allocate(0, Sbitmap::kWholeWord);
  Request* third = hctx->allocate(0, Sbitmap::kWholeWord);
  ASSERT_TRUE(hctx->get_driver_tag(*first));
  ASSERT_TRUE(hctx->get_driver_tag(*second));
  ASSERT_FALSE(hctx->get_driver_tag(*third));
  hctx->wait_for_driver_tag();
  hctx->wait_for_driver_tag();  // once is enough
  EXPECT_FALSE(hctx->needs_restart());
  EXPECT_TRUE(hctx->waiting());
  EXPECT_EQ(share.requests, 2);
  hctx->put_driver_tag(*first);
  EXPECT_EQ(log.told, Cpus{0});
  EXPECT_FALSE(hctx->waiting());
  EXPECT_EQ(share.requests, 1);
}

TEST_F(HardwareQueueTest, ARequestCountsOnceHoweverOftenItsTagIsAskedFor) {
  make(1, {0});
  tags.add_queue();
  tags.add_queue();
  Request* request = hctx->allocate(0, Sbitmap::kWholeWord);
  ASSERT_TRUE(hctx->get_driver_tag(*request));
  ASSERT_TRUE(hctx->get_driver_tag(*request));
  EXPECT_EQ(share.requests, 1);
}

// A flush without an elevator has the tag of the request that wants it, which counts already.
TEST_F(HardwareQueueTest, ABorrowedTagDoesNotCount) {
  make(1, {0}, false);
  tags.add_queue();
  tags.add_queue();
  Request* request = hctx->allocate(0, Sbitmap::kWholeWord);
  Request flush{rig.queue, kNoTag};
  flush.flags.flush = true;
  flush.tag = request->tag;
  ASSERT_TRUE(hctx->get_driver_tag(flush));
  EXPECT_EQ(share.requests, 0);
  ASSERT_TRUE(hctx->get_driver_tag(*request));
  EXPECT_EQ(share.requests, 1);
  hctx->free(*request);
  EXPECT_EQ(share.requests, 0);
}

class SoftwareQueuesTest : public ::testing::Test {
 protected:
  Request& add(int cpu) {
    requests_.push_back(std::make_unique<Request>(rig_.queue, static_cast<int>(requests_.size())));
    requests_.back()->cpu = cpu;
    queues.push_back(*requests_.back());
    return *requests_.back();
  }
  SoftwareQueues queues{{1, 3, 5}, 6};

 private:
  QueueRig rig_;
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(SoftwareQueuesTest, AreEmptiedCpuByCpu) {
  for (const int cpu : {5, 1, 3, 1, 5}) {
    add(cpu);
  }
  RequestChain taken;
  queues.take_all(taken);
  EXPECT_TRUE(queues.empty());
  Cpus order;
  while (!taken.empty()) {
    order.push_back(taken.front().number * 10 + taken.front().cpu);
    taken.pop_front();
  }
  EXPECT_EQ(order, (Cpus{11, 31, 23, 5, 45}));  // number and CPU
}

TEST_F(SoftwareQueuesTest, GiveSinglyInTurnBehindWhoWasServedLast) {
  for (const int cpu : {1, 1, 1, 5, 5}) {
    add(cpu);
  }
  Cpus order;
  order.push_back(queues.take_next().cpu);
  order.push_back(queues.take_next().cpu);
  order.push_back(queues.take_next().cpu);
  add(3);
  while (!queues.empty()) {
    order.push_back(queues.take_next().cpu);
  }
  EXPECT_EQ(order, (Cpus{1, 5, 1, 3, 5, 1}));
}

}  // namespace
}  // namespace wbsim::block
