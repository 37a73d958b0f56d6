#include "sim/block/elevators/anticipatory/anticipation.hpp"

#include <algorithm>

namespace wbsim::block {

namespace {

constexpr std::int64_t kOne = 256;  // of probabilities and of the weight of a sample

void raise(std::int64_t& probability) { probability = (7 * probability + kOne) / 8; }
void lower(std::int64_t& probability) { probability = 7 * probability / 8; }

}  // namespace

Anticipation::Anticipation(const engine::Machine& machine, SingleQueueHost& host,
                           std::int64_t expire)
    : machine_{machine},
      host_{host},
      expire_{expire},
      timer_{engine::event_calling<&Anticipation::on_timeout>(*this, "anticipation")} {}

Anticipation::~Anticipation() { machine_.simulator().cancel(timer_); }

bool Anticipation::should_wait(const AnticipatedRequest* next, Lba head) {
  return task_ != nullptr && state_ != State::kFinished && !should_break(next, head);
}

void Anticipation::wait() {
  if (state_ != State::kOff) {
    return;
  }
  if (task_finished_) {
    wait_next();
  } else {
    state_ = State::kWaitReq;
  }
}

// Models: as_antic_waitnext(). The time counts from the end of the read, when its task may have
// gone on.
void Anticipation::wait_next() {
  const std::int64_t left = start_ + expire_ - now();
  engine::Simulator& simulator = machine_.simulator();
  simulator.schedule(
      timer_, machine_.jiffies().timer_time(simulator.now(), static_cast<std::uint64_t>(left)));
  state_ = State::kWaitNext;
}

void Anticipation::arrived(const AnticipatedRequest& request, Lba head) {
  if (waiting() && should_break(&request, head)) {
    stop();
  }
}

void Anticipation::stop() {
  if (!waiting()) {
    return;
  }
  machine_.simulator().cancel(timer_);
  state_ = State::kFinished;
  host_.run_async(0);
}

void Anticipation::dispatched(AnticipatedTask* task) {
  stop();
  state_ = State::kOff;
  task_ = task;
  task_finished_ = false;
}

void Anticipation::completed(const AnticipatedTask& task) {
  if (&task != task_) {
    return;
  }
  start_ = now();
  task_finished_ = true;
  if (state_ == State::kWaitReq) {
    wait_next();
  }
}

// Models: as_antic_timeout().
void Anticipation::on_timeout() {
  state_ = State::kFinished;
  host_.run_async(0);
  if (!task_->think_time.started()) {
    raise(estimates_.exit_prob);
  }
  if (task_->owner.exited) {
    raise(estimates_.exit_no_coop);
  }
}

// Models: as_can_break_anticipation(). A request of the task itself is one of its queued ones.
bool Anticipation::should_break(const AnticipatedRequest* request, Lba head) {
  if (task_finished_ && now() - start_ >= expire_) {
    return true;
  }
  if (task_->queued > 0 || task_->dispatched > 0) {
    return true;
  }
  const bool is_new = !task_->think_time.started();
  const bool exited = task_->owner.exited;
  if (request != nullptr && request->sync && is_close(request->request, head)) {
    if (exited) {
      if (is_new) {
        raise(estimates_.exit_prob);
      }
      lower(estimates_.exit_no_coop);
    }
    // The two work together: what the other does counts as the task's own.
    update_history(*task_, request->request);
    return true;
  }
  if (exited) {
    if (is_new) {
      raise(estimates_.exit_prob);
    }
    if (estimates_.exit_no_coop > kOne / 2) {
      return true;
    }
  }
  if (is_new) {
    return estimates_.new_think_mean > expire_ ||
           estimates_.exit_prob * estimates_.exit_no_coop > kOne / 2 * kOne;
  }
  return task_->think_time.mean() > expire_;
}

// Models: as_close_req(). The kernel compares the time waited in ms with antic_expire in jiffies.
bool Anticipation::is_close(const Request& request, Lba head) const {
  constexpr std::int64_t kClose = 8192;  // sectors
  constexpr std::int64_t kDelayMax = 20;
  const std::int64_t delay = state_ == State::kOff || !task_finished_
                                 ? 0
                                 : (now() - start_) * 1000 / machine_.jiffies().hz();
  if (delay > kDelayMax || (delay > 0 && delay > expire_)) {
    return true;
  }
  const std::int64_t reach = kClose << delay;
  if (head <= request.sector + Sectors{reach / 2} && request.sector <= head + Sectors{reach}) {
    return true;
  }
  const Sectors expected = task_->seeks.started() ? task_->seeks.mean() : estimates_.new_seek_mean;
  return distance(request.sector, head) < expected;
}

void Anticipation::update_history(AnticipatedTask& task, const Request& request) {
  if (task.has_finished || task.has_started) {
    // MAX_THINKTIME - 1: a task that computes or waits for somebody for longer is no worse.
    const std::int64_t most = machine_.jiffies().hz() / 50 - 1;
    const bool thought = task.has_finished && task.queued + task.dispatched == 0;
    const std::int64_t think = thought ? std::min(task.think_time.since_end(now()), most) : 0;
    if (!task.think_time.started()) {
      new_think_total_ = (7 * new_think_total_ + kOne * think) / 8;
      estimates_.new_think_mean = new_think_total_ / kOne;
      lower(estimates_.exit_prob);
    }
    task.think_time.add(think);
    const Sectors seek = distance(request.sector, task.last_end);
    if (!task.seeks.started()) {
      new_seek_total_ = (7 * new_seek_total_ + kOne * seek.count()) / 8;
      estimates_.new_seek_mean = Sectors{new_seek_total_ / kOne};
    }
    task.seeks.add(seek);
  }
  task.last_end = request.end();
  task.has_started = true;
}

}  // namespace wbsim::block
