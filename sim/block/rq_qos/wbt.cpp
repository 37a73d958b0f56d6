#include "sim/block/rq_qos/wbt.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::WbtStatus;

namespace {

constexpr int kDefaultDepth = 16;                   // RWB_DEF_DEPTH
constexpr SimDuration kWindow = milliseconds(100);  // RWB_WINDOW_NSEC
constexpr std::int64_t kWriteSamplesMin = 3;        // RWB_MIN_WRITE_SAMPLES
constexpr int kUnknownWindowsMax = 5;               // RWB_UNKNOWN_BUMP
constexpr std::uint64_t kCloseIoPart = 10;          // HZ / 10 in close_io()

// int_sqrt(), lib/math/int_sqrt.c: rounds down.
std::int64_t int_sqrt(std::int64_t x) {
  std::int64_t root = 0;
  while ((root + 1) * (root + 1) <= x) {
    ++root;
  }
  return root;
}

engine::WbtSamples traced(const RqStat& stat) {
  return {.count = stat.samples, .mean = stat.mean, .min = stat.min, .max = stat.max};
}

}  // namespace

Wbt::Wbt(engine::Machine& machine, const engine::Tracer& tracer, int device,
         const WbtOptions& options)
    : machine_{machine},
      tracer_{tracer},
      device_{device},
      options_{options},
      depth_{kDefaultDepth, options.queue_depth},
      window_{kWindow},
      stat_{machine, *this} {
  SIM_CHECK(options.min_lat > SimDuration::zero() && options.queue_depth > 0);
  // The last read before was a long time ago (wbt_init() counts from the queue's registration).
  const auto hz = static_cast<std::uint64_t>(machine.jiffies().hz());
  last_issue_ = last_completion_ = machine.jiffies_now() - hz;
  calc_limits();
}

int Wbt::inflight() const {
  int sum = 0;
  for (const RqWait<WbtBio>& queue : queues_) {
    sum += queue.inflight();
  }
  return sum;
}

bool Wbt::has_sleepers() const {
  bool any = false;
  for (const RqWait<WbtBio>& queue : queues_) {
    any = any || queue.has_sleepers();
  }
  return any;
}

// Models: bio_to_wbt_flags() and wbt_should_throttle().
unsigned Wbt::flags_of(const WbtBio& bio) {
  if (!bio.flags.discard) {
    if (bio.flags.flush) {
      return 0;
    }
    if (!bio.flags.write) {
      return kRead;
    }
    if (bio.flags.sync && bio.flags.idle) {
      return 0;  // direct I/O
    }
  }
  unsigned flags = kTracked;
  if (bio.kswapd) {
    flags |= kFromKswapd;
  }
  if (bio.flags.discard) {
    flags |= kDiscards;
  }
  return flags;
}

// Models: get_rq_wait().
Wbt::Queue Wbt::queue_of(unsigned flags) {
  if ((flags & kFromKswapd) != 0) {
    return kKswapd;
  }
  return (flags & kDiscards) != 0 ? kDiscard : kBackground;
}

// Models: wb_recent_wait().
bool Wbt::recent_wait() const {
  const auto hz = static_cast<std::uint64_t>(machine_.jiffies().hz());
  return options_.dirty_sleep != nullptr &&
         engine::time_after(*options_.dirty_sleep + hz, machine_.jiffies_now());
}

bool Wbt::close_io() const {
  const std::uint64_t now = machine_.jiffies_now();
  const std::uint64_t part = static_cast<std::uint64_t>(machine_.jiffies().hz()) / kCloseIoPart;
  return engine::time_after(last_issue_ + part, now) ||
         engine::time_after(last_completion_ + part, now);
}

// Models: get_limit().
int Wbt::limit(const WbtBio& bio) const {
  if (bio.flags.discard) {
    return background_;
  }
  if (bio.flags.sync || bio.flags.prio || bio.kswapd || recent_wait()) {
    return depth_.max_depth();
  }
  return bio.flags.background || close_io() ? background_ : normal_;
}

bool Wbt::throttle(const WbtBio& bio) {
  const unsigned flags = flags_of(bio);
  if ((flags & kTracked) == 0) {
    if ((flags & kRead) != 0) {
      last_issue_ = machine_.jiffies_now();
    }
    return true;
  }
  if (!queues_[queue_of(flags)].enter(limit(bio))) {
    return false;
  }
  if (!stat_.is_active()) {
    arm_timer();
  }
  return true;
}

// A window is running: there is nobody to wait for but those whose requests are in flight.
engine::Task<> Wbt::wait(engine::Thread& thread, WbtBio bio) {
  co_await queues_[queue_of(flags_of(bio))].wait(thread, bio);
  co_await thread.run(thread.costs().sleeper_wake);
}

void Wbt::track(Request& request, const WbtBio& bio) {
  request.wbt_flags = flags_of(bio);
  request.timed = false;
}

// Models: blk_mq_start_request() with QUEUE_FLAG_STATS, and wbt_issue(). A device that refuses a
// request does so before it is started: only what has failed is requeued.
void Wbt::issue(Request& request) {
  request.timed = true;
  if ((request.wbt_flags & kRead) != 0 && sync_cookie_ == nullptr) {
    sync_cookie_ = &request;
    sync_issue_ = request.issued;
  }
}

