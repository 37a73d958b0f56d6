// CPUs and the threads that share them.
//
// Everything that is a thread in Linux (fio job, flusher, kblockd worker, kswapd) is a coroutine
// bound to a Thread. Its code runs at one instant of virtual time; the CPU time it takes is
// charged with `co_await thread.run(cost)`. Contexts, strongest first: interrupts (which lengthen
// whatever runs), then normal tasks (fair_queue.hpp). Kernel code is not preempted (voluntary
// preemption, CONFIG_PREEMPT_VOLUNTARY): it gives up the CPU where it sleeps and at cond_resched().
//
// Run-ahead: as long as no event of the simulation lies in between, run() advances the clock in
// place and the coroutine never suspends. With run-ahead switched off every charge is an event;
// the results are identical (determinism test).
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/cpu_costs.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/fair_queue.hpp"
#include "sim/engine/jiffies.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::engine {

class Cpu;
class Machine;

// Called just before its thread goes to sleep; returns the CPU time that this took.
// (sched_submit_work() and io_schedule_prepare(): the block layer flushes the task's plug here.)
struct SleepHook {
  using Fn = SimDuration (*)(void* context);
  Fn fn = nullptr;
  void* context = nullptr;
};

// Weight of a thread: sched_prio_to_weight[] of nice 0 and of nice -20 (highest).
enum class Nice : std::int64_t { kDefault = 1024, kHighest = 88761 };

// A schedulable entity; its coroutine starts with begin().
class Thread {
 public:
  Thread(Machine& machine, std::string comm, int pid, Nice nice = Nice::kDefault);
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread();

  [[nodiscard]] TaskName name() const { return {comm_, pid_, cpu_index()}; }
  [[nodiscard]] Machine& machine() const { return machine_; }
  [[nodiscard]] const CpuCosts& costs() const;
  [[nodiscard]] SimTime now() const { return simulator_.now(); }
  [[nodiscard]] bool is_sleeping() const { return state_ == State::kSleeping; }
  // Sleeping, or about to sleep and not woken yet.
  [[nodiscard]] bool awaits_wakeup() const {
    return is_sleeping() || (falling_asleep_ && !woken_meanwhile_);
  }
  // The CPU it runs on or ran on last: an index for per-CPU data.
  [[nodiscard]] int cpu_index() const;
  // The scheduler wants the CPU at the next cond_resched().
  [[nodiscard]] bool need_resched() const;
  void set_sleep_hook(SleepHook hook) { sleep_hook_ = hook; }

  // For a thread that has slept since boot, before it begins: it then has a sleeper's credit.
  void begin_rested() { rested_ = true; }
  // co_await begin(): the first thing a thread's coroutine does. Waits for a CPU.
  auto begin() { return BlockAwaiter{*this, Reason::kBegin}; }
  // co_await run(cost): burns CPU time; interrupts lengthen it, nothing preempts it.
  auto run(SimDuration cost) { return RunAwaiter{*this, cost}; }
  // The same without a coroutine, where nothing else happens meanwhile; false, and nothing changed,
  // where something does.
  bool try_run(SimDuration cost);
  // co_await cond_resched(): lets another thread run if the scheduler asked for it.
  auto cond_resched() { return YieldAwaiter{*this}; }
  // co_await block(): sleeps until wake(). The caller has checked its condition at this instant.
  auto block() { return BlockAwaiter{*this, Reason::kBlock}; }
  // co_await schedule_timeout(n): sleeps until wake() or for n jiffies of the timer wheel.
  auto schedule_timeout(std::uint64_t jiffies) { return TimeoutAwaiter{*this, jiffies}; }
  // co_await nanosleep(t): sleeps until the given time (a high-resolution timer, no wake-ups).
  auto nanosleep(SimTime until) { return NanosleepAwaiter{*this, until}; }
  // co_await exit(): gives up the CPU for good.
  auto exit() { return BlockAwaiter{*this, Reason::kExit}; }

  // Makes a sleeping thread runnable (try_to_wake_up()). One that is about to sleep, and is woken
  // by what its own plug holds, does not sleep. No effect on others.
  void wake();

  // The most pages (or steps) of `cost` each, at most `wanted`, that end before anything else
  // can happen; at least 1. Charging more at once would skip over an event.
  [[nodiscard]] std::int64_t steps_ahead(SimDuration cost, std::int64_t wanted) const {
    return wanted <= 1 ? 1 : steps_ahead_of_many(cost, wanted);
  }

 private:
  friend class Cpu;
  friend class Machine;
  enum class State { kSleeping, kRunnable, kRunning, kExited };
  enum class Reason { kBegin, kBlock, kExit };

