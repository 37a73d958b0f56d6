#include "sim/block/hardware_queue.hpp"

#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {
constexpr std::uint64_t kResourceDelayMsecs = 3;  // BLK_MQ_RESOURCE_DELAY
constexpr int kBusyWeight = 8;                    // BLK_MQ_DISPATCH_BUSY_EWMA_WEIGHT
constexpr int kBusyFactor = 4;                    // BLK_MQ_DISPATCH_BUSY_EWMA_FACTOR
constexpr int kCpuWorkBatch = 8;                  // BLK_MQ_CPU_WORK_BATCH
}  // namespace

HardwareQueue::HardwareQueue(BlockQueue& owner, HardwareQueueHost& host, FlushHost& flush_host,
                             engine::Machine& machine, Kblockd& kblockd,
                             const HardwareQueueOptions& options)
    : owner_{owner},
      host_{host},
      machine_{machine},
      kblockd_{kblockd},
      options_{options},
      flush_{owner, flush_host, machine.simulator()},
      software_{options.cpus, machine.cpus()},
      next_cpu_batch_{kCpuWorkBatch},
      delayed_run_{engine::event_calling<&HardwareQueue::on_delayed_run>(*this, "delayed run")} {
  SIM_CHECK(!options.cpus.empty());
}

// When the first is wanted: of many hardware queues few may ever be used.
void HardwareQueue::make_requests() {
  for (int number = 0; number < options_.requests; ++number) {
    requests_.push_back(std::make_unique<Request>(owner_, number));
  }
}

HardwareQueue::~HardwareQueue() { machine_.simulator().cancel(delayed_run_); }

// Models: blk_mq_hctx_next_cpu(); WORK_CPU_UNBOUND is where it was asked for.
int HardwareQueue::next_cpu(int cpu) {
  if (options_.hw_queues == 1) {
    return cpu;
  }
  if (--next_cpu_batch_ <= 0) {
    next_cpu_ = next_cpu_ + 1 == options_.cpus.size() ? 0 : next_cpu_ + 1;
    next_cpu_batch_ = kCpuWorkBatch;
  }
  return options_.cpus[next_cpu_];
}

// Models: blk_mq_run_hw_queue() with async.
void HardwareQueue::run_async(int cpu) {
  machine_.simulator().cancel(delayed_run_);
  kblockd_.queue_work(*this, next_cpu(cpu));
}

// Models: kblockd_mod_delayed_work_on(WORK_CPU_UNBOUND, &q->requeue_work).
void HardwareQueue::run_requeue_list(int cpu) {
  machine_.simulator().cancel(delayed_run_);
  kblockd_.queue_work(*this, cpu);
}

// Models: blk_mq_delay_run_hw_queue().
void HardwareQueue::run_delayed(int cpu) {
  kblockd_.cancel_work(*this);
  delayed_run_cpu_ = next_cpu(cpu);
  const engine::Jiffies& jiffies = machine_.jiffies();
  const SimTime now = machine_.simulator().now();
  machine_.simulator().reschedule(
      delayed_run_, jiffies.timer_time(now, jiffies.from_msecs_ceil(kResourceDelayMsecs)));
}

// Models: blk_mq_update_dispatch_busy().
void HardwareQueue::update_dispatch_busy(bool busy) {
  if (dispatch_busy_ == 0 && !busy) {
    return;
  }
  dispatch_busy_ =
      (dispatch_busy_ * (kBusyWeight - 1) + (busy ? 1 << kBusyFactor : 0)) / kBusyWeight;
}

// Models: blk_mq_get_tag(), __blk_mq_get_tag().
Request* HardwareQueue::allocate(int cpu, int word_depth) {
  if (!options_.elevator && shared()) {
    options_.driver_tags.busy(options_.share);
    if (!options_.driver_tags.may_take(options_.share)) {
      return nullptr;
    }
  }
  const int number = options_.allocation_tags.get(cpu, word_depth);
  if (number == TagSet::kNoTag) {
    return nullptr;
  }
  if (requests_.empty()) {
    make_requests();
  }
  Request& request = *requests_[static_cast<std::size_t>(number)];
  request.tag = options_.elevator ? kNoTag : options_.first_tag + number;
  return &request;
}

void HardwareQueue::free(Request& request) {
  count_out(request);
  options_.allocation_tags.put(request.number, request.cpu);
}

// Models: __blk_mq_alloc_driver_tag() (v6.1).
bool HardwareQueue::take_driver_tag(Request& request) {
  DriverTags& driver = options_.driver_tags;
  if (shared()) {
    driver.busy(options_.share);
    if (!driver.may_take(options_.share)) {
      return false;
    }
  }
  const int tag = driver.tags().get(request.cpu);
  if (tag == TagSet::kNoTag) {
    return false;
  }
  request.tag = options_.first_tag + tag;
  return true;
}

// Models: blk_mq_get_driver_tag(). A flush without an elevator borrows a tag, which is another's
// (blk_kick_flush()).
bool HardwareQueue::get_counted_tag(Request& request) {
  if (request.tag == kNoTag && !take_driver_tag(request)) {
    return false;
  }
  if (options_.elevator || !request.flags.flush) {
    count_in(request);
  }
  return true;
}

// Models: blk_mq_put_driver_tag().
void HardwareQueue::put_driver_tag(Request& request) {
  if (options_.elevator && request.tag != kNoTag) {
    const int tag = std::exchange(request.tag, kNoTag) - options_.first_tag;
    options_.driver_tags.tags().put(tag, request.cpu);
    count_out(request);
  }
}

// Models: __blk_mq_inc_active_requests() where RQF_MQ_INFLIGHT is not set.
void HardwareQueue::count_in(Request& request) {
  if (shared() && !request.counted) {
    request.counted = true;
    ++options_.share.requests;
  }
}

void HardwareQueue::count_out(Request& request) {
  if (std::exchange(request.counted, false)) {
    --options_.share.requests;
  }
}

void HardwareQueue::wait_for_driver_tag() {
  if (!shares_tags()) {
    restart_ = true;
  } else if (!waiting()) {
    options_.driver_tags.tags().add_waiter(*this);
  }
}

}  // namespace wbsim::block
