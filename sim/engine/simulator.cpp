#include "sim/engine/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace wbsim::engine {
namespace {

// How many events before the limit are looked at to find out who causes a livelock.
constexpr std::uint64_t kLivelockSample = 1024;

std::string livelock_text(SimTime time, std::uint64_t events,
                          const LivelockError::Culprit& culprit) {
  const std::int64_t ns = time.time_since_epoch().count();
  return fmt::format(
      "livelock at {}.{:09} s: more than {} events without time advancing; most often \"{}\" "
      "({} of the last {})",
      ns / 1'000'000'000, ns % 1'000'000'000, events, culprit.label, culprit.events,
      culprit.sampled);
}

}  // namespace

LivelockError::LivelockError(SimTime time, std::uint64_t events, Culprit culprit)
    : std::runtime_error{livelock_text(time, events, culprit)},
      time_{time},
      events_{events},
      culprit_{std::move(culprit)} {}

Simulator::Process::Process(Simulator& owner, std::string_view process_name, Task<> process_body)
    : simulator{owner},
      body{std::move(process_body)},
      start{event_calling<&Process::on_start>(*this, name.data())} {
  process_name.copy(name.data(), kNameSize - 1);
  ready = &owner.ready_;
  root = body.handle_.address();
  SIM_CHECK(body.handle_);
  body.handle_.promise().process_ = this;
}

// Marks the simulator as running, also when an exception ends the run.
class Simulator::RunScope {
 public:
  RunScope(Simulator& simulator, SimTime limit) : simulator_{simulator} {
    SIM_CHECK(!simulator.running_);
    simulator.running_ = true;
    simulator.limit_ = limit;
    simulator.update_run_ahead_limit();
  }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;
  ~RunScope() {
    simulator_.running_ = false;
    simulator_.stop_asked_ = false;
    simulator_.update_run_ahead_limit();
  }

 private:
  Simulator& simulator_;
};

Simulator::Simulator() { set_watchdog(kDefaultWatchdog); }

Simulator::~Simulator() { destroy_processes(); }

SimTime Simulator::horizon() const {
  return std::max(now_, std::min(run_ahead_limit_, queue_.next_time()));
}

void Simulator::set_run_ahead(bool on) {
  run_ahead_ = on;
  update_run_ahead_limit();
}

void Simulator::update_run_ahead_limit() {
  run_ahead_limit_ = running_ && run_ahead_ && !stop_asked_ ? limit_ : SimTime::min();
}

void Simulator::spawn(std::string_view name, Task<> body) {
  Process& process = process_pool_.acquire(*this, name, std::move(body));
  processes_.push_back(process);
  schedule(process.start, now_);
}

void Simulator::destroy_processes() {
  SIM_CHECK(!running_);
  while (!processes_.empty()) {
    Process& newest = processes_.back();
    processes_.pop_back();
    process_pool_.release(newest);
  }
  ready_ = {};
}

Simulator::RunEnd Simulator::run(SimTime until) {
  SIM_CHECK(until >= now_);
  const RunScope scope{*this, until};
  // No event is at kSimTimeMax, so an empty queue is past the limit too.
  const SimTime last = std::min(until, kSimTimeMax - SimDuration{1});
  while (!stop_asked_) {
    const SimTime next = queue_.next_time();
    if (next > last) {
      if (queue_.empty()) {
        return RunEnd::kDry;
      }
      now_ = until;
      return RunEnd::kLimit;
    }
    const Event& event = queue_.pop();
    running_label_ = event.label();
    count_at_instant(next, running_label_);
    now_ = next;
    ++events_run_;
    event.fire();
    if (ready_.continuation || ready_.finished != nullptr) {
      run_ready();
    }
  }
  return RunEnd::kStopped;
}

void Simulator::stop() {
  stop_asked_ = true;
  update_run_ahead_limit();
}

void Simulator::run_ready() {
  while (ready_.continuation) {
    std::exchange(ready_.continuation, {}).resume();
  }
  if (ready_.finished != nullptr) {
    free_process(std::exchange(ready_.finished, nullptr));
  }
}

void Simulator::free_process(ProcessContext* context) {
  auto& process = static_cast<Process&>(*context);
  const std::exception_ptr exception = process.body.handle_.promise().exception_;
  processes_.erase(processes_.iterator_to(process));
  process_pool_.release(process);
  if (exception) {
    std::rethrow_exception(exception);
  }
}

void Simulator::set_watchdog(std::uint64_t max_events_at_one_instant) {
  watchdog_ = max_events_at_one_instant;
  sample_from_ = watchdog_ - std::min(watchdog_, kLivelockSample) + 1;
}

void Simulator::sample_livelock(const char* label) {
  if (at_instant_ == sample_from_) {
    sampled_.clear();
  }
  if (at_instant_ <= watchdog_) {
    ++sampled_[label];
    return;
  }
  LivelockError::Culprit culprit;
  for (const auto& [name, events] : sampled_) {
    culprit.sampled += events;
    if (events > culprit.events) {
      culprit.label = name;
      culprit.events = events;
    }
  }
  throw LivelockError{now_, watchdog_, std::move(culprit)};
}

}  // namespace wbsim::engine
