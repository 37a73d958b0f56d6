#include "sim/engine/cpu.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace wbsim::engine {

namespace {

// Tunables of CFS for one CPU, v5.10 and v6.1; all three are multiplied by
// 1 + ilog2(min(cpus, 8)) (get_update_sysctl_factor(), SCHED_TUNABLESCALING_LOG).
constexpr SimDuration kSchedLatency = milliseconds(6);       // sysctl_sched_latency
constexpr SimDuration kMinGranularity = microseconds(750);   // sysctl_sched_min_granularity
constexpr SimDuration kWakeupGranularity = milliseconds(1);  // sysctl_sched_wakeup_granularity
constexpr std::int64_t kLatencyThreads = 8;                  // sched_nr_latency
// Room for this many waiting threads is made at once, so that a run does not allocate later.
constexpr std::size_t kRunnableUsual = 64;

SimDuration scaled(SimDuration value, int cpus) {
  const auto factor = std::bit_width(static_cast<unsigned>(std::min(cpus, 8)));
  return value * factor;
}

// Models: calc_delta_fair(). Heavier threads age more slowly.
SimDuration weighted(SimDuration ran, std::int64_t weight) {
  return ran * static_cast<std::int64_t>(Nice::kDefault) / weight;
}

}  // namespace

// --- Thread ---------------------------------------------------------------------------------

Thread::Thread(Machine& machine, std::string comm, int pid, Nice nice)
    : machine_{machine},
      simulator_{machine.simulator()},
      comm_{std::move(comm)},
      pid_{pid},
      weight_{static_cast<std::int64_t>(nice)},
      timer_{event_calling<&Thread::on_timer>(*this)} {}

Thread::~Thread() { simulator_.cancel(timer_); }

