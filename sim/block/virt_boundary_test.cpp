// Memory of one request may have no gaps but at the device's boundary.
#include <gtest/gtest.h>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using engine::MergeRefusal;

// A write of `sectors` from `memory`.
IoStep from(std::int64_t memory, std::int64_t sector, std::int64_t sectors) {
  IoStep step = write(sector, sectors);
  step.memory = memory;
  return step;
}

struct Outcome {
  Lines issued;
  std::int64_t refused;  // for a gap
};

Outcome plugged(const IoScript& script, Bytes boundary = Bytes{4096}) {
  RigOptions options;
  options.queue.limits.virt_boundary = boundary;
  QueueRig rig{options};
  rig.task(IoScript{plug()} + script + IoScript{unplug()});
  rig.run();
  EXPECT_TRUE(rig.drained());
  return {rig.issued(), rig.queue.totals().bios.refused_by(MergeRefusal::kVirtualBoundary)};
}

TEST(VirtBoundary, WholePagesAreMerged) {
  EXPECT_EQ(plugged({from(0, 8, 8), from(0, 16, 8), from(0, 0, 8)}).issued, (Lines{"W 0+24"}));
}

TEST(VirtBoundary, WhatEndsInsideAPageIsNotFollowed) {
  const Outcome outcome = plugged({from(0, 0, 1), from(0, 1, 1)});
  EXPECT_EQ(outcome.issued, (Lines{"W 0+1", "W 1+1"}));
  EXPECT_EQ(outcome.refused, 1);
  EXPECT_EQ(plugged({from(0, 0, 1), from(0, 1, 1)}, Bytes{0}).issued, (Lines{"W 0+2"}));
  EXPECT_EQ(plugged({from(0, 0, 1), from(0, 1, 1)}, Bytes{512}).issued, (Lines{"W 0+2"}));
}

TEST(VirtBoundary, UnlessMemoryGoesOn) {
  EXPECT_EQ(plugged({from(0, 0, 1), from(512, 1, 1), from(1024, 2, 2)}).issued, (Lines{"W 0+4"}));
}

TEST(VirtBoundary, WhatBeginsInsideAPageDoesNotFollow) {
  EXPECT_EQ(plugged({from(0, 0, 8), from(512, 8, 7)}).issued, (Lines{"W 0+8", "W 8+7"}));
}

TEST(VirtBoundary, NothingFollowsWhatBeginsInsideAPage) {
  EXPECT_EQ(plugged({from(512, 0, 7), from(4096, 7, 8)}).issued, (Lines{"W 0+7", "W 7+8"}));
}

TEST(VirtBoundary, HoldsAtTheFrontToo) {
  const Outcome outcome = plugged({from(0, 1, 8), from(0, 0, 1)});
  EXPECT_EQ(outcome.issued, (Lines{"W 1+8", "W 0+1"}));
  EXPECT_EQ(outcome.refused, 1);
  EXPECT_EQ(plugged({from(512, 1, 8), from(0, 0, 1)}).issued, (Lines{"W 0+9"}));
}

// Refused for a gap, a request stays open for others.
TEST(VirtBoundary, ARefusalDoesNotCloseTheRequest) {
  EXPECT_EQ(plugged({from(0, 8, 8), from(512, 16, 8), from(0, 0, 8)}).issued,
            (Lines{"W 0+16", "W 16+8"}));
}

}  // namespace
}  // namespace wbsim::block
