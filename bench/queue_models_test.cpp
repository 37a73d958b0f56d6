// A comparison is worth something only if all sides do the same work in the same order.
#include "bench/queue_models.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "bench/hold_increments.hpp"
#include "bench/yardsticks/bare_ladder.hpp"
#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::bench {
namespace {

template <class Model>
std::vector<std::size_t> order_of(Increments kind, std::size_t pending) {
  IncrementTable increments{kind, pending};
  Model model{increments, pending};
  std::vector<std::size_t> order;
  for (int i = 0; i < 20'000; ++i) {
    model.run(1);
    order.push_back(model.last());
  }
  return order;
}

TEST(QueueModelsTest, AllQueuesGiveTheSameOrder) {
  for (const Increments kind : {Increments::kExponential, Increments::kBimodal}) {
    for (const std::size_t pending : {1U, 64U, 1024U}) {
      const auto order = order_of<EventQueueHold>(kind, pending);
      EXPECT_EQ(order_of<LinkedRadixHeapHold>(kind, pending), order);
      EXPECT_EQ(order_of<BareHold<yardsticks::BareWheel>>(kind, pending), order);
      EXPECT_EQ(order_of<BareHold<yardsticks::BareRadixHeap>>(kind, pending), order);
      EXPECT_EQ(order_of<BareHold<yardsticks::BareLadder>>(kind, pending), order);
    }
  }
}

}  // namespace
}  // namespace wbsim::bench
