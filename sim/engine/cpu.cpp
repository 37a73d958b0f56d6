#include "sim/engine/cpu.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::engine {

// --- Thread ---------------------------------------------------------------------------------

Thread::Thread(Machine& machine, std::string comm, int pid, Nice nice)
    : machine_{machine},
      simulator_{machine.simulator()},
      comm_{std::move(comm)},
      pid_{pid},
      fair_{*this, static_cast<std::int64_t>(nice)},
      timer_{event_calling<&Thread::on_timer>(*this)} {}

Thread::~Thread() { simulator_.cancel(timer_); }

void Thread::wake() {
  woken_meanwhile_ = falling_asleep_;
  if (state_ != State::kSleeping || !started_) {
    return;
  }
  simulator_.cancel(timer_);
  // Who still competes on its CPU stays there (ttwu_runnable()).
  Cpu& target = fair_.leaves_when_owed ? *cpu_ : machine_.select_cpu(*this);
  if (cpu_ != &target) {
    fair_.vruntime += target.queue_->origin() - cpu_->queue_->origin();
    cpu_ = &target;
  }
  target.enqueue(*this, Joins::kWakesUp);
}

std::int64_t Thread::steps_ahead_of_many(SimDuration cost, std::int64_t wanted) const {
  if (!simulator_.run_ahead() || need_resched()) {
    return 1;
  }
  if (cost <= SimDuration::zero()) {
    return wanted;
  }
  const SimDuration room = simulator_.horizon() - now() - nanoseconds(1);
  return std::clamp<std::int64_t>(room / cost, 1, wanted);
}

void Thread::sleep(std::coroutine_handle<> handle, Leaves why) {
  SIM_CHECK(state_ == State::kRunning);
  Cpu& cpu = *cpu_;
  continuation_ = handle;
  cpu.account(*this);
  if (sleep_hook_.fn != nullptr) {
    falling_asleep_ = true;
    const SimDuration extra = sleep_hook_.fn(sleep_hook_.context);
    falling_asleep_ = false;
    cpu.busy_until_ = std::max(now(), cpu.busy_until_) + extra;
    cpu.busy_ += extra;
  }
  if (std::exchange(woken_meanwhile_, false)) {
    simulator_.cancel(timer_);
    become_runnable(cpu);
    return;
  }
  state_ = State::kSleeping;
  cpu.give_up(why);
}

// The thread, which has the CPU, lets others have it first.
void Thread::become_runnable(Cpu& cpu) {
  state_ = State::kRunnable;
  cpu.give_up(Leaves::kStaysRunnable);
}

void Thread::RunAwaiter::await_suspend(std::coroutine_handle<> handle) const {
  SIM_CHECK(thread.state_ == State::kRunning);
  thread.cpu_->busy_ += cost;
  thread.continuation_ = handle;
  thread.cpu_->start_burn(cost);
}

void Thread::YieldAwaiter::await_suspend(std::coroutine_handle<> handle) {
  Cpu& cpu = *thread.cpu_;
  thread.continuation_ = handle;
  cpu.account(thread);
  thread.become_runnable(cpu);
}

bool Thread::BlockAwaiter::await_suspend(std::coroutine_handle<> handle) {
  switch (reason) {
    case Reason::kBegin: {
      SIM_CHECK(!thread.started_);
      thread.started_ = true;
      thread.continuation_ = handle;
      thread.cpu_ = &thread.machine_.select_cpu(thread);
      thread.cpu_->enqueue(thread, thread.rested_ ? Joins::kRested : Joins::kBegins);
      break;
    }
    case Reason::kBlock:
      thread.sleep(handle);
      break;
    case Reason::kExit:
      thread.sleep(handle, Leaves::kExits);
      thread.state_ = State::kExited;
      break;
  }
  return true;
}

void Thread::TimeoutAwaiter::await_suspend(std::coroutine_handle<> handle) {
  const SimTime expiry = thread.machine_.jiffies().timer_time(thread.now(), jiffies);
  thread.simulator_.schedule(thread.timer_, expiry);
  thread.sleep(handle);
}

void Thread::NanosleepAwaiter::await_suspend(std::coroutine_handle<> handle) {
  thread.simulator_.schedule(thread.timer_, until);
  thread.sleep(handle);
}

// --- Cpu ------------------------------------------------------------------------------------

Cpu::Cpu(Machine& machine, int index, std::unique_ptr<FairQueue> queue)
    : machine_{machine},
      simulator_{machine.simulator()},
      index_{index},
      queue_{std::move(queue)},
      burn_{event_calling<&Cpu::on_burn_end>(*this)},
      tick_{event_calling<&Cpu::on_tick>(*this)},
      leave_idle_{event_calling<&Cpu::leave_idle>(*this)} {}

