#include "sim/block/elevators/bfq/wf2q.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block::bfq {

namespace {

constexpr int kWeightMin = 1;     // BFQ_MIN_WEIGHT
constexpr int kWeightMax = 1000;  // BFQ_MAX_WEIGHT

Queue& queue_of(Entity& entity) { return static_cast<Queue&>(entity); }

void set_finish(Entity& entity, std::int64_t service) {
  entity.finish = entity.start + virtual_time_of(service, entity.weight);
}

// bfq_update_parent_budget(): a group's budget is that of who will be served in it. True where
// that lets the group finish earlier.
bool pass_budget_up(Entity& next) {
  Entity* group = next.level->group;
  if (group == nullptr) {
    return false;
  }
  const bool earlier = group->budget > next.budget;
  group->budget = next.budget;
  return earlier;
}

}  // namespace

Wf2q::Wf2q(ServiceLevel& root, const Clock& clock, std::uint64_t idle_class_timeout,
           WeightCounts& weights, QueueKeeper& keeper)
    : clock_{clock},
      idle_class_timeout_{idle_class_timeout},
      weights_{weights},
      keeper_{keeper},
      root_{root} {}

// Models: bfq_update_next_in_service(). True where the level's group may now be the next one.
bool Wf2q::update_next(ServiceLevel& level, Entity* changed, bool expires) {
  Entity* next = level.next;
  bool found = false;
  if (changed != nullptr && changed != level.next) {
    found = next == nullptr || (changed->io_class == next->io_class &&
                                !is_later(changed->start, level.tree_of(*changed).vtime()) &&
                                is_later(next->finish, changed->finish));
    next = found ? changed : next;
  }
  if (!found) {
    next = look_up_next(level, expires);
  }
  bool parent_may_change = false;
  if (next != nullptr) {
    const bool earlier = pass_budget_up(*next);
    parent_may_change = level.next == nullptr || earlier;
  }
  level.next = next;
  return parent_may_change;
}

// Models: bfq_lookup_next_entity(). Virtual time jumps only where nobody is in service.
Entity* Wf2q::look_up_next(ServiceLevel& level, bool expires) {
  std::size_t first = kRealTimeClass;
  if (clock_.is_past(level.idle_class_served + idle_class_timeout_)) {
    if (level.trees[kIdleClass].has_active()) {
      first = kIdleClass;
    }
    level.idle_class_served = clock_.jiffies();
  }
  const bool someone_in_service = level.in_service != nullptr && !expires;
  for (std::size_t index = first; index < kClasses; ++index) {
    ServiceTree& tree = level.trees[index];
    if (!tree.has_active()) {
      continue;
    }
    const std::uint64_t vtime = tree.vtime_for_some();
    if (!someone_in_service && tree.advance_to(vtime)) {
      forget_reached(tree);
    }
    if (Entity* next = tree.first_eligible(vtime)) {
      return next;
    }
  }
  return nullptr;
}

void Wf2q::insert_active(ServiceTree& tree, Entity& entity) {
  tree.insert_active(entity);
  ++entity.level->active;
  if (entity.is_queue()) {
    active_.push_front(queue_of(entity));
  }
}

void Wf2q::erase_active(ServiceTree& tree, Entity& entity) {
  tree.erase_active(entity);
  --entity.level->active;
  if (entity.is_queue()) {
    queue_of(entity).active_link.unlink();
  }
}

// Models: bfq_forget_entity(). A queue in service is looked after by who resets it.
void Wf2q::forget(ServiceTree& tree, Entity& entity, bool in_service) {
  entity.counted = false;
  tree.add_weight(-entity.weight);
  if (entity.is_queue() && !in_service) {
    keeper_.dereferenced(queue_of(entity));
  }
}

void Wf2q::forget_reached(ServiceTree& tree) {
  if (Entity* reached = tree.forgettable()) {
    tree.erase_idle(*reached);
    forget(tree, *reached, reached == reached->level->in_service);
  }
}

void Wf2q::forget_idle(Queue& queue) {
  ServiceTree& tree = queue.level->tree_of(queue);
  tree.erase_idle(queue);
  forget(tree, queue, false);
}

ServiceTree& Wf2q::update_weight(ServiceTree& tree, Entity& entity, bool class_too) {
  if (!entity.weight_changed) {
    return tree;
  }
  tree.add_weight(-entity.weight);
  if (entity.new_weight != entity.own_weight) {
    entity.new_weight = std::clamp(entity.new_weight, kWeightMin, kWeightMax);
    entity.own_weight = entity.new_weight;
  }
  if (entity.is_queue() && class_too) {
    entity.io_class = entity.new_class;
  }
  entity.weight_changed = entity.is_queue() && entity.io_class != entity.new_class;
  const int weight = entity.own_weight * entity.coefficient;
  const bool weight_differs = entity.weight != weight;
  const bool counts = entity.is_queue() && weight_differs;
  // The count is no last reference here: the queue is in service or about to be in a tree.
  if (counts) {
    weights_.remove(queue_of(entity));
  }
  entity.weight = weight;
  if (counts && entity.coefficient == 1) {
    weights_.add(queue_of(entity));
  }
  ServiceTree& new_tree = entity.level->tree_of(entity);
  new_tree.add_weight(entity.weight);
  if (&new_tree != &tree) {
    entity.start = new_tree.vtime();
  }
  return new_tree;
}

