#include "sim/block/elevators/kyber.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

constexpr int kAsyncPercent = 75;        // KYBER_ASYNC_PERCENT
constexpr int kAdjustmentsASecond = 10;  // timer_reduce(jiffies + HZ / 10)

constexpr std::int64_t kReadTarget = 2'000'000;    // ns
constexpr std::int64_t kWriteTarget = 10'000'000;  // ns
constexpr SimDuration kDiscardTarget = seconds(5);

// Any u64 can be written; what is above belongs to no latency there can be.
constexpr std::int64_t kTargetMax = std::numeric_limits<std::int64_t>::max();
constexpr std::array<Tunable, 2> kKyberTunables{{
    {"read_lat_nsec", "ns; latency to aim at for reads", 0, kTargetMax, kReadTarget},
    {"write_lat_nsec", "ns; latency to aim at for writes", 0, kTargetMax, kWriteTarget},
}};

// Models: kyber_depth_updated() (v6.1, and v6.12, where it is of all tags and precedes the change
// of nr_requests), kyber_queue_data_alloc() (v5.10).
int async_depth_of(const ElevatorContext& context) {
  if (context.generation >= ElevatorGeneration::kV6_12) {
    return context.default_nr_requests * kAsyncPercent / 100;
  }
  const bool follows = context.generation >= ElevatorGeneration::kV6_1;
  const int bits = follows ? context.bits_per_word : context.default_bits_per_word;
  return bits * kAsyncPercent / 100;
}

// Tags that were replaced by more (blk_mq_tag_update_depth()) have been told nothing in v5.10.
bool tags_know(const ElevatorContext& context) {
  return context.generation >= ElevatorGeneration::kV6_1 ||
         context.nr_requests <= context.default_nr_requests;
}

ElevatorHost& host_of(const ElevatorContext& context) {
  SIM_CHECK(context.host != nullptr);
  return *context.host;
}

// A flush without data, which is done by others: its I/O latency, since an issue at time zero of
// the kernel's clock, exceeds any target.
constexpr SimDuration kNeverIssued = SimDuration::max();

}  // namespace

std::span<const Tunable> Kyber::tunables() { return kKyberTunables; }

Kyber::HardwareQueue::HardwareQueue(ElevatorHost& host, int hw_queue, int cpus)
    : by_cpu(static_cast<std::size_t>(cpus)),
      waiters{TokenWaiter{host, hw_queue}, TokenWaiter{host, hw_queue}, TokenWaiter{host, hw_queue},
              TokenWaiter{host, hw_queue}} {}

Kyber::Kyber(const ElevatorContext& context)
    : machine_{context.machine},
      async_word_depth_{async_depth_of(context)},
      min_word_depth_{tags_know(context) ? async_word_depth_ : Sbitmap::kWholeWord},
      tokens_{TagSet{kDepths[kRead], {.wake = context.tag_wake, .cpus = context.machine.cpus()}},
              TagSet{kDepths[kWrite], {.wake = context.tag_wake, .cpus = context.machine.cpus()}},
              TagSet{kDepths[kDiscard], {.wake = context.tag_wake, .cpus = context.machine.cpus()}},
              TagSet{kDepths[kOther], {.wake = context.tag_wake, .cpus = context.machine.cpus()}}},
      latencies_{{nanoseconds(context.tunable("read_lat_nsec", kReadTarget)),
                  nanoseconds(context.tunable("write_lat_nsec", kWriteTarget)), kDiscardTarget},
                 context.machine.jiffies().hz()},
      timer_{engine::event_calling<&Kyber::on_timer>(*this)},
      hw_queue_of_cpu_{context.hw_queue_of_cpu} {
  const int cpus = context.machine.cpus();
  hw_queue_of_cpu_.resize(static_cast<std::size_t>(cpus));
  const int last = *std::max_element(hw_queue_of_cpu_.begin(), hw_queue_of_cpu_.end());
  for (int hw_queue = 0; hw_queue <= last; ++hw_queue) {
    queues_.push_back(std::make_unique<HardwareQueue>(host_of(context), hw_queue, cpus));
  }
}

Kyber::~Kyber() { machine_.simulator().cancel(timer_); }

Kyber::Domain Kyber::domain_of(const engine::RwbsFlags& flags) {
  if (flags.flush) {
    return kOther;
  }
  if (flags.discard) {
    return kDiscard;
  }
  return flags.write ? kWrite : kRead;
}

void Kyber::insert(Request& request) {
  const Domain domain = domain_of(request.flags);
  HardwareQueue& queue = queue_of(request.cpu);
  queue.by_cpu[static_cast<std::size_t>(request.cpu)][domain].push_back(request);
  ++queue.in_by_cpu[domain];
}

