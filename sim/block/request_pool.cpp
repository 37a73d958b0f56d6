#include "sim/block/request_pool.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

constexpr int kBatchRequests = 32;        // BLK_BATCH_REQ
constexpr int kBatchTimesPerSecond = 50;  // BLK_BATCH_TIME: HZ / 50
constexpr int most_of(int nr_requests) { return 3 * nr_requests / 2; }

}  // namespace

// Thresholds: blk_queue_congestion_threshold().
RequestPool::RequestPool(BlockQueue& owner, const engine::Machine& machine, int nr_requests,
                         RequestClasses classes, Congestion* congestion)
    : machine_{machine},
      congestion_{congestion},
      classes_{classes},
      nr_requests_{nr_requests},
      congestion_on_{std::min(nr_requests - nr_requests / 8 + 1, nr_requests)},
      congestion_off_{std::max(nr_requests - nr_requests / 8 - nr_requests / 16 - 1, 1)} {
  const int numbers = static_cast<int>(kRequestClasses) * most_of(nr_requests);
  for (int number = 0; number < numbers; ++number) {
    requests_.push_back(std::make_unique<Request>(owner, number));
  }
  for (const auto& request : requests_) {
    free_.push_back(request.get());
  }
}

RequestClass RequestPool::class_of(const engine::RwbsFlags& flags) const {
  const bool sync = classes_ == RequestClasses::kBySync && flags.sync;
  return flags.write && !sync ? kWriteOrAsync : kReadOrSync;
}

// Models: ioc_batching(). At least one request is granted even if the time has run out, or
// wake-ups would be lost.
bool RequestPool::is_batcher(const IoContext& context) const {
  const auto batch_time =
      static_cast<std::uint64_t>(machine_.jiffies().hz() / kBatchTimesPerSecond);
  return context.batch_requests == kBatchRequests ||
         (context.batch_requests > 0 && machine_.jiffies_now() < context.last_waited + batch_time);
}

// Models: ioc_set_batching().
void RequestPool::make_batcher(IoContext& context) const {
  if (!is_batcher(context)) {
    context.batch_requests = kBatchRequests;
    context.last_waited = machine_.jiffies_now();
  }
}

Request* RequestPool::get(RequestClass which, IoContext& context, MayQueue may_queue) {
  List& list = lists_[which];
  if (may_queue == MayQueue::kNo) {
    list.starved |= list.count == 0;
    return nullptr;
  }
  const bool fills = list.count + 1 >= nr_requests_;
  if (fills && !list.full) {
    make_batcher(context);
    list.full = true;
  } else if (fills && may_queue != MayQueue::kMust && !is_batcher(context)) {
    return nullptr;
  }
  list.congested |= list.count + 1 >= congestion_on_;
  if (list.count >= most_of(nr_requests_)) {
    return nullptr;
  }
  ++list.count;
  list.starved = false;
  if ((fills || classes_ == RequestClasses::kBySync) && is_batcher(context)) {
    --context.batch_requests;
  }
  Request& request = *free_.back();
  free_.pop_back();
  request.pool_class = static_cast<std::uint8_t>(which);
  return &request;
}

void RequestPool::put(Request& request) {
  const auto which = static_cast<RequestClass>(request.pool_class);
  const RequestClass other = which == kReadOrSync ? kWriteOrAsync : kReadOrSync;
  SIM_CHECK(lists_[which].count > 0);
  --lists_[which].count;
  free_.push_back(&request);
  freed(which);
  if (lists_[other].starved) {
    freed(other);
  }
}

// Models: __freed_request().
void RequestPool::freed(RequestClass which) {
  List& list = lists_[which];
  if (list.count < congestion_off_) {
    list.congested = false;
    if (congestion_ != nullptr) {
      congestion_->cleared(which);
    }
  }
  if (list.count + 1 <= nr_requests_) {
    list.waiters.wake(1);
    list.full = false;
  }
}

engine::Task<> RequestPool::wait(engine::Thread& thread, IoContext& context, RequestClass which) {
  co_await lists_[which].waiters.wait(thread);
  make_batcher(context);
}

}  // namespace wbsim::block
