// Simulator: virtual time, the run loop, and the processes (threads) of one simulation.
//
// Two things happen in a simulation: Events (interrupts, timers, completions) run by the loop in
// the order (time, order of scheduling), and processes, which are coroutines resumed from events.
// After each event the loop resumes what the event's coroutine left ready (see task.hpp), until
// nothing is.
//
// Run-ahead. A running process that only lets time pass (it computes, or sleeps while nothing else
// is due) moves the clock itself with try_advance() instead of going through the queue. This is an
// optimisation only: it is allowed exactly when the next thing to run would be the same process.
#pragma once

#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sim/base/check.hpp"
#include "sim/base/pool.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/event_queue.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {

// Time stands still while events go on. Names who kept it busy.
class LivelockError : public std::runtime_error {
 public:
  struct Culprit {
    std::string label;          // of the most frequent event, or the name of a process
    std::uint64_t events = 0;   // events with that label ...
    std::uint64_t sampled = 0;  // ... of this many looked at last
  };
  LivelockError(SimTime time, std::uint64_t events, Culprit culprit);

  [[nodiscard]] SimTime time() const { return time_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] const Culprit& culprit() const { return culprit_; }

 private:
  SimTime time_;
  std::uint64_t events_;
  Culprit culprit_;
};

class Simulator {
 public:
  class Sleep;
  enum class RunEnd { kLimit, kDry, kStopped };

  Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;
  ~Simulator();

  [[nodiscard]] SimTime now() const { return now_; }

  // `event` must be idle and `time` not before now().
  void schedule(Event& event, SimTime time) {
    SIM_CHECK(time >= now_);
    queue_.schedule(event, time);
  }
  void schedule_after(Event& event, SimDuration delay) { schedule(event, now_ + delay); }
  // No-op if `event` is idle.
  void cancel(Event& event) {
    if (event.pending()) {
      queue_.cancel(event);
    }
  }
  // Schedules `event`, pending or not, behind the events already scheduled for `time`.
  void reschedule(Event& event, SimTime time) {
    cancel(event);
    schedule(event, time);
  }

  // Run-ahead: if no event is pending at or before `to` and `to` is before the run's limit, sets
  // now() to `to` and returns true; otherwise returns false and changes nothing. Also false while
  // run-ahead is switched off, outside run(), or when stop() was asked.
  bool try_advance(SimTime to) {
    SIM_CHECK(to >= now_);
    if (to >= run_ahead_limit_ || to >= queue_.next_time()) {
      return false;
    }
    count_at_instant(to, running_label_);
    now_ = to;
    return true;
  }

  // A step of a running process that takes no time: the watchdog counts it too.
  void step_at_instant() { count_at_instant(now_, running_label_); }

  // A running process may run ahead to any time strictly before this: min(next event, run limit);
  // now() where try_advance() would refuse every time.
  [[nodiscard]] SimTime horizon() const;

  void set_run_ahead(bool on);
  [[nodiscard]] bool run_ahead() const { return run_ahead_; }

  // Awaitable in a process: `co_await sim.sleep_for(milliseconds(4))`. Sleeping until now() lets
  // the events already due run first. The time must not be before now().
  [[nodiscard]] Sleep sleep_until(SimTime time);
  [[nodiscard]] Sleep sleep_for(SimDuration duration);

  // A process, started by an event at now(). The simulator owns it and frees it when it ends. An
  // exception that leaves `body` leaves run(). Of `name`, up to 31 characters are kept.
  void spawn(std::string_view name, Task<> body);
  // Processes spawned and not ended.
  [[nodiscard]] std::size_t processes() const { return processes_.size(); }
  // Destroys suspended processes, newest first. To be called before the objects they use die, and
  // not from within run().
  void destroy_processes();

  // Runs events up to and including `until` (events exactly at `until` run). Afterwards now() is
  // `until`, unless stopped earlier or the queue ran dry: then it is the time of the last event.
  RunEnd run(SimTime until);
  // Makes run() return after the current event. Asked outside run(), the next run() ends at once.
  void stop();

  // A run in which more than this many events, or steps of run-ahead, pass without time advancing
  // throws LivelockError.
  void set_watchdog(std::uint64_t max_events_at_one_instant);
  [[nodiscard]] std::uint64_t events_run() const { return events_run_; }

 private:
  // Generous, because writes pass in no time when CPU costs are set to zero; found within seconds.
  static constexpr std::uint64_t kDefaultWatchdog = 10'000'000;

  struct Process : ProcessContext, boost::intrusive::list_base_hook<> {
    Process(Simulator& owner, std::string_view process_name, Task<> process_body);
    ~Process() { simulator.cancel(start); }
    void on_start() { body.handle_.resume(); }

    Simulator& simulator;
    Task<> body;
    Event start;
  };

  class RunScope;

  // Called before the event or run-ahead step at time `next`, while now_ is still the one before.
  void count_at_instant(SimTime next, const char* label) {
    if (next != now_) {
      at_instant_ = 0;
    }
    if (++at_instant_ >= sample_from_) [[unlikely]] {
      sample_livelock(label);
    }
  }
  void sample_livelock(const char* label);
  void update_run_ahead_limit();
  void run_ready();
  void free_process(ProcessContext* process);

  SimTime now_{};
  SimTime run_ahead_limit_ = SimTime::min();  // limit of the run where run-ahead is allowed
  EventQueue queue_;
  ReadySlot ready_;
  const char* running_label_ = "";
  std::uint64_t events_run_ = 0;
  std::uint64_t at_instant_ = 0;  // events and run-ahead steps since time last advanced
  std::uint64_t sample_from_ = 0;
  std::uint64_t watchdog_ = kDefaultWatchdog;
  std::map<std::string, std::uint64_t, std::less<>> sampled_;  // only while a livelock is suspected
  SimTime limit_{};
  bool run_ahead_ = true;
  bool running_ = false;
  bool stop_asked_ = false;
  SlabPool<Process> process_pool_;
  boost::intrusive::list<Process> processes_;
};

// The awaiter of sleep_until and sleep_for. Its event dies with the frame of the sleeping process.
class Simulator::Sleep {
 public:
  Sleep(Simulator& simulator, SimTime until) : simulator_{simulator}, until_{until} {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep() { simulator_.cancel(wake_); }

  bool await_ready() { return simulator_.try_advance(until_); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> sleeper) {
    wake_.set_label(sleeper.promise().process_name());
    sleeper_ = sleeper;
    simulator_.schedule(wake_, until_);
  }
  void await_resume() const {}

 private:
  void on_wake() { sleeper_.resume(); }

  Simulator& simulator_;
  SimTime until_;
  std::coroutine_handle<> sleeper_;
  Event wake_ = event_calling<&Sleep::on_wake>(*this);
};

inline Simulator::Sleep Simulator::sleep_until(SimTime time) { return Sleep{*this, time}; }
inline Simulator::Sleep Simulator::sleep_for(SimDuration duration) {
  return Sleep{*this, now_ + duration};
}

}  // namespace wbsim::engine
