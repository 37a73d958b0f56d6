// What is scheduled: a queue, or a group of queues.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace wbsim::block::bfq {

enum ClassIndex : std::size_t { kRealTimeClass, kBestEffortClass, kIdleClass, kClasses };

struct ServiceLevel;

// A node of a tree that is ordered by finish times (service_tree.hpp).
struct TreeNode {
  TreeNode* parent_node = nullptr;
  TreeNode* left = nullptr;
  TreeNode* right = nullptr;
  bool red = false;
};

// Models: struct bfq_entity, block/bfq-iosched.h. Service and budget in sectors; start and finish
// in virtual time.
struct Entity : TreeNode {
  enum class Tree { kNone, kActive, kIdle };
  Tree tree = Tree::kNone;
  // Counts in the weight sum of its tree: in a tree, or in service (on_st_or_in_serv).
  bool counted = false;
  bool group_counted = false;  // of a group: in WeightCounts (in_groups_with_pending_reqs)

  std::uint64_t start = 0;
  std::uint64_t finish = 0;
  std::uint64_t min_start = 0;  // of the nodes below it in the active tree, and of itself

  std::int64_t service = 0;
  std::int64_t budget = 0;
  // Allocated for it, or for what is in it, and not yet freed. Of a group that a queue has left
  // with requests they go on counting, and as many too few in the other: the kernel does not move
  // them along.
  std::int64_t requests = 0;

  // Weight without and with raising; new_weight and new_class hold from the next activation on.
  int weight = 0;
  int own_weight = 0;
  int new_weight = 0;
  int coefficient = 1;  // by which a queue's weight is raised (wr_coeff)
  ClassIndex io_class = kBestEffortClass;
  ClassIndex new_class = kBestEffortClass;
  bool weight_changed = false;  // prio_changed

  Entity* parent = nullptr;          // the group it is in; null in the root group
  ServiceLevel* level = nullptr;     // where it competes
  ServiceLevel* children = nullptr;  // of a group; null for a queue

  [[nodiscard]] bool is_queue() const { return children == nullptr; }
  [[nodiscard]] std::int64_t budget_left() const { return budget - service; }
};

// bfqq_request_allocated(), bfqq_request_freed(): a queue's, and of all groups above it.
inline void count_requests(Entity& queue, int change) {
  for (Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    entity->requests += change;
  }
}

}  // namespace wbsim::block::bfq