// Models: wbt_requeue().
void Wbt::requeue(const Request& request) {
  if (sync_cookie_ == &request) {
    sync_cookie_ = nullptr;
  }
}

// Models: blk_stat_add() and wbt_data_dir().
void Wbt::add_sample(const Request& request) {
  if (request.timed && !request.flags.flush) {
    stat_.add(request.cpu, request.is_write() ? kStatWrite : kStatRead,
              machine_.simulator().now() - request.issued);
  }
}

// Models: wbt_done() and wbt_rqw_done().
void Wbt::done(Request& request) {
  const unsigned flags = request.wbt_flags;
  request.wbt_flags = 0;
  if ((flags & kTracked) != 0) {
    const Queue queue = queue_of(flags);
    queues_[queue].leave();
    const bool any_write = options_.write_cache && !recent_wait();
    const int below = (flags & kDiscards) != 0 ? background_ : any_write ? 0 : normal_;
    const int inflight = queues_[queue].inflight();
    if (inflight == 0 || (inflight < below && below - inflight >= background_ / 2)) {
      wake(queue);
    }
    return;
  }
  if (sync_cookie_ == &request) {
    sync_cookie_ = nullptr;
  }
  if ((flags & kRead) != 0) {
    last_completion_ = machine_.jiffies_now();
  }
}

void Wbt::wake(Queue queue) {
  queues_[queue].wake([this](const WbtBio& bio) {
    return limit({.flags = bio.flags});  // current is not kswapd here
  });
}

// Models: rwb_wake_all().
void Wbt::wake_all() {
  for (const Queue queue : {kBackground, kKswapd, kDiscard}) {
    wake(queue);
  }
}

// Models: wb_timer_fn().
void Wbt::window_over(const RqStats& stats) {
  const int inflight = this->inflight();
  SimDuration exceeding{};
  const WbtStatus status = judge(stats, exceeding);
  if (tracer_.active()) {
    const engine::WbtWindow trace{.time = machine_.simulator().now(),
                                  .device = device_,
                                  .status = status,
                                  .step = depth_.step(),
                                  .inflight = inflight,
                                  .exceeding = exceeding,
                                  .reads = traced(stats[kStatRead]),
                                  .writes = traced(stats[kStatWrite])};
    tracer_.emit(&engine::Observer::on_wbt_window, trace);
  }
  react(status);
  if (depth_.step() != 0 || inflight > 0) {
    arm_timer();
  }
}

// Models: latency_exceeded().
WbtStatus Wbt::judge(const RqStats& stats, SimDuration& exceeding) const {
  const RqStat& reads = stats[kStatRead];
  const RqStat& writes = stats[kStatWrite];
  const SimDuration waiting =
      sync_cookie_ == nullptr ? SimDuration{} : machine_.simulator().now() - sync_issue_;
  if (waiting > window_ || (waiting > options_.min_lat && reads.samples == 0)) {
    exceeding = waiting;
    return WbtStatus::kExceeded;
  }
  if (reads.samples == 0 || writes.samples < kWriteSamplesMin) {
    const bool writing = writes.samples > 0 || recent_wait() || inflight() > 0;
    return writing ? WbtStatus::kUnknownWrites : WbtStatus::kUnknown;
  }
  if (reads.min > options_.min_lat) {
    exceeding = reads.min;
    return WbtStatus::kExceeded;
  }
  return WbtStatus::kOk;
}

void Wbt::react(WbtStatus status) {
  switch (status) {
    case WbtStatus::kExceeded:
      scale_down(true);
      return;
    case WbtStatus::kOk:
    case WbtStatus::kUnknownWrites:
      scale_up();
      return;
    case WbtStatus::kUnknown:
      break;
  }
  if (++unknown_windows_ < kUnknownWindowsMax) {
    return;
  }
  if (depth_.step() > 0) {
    scale_up();
  } else if (depth_.step() < 0) {
    scale_down(false);
  }
}

void Wbt::scale_up() {
  if (depth_.scale_up()) {
    calc_limits();
    unknown_windows_ = 0;
    wake_all();
    trace_step();
  }
}

void Wbt::scale_down(bool hard) {
  if (depth_.scale_down(hard)) {
    calc_limits();
    unknown_windows_ = 0;
    trace_step();
  }
}

// Models: calc_wb_limits().
void Wbt::calc_limits() {
  const int max = depth_.max_depth();
  normal_ = max <= 2 ? max : (max + 1) / 2;
  background_ = max <= 2 ? 1 : (max + 3) / 4;
}

// Models: rwb_arm_timer(). The root is that of a number with eight fraction bits.
void Wbt::arm_timer() {
  constexpr unsigned kFraction = 8;
  const std::int64_t step = depth_.step();
  window_ =
      step > 0 ? kWindow * (1 << (kFraction / 2)) / int_sqrt((step + 1) << kFraction) : kWindow;
  stat_.activate(window_);
}

void Wbt::trace_step() const {
  if (tracer_.active()) {
    const engine::WbtStep trace{.time = machine_.simulator().now(),
                                .device = device_,
                                .step = depth_.step(),
                                .window = window_,
                                .background = background_,
                                .normal = normal_,
                                .max = depth_.max_depth()};
    tracer_.emit(&engine::Observer::on_wbt_step, trace);
  }
}

}  // namespace wbsim::block
