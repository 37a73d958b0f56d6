#include "models/test_device.hpp"

#include <gtest/gtest.h>

#include "models/device_test_util.hpp"

namespace wbsim::models {
namespace {

using block::BlkStatus;
using block::DeviceOp;
using block::SubmitResult;

class TestDeviceTest : public testing::Test {
 protected:
  void make(std::vector<Fault> faults, int depth = 32) {
    device_ = std::make_unique<TestDevice>(
        sim_,
        TestDeviceParameters{.depth = depth, .volatile_cache = true, .faults = std::move(faults)});
    device_->attach(client_);
  }
  SubmitResult submit(DeviceOp op, std::int64_t sector, std::int64_t sectors, bool fua = false) {
    return client_.submit(*device_, op, sector, sectors, fua);
  }
  void run() { sim_.run(kSimTimeMax); }
  [[nodiscard]] bool durable(std::int64_t first) const {
    return device_->is_durable(Lba{first}, Sectors{8});
  }
  [[nodiscard]] BlkStatus status(std::size_t nth) const {
    return client_.completions().at(nth).status;
  }

  engine::Simulator sim_;
  RecordingClient client_{sim_};
  std::unique_ptr<TestDevice> device_;
};

TEST_F(TestDeviceTest, ServesAllCommandsAtOnceInItsServiceTime) {
  make({});
  submit(DeviceOp::kWrite, 0, 8);
  submit(DeviceOp::kRead, 8, 8);
  run();
  EXPECT_EQ(client_.end_ns(0), 100'000);
  EXPECT_EQ(client_.end_ns(1), 100'000);
}

TEST_F(TestDeviceTest, FailsTheNthCommandAlone) {
  make({{.skip = 1, .times = 1, .status = BlkStatus::kIoError}});
  for (int i = 0; i < 3; ++i) {
    submit(DeviceOp::kWrite, i * 8, 8);
  }
  run();
  EXPECT_EQ(status(0), BlkStatus::kOk);
  EXPECT_EQ(status(1), BlkStatus::kIoError);
  EXPECT_EQ(status(2), BlkStatus::kOk);
}

TEST_F(TestDeviceTest, FailsWhatTouchesARange) {
  make({{.op = DeviceOp::kWrite,
         .range = Fault::Range{Lba{8}, Sectors{8}},
         .status = BlkStatus::kNoSpace}});
  submit(DeviceOp::kWrite, 0, 8);   // ends where the range begins
  submit(DeviceOp::kWrite, 7, 2);   // touches it
  submit(DeviceOp::kWrite, 15, 8);  // touches its last sector
  submit(DeviceOp::kWrite, 16, 8);  // begins where it ends
  submit(DeviceOp::kRead, 8, 8);    // no write
  run();
  EXPECT_EQ(status(0), BlkStatus::kOk);
  EXPECT_EQ(status(1), BlkStatus::kNoSpace);
  EXPECT_EQ(status(2), BlkStatus::kNoSpace);
  EXPECT_EQ(status(3), BlkStatus::kOk);
  EXPECT_EQ(status(4), BlkStatus::kOk);
}

TEST_F(TestDeviceTest, DelaysAddUp) {
  make({{.delay = microseconds(10)}, {.skip = 1, .delay = microseconds(20)}});
  submit(DeviceOp::kWrite, 0, 8);
  submit(DeviceOp::kWrite, 8, 8);
  run();
  EXPECT_EQ(client_.end_ns(0), 110'000);
  EXPECT_EQ(client_.end_ns(1), 130'000);
}

TEST_F(TestDeviceTest, RefusesSoManyTimesAndLeavesNoTrace) {
  make({{.times = 2, .refuse = SubmitResult::kZoneResource}, {.times = 1, .delay = seconds(1)}});
  EXPECT_EQ(submit(DeviceOp::kWrite, 0, 8), SubmitResult::kZoneResource);
  EXPECT_EQ(submit(DeviceOp::kWrite, 0, 8), SubmitResult::kZoneResource);
  EXPECT_EQ(submit(DeviceOp::kWrite, 0, 8), SubmitResult::kAccepted);
  run();
  EXPECT_EQ(device_->refused(), 2);
  EXPECT_EQ(device_->accepted().size(), 1U);
  EXPECT_EQ(client_.end_ns(2), 1'000'100'000) << "the refused attempts did not use up the delay";
}

TEST_F(TestDeviceTest, LacksNoDeviceResourceWhileIdle) {
  make({{.refuse = SubmitResult::kDevResource}});
  EXPECT_EQ(submit(DeviceOp::kWrite, 0, 8), SubmitResult::kAccepted);
  EXPECT_EQ(submit(DeviceOp::kWrite, 8, 8), SubmitResult::kDevResource);
  run();
  EXPECT_EQ(submit(DeviceOp::kWrite, 8, 8), SubmitResult::kAccepted);
  run();
}

TEST_F(TestDeviceTest, RefusesMoreThanItsDepth) {
  make({}, 1);
  EXPECT_EQ(submit(DeviceOp::kWrite, 0, 8), SubmitResult::kAccepted);
  EXPECT_EQ(submit(DeviceOp::kWrite, 8, 8), SubmitResult::kDevResource);
  run();
}

TEST_F(TestDeviceTest, ALyingFlushReportsSuccessAndMakesNothingDurable) {
  make({{.op = DeviceOp::kFlush, .times = 1, .lie = true}});
  submit(DeviceOp::kWrite, 0, 8);
  run();
  submit(DeviceOp::kFlush, 0, 0);
  run();
  EXPECT_EQ(status(1), BlkStatus::kOk);
  EXPECT_FALSE(durable(0));
  submit(DeviceOp::kFlush, 0, 0);
  run();
  EXPECT_TRUE(durable(0)) << "an honest flush makes up for it";
}

TEST_F(TestDeviceTest, ALyingFuaWriteIsInTheVolatileCache) {
  make({{.times = 1, .lie = true}});
  submit(DeviceOp::kWrite, 0, 8, true);
  run();
  EXPECT_FALSE(durable(0));
  submit(DeviceOp::kFlush, 0, 0);
  run();
  EXPECT_TRUE(durable(0));
}

TEST_F(TestDeviceTest, AFailedWriteChangesNothing) {
  make({{.skip = 1, .times = 1, .status = BlkStatus::kIoError}});
  submit(DeviceOp::kWrite, 0, 8, true);
  run();
  submit(DeviceOp::kWrite, 0, 8);
  run();
  EXPECT_TRUE(durable(0));
}

}  // namespace
}  // namespace wbsim::models
