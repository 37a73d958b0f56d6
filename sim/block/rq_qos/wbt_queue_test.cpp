// Throttling where it stands: in a queue, behind merging and before the allocation of requests.
#include <gtest/gtest.h>

#include "sim/block/rq_qos/wbt_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr IoStep kDirectWrite{.flags = {.write = true, .sync = true, .idle = true}, .sectors = 8};

// Two writes at once, as on a device of depth 1.
RigOptions two_writes() {
  RigOptions options;
  options.queue.wbt = WbtOptions{.min_lat = milliseconds(2), .queue_depth = 1};
  return options;
}

IoScript writes_apart(int count) {
  IoScript script;
  for (int i = 0; i < count; ++i) {
    script.push_back(write(100 * i));
  }
  return script;
}

TEST(WbtQueue, WritesWaitForThoseInFlight) {
  QueueRig rig{two_writes()};
  rig.task(writes_apart(6));
  rig.run();
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(rig.issued_us(i), static_cast<std::int64_t>(i) / 2 * 100) << i;
  }
  EXPECT_TRUE(rig.drained());
}

TEST(WbtQueue, WithoutItWritesWaitForNothing) {
  QueueRig rig;
  rig.task(writes_apart(6));
  rig.run();
  EXPECT_EQ(rig.issued_us(5), 0);
  EXPECT_EQ(rig.queue.wbt(), nullptr);
}

TEST(WbtQueue, ReadsAndDirectWritesDoNotWait) {
  QueueRig rig{two_writes()};
  rig.task(writes_apart(2) + IoScript{read(1000), kDirectWrite, read(2000)});
  rig.run();
  EXPECT_EQ(rig.issued_us(4), 0);
}

TEST(WbtQueue, AWriteThatMergesDoesNotWait) {
  QueueRig rig{two_writes()};
  rig.task({plug(), write(0), write(100), write(8), write(108), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+16", "W 100+16"}));
  EXPECT_EQ(rig.issued_us(1), 0);
  EXPECT_EQ(rig.log.lines("unplug by sleep"), Lines{});
}

TEST(WbtQueue, WhoWaitsIssuesItsPlugAndHasNoRequestYet) {
  QueueRig rig{two_writes()};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug by sleep"), (Lines{"0 task0 unplug by sleep 2"}));
  EXPECT_EQ(rig.log.lines("getrq"),
            (Lines{"0 task0 getrq 0+8", "0 task0 getrq 100+8", "100 task0 getrq 200+8"}));
}

TEST(WbtQueue, RequestsThatMergeGiveTheirPlaceBack) {
  RigOptions options = two_writes();
  options.queue.elevator = find_elevator("mq-deadline");
  QueueRig rig{options};
  rig.task({plug(), write(0), write(16), write(8), unplug(), write(200)});
  rig.run();
  EXPECT_EQ(rig.issued().at(0), "W 0+24");
  EXPECT_EQ(rig.issued_us(1), 0);  // the second place is free again
  EXPECT_EQ(rig.queue.wbt()->inflight(), 0);
}

TEST(WbtQueue, LatencyIsFromIssueToCompletion) {
  RigOptions options = two_writes();
  options.queue.elevator = find_elevator("mq-deadline");
  options.queue.driver_tags = 1;  // the second waits in the elevator
  options.device.service = microseconds(700);
  QueueRig rig{options};
  WbtLog log;
  rig.tracer.attach(log);
  rig.task(writes_apart(4) + IoScript{read(1000)});
  rig.run();
  const engine::WbtWindow& window = log.windows.at(0);
  EXPECT_EQ(window.writes.count, 4);
  EXPECT_EQ(window.writes.min, microseconds(700));
  EXPECT_EQ(window.writes.max, microseconds(700));
  EXPECT_EQ(window.reads.count, 1);
  EXPECT_EQ(window.reads.mean, microseconds(700));
}

// Runs one bio on a device with a volatile cache. How often it was measured as a write.
std::int64_t measured(const IoStep& step) {
  RigOptions options = two_writes();
  options.queue.limits.write_cache = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  WbtLog log;
  rig.tracer.attach(log);
  rig.task({step});
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_EQ(rig.queue.wbt()->inflight(), 0);
  return log.windows.at(0).writes.count;
}

TEST(WbtQueue, DataOfAFlushSequenceIsMeasuredAtItsEndAndAtThatOfTheSequence) {
  EXPECT_EQ(measured(write(0)), 1);
  EXPECT_EQ(measured(preflush(0)), 2);
}

TEST(WbtQueue, AnEmptyFlushIsThrottledButNotMeasured) { EXPECT_EQ(measured(flush()), 0); }

TEST(WbtQueue, DataOfAFlushSequenceGivesItsPlaceBackBeforeTheLastFlush) {
  RigOptions options = two_writes();
  options.queue.limits.write_cache = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  rig.task({fua(0), fua(50), write(200)});  // data and then a flush, of 100 us each
  rig.run();
  EXPECT_EQ(rig.log.lines("issue W 200"), (Lines{"100 task0 issue W 200+8"}));
}

TEST(WbtQueue, EndsWithAWindowRunning) {
  QueueRig rig{two_writes()};
  rig.task(writes_apart(3));
  rig.run(microseconds(150));
  EXPECT_EQ(rig.queue.wbt()->inflight(), 1);
}

}  // namespace
}  // namespace wbsim::block