  struct RunAwaiter {
    Thread& thread;
    SimDuration cost;
    bool await_ready() const { return thread.try_run(cost); }
    void await_suspend(std::coroutine_handle<> handle) const;
    void await_resume() const {}
  };
  struct YieldAwaiter {
    Thread& thread;
    bool await_ready() const;
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const {}
  };
  struct BlockAwaiter {
    Thread& thread;
    Reason reason;
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> handle);
    void await_resume() const {}
  };
  struct TimeoutAwaiter {
    Thread& thread;
    std::uint64_t jiffies;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const { thread.simulator_.cancel(thread.timer_); }
  };
  struct NanosleepAwaiter {
    Thread& thread;
    SimTime until;
    bool await_ready() const { return until <= thread.now(); }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const { thread.simulator_.cancel(thread.timer_); }
  };

  void on_timer() { wake(); }
  [[nodiscard]] std::int64_t steps_ahead_of_many(SimDuration cost, std::int64_t wanted) const;
  // Puts the thread to sleep with its continuation, flushing what the sleep hook flushes.
  void sleep(std::coroutine_handle<> handle, Leaves why = Leaves::kSleeps);
  void become_runnable(Cpu& cpu);

  Machine& machine_;
  Simulator& simulator_;
  std::string comm_;
  int pid_;
  bool rested_ = false;
  Cpu* cpu_ = nullptr;
  State state_ = State::kSleeping;
  bool falling_asleep_ = false;  // its sleep hook runs
  bool woken_meanwhile_ = false;
  bool started_ = false;
  FairEntity fair_;
  SimTime exec_start_{};  // up to when its time is charged
  std::coroutine_handle<> continuation_;
  SleepHook sleep_hook_;
  Event timer_;
};

// A piece of interrupt work: `cost` of CPU time, after which `fn` is called in that context.
// Interrupts of one CPU are served one after another in order of arrival.
class Interrupt {
 public:
  Interrupt(Event::Fn fn, void* context) : event_{fn, context, "interrupt"} {}
  [[nodiscard]] bool pending() const { return event_.pending(); }
  // For owners that are destroyed in the middle of a run.
  void cancel(Simulator& simulator) { simulator.cancel(event_); }

 private:
  friend class Cpu;
  Event event_;
};

// One processor. Simplified: no load balancing beyond the choice of a CPU at wake-up.
class Cpu {
 public:
  Cpu(Machine& machine, int index, std::unique_ptr<FairQueue> queue);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;
  ~Cpu();

  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] bool idle() const { return current_ == nullptr && queue_->empty(); }
  [[nodiscard]] std::size_t runnable() const {
    return queue_->size() + (current_ == nullptr ? 0 : 1);
  }
  // CPU time spent in threads, interrupts and context switches since t = 0.
  [[nodiscard]] SimDuration busy() const { return busy_; }

  // What a trace event of an interrupt on this CPU says of who runs.
  [[nodiscard]] TaskName interrupt_name() const;

  // Serves an interrupt as soon as earlier ones are done; the thread that runs is delayed by it.
  void interrupt(Interrupt& work, SimDuration cost);

 private:
  friend class Thread;
  friend class Machine;

  void enqueue(Thread& thread, Joins how);
  void give_up(Leaves why);
  void leave_idle();
  void pick_next(SimDuration delay);
  void start_burn(SimDuration cost);
  void steal(SimDuration cost);
  void account(Thread& thread);
  void arm_tick();
  void on_tick();
  void on_burn_end();

  Machine& machine_;
  Simulator& simulator_;
  int index_;
  Thread* current_ = nullptr;
  std::unique_ptr<FairQueue> queue_;  // of those that are runnable
  bool need_resched_ = false;
  SimTime busy_until_{};  // end of the interrupt and switching work accepted so far
  SimDuration busy_{};
  Event burn_;
  Event tick_;
  Event leave_idle_;
};

// The processors of one simulated computer and what all its threads share.
class Machine {
 public:
  Machine(Simulator& simulator, int cpus, const Jiffies& jiffies, const CpuCosts& costs,
          CpuScheduler scheduler = CpuScheduler::kCfs);

  [[nodiscard]] Simulator& simulator() const { return simulator_; }
  [[nodiscard]] const Jiffies& jiffies() const { return jiffies_; }
  [[nodiscard]] const CpuCosts& costs() const { return costs_; }
  [[nodiscard]] int cpus() const { return static_cast<int>(cpus_.size()); }
  [[nodiscard]] Cpu& cpu(int index) { return *cpus_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] std::uint64_t jiffies_now() const { return jiffies_.at(simulator_.now()); }

 private:
  friend class Thread;
  friend class Cpu;
  // Where a thread that wakes up runs: its last CPU if idle, else an idle one, else its last.
  Cpu& select_cpu(const Thread& thread);

  Simulator& simulator_;
  Jiffies jiffies_;
  CpuCosts costs_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
};

// What every simulated write asks several times is inline; it needs Cpu and Machine in full.

inline const CpuCosts& Thread::costs() const { return machine_.costs(); }

inline int Thread::cpu_index() const { return cpu_ == nullptr ? 0 : cpu_->index(); }

inline bool Thread::need_resched() const { return cpu_ != nullptr && cpu_->need_resched_; }

inline bool Thread::try_run(SimDuration cost) {
  if (cost <= SimDuration::zero()) {
    simulator_.step_at_instant();
    return true;
  }
  if (!simulator_.try_advance(now() + cost)) {
    return false;
  }
  cpu_->busy_ += cost;
  return true;
}

inline bool Thread::YieldAwaiter::await_ready() const { return !thread.cpu_->need_resched_; }

}  // namespace wbsim::engine
