#include "sim/engine/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/engine/simulator.hpp"
#include "sim/engine/test_time.hpp"

namespace wbsim::engine {
namespace {

using Log = std::vector<std::string>;

Task<int> twice(int x) { co_return 2 * x; }

Task<int> twice_slowly(Simulator& sim, int x) {
  co_await sim.sleep_for(nanoseconds(5));
  co_return 2 * x;
}

Task<std::unique_ptr<int>> boxed(int x) { co_return std::make_unique<int>(x); }

Task<> add_all(Simulator& sim, int& sum) {
  sum += co_await twice(1);
  sum += co_await twice_slowly(sim, 10);
  sum += *co_await boxed(100);
}

TEST(TaskTest, ReturnsValuesOfChildrenThatSleepAndThatDoNot) {
  Simulator sim;
  int sum = 0;
  sim.spawn("adder", add_all(sim, sum));
  EXPECT_EQ(sum, 0) << "a process starts by an event, not inside spawn()";
  EXPECT_EQ(sim.run(at(seconds(1))), Simulator::RunEnd::kDry);
  EXPECT_EQ(sum, 122);
  EXPECT_EQ(sim.processes(), 0U);
}

Task<> call_in_place(std::uint64_t& events_before, std::uint64_t& events_after, Simulator& sim) {
  events_before = sim.events_run();
  for (int i = 0; i < 1000; ++i) {
    co_await twice(i);
  }
  events_after = sim.events_run();
}

TEST(TaskTest, ChildThatDoesNotSleepRunsInPlace) {
  Simulator sim;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  sim.spawn("caller", call_in_place(before, after, sim));
  sim.run(at(seconds(1)));
  EXPECT_EQ(before, 1U);
  EXPECT_EQ(after, 1U);
}

// Sleeps, and then calls itself one deeper: all levels are suspended at once at the end.
Task<int> sleep_then_nest(Simulator& sim, int depth) {
  co_await sim.sleep_for(nanoseconds(1));
  if (depth == 1) {
    co_return 1;
  }
  co_return 1 + co_await sleep_then_nest(sim, depth - 1);
}

Task<> nest(Simulator& sim, int depth, int& reached) {
  reached = co_await sleep_then_nest(sim, depth);
}

TEST(TaskTest, HundredThousandNestedChildrenThatSleptDoNotGrowTheStack) {
  constexpr int kDepth = 100'000;
  for (const bool run_ahead : {false, true}) {
    Simulator sim;
    sim.set_run_ahead(run_ahead);
    int reached = 0;
    // With run-ahead a lone sleeper would never suspend, so its calls would nest as native ones;
    // the second process keeps an event pending at every step.
    sim.spawn("deep", nest(sim, kDepth, reached));
    int other = 0;
    if (run_ahead) {
      sim.spawn("other", nest(sim, kDepth, other));
    }
    EXPECT_EQ(sim.run(at(seconds(1))), Simulator::RunEnd::kDry);
    EXPECT_EQ(reached, kDepth);
    EXPECT_EQ(ns(sim.now()), kDepth);
  }
}

Task<> record(Simulator& sim, Log& log, std::string name, SimDuration sleep) {
  log.push_back(name + " in");
  co_await sim.sleep_for(sleep);
  log.push_back(name + " out");
}

Task<> parent(Simulator& sim, Log& log) {
  co_await record(sim, log, "child", nanoseconds(10));
  log.push_back("parent");
}

TEST(TaskTest, ParentResumesBeforeAnyOtherEventOfThatTime) {
  Simulator sim;
  Log log;
  sim.spawn("a", parent(sim, log));
  sim.spawn("b", record(sim, log, "b", nanoseconds(10)));
  sim.run(at(seconds(1)));
  EXPECT_EQ(log, (Log{"child in", "b in", "child out", "parent", "b out"}));
}

Task<int> fails(Simulator& sim, bool sleep_first) {
  if (sleep_first) {
    co_await sim.sleep_for(nanoseconds(7));
  }
  throw std::runtime_error{"disk on fire"};
}

Task<> catches(Simulator& sim, bool sleep_first, std::string& caught) {
  try {
    co_await fails(sim, sleep_first);
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
}

Task<> does_not_catch(Simulator& sim, bool sleep_first) { co_await fails(sim, sleep_first); }

TEST(TaskTest, ParentCanCatchWhatChildThrows) {
  for (const bool sleep_first : {false, true}) {
    Simulator sim;
    std::string caught;
    sim.spawn("catcher", catches(sim, sleep_first, caught));
    sim.run(at(seconds(1)));
    EXPECT_EQ(caught, "disk on fire");
  }
}

TEST(TaskTest, ExceptionThatLeavesAProcessLeavesRun) {
  for (const bool sleep_first : {false, true}) {
    Simulator sim;
    Log log;
    sim.spawn("thrower", does_not_catch(sim, sleep_first));
    sim.spawn("other", record(sim, log, "other", nanoseconds(9)));
    try {
      sim.run(at(seconds(1)));
      FAIL() << "run() returned";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "disk on fire");
    }
    EXPECT_EQ(sim.processes(), 1U) << "the failed process is freed";
    EXPECT_EQ(sim.run(at(seconds(1))), Simulator::RunEnd::kDry) << "the others can go on";
    EXPECT_EQ(log, (Log{"other in", "other out"}));
  }
}

struct SetsOnDestruction {
  bool& destroyed;
  ~SetsOnDestruction() { destroyed = true; }
};

Task<> holds(Simulator& sim, bool& destroyed) {
  const SetsOnDestruction guard{destroyed};
  co_await sim.sleep_for(seconds(10));
}

Task<> holds_in_child(Simulator& sim, bool& destroyed) { co_await holds(sim, destroyed); }

TEST(TaskTest, DestroyedProcessRunsDestructorsAndCancelsItsSleep) {
  Simulator sim;
  bool destroyed = false;
  sim.spawn("sleeper", holds_in_child(sim, destroyed));
  Log log;
  sim.spawn("other", record(sim, log, "other", seconds(20)));
  EXPECT_EQ(sim.run(at(seconds(1))), Simulator::RunEnd::kLimit);
  EXPECT_FALSE(destroyed);
  sim.destroy_processes();
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(sim.processes(), 0U);
  EXPECT_EQ(sim.run(at(seconds(30))), Simulator::RunEnd::kDry);
  EXPECT_EQ(log, (Log{"other in"}));
}

TEST(TaskTest, ProcessNeverStartedIsFreed) {
  Simulator sim;
  bool destroyed = false;
  sim.spawn("never run", holds(sim, destroyed));
  sim.destroy_processes();
  EXPECT_FALSE(destroyed) << "its body never ran, so the guard was never made";
  EXPECT_EQ(sim.run(at(seconds(1))), Simulator::RunEnd::kDry);
}

Task<> one_step_on_the_other(Simulator& here, Simulator& there, Log& log) {
  co_await here.sleep_for(nanoseconds(5));
  there.run(at(nanoseconds(8)));
  log.push_back("nested run ended");
  co_await record(here, log, "here", nanoseconds(5));
}

TEST(TaskTest, TwoSimulatorsInOneThreadDoNotMix) {
  Simulator here;
  Simulator there;
  Log log;
  there.spawn("there", parent(there, log));
  here.spawn("here", one_step_on_the_other(here, there, log));
  here.run(at(seconds(1)));
  EXPECT_EQ(ns(there.now()), 8);
  there.run(at(seconds(1)));
  EXPECT_EQ(log,
            (Log{"child in", "nested run ended", "here in", "here out", "child out", "parent"}));
}

// What a device or wait queue does: an awaiter whose handle an event handler resumes.
class Doorbell {
 public:
  explicit Doorbell(Simulator& sim) : sim_{sim} {}
  ~Doorbell() { sim_.cancel(wake_); }

  void ring() { sim_.schedule(wake_, sim_.now()); }

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  void await_resume() const {}

 private:
  void on_wake() { waiter_.resume(); }

  Simulator& sim_;
  std::coroutine_handle<> waiter_;
  Event wake_ = event_calling<&Doorbell::on_wake>(*this);
};

Task<> wait_for(Doorbell& bell) { co_await bell; }

Task<> answer(Doorbell& bell, Log& log) {
  co_await wait_for(bell);
  log.push_back("answered");
}

Task<> ring(Simulator& sim, Doorbell& bell, Log& log) {
  co_await sim.sleep_for(nanoseconds(3));
  bell.ring();
  log.push_back("rang");
}

TEST(TaskTest, EventHandlerMayResumeAStoredHandle) {
  Simulator sim;
  Doorbell bell{sim};
  Log log;
  sim.spawn("answer", answer(bell, log));
  sim.spawn("ring", ring(sim, bell, log));
  sim.run(at(seconds(1)));
  EXPECT_EQ(log, (Log{"rang", "answered"}));
}

}  // namespace
}  // namespace wbsim::engine
