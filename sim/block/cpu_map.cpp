#include "sim/block/cpu_map.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

std::vector<int> map_queues(int cpus, int hw_queues, CpuSpread spread) {
  SIM_CHECK(cpus > 0 && hw_queues > 0);
  std::vector<int> map;
  if (spread == CpuSpread::kInTurn) {
    for (int cpu = 0; cpu < cpus; ++cpu) {
      map.push_back(cpu % hw_queues);
    }
    return map;
  }
  // Models: __irq_build_affinity_masks(): where they cannot be equal, the first have one more.
  for (int queue = 0; queue < hw_queues; ++queue) {
    const int share = cpus / hw_queues + (queue < cpus % hw_queues ? 1 : 0);
    map.insert(map.end(), static_cast<std::size_t>(share), queue);
  }
  return map;
}

}  // namespace wbsim::block
