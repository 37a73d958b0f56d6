#include "sim/block/elevators/bfq/service_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "sim/base/rng.hpp"

namespace wbsim::block::bfq {
namespace {

Entity entity(std::uint64_t start, std::uint64_t finish, int weight = 1) {
  Entity entity;
  entity.start = start;
  entity.finish = finish;
  entity.weight = weight;
  return entity;
}

TEST(ServiceTree, VirtualTimeIsServiceOverWeight) {
  EXPECT_EQ(virtual_time_of(10, 40), (10ULL << 22) / 40);
}

TEST(ServiceTree, OfEligibleEntitiesTheFirstToFinishIsChosen) {
  ServiceTree tree;
  Entity a = entity(0, 50);
  Entity b = entity(0, 20);
  Entity c = entity(10, 12);  // not eligible before 10
  for (Entity* each : {&a, &b, &c}) {
    tree.insert_active(*each);
  }
  EXPECT_EQ(tree.first_eligible(0), &b);
  EXPECT_EQ(tree.first_eligible(9), &b);
  EXPECT_EQ(tree.first_eligible(10), &c);
}

TEST(ServiceTree, OfEqualFinishesTheOldestGoesFirst) {
  ServiceTree tree;
  Entity a = entity(0, 20);
  Entity b = entity(0, 20);
  tree.insert_active(a);
  tree.insert_active(b);
  EXPECT_EQ(tree.first_eligible(0), &a);
}

TEST(ServiceTree, VirtualTimeJumpsToTheEarliestStartWhereNobodyIsEligible) {
  ServiceTree tree;
  Entity a = entity(30, 90);
  Entity b = entity(40, 50);
  tree.insert_active(a);
  tree.insert_active(b);
  EXPECT_EQ(tree.vtime_for_some(), 30U);
  EXPECT_TRUE(tree.advance_to(35));
  EXPECT_EQ(tree.vtime_for_some(), 35U) << "never back";
}

TEST(ServiceTree, IdleEntitiesAreForgottenWhenVirtualTimeReachesTheirFinish) {
  ServiceTree tree;
  Entity active = entity(0, 100);
  Entity idle = entity(0, 30);
  tree.insert_active(active);
  tree.insert_idle(idle);
  EXPECT_TRUE(tree.advance_to(29));
  EXPECT_EQ(tree.forgettable(), nullptr);
  EXPECT_TRUE(tree.advance_to(30));
  EXPECT_EQ(tree.forgettable(), &idle);
}

TEST(ServiceTree, WithNothingActiveVirtualTimeGoesBackToTheLastIdleFinish) {
  ServiceTree tree;
  Entity idle = entity(0, 30);
  tree.insert_idle(idle);
  EXPECT_TRUE(tree.advance_to(100));
  EXPECT_EQ(tree.forgettable(), &idle);
  EXPECT_EQ(tree.vtime(), 30U);
}

std::uint64_t min_start_below(const TreeNode* node) {
  const auto* entity = static_cast<const Entity*>(node);
  std::uint64_t least = entity->start;
  for (const TreeNode* child : {node->left, node->right}) {
    least = child == nullptr ? least : std::min(least, min_start_below(child));
  }
  return least;
}

void expect_minima(const TreeNode* node) {
  if (node == nullptr) {
    return;
  }
  ASSERT_EQ(static_cast<const Entity*>(node)->min_start, min_start_below(node));
  expect_minima(node->left);
  expect_minima(node->right);
}

// Insertions and removals at random: every node knows the earliest start below it.
TEST(FinishTree, KeepsTheEarliestStartOfEverySubtree) {
  Rng rng = Rng::stream(7, "service_tree");
  FinishTree tree;
  std::deque<Entity> entities(200);
  std::vector<Entity*> inside;
  for (int i = 0; i < 20'000; ++i) {
    if (inside.size() < entities.size() && (inside.empty() || rng.bernoulli(1, 2))) {
      const auto free = std::find_if(entities.begin(), entities.end(), [](const Entity& each) {
        return each.tree == Entity::Tree::kNone;
      });
      free->start = rng.uniform(1000);
      free->finish = free->start + 1 + rng.uniform(300);
      free->tree = Entity::Tree::kActive;
      tree.insert_augmented(*free);
      inside.push_back(&*free);
    } else {
      const auto chosen = inside.begin() + static_cast<std::ptrdiff_t>(rng.uniform(inside.size()));
      tree.erase_augmented(**chosen);
      (*chosen)->tree = Entity::Tree::kNone;
      inside.erase(chosen);
    }
    expect_minima(tree.root());
    ASSERT_FALSE(HasFatalFailure());
  }
}

}  // namespace
}  // namespace wbsim::block::bfq
