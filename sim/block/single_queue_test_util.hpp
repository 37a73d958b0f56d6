// Shared by the tests of single queues: the queues of the kernels that had them.
#pragma once

#include <string_view>

#include "sim/block/queue_test_util.hpp"
#include "sim/block/single_queue.hpp"

namespace wbsim::block {

using SingleRigOptions = BasicRigOptions<SingleQueueOptions>;
using SingleRig = BasicQueueRig<SingleQueue, SingleQueueOptions>;

inline SingleRigOptions of_3_6(std::string_view elevator = "noop") {
  SingleRigOptions options;
  options.queue.elevator = find_elevator(elevator);
  options.wheel = engine::TimerWheel::kCascading;
  return options;
}

inline SingleRigOptions of_2_6_18(std::string_view elevator = "noop") {
  SingleRigOptions options = of_3_6(elevator);
  options.queue.elevator_generation = ElevatorGeneration::kV2_6_18;
  options.queue.plugging = QueuePlugging::kPerQueue;
  options.queue.cache_flush = CacheFlush::kBarriers;
  options.queue.request_classes = RequestClasses::kByDirection;
  options.queue.sorted_directions = SortedDirections::kMixed;
  return options;
}

// `count` writes that are not adjacent, from `sector` on.
inline IoScript scattered_writes(int count, std::int64_t sector = 0) {
  IoScript script;
  for (int i = 0; i < count; ++i) {
    script.push_back(write(sector + 100 * i));
  }
  return script;
}

// n lines of `lines`, from the first on.
inline Lines first_of(const Lines& lines, std::size_t n) {
  return {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(n, lines.size()))};
}

}  // namespace wbsim::block
