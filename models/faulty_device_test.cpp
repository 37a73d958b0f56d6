#include "models/faulty_device.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "models/simdisk.hpp"

namespace wbsim::models {
namespace {

using block::BlkStatus;
using block::DeviceCommand;
using block::DeviceError;
using block::DeviceOp;
using block::SubmitResult;

struct Ended {
  int tag;
  SimDuration time;
  BlkStatus status;
  DeviceError error;
  friend bool operator==(const Ended&, const Ended&) = default;
};

// A disk of two places that takes 1 ms for a command.
class FaultyDeviceTest : public testing::Test, public block::DeviceClient {
 protected:
  void make(const std::vector<Fault>& faults) {
    SimdiskParameters parameters;
    parameters.depth = 2;
    parameters.channels = 2;
    parameters.write = milliseconds(1);
    disk_ = std::make_unique<Simdisk>(sim_, parameters);
    device_ = std::make_unique<FaultyDevice>(sim_, *disk_, faults, Rng::stream(1, "faults"));
    device_->attach(*this);
  }
  void complete(DeviceCommand& command, BlkStatus status) override {
    ended_.push_back({command.tag, sim_.now().time_since_epoch(), status, command.answer.error});
  }
  SubmitResult submit(int tag) {
    commands_.push_back(
        {.tag = tag, .sector = Lba{8 * tag}, .length = Sectors{8}, .submitted = {}});
    return device_->submit(commands_.back());
  }
  void run_until(SimDuration time) { sim_.run(SimTime{time}); }

  engine::Simulator sim_;
  std::unique_ptr<Simdisk> disk_;
  std::unique_ptr<FaultyDevice> device_;
  std::deque<DeviceCommand> commands_;
  std::vector<Ended> ended_;
};

TEST_F(FaultyDeviceTest, WhatNothingBefallsIsAsBefore) {
  make({{.skip = 100, .answer = {.error = DeviceError::kMedium}}});
  EXPECT_EQ(submit(5), SubmitResult::kAccepted);
  EXPECT_EQ(commands_.back().submitted, SimTime{});
  run_until(seconds(1));
  EXPECT_EQ(ended_, (std::vector<Ended>{{5, milliseconds(1), BlkStatus::kOk, DeviceError::kNone}}));
}

TEST_F(FaultyDeviceTest, WhatFailsTakesItsTime) {
  make({{.answer = {.error = DeviceError::kMedium}}});
  submit(0);
  run_until(seconds(1));
  EXPECT_EQ(ended_,
            (std::vector<Ended>{{0, milliseconds(1), BlkStatus::kIoError, DeviceError::kMedium}}));
}

TEST_F(FaultyDeviceTest, WhatIsLateLeavesItsPlaceInTheDevice) {
  make({{.times = 2, .delay = milliseconds(5)}});
  submit(0);
  submit(1);
  EXPECT_EQ(submit(2), SubmitResult::kDevResource);
  run_until(milliseconds(2));
  EXPECT_EQ(submit(2), SubmitResult::kAccepted);
  run_until(seconds(1));
  ASSERT_EQ(ended_.size(), 3U);
  EXPECT_EQ(ended_[0].tag, 2);
  EXPECT_EQ(ended_[0].time, milliseconds(3));
  EXPECT_EQ(ended_[1].time, milliseconds(6));
}

TEST_F(FaultyDeviceTest, AnAbortedCommandCompletesNoMore) {
  make({{.times = 1, .delay = seconds(5)}});
  submit(0);
  run_until(milliseconds(10));
  device_->abort(commands_[0]);
  EXPECT_EQ(submit(1), SubmitResult::kAccepted);
  run_until(seconds(10));
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(ended_[0].tag, 1);
}

TEST_F(FaultyDeviceTest, AnAbortedCommandKeepsItsPlaceWhileTheDeviceWorksOnIt) {
  make({{.times = 1, .delay = seconds(5)}});
  submit(0);
  device_->abort(commands_[0]);
  submit(1);
  EXPECT_EQ(submit(2), SubmitResult::kResource);  // no completion is sure to be seen
  run_until(milliseconds(2));
  EXPECT_EQ(submit(2), SubmitResult::kAccepted);
  run_until(seconds(10));
  EXPECT_EQ(ended_.size(), 2U);
}

TEST_F(FaultyDeviceTest, ARefusalThatNeedsACompletionIsPassedOverWhileNoneIsToCome) {
  make({{.times = 1, .refuse = SubmitResult::kDevResource}});
  EXPECT_EQ(submit(0), SubmitResult::kAccepted);
  EXPECT_EQ(submit(1), SubmitResult::kDevResource);
  EXPECT_EQ(submit(1), SubmitResult::kAccepted);
}

}  // namespace
}  // namespace wbsim::models
