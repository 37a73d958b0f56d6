// Whatever is submitted and whenever tasks pause: no sleeper is forgotten, no place is lost, and
// the limit is kept.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

std::int64_t drawn(Rng& rng, std::uint64_t n) { return static_cast<std::int64_t>(rng.uniform(n)); }

IoStep random_io(Rng& rng) {
  const std::int64_t sector = 8 * drawn(rng, 1000);
  switch (rng.uniform(8)) {
    case 0:
      return read(sector);
    case 1:
      return preflush(sector);
    case 2:
      return flush();
    default:
      break;
  }
  IoStep step = write(sector);
  step.flags.sync = rng.bernoulli(1, 3);
  step.flags.idle = step.flags.sync && rng.bernoulli(1, 4);
  step.flags.background = !step.flags.sync && rng.bernoulli(1, 2);
  return step;
}

// Bursts, some of them plugged, with pauses of up to 300 ms, so that steps go up and down.
IoScript random_load(Rng& rng) {
  IoScript script;
  SimDuration time{};
  for (int burst = 0; burst < 12; ++burst) {
    const bool plugged = rng.bernoulli(1, 2);
    if (plugged) {
      script.push_back(plug());
    }
    for (std::int64_t left = drawn(rng, 60); left > 0; --left) {
      script.push_back(random_io(rng));
    }
    if (plugged) {
      script.push_back(unplug());
    }
    time += milliseconds(drawn(rng, 300));
    script.push_back(sleep_until(time));
  }
  return script;
}

// Looks at the queue every 7 ms; now and then a task has paused in balance_dirty_pages().
class Watcher {
 public:
  Watcher(QueueRig& rig, std::uint64_t& dirty_sleep, Rng& rng)
      : rig_{rig}, dirty_sleep_{dirty_sleep}, rng_{rng} {
    rig_.sim.schedule(clock_, at(milliseconds(7)));
  }
  ~Watcher() { rig_.sim.cancel(clock_); }
  [[nodiscard]] bool saw_sleepers() const { return saw_sleepers_; }

 private:
  void look() {
    const Wbt& wbt = *rig_.queue.wbt();
    ASSERT_GE(wbt.inflight(), 0);
    ASSERT_LE(wbt.inflight(), 48);  // three quarters of the queue depth: the highest limit
    ASSERT_TRUE(wbt.inflight() > 0 || !wbt.has_sleepers()) << "nobody will wake the sleepers";
    saw_sleepers_ |= wbt.has_sleepers();
    if (rng_.bernoulli(1, 200)) {
      dirty_sleep_ = rig_.machine.jiffies_now();
    }
    if (rig_.sim.now() < at(seconds(20))) {
      rig_.sim.schedule(clock_, rig_.sim.now() + milliseconds(7));
    }
  }

  QueueRig& rig_;
  std::uint64_t& dirty_sleep_;
  Rng& rng_;
  bool saw_sleepers_ = false;
  engine::Event clock_{engine::event_calling<&Watcher::look>(*this)};
};

TEST(WbtProperty, NoSleeperIsForgottenWhateverIsSubmitted) {
  int throttled = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng = Rng::stream(seed, "wbt");
    std::uint64_t dirty_sleep = static_cast<std::uint64_t>(-250);
    RigOptions options;
    options.queue.wbt = WbtOptions{.min_lat = microseconds(1 + drawn(rng, 30'000)),
                                   .queue_depth = 1 + static_cast<int>(rng.uniform(64)),
                                   .write_cache = rng.bernoulli(1, 2),
                                   .dirty_sleep = &dirty_sleep};
    options.queue.limits.write_cache = options.queue.wbt->write_cache;
    options.queue.elevator = rng.bernoulli(1, 2) ? find_elevator("mq-deadline") : nullptr;
    options.device.volatile_cache = options.queue.limits.write_cache;
    options.device.service = microseconds(100 + drawn(rng, 40'000));
    options.cpus = 1 + static_cast<int>(rng.uniform(2));
    QueueRig rig{options};
    Watcher watcher{rig, dirty_sleep, rng};
    for (std::uint64_t tasks = 1 + rng.uniform(5); tasks > 0; --tasks) {
      rig.task(random_load(rng));
    }
    rig.run(seconds(1000));
    ASSERT_TRUE(rig.drained());
    ASSERT_EQ(rig.queue.wbt()->inflight(), 0);
    ASSERT_FALSE(rig.queue.wbt()->has_sleepers());
    // A device of depth 2 never comes back from a step up (RqDepthTest).
    ASSERT_TRUE(rig.queue.wbt()->depth().step() == 0 || options.queue.wbt->queue_depth == 2)
        << "the windows have ended too early";
    ASSERT_FALSE(HasFailure());
    throttled += watcher.saw_sleepers() ? 1 : 0;
  }
  EXPECT_GT(throttled, 50);
}

}  // namespace
}  // namespace wbsim::block
