#include "sim/block/elevators/bfq/depth_limits.hpp"

#include <algorithm>
#include <optional>

namespace wbsim::block::bfq {

namespace {
constexpr std::int64_t kLevelsOfClass = 8;  // IOPRIO_BE_NR

// DIV_ROUND_CLOSEST()
std::int64_t divide_to_nearest(std::int64_t a, std::int64_t b) { return (a + b / 2) / b; }

// Of what it shares the group with. For a queue the weights of higher classes count eightfold.
std::int64_t weights_beside(const Entity& entity) {
  if (!entity.is_queue()) {
    return entity.level->tree_of(entity).weight_sum();
  }
  std::int64_t weights = 0;
  for (std::size_t index = 0; index <= entity.io_class; ++index) {
    weights = weights * kLevelsOfClass + entity.level->trees[index].weight_sum();
  }
  return weights;
}

// How much of `limit` is its own, from the root down. Absent: it, or a group above, has all that.
std::optional<std::int64_t> tags_owed(const Entity& entity, std::int64_t limit) {
  const std::optional<std::int64_t> above =
      entity.parent == nullptr ? limit : tags_owed(*entity.parent, limit);
  const std::int64_t weights = above ? weights_beside(entity) : 0;
  if (weights == 0) {
    return above;
  }
  const std::int64_t own = divide_to_nearest(*above * entity.weight, weights);
  return entity.requests >= own ? std::nullopt : std::optional{own};
}
}  // namespace

DepthLimits::DepthLimits(const State& state, int nr_requests, int full_depth, ShallowDepth of)
    : state_{state}, nr_requests_{nr_requests}, full_depth_{full_depth}, of_{of} {
  const auto share = [full_depth](int sixteenths) {
    return std::max(full_depth * sixteenths / 16, 1);
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
    limit = of_ == ShallowDepth::kAll ? depth : limit * depth / full_depth_;
  }
  if (!state_.tuning.v6_1 || process == nullptr) {
    return depth;
  }
  const Queue* queue = process->queues[sync ? 1 : 0];
  return queue != nullptr && has_its_share(*queue, limit) ? 1 : depth;
}

// Models: bfqq_request_over_limit(). A queue, or a group, of which nothing is scheduled may go on:
// bfq is to know that it has work.
bool DepthLimits::has_its_share(const Queue& queue, int limit) {
  for (const Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    if (!entity->counted) {
      return false;
    }
  }
  return !tags_owed(queue, limit).has_value();
}

}  // namespace wbsim::block::bfq
