#include "sim/base/pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

namespace wbsim {
namespace {

struct Counted {
  explicit Counted(int& alive_count) : alive{alive_count} { ++alive; }
  ~Counted() { --alive; }
  int& alive;
};

TEST(SlabPoolTest, ConstructsAndDestroys) {
  int alive = 0;
  SlabPool<Counted> pool;
  Counted& a = pool.acquire(alive);
  Counted& b = pool.acquire(alive);
  EXPECT_EQ(alive, 2);
  EXPECT_EQ(pool.in_use(), 2U);
  pool.release(a);
  EXPECT_EQ(alive, 1);
  pool.release(b);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(SlabPoolTest, GrowsByWholeSlabsAndReusesBeforeGrowing) {
  SlabPool<int> pool{4};
  EXPECT_EQ(pool.capacity(), 0U);
  std::set<int*> addresses;
  for (int i = 0; i < 5; ++i) {
    addresses.insert(&pool.acquire(i));
  }
  EXPECT_EQ(addresses.size(), 5U);
  EXPECT_EQ(pool.capacity(), 8U);
  for (int* object : addresses) {
    pool.release(*object);
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(addresses.contains(&pool.acquire(i)) || i > 0);
  }
  EXPECT_EQ(pool.capacity(), 8U) << "steady state allocates nothing";
}

TEST(SlabPoolTest, LastReleasedIsFirstAcquired) {
  SlabPool<int> pool;
  int& a = pool.acquire(1);
  int& b = pool.acquire(2);
  int* const a_address = &a;
  int* const b_address = &b;
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(&pool.acquire(3), b_address);
  EXPECT_EQ(&pool.acquire(4), a_address);
}

TEST(SlabPoolTest, ObjectsKeepTheirAddressesWhileThePoolGrows) {
  SlabPool<int> pool{2};
  std::vector<int*> objects;
  for (int i = 0; i < 1000; ++i) {
    objects.push_back(&pool.acquire(i));
  }
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(*objects[static_cast<std::size_t>(i)], i);
  }
}

TEST(SlabPoolTest, DestroysWhatWasNotReleased) {
  int alive = 0;
  {
    SlabPool<Counted> pool{3};
    std::vector<Counted*> objects;
    for (int i = 0; i < 10; ++i) {
      objects.push_back(&pool.acquire(alive));
    }
    for (const std::size_t i : {0U, 4U, 9U}) {
      pool.release(*objects[i]);
    }
    EXPECT_EQ(alive, 7);
  }
  EXPECT_EQ(alive, 0);
}

TEST(SlabPoolTest, KeepsAlignment) {
  struct alignas(64) Line {
    char bytes[64];
  };
  SlabPool<Line> pool{3};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&pool.acquire()) % 64, 0U);
  }
}

struct Throws {
  Throws() { throw std::runtime_error{"no"}; }
};

TEST(SlabPoolTest, ThrowingConstructorLeavesNothingInUse) {
  SlabPool<Throws> pool;
  EXPECT_THROW(pool.acquire(), std::runtime_error);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_THROW(pool.acquire(), std::runtime_error);
}

TEST(SlabPoolDeathTest, RefusesToReleaseMoreThanWasAcquired) {
  SlabPool<int> pool;
  int stranger = 0;
  EXPECT_DEATH(pool.release(stranger), "check failed: in_use_ > 0");
}

}  // namespace
}  // namespace wbsim
