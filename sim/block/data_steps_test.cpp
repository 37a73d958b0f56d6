// Bounce buffers, protection information, encryption: CPU time for each page, of a write before it
// is merged, of a read when it has ended.
#include <gtest/gtest.h>

#include "sim/block/queue_test_util.hpp"
#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr DataSteps kSteps{
    .bounce = microseconds(1), .integrity = microseconds(2), .crypto = microseconds(4)};
constexpr SimDuration kService = microseconds(100);

// When each bio ended, in us.
template <class Rig, class Options>
std::vector<std::int64_t> ends(Options options, const IoScript& script, const DataSteps& steps) {
  options.queue.data_steps = steps;
  options.device.service = kService;
  Rig rig{options};
  rig.task(script);
  rig.run();
  EXPECT_TRUE(rig.drained());
  std::vector<std::int64_t> times;
  for (const BioLedger::End& end : rig.ledger.ends()) {
    times.push_back(end.us);
  }
  return times;
}

std::vector<std::int64_t> ends(const IoScript& script, const DataSteps& steps = kSteps) {
  return ends<QueueRig>(RigOptions{}, script, steps);
}

TEST(DataSteps, AllOfThemTakeTimeForEachPageThatIsWritten) {
  EXPECT_EQ(ends({write(0, 8)}), (std::vector<std::int64_t>{107}));
  EXPECT_EQ(ends({write(0, 24)}), (std::vector<std::int64_t>{121}));
  EXPECT_EQ(ends({write(0, 1)}), (std::vector<std::int64_t>{107}));
}

TEST(DataSteps, WhatIsReadIsTreatedAtTheEnd) {
  EXPECT_EQ(ends({read(0, 16)}), (std::vector<std::int64_t>{114}));
}

TEST(DataSteps, AreSeparate) {
  EXPECT_EQ(ends({write(0)}, {.bounce = microseconds(1)}), (std::vector<std::int64_t>{101}));
  EXPECT_EQ(ends({write(0)}, {.integrity = microseconds(2)}), (std::vector<std::int64_t>{102}));
  EXPECT_EQ(ends({write(0)}, {.crypto = microseconds(4)}), (std::vector<std::int64_t>{104}));
}

TEST(DataSteps, FlushesAndDiscardsHaveNoData) {
  RigOptions options;
  options.queue.data_steps = kSteps;
  options.queue.limits.write_cache = true;
  options.queue.limits.max_discard_sectors = Sectors{1000};
  options.device.service = kService;
  QueueRig rig{options};
  rig.task({discard(0), flush()});
  rig.run();
  ASSERT_EQ(rig.ledger.ends().size(), 2U);
  EXPECT_EQ(rig.ledger.ends()[0].us, 100);
  EXPECT_EQ(rig.ledger.ends()[1].us, 100);
}

// The second write is submitted after the step of the first: both join one request.
TEST(DataSteps, PrecedeMerging) {
  EXPECT_EQ(ends({plug(), write(0), write(8), unplug()}), (std::vector<std::int64_t>{114, 114}));
}

TEST(DataSteps, OfASplitBioAreTakenOnce) {
  RigOptions options;
  options.queue.data_steps = kSteps;
  options.queue.limits.max_sectors = Sectors{8};
  QueueRig rig{options};
  rig.task({write(0, 32)});
  rig.run();
  EXPECT_EQ(rig.ledger.ends().back().us, 28 + 100);
}

TEST(DataSteps, ASingleQueueHasThemToo) {
  using Times = std::vector<std::int64_t>;
  EXPECT_EQ(ends<SingleRig>(of_3_6(), {write(0, 16)}, kSteps), Times{114});
  EXPECT_EQ(ends<SingleRig>(of_3_6(), {read(0, 16)}, kSteps), Times{114});
}

}  // namespace
}  // namespace wbsim::block
