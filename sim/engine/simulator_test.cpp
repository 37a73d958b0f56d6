#include "sim/engine/simulator.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/test_time.hpp"

namespace wbsim::engine {
namespace {

using RunEnd = Simulator::RunEnd;
using Times = std::vector<std::int64_t>;

SimTime at_ns(std::int64_t n) { return at(nanoseconds(n)); }
// An event with a body, for tests.
class Timer {
 public:
  Timer(Simulator& sim, std::function<void()> body, const char* label = "timer")
      : sim_{sim}, body_{std::move(body)}, event_{event_calling<&Timer::on_fire>(*this, label)} {}
  ~Timer() { sim_.cancel(event_); }
  Event& event() { return event_; }

 private:
  void on_fire() { body_(); }

  Simulator& sim_;
  std::function<void()> body_;
  Event event_;
};

class SimulatorTest : public testing::Test {
 protected:
  std::function<void()> log() {
    return [this] { times_.push_back(ns(sim_.now())); };
  }

  Simulator sim_;
  Times times_;
};

TEST_F(SimulatorTest, RunsEventsAtTheirTimes) {
  Timer a{sim_, log()};
  Timer b{sim_, log()};
  sim_.schedule(a.event(), at_ns(20));
  sim_.schedule_after(b.event(), nanoseconds(10));
  EXPECT_EQ(sim_.run(kSimTimeMax), RunEnd::kDry);
  EXPECT_EQ(times_, (Times{10, 20}));
  EXPECT_EQ(ns(sim_.now()), 20) << "a dry run stays at its last event";
  EXPECT_EQ(sim_.events_run(), 2U);
}

TEST_F(SimulatorTest, RunIncludesItsLimit) {
  Timer before{sim_, log()};
  Timer at_limit{sim_, log()};
  Timer after{sim_, log()};
  sim_.schedule(before.event(), at_ns(99));
  sim_.schedule(at_limit.event(), at_ns(100));
  sim_.schedule(after.event(), at_ns(101));
  EXPECT_EQ(sim_.run(at_ns(100)), RunEnd::kLimit);
  EXPECT_EQ(times_, (Times{99, 100}));
  EXPECT_EQ(ns(sim_.now()), 100);
  EXPECT_EQ(sim_.run(at_ns(100)), RunEnd::kLimit) << "nothing left at this time";
  EXPECT_EQ(sim_.run(at_ns(200)), RunEnd::kDry);
  EXPECT_EQ(times_, (Times{99, 100, 101}));
}

TEST_F(SimulatorTest, EventsScheduledAtNowRunInThisRun) {
  Timer second{sim_, log()};
  Timer first{sim_, [&] { sim_.schedule(second.event(), sim_.now()); }};
  sim_.schedule(first.event(), at_ns(7));
  sim_.run(at_ns(7));
  EXPECT_EQ(times_, (Times{7}));
}

TEST_F(SimulatorTest, CancelledEventDoesNotRunAndCancellingIdleIsHarmless) {
  Timer timer{sim_, log()};
  sim_.cancel(timer.event());
  sim_.schedule(timer.event(), at_ns(5));
  sim_.cancel(timer.event());
  EXPECT_EQ(sim_.run(at_ns(10)), RunEnd::kDry);
  EXPECT_EQ(times_, Times{});
}

TEST_F(SimulatorTest, RescheduleTakesIdleAndPendingEvents) {
  Timer timer{sim_, log()};
  sim_.reschedule(timer.event(), at_ns(5));
  sim_.reschedule(timer.event(), at_ns(8));
  sim_.run(at_ns(10));
  EXPECT_EQ(times_, (Times{8}));
}

TEST_F(SimulatorTest, EventMayBeDestroyedByItsOwnHandler) {
  auto* timer = new Timer{sim_, [] {}};
  Timer killer{sim_, [&] { delete timer; }};
  sim_.schedule(timer->event(), at_ns(2));
  sim_.schedule(killer.event(), at_ns(1));
  EXPECT_EQ(sim_.run(at_ns(5)), RunEnd::kDry);
  EXPECT_EQ(sim_.events_run(), 1U);
}

TEST_F(SimulatorTest, StopEndsTheRunAfterTheCurrentEvent) {
  Timer stopper{sim_, [&] { sim_.stop(); }};
  Timer later{sim_, log()};
  sim_.schedule(stopper.event(), at_ns(5));
  sim_.schedule(later.event(), at_ns(5));
  EXPECT_EQ(sim_.run(at_ns(100)), RunEnd::kStopped);
  EXPECT_EQ(ns(sim_.now()), 5);
  EXPECT_EQ(times_, Times{});
  EXPECT_EQ(sim_.run(at_ns(100)), RunEnd::kDry) << "the request is spent";
  EXPECT_EQ(times_, (Times{5}));
}

TEST_F(SimulatorTest, StopBeforeRunEndsItAtOnce) {
  sim_.stop();
  EXPECT_EQ(sim_.run(at_ns(100)), RunEnd::kStopped);
  EXPECT_EQ(ns(sim_.now()), 0);
}

TEST_F(SimulatorTest, RunAheadStopsShortOfTheNextEvent) {
  Timer next{sim_, [] {}};
  std::vector<bool> allowed;
  Timer runner{sim_, [&] {
                 allowed.push_back(sim_.try_advance(at_ns(20)));  // an event is at 20
                 EXPECT_EQ(ns(sim_.now()), 10) << "a refusal changes nothing";
                 EXPECT_EQ(ns(sim_.horizon()), 20);
                 allowed.push_back(sim_.try_advance(at_ns(19)));
                 EXPECT_EQ(ns(sim_.now()), 19);
               }};
  sim_.schedule(runner.event(), at_ns(10));
  sim_.schedule(next.event(), at_ns(20));
  sim_.run(at_ns(100));
  EXPECT_EQ(allowed, (std::vector<bool>{false, true}));
}

TEST_F(SimulatorTest, RunAheadStopsShortOfTheLimitOfTheRun) {
  std::vector<bool> allowed;
  Timer runner{sim_, [&] {
                 EXPECT_EQ(ns(sim_.horizon()), 100);
                 allowed.push_back(sim_.try_advance(at_ns(100)));
                 allowed.push_back(sim_.try_advance(at_ns(99)));
               }};
  sim_.schedule(runner.event(), at_ns(10));
  sim_.run(at_ns(100));
  EXPECT_EQ(allowed, (std::vector<bool>{false, true}));
}

TEST_F(SimulatorTest, RunAheadSeesEventsScheduledInBetween) {
  Timer next{sim_, log()};
  Timer runner{sim_, [&] {
                 EXPECT_TRUE(sim_.try_advance(at_ns(50)));
                 sim_.schedule(next.event(), at_ns(60));
                 EXPECT_FALSE(sim_.try_advance(at_ns(60)));
                 EXPECT_TRUE(sim_.try_advance(at_ns(59)));
               }};
  sim_.schedule(runner.event(), at_ns(10));
  sim_.run(at_ns(100));
  EXPECT_EQ(times_, (Times{60}));
}

TEST_F(SimulatorTest, RunAheadIsRefusedWhenOffWhenStoppedAndOutsideRun) {
  EXPECT_FALSE(sim_.try_advance(at_ns(1)));
  EXPECT_EQ(ns(sim_.horizon()), 0);
  EXPECT_TRUE(sim_.run_ahead());
  Timer runner{sim_, [&] {
                 sim_.set_run_ahead(false);
                 EXPECT_FALSE(sim_.try_advance(at_ns(11)));
                 EXPECT_EQ(ns(sim_.horizon()), 10);
                 sim_.set_run_ahead(true);
                 EXPECT_TRUE(sim_.try_advance(at_ns(11)));
                 sim_.stop();
                 EXPECT_FALSE(sim_.try_advance(at_ns(12)));
                 EXPECT_EQ(ns(sim_.horizon()), 11);
               }};
  sim_.schedule(runner.event(), at_ns(10));
  sim_.run(at_ns(100));
}

Task<> nap(Simulator& sim, Times& times, SimDuration step, int count) {
  for (int i = 0; i < count; ++i) {
    co_await sim.sleep_for(step);
    times.push_back(ns(sim.now()));
  }
}

TEST_F(SimulatorTest, LoneSleeperNeedsOneEventWithRunAheadAndTheSameTimesWithout) {
  sim_.spawn("napper", nap(sim_, times_, nanoseconds(10), 100));
  sim_.run(at_ns(10'000));
  EXPECT_EQ(sim_.events_run(), 1U);

  Simulator slow;
  slow.set_run_ahead(false);
  Times slow_times;
  slow.spawn("napper", nap(slow, slow_times, nanoseconds(10), 100));
  slow.run(at_ns(10'000));
  EXPECT_EQ(slow.events_run(), 101U);
  EXPECT_EQ(times_, slow_times);
}

TEST_F(SimulatorTest, SleepersInterleaveAlikeWithAndWithoutRunAhead) {
  Times orders[2];
  for (const bool run_ahead : {false, true}) {
    Simulator sim;
    sim.set_run_ahead(run_ahead);
    Times& order = orders[run_ahead ? 1 : 0];
    sim.spawn("a", nap(sim, order, nanoseconds(6), 50));
    sim.spawn("b", nap(sim, order, nanoseconds(10), 30));
    sim.spawn("c", nap(sim, order, nanoseconds(15), 20));
    sim.run(at_ns(200));
    order.push_back(-1);
    sim.run(at_ns(1'000));
  }
  EXPECT_EQ(orders[0], orders[1]);
}

Task<> spin(Simulator& sim) {
  for (;;) {
    co_await sim.sleep_for(nanoseconds(0));
  }
}

void expect_livelock(Simulator& sim, const std::string& text) {
  try {
    sim.run(at(seconds(10)));
    FAIL() << "run() returned";
  } catch (const LivelockError& error) {
    EXPECT_EQ(error.what(), text);
  }
}

TEST_F(SimulatorTest, WatchdogNamesTheMostFrequentEvent) {
  sim_.set_watchdog(3'000);
  Timer quiet{sim_, [&] { sim_.schedule(quiet.event(), sim_.now()); }, "quiet"};
  Timer busy{sim_, [&] { sim_.schedule(busy.event(), sim_.now()); }, "busy"};
  Timer busy_too{sim_, [&] { sim_.schedule(busy_too.event(), sim_.now()); }, "busy"};
  for (Timer* timer : {&quiet, &busy, &busy_too}) {
    sim_.schedule(timer->event(), at(milliseconds(1500)));
  }
  expect_livelock(sim_,
                  "livelock at 1.500000000 s: more than 3000 events without time advancing; most "
                  "often \"busy\" (683 of the last 1024)");
}

TEST_F(SimulatorTest, WatchdogNamesAProcessThatSleepsForNoTime) {
  for (const bool run_ahead : {false, true}) {
    Simulator sim;
    sim.set_run_ahead(run_ahead);
    sim.set_watchdog(10);
    sim.spawn("spinner", spin(sim));
    expect_livelock(sim,
                    "livelock at 0.000000000 s: more than 10 events without time advancing; most "
                    "often \"spinner\" (10 of the last 10)");
  }
}

TEST_F(SimulatorTest, LongProcessNamesAreCut) {
  sim_.set_watchdog(1);
  sim_.spawn("a process name of thirty-two chars", spin(sim_));
  expect_livelock(sim_,
                  "livelock at 0.000000000 s: more than 1 events without time advancing; most "
                  "often \"a process name of thirty-two ch\" (1 of the last 1)");
}

TEST_F(SimulatorTest, WatchdogToleratesExactlyItsLimit) {
  sim_.set_watchdog(100);
  int left = 100;
  Timer timer{sim_, [&] {
                if (--left > 0) {
                  sim_.schedule(timer.event(), sim_.now());
                }
              }};
  sim_.schedule(timer.event(), at_ns(1));
  EXPECT_EQ(sim_.run(at_ns(10)), RunEnd::kDry);
}

TEST_F(SimulatorTest, SimulatorCanRunOnAfterALivelock) {
  sim_.set_watchdog(10);
  sim_.spawn("spinner", spin(sim_));
  EXPECT_THROW(sim_.run(at_ns(10)), LivelockError);
  sim_.destroy_processes();
  EXPECT_EQ(sim_.run(at_ns(10)), RunEnd::kDry);
}

using SimulatorDeathTest = SimulatorTest;

TEST_F(SimulatorDeathTest, RefusesThePast) {
  Timer timer{sim_, [&] { sim_.try_advance(at_ns(5)); }};
  Timer late{sim_, [] {}};
  Timer checker{sim_, [&] { sim_.schedule(late.event(), at_ns(4)); }};
  sim_.schedule(timer.event(), at_ns(1));
  sim_.schedule(checker.event(), at_ns(6));
  EXPECT_DEATH(sim_.run(at_ns(10)), "check failed: time >= now_");
}

}  // namespace
}  // namespace wbsim::engine
