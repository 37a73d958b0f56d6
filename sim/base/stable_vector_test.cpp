#include "sim/base/stable_vector.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace wbsim {
namespace {

TEST(StableVector, KeepsAddressesAndValuesWhileItGrows) {
  StableVector<int, 4> numbers;
  std::vector<int*> addresses;
  for (int i = 0; i < 100; ++i) {
    int& added = numbers.emplace_back();
    EXPECT_EQ(added, 0);
    added = i;
    addresses.push_back(&added);
  }
  ASSERT_EQ(numbers.size(), 100U);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(numbers[i], static_cast<int>(i));
    EXPECT_EQ(&numbers[i], addresses[i]);
  }
}

}  // namespace
}  // namespace wbsim
