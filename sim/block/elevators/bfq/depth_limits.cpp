#include "sim/block/elevators/bfq/depth_limits.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {
constexpr std::int64_t kLevelsOfClass = 8;  // IOPRIO_BE_NR

// DIV_ROUND_CLOSEST()
std::int64_t divide_to_nearest(std::int64_t a, std::int64_t b) { return (a + b / 2) / b; }
}  // namespace

DepthLimits::DepthLimits(const State& state, int nr_requests, int bits_per_word)
    : state_{state}, nr_requests_{nr_requests}, bits_per_word_{bits_per_word} {
  const auto share = [bits_per_word](int sixteenths) {
    return std::max(bits_per_word * sixteenths / 16, 1);
  };
  depths_ = {{{share(8), share(12)}, {share(3), share(6)}}};
}

int DepthLimits::min() const { return state_.tuning.v6_1 ? 1 : depths_[1][0]; }

int DepthLimits::depth(const engine::RwbsFlags& flags, const Process* process) const {
  const bool sync = is_sync(flags);
  int depth = Sbitmap::kWholeWord;
  int limit = nr_requests_;
  if (!sync || flags.write) {
    depth = depths_[state_.raised_busy > 0 ? 1 : 0][sync ? 1 : 0];
    limit = limit * depth / bits_per_word_;
  }
  if (!state_.tuning.v6_1 || process == nullptr) {
    return depth;
  }
  const Queue* queue = process->queues[sync ? 1 : 0];
  return queue != nullptr && queue->counted && has_its_share(*queue, limit) ? 1 : depth;
}

// Models: bfqq_request_over_limit(): from the root down. At the queue's own level the weights of
// higher classes count eightfold.
bool DepthLimits::has_its_share(const Queue& queue, int limit) const {
  constexpr std::size_t kDepthMax = 16;  // BFQ_LIMIT_INLINE_DEPTH
  std::array<const Entity*, kDepthMax> path{};
  std::size_t levels = 0;
  for (const Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    SIM_CHECK(levels < kDepthMax);
    path[levels++] = entity;
  }
  std::int64_t left = limit;
  while (levels-- > 0) {
    const Entity& entity = *path[levels];
    std::int64_t weights = 0;
    if (levels > 0) {
      weights = entity.level->tree_of(entity).weight_sum();
    } else {
      for (std::size_t index = 0; index <= queue.io_class; ++index) {
        weights = weights * kLevelsOfClass + entity.level->trees[index].weight_sum();
      }
    }
    if (weights == 0) {
      continue;
    }
    left = divide_to_nearest(left * entity.weight, weights);
    if (entity.requests >= left) {
      return true;
    }
  }
  return false;
}

}  // namespace wbsim::block::bfq
