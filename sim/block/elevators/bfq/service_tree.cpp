#include "sim/block/elevators/bfq/service_tree.hpp"

#include <boost/intrusive/rbtree_algorithms.hpp>

namespace wbsim::block::bfq {

namespace {

struct NodeTraits {
  using node = TreeNode;
  using node_ptr = TreeNode*;
  using const_node_ptr = const TreeNode*;
  using color = bool;
  static node_ptr get_parent(const_node_ptr n) { return n->parent_node; }
  static void set_parent(node_ptr n, node_ptr to) { n->parent_node = to; }
  static node_ptr get_left(const_node_ptr n) { return n->left; }
  static void set_left(node_ptr n, node_ptr to) { n->left = to; }
  static node_ptr get_right(const_node_ptr n) { return n->right; }
  static void set_right(node_ptr n, node_ptr to) { n->right = to; }
  static color get_color(const_node_ptr n) { return n->red; }
  static void set_color(node_ptr n, color c) { n->red = c; }
  static color black() { return false; }
  static color red() { return true; }
};
using Algorithms = boost::intrusive::rbtree_algorithms<NodeTraits>;

bool finishes_before(const TreeNode* a, const TreeNode* b) {
  return is_later(static_cast<const Entity*>(b)->finish, static_cast<const Entity*>(a)->finish);
}

void take_min(Entity& entity, TreeNode* child) {
  if (child != nullptr) {
    const std::uint64_t below = FinishTree::entity_of(child)->min_start;
    entity.min_start = is_later(entity.min_start, below) ? below : entity.min_start;
  }
}

void update_node(TreeNode* node) {
  Entity& entity = *FinishTree::entity_of(node);
  entity.min_start = entity.start;
  take_min(entity, node->right);
  take_min(entity, node->left);
}

}  // namespace

FinishTree::FinishTree() { Algorithms::init_header(&header_); }

void FinishTree::insert(Entity& entity) {
  Algorithms::insert_equal_upper_bound(&header_, &entity, &finishes_before);
}

void FinishTree::erase(Entity& entity) { Algorithms::erase(&header_, &entity); }

// A rotation moves nodes next to the path from the new node to the root at most.
void FinishTree::insert_augmented(Entity& entity) {
  insert(entity);
  TreeNode* child = entity.left != nullptr ? entity.left : entity.right;
  update_upwards(child != nullptr ? child : &entity);
}

void FinishTree::erase_augmented(Entity& entity) {
  TreeNode* deepest = deepest_changed_by_erasing(entity);
  erase(entity);
  if (deepest != nullptr && deepest != &header_) {
    update_upwards(deepest);
  }
}

void FinishTree::update_upwards(TreeNode* node) {
  while (true) {
    update_node(node);
    TreeNode* parent = node->parent_node;
    if (parent == &header_) {
      return;
    }
    TreeNode* sibling = parent->left == node ? parent->right : parent->left;
    if (sibling != nullptr) {
      update_node(sibling);
    }
    node = parent;
  }
}

// With two children the successor takes the place of what is erased.
TreeNode* FinishTree::deepest_changed_by_erasing(Entity& entity) const {
  if (entity.left == nullptr && entity.right == nullptr) {
    return entity.parent_node;
  }
  if (entity.left == nullptr || entity.right == nullptr) {
    return entity.left != nullptr ? entity.left : entity.right;
  }
  TreeNode* successor = Algorithms::next_node(&entity);
  if (successor->right != nullptr) {
    return successor->right;
  }
  return successor->parent_node != &entity ? successor->parent_node : successor;
}

void ServiceTree::insert_active(Entity& entity) {
  active_.insert_augmented(entity);
  entity.tree = Entity::Tree::kActive;
}

void ServiceTree::erase_active(Entity& entity) {
  active_.erase_augmented(entity);
  entity.tree = Entity::Tree::kNone;
}

void ServiceTree::insert_idle(Entity& entity) {
  idle_.insert(entity);
  entity.tree = Entity::Tree::kIdle;
}

void ServiceTree::erase_idle(Entity& entity) {
  idle_.erase(entity);
  entity.tree = Entity::Tree::kNone;
}

std::uint64_t ServiceTree::vtime_for_some() const {
  const std::uint64_t earliest = active_.root()->min_start;
  return is_later(earliest, vtime_) ? earliest : vtime_;
}

// Models: bfq_first_active_entity().
Entity* ServiceTree::first_eligible(std::uint64_t vtime) const {
  const auto is_eligible = [vtime](std::uint64_t start) { return !is_later(start, vtime); };
  Entity* found = nullptr;
  for (Entity* entity = active_.root(); entity != nullptr;) {
    if (is_eligible(entity->start)) {
      found = entity;
    }
    Entity* left = FinishTree::entity_of(entity->left);
    if (left != nullptr && is_eligible(left->min_start)) {
      entity = left;
    } else if (found != nullptr) {
      break;
    } else {
      entity = FinishTree::entity_of(entity->right);
    }
  }
  return found;
}

bool ServiceTree::advance_to(std::uint64_t vtime) {
  if (vtime <= vtime_) {
    return false;
  }
  vtime_ = vtime;
  return true;
}

Entity* ServiceTree::forgettable() {
  if (idle_.empty()) {
    return nullptr;
  }
  if (active_.empty() && !is_later(idle_.last()->finish, vtime_)) {
    vtime_ = idle_.last()->finish;
  }
  Entity* first = idle_.first();
  return is_later(first->finish, vtime_) ? nullptr : first;
}

}  // namespace wbsim::block::bfq
