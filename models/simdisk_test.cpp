#include "models/simdisk.hpp"

#include <gtest/gtest.h>

#include "models/device_test_util.hpp"

namespace wbsim::models {
namespace {

using block::DeviceOp;
using block::SubmitResult;

// Service times of results/kernel-truth/RIG.md, with parts that can be told apart.
SimdiskParameters parameters() {
  return {.depth = 4,
          .channels = 1,
          .read = nanoseconds(1'000'000),
          .write = nanoseconds(2'000'000),
          .flush = nanoseconds(5'000'000),
          .per_kib = nanoseconds(100),
          .seek = nanoseconds(70'000),
          .volatile_cache = true,
          .track_durability = true};
}

class SimdiskTest : public testing::Test {
 protected:
  void make(const SimdiskParameters& p) {
    disk_ = std::make_unique<Simdisk>(sim_, p);
    disk_->attach(client_);
  }
  SubmitResult submit(DeviceOp op, std::int64_t sector, std::int64_t sectors, bool fua = false) {
    return client_.submit(*disk_, op, sector, sectors, fua);
  }
  void run(SimTime until = kSimTimeMax) { sim_.run(until); }

  engine::Simulator sim_;
  RecordingClient client_{sim_};
  std::unique_ptr<Simdisk> disk_;
};

TEST_F(SimdiskTest, ServiceIsBasePlusKibibytesPlusSeek) {
  make(parameters());
  submit(DeviceOp::kWrite, 100, 16);  // 8 KiB behind a seek
  run();
  EXPECT_EQ(client_.end_ns(0), 2'000'000 + 8 * 100 + 70'000);
  submit(DeviceOp::kRead, 116, 8);  // 4 KiB where the write ended
  run();
  EXPECT_EQ(client_.end_ns(1) - client_.end_ns(0), 1'000'000 + 4 * 100);
}

TEST_F(SimdiskTest, ASectorCountsAsAWholeKibibyte) {
  make(parameters());
  submit(DeviceOp::kWrite, 0, 3);
  run();
  EXPECT_EQ(client_.end_ns(0), 2'000'000 + 2 * 100 + 70'000);
}

TEST_F(SimdiskTest, EndsExactlyAtItsServiceTime) {
  make(parameters());
  submit(DeviceOp::kWrite, 0, 8);
  run(at(nanoseconds(2'070'399)));
  EXPECT_EQ(client_.end_ns(0), -1);
  run(at(nanoseconds(2'070'400)));
  EXPECT_EQ(client_.end_ns(0), 2'070'400);
}

TEST_F(SimdiskTest, FlushTakesItsTimeAndLeavesTheHeadWhereItWas) {
  make(parameters());
  submit(DeviceOp::kWrite, 0, 8);
  submit(DeviceOp::kFlush, 0, 0);
  submit(DeviceOp::kWrite, 8, 8);
  run();
  EXPECT_EQ(client_.end_ns(1) - client_.end_ns(0), 5'000'000);
  EXPECT_EQ(client_.end_ns(2) - client_.end_ns(1), 2'000'400) << "no seek: the head did not move";
}

TEST_F(SimdiskTest, ServesFirstComeFirstServedBackToBackWithoutGaps) {
  make(parameters());
  submit(DeviceOp::kWrite, 0, 8);
  submit(DeviceOp::kWrite, 800, 8);
  submit(DeviceOp::kWrite, 8, 8);
  run();
  EXPECT_EQ(client_.end_ns(0), 2'070'400);
  EXPECT_EQ(client_.end_ns(1), 2 * 2'070'400);
  EXPECT_EQ(client_.end_ns(2), 3 * 2'070'400) << "the head went away: the old place costs a seek";
}

TEST_F(SimdiskTest, IdleTimeIsNoService) {
  make(parameters());
  submit(DeviceOp::kWrite, 0, 8);
  engine::Event idle{[](void*) {}, nullptr};
  sim_.schedule(idle, at(milliseconds(50)));
  run();
  submit(DeviceOp::kWrite, 8, 8);
  run();
  EXPECT_EQ(client_.end_ns(1), 50'000'000 + 2'000'400);
}

TEST_F(SimdiskTest, ChannelsServeInParallelAndTheNextGoesToTheFirstFree) {
  SimdiskParameters p = parameters();
  p.channels = 2;
  p.seek = {};
  p.per_kib = {};
  make(p);
  submit(DeviceOp::kWrite, 0, 8);    // 2 ms on the first channel
  submit(DeviceOp::kRead, 100, 8);   // 1 ms on the second
  submit(DeviceOp::kWrite, 200, 8);  // behind the read
  submit(DeviceOp::kRead, 300, 8);   // behind the first write
  run();
  EXPECT_EQ(client_.end_ns(0), 2'000'000);
  EXPECT_EQ(client_.end_ns(1), 1'000'000);
  EXPECT_EQ(client_.end_ns(2), 3'000'000);
  EXPECT_EQ(client_.end_ns(3), 3'000'000);
}

TEST_F(SimdiskTest, RefusesMoreThanItsDepthUntilOneCompletes) {
  make(parameters());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(submit(DeviceOp::kWrite, i * 8, 8), SubmitResult::kAccepted);
  }
  EXPECT_EQ(submit(DeviceOp::kWrite, 32, 8), SubmitResult::kDevResource);
  run(at(nanoseconds(2'070'400)));
  EXPECT_EQ(submit(DeviceOp::kWrite, 32, 8), SubmitResult::kAccepted);
  run();
  EXPECT_EQ(client_.end_ns(5), 2'070'400 + 4 * 2'000'400) << "the refused command left no trace";
}

TEST_F(SimdiskTest, DataIsDurableAfterAFlushSubmittedAfterItsCompletion) {
  SimdiskParameters p = parameters();
  p.channels = 2;
  make(p);
  submit(DeviceOp::kWrite, 0, 8);
  run();
  submit(DeviceOp::kWrite, 8, 8);
  submit(DeviceOp::kFlush, 0, 0);  // while the second write is under way
  run();
  EXPECT_TRUE(disk_->is_durable(Lba{0}, Sectors{8}));
  EXPECT_FALSE(disk_->is_durable(Lba{8}, Sectors{8}));
  submit(DeviceOp::kWrite, 16, 8, true);
  run();
  EXPECT_TRUE(disk_->is_durable(Lba{16}, Sectors{8})) << "FUA";
}

}  // namespace
}  // namespace wbsim::models
