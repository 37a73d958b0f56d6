// Several request queues that take their driver's tags from one host.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kTags = 8;

RigOptions on_host(TagHost& host, const char* elevator = nullptr) {
  RigOptions options;
  options.cpus = 2;
  options.queue.tag_host = &host;
  options.queue.queue_depth = kTags;
  options.queue.nr_requests = elevator == nullptr ? kTags : 2 * kTags;
  options.queue.elevator = elevator == nullptr ? nullptr : find_elevator(elevator);
  options.device.depth = kTags;
  options.device.service = milliseconds(1);
  return options;
}

// Two disks of a host.
struct SharedRig {
  explicit SharedRig(const char* elevator = nullptr)
      : rig{on_host(host, elevator)},
        other_device{rig.sim, on_host(host).device},
        other{rig.machine, rig.tracer, rig.kblockd, other_device, on_host(host, elevator).queue} {}
  ~SharedRig() { rig.sim.destroy_processes(); }

  // The most commands that the first disk has had at once while the other one had some.
  [[nodiscard]] int most_beside_the_other(SimDuration from, SimDuration until) {
    int most = 0;
    for (SimDuration time = from; time < until; time += microseconds(500)) {
      rig.sim.run(at(time));
      if (other_device.in_device() > 0) {
        most = std::max(most, rig.device.in_device());
      }
    }
    return most;
  }
  [[nodiscard]] bool drained() const {
    return rig.drained() && other.in_flight() == 0 && host.of(0).tags().in_use() == 0;
  }

  mutable TagHost host{{.depth = kTags, .tags = {.cpus = 2}}};
  QueueRig rig;
  models::TestDevice other_device;
  RequestQueue other;
};

IoScript writes(int count, std::int64_t first = 0) {
  IoScript script{compute(microseconds(1))};
  for (int i = 0; i < count; ++i) {
    script.push_back(write(first + 100 * i));
  }
  return script;
}

TEST(SharedTags, OneDiskAloneMayHaveThemAll) {
  SharedRig shared;
  shared.rig.task(writes(20));
  shared.rig.sim.run(at(microseconds(500)));
  EXPECT_EQ(shared.rig.device.in_device(), kTags);
  shared.rig.run();
  EXPECT_TRUE(shared.drained());
}

TEST(SharedTags, TwoBusyDisksHaveHalfEach) {
  for (const char* elevator : {static_cast<const char*>(nullptr), "mq-deadline"}) {
    SharedRig shared{elevator};
    shared.rig.task(writes(60));
    shared.rig.task(writes(60), &shared.other);
    EXPECT_EQ(shared.most_beside_the_other(milliseconds(3), milliseconds(10)), kTags / 2);
    shared.rig.run();
    EXPECT_TRUE(shared.drained());
  }
}

// The other disk wrote once. The timer that finds that nothing is left to do comes about six
// seconds later.
TEST(SharedTags, ADiskThatHasBeenIdleForSomeSecondsHasNoShareAnyMore) {
  SharedRig shared;
  shared.rig.task(writes(1), &shared.other);
  shared.rig.task(IoScript{sleep_until(seconds(1))} + writes(20) +
                  IoScript{sleep_until(seconds(9))} + writes(20, 100'000));
  shared.rig.sim.run(at(seconds(1) + microseconds(500)));
  EXPECT_EQ(shared.rig.device.in_device(), kTags / 2);
  EXPECT_EQ(shared.host.of(0).active_users(), 2);
  shared.rig.sim.run(at(seconds(8)));
  EXPECT_EQ(shared.host.of(0).active_users(), 0);
  shared.rig.sim.run(at(seconds(9) + microseconds(500)));
  EXPECT_EQ(shared.rig.device.in_device(), kTags);
  shared.rig.run();
  EXPECT_TRUE(shared.drained());
}

TEST(SharedTags, ADiskWithCommandsStaysActiveHoweverLongTheyTake) {
  SharedRig shared;
  shared.other_device.add_fault({.times = 1, .delay = seconds(20)});
  shared.rig.task(writes(1), &shared.other);
  shared.rig.sim.run(at(seconds(15)));
  EXPECT_EQ(shared.host.of(0).active_users(), 1);
  shared.rig.sim.run(at(seconds(60)));
  EXPECT_EQ(shared.host.of(0).active_users(), 0);
}

// It has no command of its own whose completion could run it again.
TEST(SharedTags, ADiskWithoutATagIsToldWhenAnotherFreesOne) {
  SharedRig shared{"mq-deadline"};
  shared.rig.task(writes(kTags));
  shared.rig.task(IoScript{sleep_until(microseconds(500))} + writes(1, 100'000), &shared.other);
  shared.rig.sim.run(at(microseconds(900)));
  EXPECT_EQ(shared.rig.device.in_device(), kTags);
  EXPECT_EQ(shared.other_device.in_device(), 0);
  shared.rig.run();
  ASSERT_EQ(shared.other_device.accepted().size(), 1U);
  EXPECT_EQ(shared.other_device.accepted()[0].submitted, at(microseconds(1001)));
  EXPECT_TRUE(shared.drained());
}

TEST(SharedTags, FlushesBorrowTheTagOfARequest) {
  TagHost host{{.depth = kTags, .tags = {.cpus = 2}}};
  RigOptions options = on_host(host);
  options.queue.limits.write_cache = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  models::TestDevice device{rig.sim, options.device};
  RequestQueue other{rig.machine, rig.tracer, rig.kblockd, device, options.queue};
  rig.task({flush(), preflush(0), write(100), flush()});
  rig.task({flush(), preflush(0)}, &other);
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_EQ(host.of(0).tags().in_use(), 0);
  rig.sim.destroy_processes();
}

}  // namespace
}  // namespace wbsim::block
