#include "sim/engine/cpu.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/engine/cpu_test_util.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {
namespace {

// One step of a thread's script.
struct Step {
  enum class Kind { kRun, kYield, kBlock, kTimeout, kSleepUntil, kLog };
  Kind kind;
  SimDuration time{};         // of kRun, and the point of kSleepUntil
  std::uint64_t jiffies = 0;  // of kTimeout
};
Step run(SimDuration time) { return {Step::Kind::kRun, time}; }
Step yield() { return {Step::Kind::kYield}; }
Step block() { return {Step::Kind::kBlock}; }
Step timeout(std::uint64_t jiffies) { return {Step::Kind::kTimeout, {}, jiffies}; }
Step sleep_until(SimDuration point) { return {Step::Kind::kSleepUntil, point}; }
Step log() { return {Step::Kind::kLog}; }  // notes the time
using Script = std::vector<Step>;

// Computes for `time` and offers the CPU after every `step` of it.
Script computing(SimDuration time, SimDuration step) {
  Script script;
  for (SimDuration done{}; done < time; done += step) {
    script.insert(script.end(), {run(step), yield()});
  }
  return script;
}

Script operator+(Script a, const Script& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Actor {
  Actor(Machine& machine, int pid, Nice nice, Script steps)
      : thread{machine, "actor", pid, nice}, script{std::move(steps)} {}
  Thread thread;
  Script script;
  std::vector<std::int64_t> log_us;
};

Task<> act(Actor& actor) {
  co_await actor.thread.begin();
  for (const Step& step : actor.script) {
    switch (step.kind) {
      case Step::Kind::kRun:
        co_await actor.thread.run(step.time);
        break;
      case Step::Kind::kYield:
        co_await actor.thread.cond_resched();
        break;
      case Step::Kind::kBlock:
        co_await actor.thread.block();
        break;
      case Step::Kind::kTimeout:
        co_await actor.thread.schedule_timeout(step.jiffies);
        break;
      case Step::Kind::kSleepUntil:
        co_await actor.thread.nanosleep(at(step.time));
        break;
      case Step::Kind::kLog:
        actor.log_us.push_back(us(actor.thread.now()));
        break;
    }
  }
  co_await actor.thread.exit();
}

void wake(void* thread) { static_cast<Thread*>(thread)->wake(); }
void ignore(void*) {}

class CpuTest : public ::testing::Test {
 protected:
  using Us = std::vector<std::int64_t>;

  ~CpuTest() override { sim_.destroy_processes(); }

  void make(int cpus = 1, const CpuCosts& costs = zero_costs(), int hz = 250,
            SimDuration next_tick = {}) {
    machine_ = std::make_unique<Machine>(sim_, cpus, Jiffies{hz, 0, next_tick}, costs);
  }
  Actor& spawn(Script script, Nice nice = Nice::kDefault) {
    actors_.push_back(std::make_unique<Actor>(*machine_, static_cast<int>(actors_.size()), nice,
                                              std::move(script)));
    sim_.spawn("actor", act(*actors_.back()));
    return *actors_.back();
  }
  void interrupt(SimDuration when, SimDuration cost, Event::Fn fn = ignore, void* context = nullptr,
                 int cpu = 0) {
    interrupts_.push_back(std::make_unique<TestInterrupt>(*machine_, cpu, cost, fn, context));
    interrupts_.back()->arrive_at(at(when));
  }
  // Wakes a thread by an interrupt that costs nothing.
  void wake_at(SimDuration when, Actor& actor) { interrupt(when, {}, wake, &actor.thread); }
  void finish() { sim_.run(kSimTimeMax); }

  Simulator sim_;
  std::unique_ptr<Machine> machine_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::vector<std::unique_ptr<TestInterrupt>> interrupts_;
};

// --- Burning time, interrupts ---------------------------------------------------------------

TEST_F(CpuTest, IdleCpuStartsAWokenThreadAtOnce) {
  make();
  Actor& a = spawn({block(), log()});
  wake_at(microseconds(50), a);
  finish();
  EXPECT_EQ(a.log_us, (Us{50}));
}

TEST_F(CpuTest, SwitchingCostsItsTime) {
  CpuCosts costs = zero_costs();
  costs.context_switch = microseconds(3);
  make(1, costs);
  Actor& a = spawn({log(), block(), log()});
  wake_at(microseconds(50), a);
  finish();
  EXPECT_EQ(a.log_us, (Us{3, 53}));
  EXPECT_EQ(machine_->cpu(0).busy(), microseconds(6));
}

TEST_F(CpuTest, InterruptLengthensTheRunningBurn) {
  make();
  Actor& a = spawn({run(microseconds(100)), log(), run(microseconds(100)), log()});
  interrupt(microseconds(30), microseconds(7));
  finish();
  EXPECT_EQ(a.log_us, (Us{107, 207}));
  EXPECT_EQ(machine_->cpu(0).busy(), microseconds(207));
}

TEST_F(CpuTest, AnInterruptIsNamedAfterWhomItInterruptsIfAnybody) {
  make(2);
  struct Note {
    Machine& machine;
    std::vector<TaskName> names;
    static void fire(void* self) {
      Note& note = *static_cast<Note*>(self);
      note.names.push_back(note.machine.cpu(0).interrupt_name());
      note.names.push_back(note.machine.cpu(1).interrupt_name());
    }
  } note{*machine_, {}};
  Actor& running = spawn({run(microseconds(100))});
  interrupt(microseconds(30), microseconds(1), Note::fire, &note);
  finish();
  ASSERT_EQ(note.names.size(), 2U);
  for (const int cpu : {0, 1}) {
    const TaskName& name = note.names[static_cast<std::size_t>(cpu)];
    EXPECT_EQ(name.comm, "?");
    EXPECT_EQ(name.cpu, cpu);
    EXPECT_EQ(name.interrupted, cpu == 0 ? "actor" : "");
    EXPECT_EQ(name.interrupted_pid, cpu == 0 ? running.thread.name().pid : 0);
  }
}

TEST_F(CpuTest, InterruptsAreServedOneAfterAnotherInOrderOfArrival) {
  make();
  Actor& a = spawn({block(), log()});
  Actor& b = spawn({block(), log()});
  Actor& running = spawn({run(microseconds(100)), log()});
  interrupt(microseconds(30), microseconds(10), wake, &a.thread);
  interrupt(microseconds(35), microseconds(5), wake, &b.thread);
  std::vector<std::int64_t> served;
  struct Note {
    Simulator& sim;
    std::vector<std::int64_t>& times;
    static void fire(void* self) {
      Note& note = *static_cast<Note*>(self);
      note.times.push_back(us(note.sim.now()));
    }
  } note{sim_, served};
  interrupt(microseconds(30), microseconds(1), Note::fire, &note);
  interrupt(microseconds(43), microseconds(2), Note::fire, &note);
  finish();
  // 30+10, then 1, then 5 (arrived at 35 but had to wait), then 2.
  EXPECT_EQ(served, (Us{41, 48}));
  EXPECT_EQ(running.log_us, (Us{118}));
}

TEST_F(CpuTest, AThreadWokenByAnInterruptStartsAfterTheInterruptsThatWait) {
  make();
  Actor& a = spawn({block(), log()});
  interrupt(microseconds(30), microseconds(10), wake, &a.thread);
  interrupt(microseconds(31), microseconds(20));
  finish();
  EXPECT_EQ(a.log_us, (Us{60}));
}

TEST_F(CpuTest, InterruptsOfOneCpuLeaveTheOtherAlone) {
  make(2);
  Actor& a = spawn({run(microseconds(100)), log()});
  Actor& b = spawn({run(microseconds(100)), log()});
  interrupt(microseconds(30), microseconds(10), ignore, nullptr, 1);
  finish();
  EXPECT_EQ(a.log_us, (Us{100}));
  EXPECT_EQ(b.log_us, (Us{110}));
}

TEST_F(CpuTest, TicksCostTimeOfABusyCpuOnly) {
  CpuCosts costs = zero_costs();
  costs.tick = microseconds(10);
  make(1, costs);
  Actor& a = spawn(
      {run(milliseconds(9)), log(), sleep_until(milliseconds(101)), run(milliseconds(2)), log()});
  finish();
  EXPECT_EQ(a.log_us, (Us{9020, 103000})) << "ticks at 4 and 8 ms; none between 100 and 104 ms";
  EXPECT_EQ(machine_->cpu(0).busy(), milliseconds(11) + microseconds(20));
}

// --- Sleeping -------------------------------------------------------------------------------

TEST_F(CpuTest, ScheduleTimeoutEndsAtATickOfTheWheel) {
  make();
  Actor& a = spawn({sleep_until(microseconds(500)), timeout(1), log(), timeout(2), log()});
  finish();
  // The wheel fires at the tick after the expiry: 1 jiffy from 0.5 ms is the second tick.
  EXPECT_EQ(a.log_us, (Us{8000, 20000}));
}

TEST_F(CpuTest, AWakeUpEndsATimeoutEarlyAndForGood) {
  make();
  Actor& a = spawn({timeout(10), log(), block(), log()});
  wake_at(microseconds(300), a);
  finish();
  EXPECT_EQ(a.log_us, (Us{300})) << "the timer was cancelled and did not wake it again";
}

TEST_F(CpuTest, NanosleepEndsToTheNanosecond) {
  make();
  Actor& a = spawn({sleep_until(nanoseconds(1'234'567)), log()});
  sim_.run(at(nanoseconds(1'234'566)));
  EXPECT_TRUE(a.log_us.empty());
  sim_.run(at(nanoseconds(1'234'567)));
  EXPECT_EQ(a.log_us, (Us{1234}));
}

TEST_F(CpuTest, WakingAThreadThatDoesNotSleepHasNoEffect) {
  make();
  Actor& a = spawn({run(microseconds(100)), block(), log()});
  wake_at(microseconds(50), a);
  finish();
  EXPECT_TRUE(a.log_us.empty());
}

TEST_F(CpuTest, SleepHookRunsBeforeTheSwitchAndItsTimeCounts) {
  make();
  Actor& a = spawn({block()});
  Actor& b = spawn({log()});
  a.thread.set_sleep_hook({[](void*) { return SimDuration{microseconds(4)}; }, nullptr});
  finish();
  EXPECT_EQ(b.log_us, (Us{4}));
}

TEST_F(CpuTest, WhoIsWokenByItsOwnSleepHookDoesNotSleep) {
  make();
  Actor& a = spawn({block(), log(), block(), log()});
  a.thread.set_sleep_hook({[](void* thread) {
                             static_cast<Thread*>(thread)->wake();
                             static_cast<Thread*>(thread)->set_sleep_hook({});
                             return SimDuration{microseconds(4)};
                           },
                           &a.thread});
  finish();
  EXPECT_EQ(a.log_us, (Us{4}));
}

// --- CFS ------------------------------------------------------------------------------------

TEST_F(CpuTest, NoSwitchBetweenTwoPointsOfRescheduling) {
  make();
  Actor& worker = spawn({block(), run(microseconds(10)), log()}, Nice::kHighest);
  Actor& a = spawn({run(milliseconds(20)), log(), yield(), log()});
  wake_at(milliseconds(5), worker);
  finish();
  EXPECT_EQ(worker.log_us, (Us{20010}));
  EXPECT_EQ(a.log_us, (Us{20000, 20010}));
}

// The woken thread has not run yet, so it lies behind by what the other has run.
class WakeUpPreemption : public CpuTest {
 protected:
  // When a thread woken at `when` ran, the other offering the CPU at `when` + 1 us.
  std::int64_t woken_ran_at(SimDuration when, Nice nice = Nice::kDefault) {
    make();
    Actor& sleeper = spawn({block(), log()}, nice);
    spawn({run(when + microseconds(1)), yield(), run(microseconds(100))});
    wake_at(when, sleeper);
    finish();
    return sleeper.log_us.at(0) -
           std::chrono::duration_cast<std::chrono::microseconds>(when).count();
  }
};

TEST_F(WakeUpPreemption, NotWithinTheWakeUpGranularity) {
  EXPECT_EQ(woken_ran_at(milliseconds(1)), 101) << "1 ms behind: waits until the other is done";
}

TEST_F(WakeUpPreemption, BeyondTheWakeUpGranularity) {
  EXPECT_EQ(woken_ran_at(microseconds(1001)), 1) << "at the next cond_resched()";
}

TEST_F(WakeUpPreemption, GranularityIsScaledByTheWokenThreadsWeight) {
  EXPECT_EQ(woken_ran_at(microseconds(11), Nice::kHighest), 101) << "11 us: 1 ms * 1024 / 88761";
}

TEST_F(WakeUpPreemption, NiceMinus20PreemptsSoonAfter) {
  EXPECT_EQ(woken_ran_at(microseconds(12), Nice::kHighest), 1);
}

TEST_F(WakeUpPreemption, WhoHasSleptSinceBootPreemptsFromTheStart) {
  make();
  Actor& sleeper = spawn({block(), log()}, Nice::kHighest);
  sleeper.thread.begin_rested();
  spawn({run(microseconds(2)), yield(), run(microseconds(100))});
  wake_at(microseconds(1), sleeper);
  finish();
  EXPECT_EQ(sleeper.log_us.at(0), 2) << "1 us would not be enough of a lead";
}

// In these, a thread ran for a millisecond before the others and so lies behind none of them; 1 ms
// of the highest weight counts as 12 us.
TEST_F(CpuTest, WhoseWakeUpAsksForTheCpuRunsBeforeTheLeftmost) {
  make();
  Actor& leftmost = spawn({block(), log()});
  Actor& asks =
      spawn({run(milliseconds(1)), block(), log(), run(microseconds(100))}, Nice::kHighest);
  spawn({run(microseconds(700)), yield(), run(milliseconds(1))});
  wake_at(microseconds(1500), leftmost);  // 0.5 ms behind: does not ask
  wake_at(microseconds(1600), asks);
  finish();
  EXPECT_EQ(asks.log_us, (Us{1700}));
  EXPECT_EQ(leftmost.log_us, (Us{1800}));
}

TEST_F(CpuTest, WhoAsksAfterAnotherHasAskedChangesNothing) {
  make();
  Actor& second = spawn({block(), log()}, Nice::kHighest);
  Actor& first =
      spawn({run(milliseconds(1)), block(), log(), run(microseconds(100))}, Nice::kHighest);
  spawn({run(microseconds(700)), yield(), run(milliseconds(1))});
  wake_at(microseconds(1500), first);
  wake_at(microseconds(1600), second);
  finish();
  EXPECT_EQ(first.log_us, (Us{1700}));
  EXPECT_EQ(second.log_us, (Us{1800}));
}

TEST_F(CpuTest, WhoAsksWaitsWhereTheLeftmostIsMoreThanTheGranularityBehind) {
  make();
  Actor& leftmost = spawn({block(), log(), run(microseconds(100))});
  Actor& asks = spawn({run(milliseconds(100)), block(), log()}, Nice::kHighest);
  spawn({sleep_until(milliseconds(101)), run(microseconds(1400)), yield(), run(milliseconds(1))});
  wake_at(microseconds(102'300), asks);      // 1.154 ms, and the running thread 1.3 ms
  wake_at(microseconds(102'350), leftmost);  // 0 ms
  finish();
  EXPECT_EQ(leftmost.log_us, (Us{102'400}));
  EXPECT_EQ(asks.log_us, (Us{102'500}));
}

TEST_F(CpuTest, AnIdleCpuChoosesOnlyWhenItsInterruptsAreServed) {
  make();
  Actor& ran = spawn({run(microseconds(500)), block(), log()});
  Actor& leftmost = spawn({block(), log(), run(microseconds(5))});
  interrupt(milliseconds(1), microseconds(100), wake, &ran.thread);
  interrupt(microseconds(1050), microseconds(10), wake, &leftmost.thread);
  finish();
  EXPECT_EQ(leftmost.log_us, (Us{1110}));
  EXPECT_EQ(ran.log_us, (Us{1115}));
}

// A thread that slept for long is set 3 ms behind (half of the 6 ms latency). It then runs for
// `ran`, sleeps a moment, and is woken again; it preempts if more than 1 ms of credit is left.
class SleeperCredit : public CpuTest {
 protected:
  bool preempts_after(SimDuration ran) {
    make();
    constexpr SimDuration kWake = milliseconds(50);
    constexpr SimDuration kPause = microseconds(100);
    Actor& sleeper =
        spawn({block(), run(ran), sleep_until(kWake + microseconds(1) + ran + kPause), log()});
    spawn({run(kWake + microseconds(1)), yield(), run(kPause + microseconds(1)), yield(),
           run(milliseconds(1))});
    wake_at(kWake, sleeper);
    finish();
    return sleeper.log_us.at(0) <= us(at(kWake + ran + kPause + microseconds(2)));
  }
};

TEST_F(SleeperCredit, IsHalfALatencyPeriod) {
  // Lead at the second wake-up: 3 ms - ran + the pause of 100 us + the 1 us before the switch.
  EXPECT_TRUE(preempts_after(microseconds(2100)));
}

TEST_F(SleeperCredit, IsNoMoreThanThat) { EXPECT_FALSE(preempts_after(microseconds(2101))); }

// When each of two computing threads lost the CPU for the first time.
TEST_F(CpuTest, SliceEndsAtTheFirstTickBeyondThreeMilliseconds) {
  make();
  Actor& a = spawn(computing(microseconds(4100), microseconds(100)) + Script{log()});
  Actor& b = spawn({log(), run(milliseconds(4)), yield(), log()});
  finish();
  EXPECT_EQ(b.log_us.at(0), 4000) << "HZ=250: the tick at 4 ms, 4 ms > 6 ms / 2";
  EXPECT_EQ(a.log_us.at(0), 8100);
}

TEST_F(CpuTest, SliceIsNotOverAtExactlyItsLength) {
  make(1, zero_costs(), 1000);
  spawn(computing(milliseconds(5), microseconds(100)));
  Actor& b = spawn({log()});
  finish();
  EXPECT_EQ(b.log_us, (Us{4000})) << "HZ=1000: 3 ms at the tick of 3 ms is no more than 3 ms";
}

TEST_F(CpuTest, SlicesGrowWithTheCpus) {
  make(2, zero_costs(), 1000);
  spawn(computing(milliseconds(50), microseconds(100)));
  spawn(computing(milliseconds(50), microseconds(100)));
  Actor& c = spawn({log()});
  finish();
  EXPECT_EQ(c.log_us, (Us{7000})) << "12 ms / 2 = 6 ms on two CPUs; over at the tick of 7 ms";
}

// A thread runs ahead of the leftmost one by more than its slice before the slice is over.
TEST_F(CpuTest, BeingFarAheadOfTheLeftmostEndsASliceEarly) {
  make(1, zero_costs(), 1000);
  Actor& behind = spawn({block(), log()});
  spawn(Script{run(microseconds(800)), sleep_until(milliseconds(1))} +
        computing(milliseconds(10), microseconds(100)));
  wake_at(microseconds(1100), behind);  // 0.9 ms behind: no wake-up preemption
  finish();
  EXPECT_EQ(behind.log_us, (Us{4000})) << "3.0 ms of a 3 ms slice, but 3.8 ms ahead";
}

TEST_F(CpuTest, NobodyIsPreemptedByATickWithinTheMinimumGranularity) {
  make(1, zero_costs(), 1000, microseconds(500));
  std::vector<Actor*> sleepers;
  for (int i = 0; i < 7; ++i) {  // eight runnable threads: slices of 0.75 ms
    sleepers.push_back(&spawn({block(), log(), run(microseconds(1))}));
  }
  spawn(Script{run(microseconds(850)), sleep_until(microseconds(900))} +
        computing(milliseconds(10), microseconds(10)));
  for (Actor* sleeper : sleepers) {
    wake_at(microseconds(1000), *sleeper);  // 0.95 ms behind
  }
  finish();
  // The tick of 1.5 ms finds it 0.6 ms in its slice and 1.45 ms ahead.
  EXPECT_EQ(sleepers.at(0)->log_us, (Us{2500}));
}

TEST_F(CpuTest, YieldingWithoutNeedKeepsTheCpu) {
  make();
  Actor& a = spawn({run(microseconds(10)), yield(), yield(), log()});
  Actor& b = spawn({log()});
  finish();
  EXPECT_EQ(a.log_us, (Us{10}));
  EXPECT_EQ(b.log_us, (Us{10}));
}

// --- Several CPUs ---------------------------------------------------------------------------

TEST_F(CpuTest, AWokenThreadGoesToItsLastCpuIfThatIsIdle) {
  make(2);
  spawn({run(microseconds(10))});  // on the first CPU, which is idle again later
  Actor& b = spawn({block(), log()});
  wake_at(milliseconds(1), b);
  finish();
  EXPECT_EQ(b.log_us, (Us{1000}));
  EXPECT_EQ(b.thread.cpu_index(), 1);
}

TEST_F(CpuTest, AWokenThreadGoesToAnIdleCpuIfItsOwnIsBusy) {
  make(2);
  Actor& a = spawn({block(), log()});
  spawn({run(microseconds(10))});                // on the other CPU
  Actor& busy = spawn({run(milliseconds(10))});  // behind a
  wake_at(milliseconds(1), a);
  finish();
  EXPECT_EQ(busy.thread.cpu_index(), 0);
  EXPECT_EQ(a.thread.cpu_index(), 1);
  EXPECT_EQ(a.log_us, (Us{1000}));
}

TEST_F(CpuTest, AWokenThreadStaysOnItsLastCpuIfAllAreBusy) {
  make(2);
  Actor& a = spawn({block(), log()});
  spawn({run(milliseconds(5))});   // on the other CPU
  spawn({run(milliseconds(10))});  // behind a
  wake_at(milliseconds(1), a);
  finish();
  EXPECT_EQ(a.thread.cpu_index(), 0);
  EXPECT_EQ(a.log_us, (Us{10000})) << "and is not moved when the other falls idle";
}

// --- Run-ahead ------------------------------------------------------------------------------

struct Ahead {
  Thread& thread;
  std::vector<std::int64_t> steps;
};

Task<> ask_steps_ahead(Ahead& ahead) {
  co_await ahead.thread.begin();
  for (const std::int64_t cost_ns : {100, 999, 1000, 1001, 0}) {
    ahead.steps.push_back(ahead.thread.steps_ahead(nanoseconds(cost_ns), 50));
  }
}

TEST_F(CpuTest, StepsAheadNeverPassTheNextEvent) {
  make();
  Thread thread{*machine_, "a", 1};
  Ahead ahead{thread, {}};
  sim_.spawn("a", ask_steps_ahead(ahead));
  interrupt(microseconds(1), {});  // an event at 1000 ns
  finish();
  // So many of each cost end strictly before 1000 ns; at least one, at most 50 wanted.
  EXPECT_EQ(ahead.steps, (std::vector<std::int64_t>{9, 1, 1, 1, 50}));
  sim_.destroy_processes();
}

TEST_F(CpuTest, StepsAheadIsOneWithoutRunAhead) {
  make();
  sim_.set_run_ahead(false);
  Thread thread{*machine_, "a", 1};
  Ahead ahead{thread, {}};
  sim_.spawn("a", ask_steps_ahead(ahead));
  finish();
  EXPECT_EQ(ahead.steps, (std::vector<std::int64_t>{1, 1, 1, 1, 1}));
  sim_.destroy_processes();
}

}  // namespace
}  // namespace wbsim::engine