void Thread::wake() {
  woken_meanwhile_ = falling_asleep_;
  if (state_ != State::kSleeping || !started_) {
    return;
  }
  simulator_.cancel(timer_);
  Cpu& target = machine_.select_cpu(*this);
  if (cpu_ != &target) {
    vruntime_ += target.min_vruntime_ - cpu_->min_vruntime_;
    cpu_ = &target;
  }
  target.enqueue(*this, true);
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

void Thread::sleep(std::coroutine_handle<> handle) {
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
  cpu.current_ = nullptr;
  cpu.pick_next(SimDuration::zero());
}

// The thread, which has the CPU, lets others have it first.
void Thread::become_runnable(Cpu& cpu) {
  state_ = State::kRunnable;
  queue_order_ = machine_.next_order_++;
  cpu.queue_.push_back(this);
  cpu.current_ = nullptr;
  cpu.pick_next(SimDuration::zero());
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
      thread.cpu_->place(thread, true);
      thread.cpu_->enqueue(thread, false);
      break;
    }
    case Reason::kBlock:
      thread.sleep(handle);
      break;
    case Reason::kExit:
      thread.sleep(handle);
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

Cpu::Cpu(Machine& machine, int index)
    : machine_{machine},
      simulator_{machine.simulator()},
      index_{index},
      burn_{event_calling<&Cpu::on_burn_end>(*this)},
      tick_{event_calling<&Cpu::on_tick>(*this)},
      leave_idle_{event_calling<&Cpu::leave_idle>(*this)} {
  queue_.reserve(kRunnableUsual);
}

Cpu::~Cpu() {
  simulator_.cancel(burn_);
  simulator_.cancel(tick_);
  simulator_.cancel(leave_idle_);
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
  thread.vruntime_ += weighted(now - thread.exec_start_, thread.weight_);
  thread.exec_start_ = now;
  update_min_vruntime();
}

// Models: update_min_vruntime(). Monotone: the smallest of the running and the leftmost thread.
void Cpu::update_min_vruntime() {
  SimDuration smallest = SimDuration::max();
  if (current_ != nullptr) {
    smallest = current_->vruntime_;
  }
  if (!queue_.empty()) {
    smallest = std::min(smallest, leftmost().vruntime_);
  }
  if (smallest != SimDuration::max()) {
    min_vruntime_ = std::max(min_vruntime_, smallest);
  }
}

// Models: place_entity(): a thread that slept gets at most half a latency period of credit
// (GENTLE_FAIR_SLEEPERS). One that begins was forked earlier and is level with the others, unless
// it has slept since.
void Cpu::place(Thread& thread, bool initial) {
  const SimDuration credit = scaled(kSchedLatency, machine_.cpus()) / 2;
  if (initial) {
    thread.vruntime_ = thread.rested_ ? min_vruntime_ - credit : min_vruntime_;
    return;
  }
  thread.vruntime_ = std::max(thread.vruntime_, min_vruntime_ - credit);
}

void Cpu::enqueue(Thread& thread, bool wakeup) {
  if (current_ != nullptr) {
    account(*current_);
  }
  if (wakeup) {
    place(thread, false);
  }
  thread.state_ = Thread::State::kRunnable;
  thread.queue_order_ = machine_.next_order_++;
  queue_.push_back(&thread);
  if (current_ == nullptr) {
    leave_idle();
    return;
  }
  // Models: check_preempt_wakeup(). Who asks for the CPU first is the next buddy.
  const SimDuration lead = current_->vruntime_ - thread.vruntime_;
  if (wakeup && !need_resched_ && lead > wakeup_granularity(thread)) {
    need_resched_ = true;
    next_buddy_ = &thread;
  }
  arm_tick();
}

// Models: wakeup_gran().
SimDuration Cpu::wakeup_granularity(const Thread& thread) const {
  return weighted(scaled(kWakeupGranularity, machine_.cpus()), thread.weight_);
}

Thread& Cpu::leftmost() const {
  return **std::min_element(queue_.begin(), queue_.end(), [](const Thread* a, const Thread* b) {
    return std::pair{a->vruntime_, a->queue_order_} < std::pair{b->vruntime_, b->queue_order_};
  });
}

// Models: pick_next_entity(): the leftmost thread, or the next buddy where that is not too unfair.
Thread& Cpu::most_entitled() {
  Thread& left = leftmost();
  const bool buddy =
      next_buddy_ != nullptr && next_buddy_->vruntime_ - left.vruntime_ <= wakeup_granularity(left);
  Thread& next = buddy ? *next_buddy_ : left;
  if (next_buddy_ == &next) {
    next_buddy_ = nullptr;
  }
  return next;
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
  if (queue_.empty()) {
    simulator_.cancel(tick_);
    return;
  }
  Thread& next = most_entitled();
  std::erase(queue_, &next);
  current_ = &next;
  next.state_ = Thread::State::kRunning;
  next.exec_start_ = simulator_.now();
  next.picked_at_ = simulator_.now();
  const SimDuration cost = delay + machine_.costs().context_switch;
  busy_ += cost;
  start_burn(cost);
  arm_tick();
}

// Models: sched_slice(): the thread's share of the latency period, by weight.
SimDuration Cpu::slice(const Thread& thread) const {
  const auto threads = static_cast<std::int64_t>(std::max<std::size_t>(runnable(), 1));
  const SimDuration period = threads > kLatencyThreads
                                 ? scaled(kMinGranularity, machine_.cpus()) * threads
                                 : scaled(kSchedLatency, machine_.cpus());
  std::int64_t total = thread.weight_;
  for (const Thread* other : queue_) {
    total += other == &thread ? 0 : other->weight_;
  }
  if (current_ != nullptr && current_ != &thread) {
    total += current_->weight_;
  }
  return period * thread.weight_ / total;
}

void Cpu::arm_tick() {
  const bool needed = !queue_.empty() || machine_.costs().tick > SimDuration::zero();
  if (current_ != nullptr && needed && !tick_.pending()) {
    simulator_.schedule(tick_, machine_.jiffies().next_tick_after(simulator_.now()));
  }
}

// The tick itself is interrupt work; then check_preempt_tick().
void Cpu::on_tick() {
  if (current_ == nullptr) {
    return;
  }
  steal(machine_.costs().tick);
  arm_tick();
  if (queue_.empty()) {
    return;
  }
  account(*current_);
  const SimDuration ran = simulator_.now() - current_->picked_at_;
  const SimDuration ideal = slice(*current_);
  if (ran > ideal) {
    need_resched_ = true;
  } else if (ran >= scaled(kMinGranularity, machine_.cpus()) &&
             current_->vruntime_ - leftmost().vruntime_ > ideal) {
    need_resched_ = true;
  }
}

// --- Machine --------------------------------------------------------------------------------

Machine::Machine(Simulator& simulator, int cpus, const Jiffies& jiffies, const CpuCosts& costs)
    : simulator_{simulator}, jiffies_{jiffies}, costs_{costs} {
  for (int i = 0; i < cpus; ++i) {
    cpus_.push_back(std::make_unique<Cpu>(*this, i));
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
