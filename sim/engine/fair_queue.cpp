#include "sim/engine/fair_queue.hpp"

#include "sim/base/check.hpp"
#include "sim/engine/cfs_queue.hpp"
#include "sim/engine/eevdf_queue.hpp"

namespace wbsim::engine {

namespace {
constexpr std::int64_t kUsualWeight = 1024;  // NICE_0_LOAD
// Room for this many waiting threads is made at once, so that a run does not allocate later.
constexpr std::size_t kRunnableUsual = 64;
}  // namespace

FairQueue::FairQueue() { waiting_.reserve(kRunnableUsual); }

SimDuration FairQueue::weighted(SimDuration ran, std::int64_t weight) {
  return ran * kUsualWeight / weight;
}

void FairQueue::add(FairEntity& entity) {
  entity.order = next_order_++;
  waiting_.push_back(&entity);
}

std::unique_ptr<FairQueue> make_fair_queue(CpuScheduler scheduler, int cpus, SimDuration tick) {
  switch (scheduler) {
    case CpuScheduler::kCfs:
      return std::make_unique<CfsQueue>(cpus);
    case CpuScheduler::kEevdf:
    case CpuScheduler::kEevdfDelayed:
      return std::make_unique<EevdfQueue>(cpus, tick, scheduler == CpuScheduler::kEevdfDelayed);
  }
  SIM_UNREACHABLE();
}

}  // namespace wbsim::engine