Cpu::~Cpu() {
  simulator_.cancel(burn_);
  simulator_.cancel(tick_);
  simulator_.cancel(leave_idle_);
}

TaskName Cpu::interrupt_name() const {
  TaskName name{"?", 0, index_};
  if (current_ != nullptr) {
    name.interrupted = current_->comm_;
    name.interrupted_pid = current_->pid_;
  }
  return name;
}

void Cpu::interrupt(Interrupt& work, SimDuration cost) {
  // The handler's effects come before anything the delayed thread does at that same instant.
  simulator_.schedule(work.event_, std::max(simulator_.now(), busy_until_) + cost);
  steal(cost);
}

void Cpu::steal(SimDuration cost) {
  busy_until_ = std::max(simulator_.now(), busy_until_) + cost;
  busy_ += cost;
  if (burn_.pending() && cost > SimDuration::zero()) {
    simulator_.reschedule(burn_, burn_.time() + cost);
  }
}

void Cpu::start_burn(SimDuration cost) {
  simulator_.schedule(burn_, std::max(simulator_.now(), busy_until_) + cost);
}

void Cpu::on_burn_end() {
  SIM_CHECK(current_ != nullptr);
  current_->continuation_.resume();
}

void Cpu::account(Thread& thread) {
  const SimTime now = simulator_.now();
  need_resched_ |= queue_->charge(now - thread.exec_start_);
  thread.exec_start_ = now;
}

void Cpu::enqueue(Thread& thread, Joins how) {
  if (current_ != nullptr) {
    account(*current_);
  }
  thread.state_ = Thread::State::kRunnable;
  queue_->join(thread.fair_, how);
  if (current_ == nullptr) {
    leave_idle();
    return;
  }
  if (how == Joins::kWakesUp && !need_resched_ && queue_->preempts(thread.fair_)) {
    need_resched_ = true;
  }
  arm_tick();
}

void Cpu::give_up(Leaves why) {
  queue_->put_current(why);
  current_ = nullptr;
  pick_next(SimDuration::zero());
}

// The idle loop chooses a thread when it gets the CPU back from interrupts: those that wake up
// until then are all there to choose from.
void Cpu::leave_idle() {
  if (current_ != nullptr) {
    return;
  }
  if (busy_until_ > simulator_.now()) {
    simulator_.reschedule(leave_idle_, busy_until_);
    return;
  }
  pick_next(SimDuration::zero());
}

// Gives the CPU to a thread that waits, `delay` from now; with nobody waiting the CPU goes idle.
void Cpu::pick_next(SimDuration delay) {
  need_resched_ = false;
  FairEntity* entity = queue_->pick();
  if (entity == nullptr) {
    simulator_.cancel(tick_);
    return;
  }
  Thread& next = entity->thread;
  current_ = &next;
  next.state_ = Thread::State::kRunning;
  next.exec_start_ = simulator_.now();
  const SimDuration cost = delay + machine_.costs().context_switch;
  busy_ += cost;
  start_burn(cost);
  arm_tick();
}

void Cpu::arm_tick() {
  const bool needed = !queue_->empty() || machine_.costs().tick > SimDuration::zero();
  if (current_ != nullptr && needed && !tick_.pending()) {
    simulator_.schedule(tick_, machine_.jiffies().next_tick_after(simulator_.now()));
  }
}

// The tick itself is interrupt work; then task_tick_fair().
void Cpu::on_tick() {
  if (current_ == nullptr) {
    return;
  }
  steal(machine_.costs().tick);
  arm_tick();
  if (queue_->empty()) {
    return;
  }
  account(*current_);
  need_resched_ |= queue_->tick();
}

// --- Machine --------------------------------------------------------------------------------

Machine::Machine(Simulator& simulator, int cpus, const Jiffies& jiffies, const CpuCosts& costs,
                 CpuScheduler scheduler)
    : simulator_{simulator}, jiffies_{jiffies}, costs_{costs} {
  for (int i = 0; i < cpus; ++i) {
    cpus_.push_back(std::make_unique<Cpu>(
        *this, i, make_fair_queue(scheduler, cpus, seconds(1) / jiffies.hz())));
  }
}

Cpu& Machine::select_cpu(const Thread& thread) {
  if (thread.cpu_ != nullptr && thread.cpu_->idle()) {
    return *thread.cpu_;
  }
  for (const auto& candidate : cpus_) {
    if (candidate->idle()) {
      return *candidate;
    }
  }
  if (thread.cpu_ != nullptr) {
    return *thread.cpu_;
  }
  return **std::min_element(cpus_.begin(), cpus_.end(), [](const auto& a, const auto& b) {
    return a->runnable() < b->runnable();
  });
}

}  // namespace wbsim::engine
