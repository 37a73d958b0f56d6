// Which hardware queue each CPU submits to.
#pragma once

#include <vector>

namespace wbsim::block {

// How a driver spreads CPUs over its hardware queues where there are fewer of these.
enum class CpuSpread {
  // One after the other, then from the first again: blk_mq_map_queues().
  kInTurn,
  // Neighbours share one: drivers that follow the CPUs of their interrupts (blk_mq_pci_map_queues()
  // and blk_mq_virtio_map_queues() over irq_create_affinity_masks()).
  kConsecutive,
};

// By CPU. Models: set->map[HCTX_TYPE_DEFAULT].mq_map, v5.10 and v6.1. Simplified: all CPUs are
// present, on one node and without sibling threads; no queues for reads or polling alone.
[[nodiscard]] std::vector<int> map_queues(int cpus, int hw_queues, CpuSpread spread);

}  // namespace wbsim::block