// Models: bfq_update_fin_time_enqueue().
void Wf2q::enqueue(Entity& entity, ServiceTree& tree, bool backshifted) {
  ServiceTree& own = update_weight(tree, entity, true);
  set_finish(entity, entity.budget);
  if (backshifted && is_later(own.vtime(), entity.finish)) {
    const std::uint64_t behind =
        (own.vtime() - entity.finish) / static_cast<std::uint64_t>(entity.coefficient);
    entity.start += behind;
    entity.finish += behind;
  }
  insert_active(own, entity);
}

// Models: __bfq_activate_entity().
void Wf2q::activate_entity(Entity& entity, bool in_time) {
  ServiceTree& tree = entity.level->tree_of(entity);
  const bool backshifted = in_time && is_later(tree.vtime(), entity.finish);
  const std::uint64_t earliest = backshifted ? entity.finish : tree.vtime();
  if (entity.tree == Entity::Tree::kIdle) {
    tree.erase_idle(entity);
    entity.start = is_later(earliest, entity.finish) ? earliest : entity.finish;
  } else {
    entity.start = earliest;
    tree.add_weight(entity.weight);
    entity.counted = true;
  }
  if (!entity.is_queue()) {
    weights_.add_group(entity);
  }
  enqueue(entity, tree, backshifted);
}

// Models: __bfq_requeue_entity(). Who is in service is in no tree, unless it is a group of which
// others may be served next.
void Wf2q::requeue_entity(Entity& entity) {
  ServiceTree& tree = entity.level->tree_of(entity);
  if (&entity == entity.level->in_service) {
    set_finish(entity, entity.service);
    entity.start = entity.finish;
  }
  if (entity.tree == Entity::Tree::kActive) {
    erase_active(tree, entity);
  }
  enqueue(entity, tree, false);
}

// Models: bfq_activate_requeue_entity(): from the queue up to where nothing changes any more.
void Wf2q::activate_or_requeue(Entity& queue, bool in_time, bool requeue, bool expires) {
  for (Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    ServiceLevel& level = *entity->level;
    if (level.in_service == entity || entity->tree == Entity::Tree::kActive) {
      requeue_entity(*entity);
    } else {
      activate_entity(*entity, in_time);
    }
    if (!update_next(level, entity, expires) && !requeue) {
      break;
    }
  }
}

// Models: __bfq_deactivate_entity().
bool Wf2q::deactivate_entity(Entity& entity, bool into_idle_tree) {
  if (!entity.counted) {
    return false;
  }
  ServiceLevel& level = *entity.level;
  ServiceTree& tree = level.tree_of(entity);
  const bool in_service = &entity == level.in_service;
  set_finish(entity, entity.service);
  if (in_service) {
    level.in_service = nullptr;
  } else {
    entity.service = 0;
  }
  if (entity.tree == Entity::Tree::kActive) {
    erase_active(tree, entity);
  } else if (!in_service && entity.tree == Entity::Tree::kIdle) {
    tree.erase_idle(entity);
  }
  if (!into_idle_tree || !is_later(entity.finish, tree.vtime())) {
    forget(tree, entity, in_service);
  } else {
    tree.insert_idle(entity);
  }
  return true;
}

void Wf2q::deactivate(Entity& queue, bool into_idle_tree, bool expires) {
  Entity* entity = &queue;
  while (entity != nullptr) {
    Entity* parent = entity->parent;  // a forgotten queue is gone
    ServiceLevel& level = *entity->level;
    const bool was_next = level.next == entity;
    if (!deactivate_entity(*entity, into_idle_tree)) {
      return;
    }
    if (was_next) {
      update_next(level, nullptr, expires);
    }
    entity = parent;
    if (level.has_work()) {
      break;
    }
    into_idle_tree = true;
  }
  for (; entity != nullptr; entity = entity->parent) {
    requeue_entity(*entity);
    if (!update_next(*entity->level, entity, expires) && !expires) {
      break;
    }
  }
}

Queue& Wf2q::next_queue() {
  Entity* chosen = nullptr;
  for (ServiceLevel* level = &root_; level != nullptr; level = chosen->children) {
    chosen = level->next;
    SIM_CHECK(chosen != nullptr);
    level->in_service = chosen;
    // bfq_no_longer_next_in_service(): others of a group may be the next ones.
    if (chosen->is_queue() || chosen->children->active == 1) {
      erase_active(level->tree_of(*chosen), *chosen);
    }
  }
  for (Entity* entity = chosen; entity != nullptr; entity = entity->parent) {
    if (!update_next(*entity->level, nullptr, false)) {
      break;
    }
  }
  return queue_of(*chosen);
}

void Wf2q::reset_in_service(Queue& queue) {
  for (Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    entity->level->in_service = nullptr;
  }
}

void Wf2q::serve(Queue& queue, std::int64_t service) {
  for (Entity* entity = &queue; entity != nullptr; entity = entity->parent) {
    ServiceTree& tree = entity->level->tree_of(*entity);
    entity->service += service;
    tree.advance_by(service);
    forget_reached(tree);
  }
}

}  // namespace wbsim::block::bfq