MergeOutcome Kyber::merge_bio(RequestMerger& merger, Bio& bio, int cpu) {
  RequestChain& queued = queue_of(cpu).by_cpu[static_cast<std::size_t>(cpu)][domain_of(bio.flags)];
  return merger.merge_with_newest(queued, bio, cpu);
}

bool Kyber::has_work() const {
  for (std::size_t hw_queue = 0; hw_queue < queues_.size(); ++hw_queue) {
    if (has_work_for(static_cast<int>(hw_queue))) {
      return true;
    }
  }
  return false;
}

bool Kyber::has_work_for(int hw_queue) const {
  const HardwareQueue& queue = *queues_[static_cast<std::size_t>(hw_queue)];
  for (std::size_t domain = 0; domain < kDomains; ++domain) {
    if (queue.in_by_cpu[domain] > 0 || !queue.taken_out[domain].empty()) {
      return true;
    }
  }
  return false;
}

// Models: kyber_dispatch_request().
Request* Kyber::dispatch_for(int hw_queue) {
  HardwareQueue& queue = *queues_[static_cast<std::size_t>(hw_queue)];
  if (queue.batching < kBatches[queue.domain]) {
    if (Request* request = dispatch_from_domain(queue)) {
      return request;
    }
  }
  queue.batching = 0;
  for (std::size_t turns = 0; turns < kDomains; ++turns) {
    queue.domain = (queue.domain + 1) % kDomains;
    if (Request* request = dispatch_from_domain(queue)) {
      return request;
    }
  }
  return nullptr;
}

// Models: kyber_dispatch_cur_domain().
Request* Kyber::dispatch_from_domain(HardwareQueue& queue) {
  RequestChain& taken_out = queue.taken_out[queue.domain];
  if (taken_out.empty() && queue.in_by_cpu[queue.domain] == 0) {
    return nullptr;
  }
  const int token = get_token(queue);
  if (token == TagSet::kNoTag) {
    return nullptr;
  }
  if (taken_out.empty()) {
    take_out(queue, queue.domain);
  }
  Request& request = taken_out.front();
  taken_out.pop_front();
  request.domain_token = token;
  ++queue.batching;
  return &request;
}

// Models: kyber_get_domain_token(). Who was waiting and has got one waits no longer, so that no
// wake-up is wasted.
int Kyber::get_token(HardwareQueue& queue) {
  TagSet& tokens = tokens_[queue.domain];
  TokenWaiter& waiter = queue.waiters[queue.domain];
  const int token = tokens.get();
  if (token == TagSet::kNoTag && !waiter.waiting()) {
    tokens.add_waiter(waiter);
  } else if (token != TagSet::kNoTag && waiter.waiting()) {
    tokens.remove_waiter(waiter);
  }
  return token;
}

// Models: kyber_flush_busy_kcqs().
void Kyber::take_out(HardwareQueue& queue, std::size_t domain) {
  RequestChain& to = queue.taken_out[domain];
  for (HardwareQueue::Lists& lists : queue.by_cpu) {
    to.splice(to.end(), lists[domain]);
  }
  queue.in_by_cpu[domain] = 0;
}

// Models: kyber_limit_depth(). A depth of zero, in words of one bit, is no limit.
int Kyber::word_depth(const engine::RwbsFlags& flags) const {
  return is_sync(flags) || async_word_depth_ == 0 ? Sbitmap::kWholeWord : async_word_depth_;
}

void Kyber::completed_request(Request& request, SimTime now) {
  const Domain domain = domain_of(request.flags);
  if (domain == kOther) {
    return;
  }
  const bool issued = request.length > Sectors{0};
  latencies_.add(domain, now - request.started, issued ? now - request.issued : kNeverIssued);
  if (!timer_.pending()) {
    const engine::Jiffies& jiffies = machine_.jiffies();
    const auto delay = static_cast<std::uint64_t>(jiffies.hz() / kAdjustmentsASecond);
    machine_.simulator().schedule(timer_, jiffies.timer_time(now, delay));
  }
}

void Kyber::finish_request(Request& request) {
  const int token = std::exchange(request.domain_token, kNoTag);
  if (token != kNoTag) {
    tokens_[domain_of(request.flags)].put(token, request.cpu);
  }
}

// Models: kyber_timer_fn(), kyber_resize_domain().
void Kyber::on_timer() {
  KyberLatencies::Depths depths{};
  for (std::size_t domain = 0; domain < depths.size(); ++domain) {
    depths[domain] = tokens_[domain].depth();
  }
  depths = latencies_.scaled(depths, machine_.jiffies_now());
  for (std::size_t domain = 0; domain < depths.size(); ++domain) {
    const int depth = std::clamp(depths[domain], 1, kDepths[domain]);
    if (depth != tokens_[domain].depth()) {
      tokens_[domain].resize(depth);
    }
  }
}

}  // namespace wbsim::block
