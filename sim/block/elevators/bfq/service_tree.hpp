// The entities of one class that compete with each other, and their virtual time.
#pragma once

#include <cstdint>

#include "sim/block/elevators/bfq/entity.hpp"

namespace wbsim::block::bfq {

// Virtual times wrap (bfq_gt()).
inline bool is_later(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a - b) > 0;
}

// bfq_delta(): how far an amount of service moves virtual time. WFQ_SERVICE_SHIFT 22.
inline std::uint64_t virtual_time_of(std::int64_t service, std::int64_t weight) {
  constexpr unsigned kServiceShift = 22;
  return (static_cast<std::uint64_t>(service) << kServiceShift) /
         static_cast<std::uint64_t>(weight);
}

// Entities by finish time; of equal ones the oldest first.
class FinishTree {
 public:
  FinishTree();
  FinishTree(const FinishTree&) = delete;
  FinishTree& operator=(const FinishTree&) = delete;

  [[nodiscard]] bool empty() const { return root() == nullptr; }
  [[nodiscard]] Entity* root() const { return entity_of(header_.parent_node); }
  [[nodiscard]] Entity* first() const { return empty() ? nullptr : entity_of(header_.left); }
  [[nodiscard]] Entity* last() const { return empty() ? nullptr : entity_of(header_.right); }
  void insert(Entity& entity);
  void erase(Entity& entity);

  // The same for a tree whose min_start is looked at: O(log n) nodes are brought up to date.
  void insert_augmented(Entity& entity);
  void erase_augmented(Entity& entity);

  static Entity* entity_of(TreeNode* node) { return static_cast<Entity*>(node); }

 private:
  void update_upwards(TreeNode* node);
  [[nodiscard]] TreeNode* deepest_changed_by_erasing(Entity& entity) const;

  TreeNode header_;
};

// Models: struct bfq_service_tree, block/bfq-wf2q.c, v5.10 and v6.1. Properties:
//  1. An entity is eligible when its start is not after the virtual time.
//  2. Where none is, virtual time jumps to the earliest start.
//  3. Of the eligible ones that with the smallest finish is chosen, except that a node that is
//     eligible itself is preferred to what is right of its first ineligible descendant: the search
//     turns right only where it has found nothing yet.
//  4. Entities without work stay in the idle tree until virtual time reaches their finish, so that
//     they cannot gain by leaving.
class ServiceTree {
 public:
  [[nodiscard]] bool has_active() const { return !active_.empty(); }
  [[nodiscard]] std::uint64_t vtime() const { return vtime_; }
  [[nodiscard]] std::int64_t weight_sum() const { return weight_sum_; }
  void add_weight(std::int64_t weight) { weight_sum_ += weight; }

  void insert_active(Entity& entity);
  void erase_active(Entity& entity);
  void insert_idle(Entity& entity);
  void erase_idle(Entity& entity);

  // Virtual time at which at least one entity is eligible (property 2).
  [[nodiscard]] std::uint64_t vtime_for_some() const;
  [[nodiscard]] Entity* first_eligible(std::uint64_t vtime) const;

  // Moves virtual time; the caller then calls forgettable().
  void advance_by(std::int64_t service) { vtime_ += virtual_time_of(service, weight_sum_); }
  [[nodiscard]] bool advance_to(std::uint64_t vtime);
  // bfq_forget_idle(): the idle entity that virtual time has reached, or null. With nothing active
  // and all idle ones behind, virtual time goes back to the last of their finishes.
  [[nodiscard]] Entity* forgettable();

 private:
  FinishTree active_;
  FinishTree idle_;
  std::uint64_t vtime_ = 0;
  std::int64_t weight_sum_ = 0;
};

}  // namespace wbsim::block::bfq
