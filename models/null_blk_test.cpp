#include "models/null_blk.hpp"

#include <gtest/gtest.h>

#include "models/device_test_util.hpp"

namespace wbsim::models {
namespace {

using block::DeviceOp;
using block::SubmitResult;
using Completion = NullBlkParameters::Completion;

TEST(NullBlk, CompletesAtOnce) {
  engine::Simulator simulator;
  RecordingClient client{simulator};
  NullBlk device{simulator, {}};
  device.attach(client);
  simulator.run(at(microseconds(3)));
  client.submit(device, DeviceOp::kWrite, 0, 2048);
  EXPECT_EQ(client.end_ns(0), -1) << "but not inside submit()";
  simulator.run(kSimTimeMax);
  EXPECT_EQ(client.end_ns(0), 0) << "the clock of an idle simulation stands";
}

TEST(NullBlk, CompletesEachCommandByATimerOfItsOwn) {
  engine::Simulator simulator;
  RecordingClient client{simulator};
  NullBlk device{simulator, {.completion = Completion::kTimer}};
  device.attach(client);
  client.submit(device, DeviceOp::kWrite, 0, 2048);
  client.submit(device, DeviceOp::kRead, 0, 8);
  simulator.run(at(nanoseconds(9'999)));
  EXPECT_EQ(client.end_ns(0), -1);
  simulator.run(at(nanoseconds(10'000)));
  EXPECT_EQ(client.end_ns(0), 10'000);
  EXPECT_EQ(client.end_ns(1), 10'000);
}

TEST(NullBlk, RefusesMoreThanItsDepth) {
  engine::Simulator simulator;
  RecordingClient client{simulator};
  NullBlk device{simulator, {.depth = 2, .completion = Completion::kTimer}};
  device.attach(client);
  EXPECT_EQ(client.submit(device, DeviceOp::kWrite, 0, 8), SubmitResult::kAccepted);
  EXPECT_EQ(client.submit(device, DeviceOp::kWrite, 8, 8), SubmitResult::kAccepted);
  EXPECT_EQ(client.submit(device, DeviceOp::kWrite, 16, 8), SubmitResult::kDevResource);
}

}  // namespace
}  // namespace wbsim::models
