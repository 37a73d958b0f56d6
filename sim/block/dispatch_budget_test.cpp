#include "sim/block/dispatch_budget.hpp"

#include <gtest/gtest.h>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kHz = 250;

TEST(DispatchBudget, IsAsMuchAsTheDeviceHolds) {
  DispatchBudget budget{2, kHz};
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  budget.put();
  EXPECT_TRUE(budget.take());
}

TEST(DispatchBudget, WhoFoundNoneHasTheQueueRun) {
  DispatchBudget budget{1, kHz};
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.run_wanted());
  EXPECT_FALSE(budget.take());
  EXPECT_TRUE(budget.run_wanted());
  EXPECT_FALSE(budget.run_wanted());
}

TEST(DispatchBudget, ABlockedDeviceIsLeftAloneWhileItHasCommands) {
  DispatchBudget budget{4, kHz};
  EXPECT_TRUE(budget.take());
  budget.block();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(budget.take());
  }
  budget.put();
  budget.unblock();
  EXPECT_TRUE(budget.take());
}

TEST(DispatchBudget, AnIdleBlockedDeviceIsLeftAloneTwice) {
  DispatchBudget budget{4, kHz};
  budget.block();
  EXPECT_FALSE(budget.take());
  EXPECT_FALSE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
}

TEST(DispatchBudget, TheEleventhTimeWithoutPlaceTakesOneOff) {
  DispatchBudget budget{8, kHz};
  for (std::uint64_t i = 1; i <= 10; ++i) {
    budget.queue_full(16 * i);
  }
  EXPECT_EQ(budget.depth(), 8);
  budget.queue_full(16 * 11);
  EXPECT_EQ(budget.depth(), 7);
}

TEST(DispatchBudget, TimesWithinSixteenJiffiesCountOnce) {
  DispatchBudget budget{8, kHz};
  for (std::uint64_t i = 0; i < 100; ++i) {
    budget.queue_full(160 + i % 16);
  }
  EXPECT_EQ(budget.depth(), 8);
}

TEST(DispatchBudget, GrowsByOneEvery120Seconds) {
  DispatchBudget budget{8, kHz};
  for (std::uint64_t i = 1; i <= 24; ++i) {
    budget.queue_full(16 * i);
  }
  ASSERT_EQ(budget.depth(), 6);
  const std::uint64_t full = 16 * 24;
  budget.command_ended_well(full + 120 * kHz - 1);
  EXPECT_EQ(budget.depth(), 6);
  budget.command_ended_well(full + 120 * kHz);
  budget.command_ended_well(full + 120 * kHz);
  EXPECT_EQ(budget.depth(), 7);
  budget.command_ended_well(full + 240 * kHz);
  budget.command_ended_well(full + 360 * kHz);
  EXPECT_EQ(budget.depth(), 8);
}

RigOptions scsi_disk(int depth, const char* elevator = nullptr) {
  RigOptions options;
  options.device.depth = depth;
  options.queue.driver.driver = Driver::kScsi;
  options.queue.elevator = elevator == nullptr ? nullptr : find_elevator(elevator);
  return options;
}

// Without budget they leave the elevator for the dispatch list, where nothing is merged any more.
TEST(ScsiBudget, RequestsStayInTheElevatorUntilThereIsSome) {
  const IoScript script{write(0), write(100), write(200), sleep_until(microseconds(10)),
                        write(108)};
  RigOptions options = scsi_disk(1, "mq-deadline");
  options.queue.driver_tags = 4;
  QueueRig scsi{options};
  scsi.task(script);
  scsi.run();
  EXPECT_EQ(scsi.issued(), (Lines{"W 0+8", "W 100+16", "W 200+8"}));
  EXPECT_TRUE(scsi.drained());

  options.queue.driver.driver = Driver::kVirtioBlk;
  options.queue.driver_tags = 1;
  QueueRig other{options};
  other.task(script);
  other.run();
  EXPECT_EQ(other.queue.stats().back_merges, 0);
}

TEST(ScsiBudget, ACommandThatEndsRunsTheQueueForWhoFoundNone) {
  QueueRig rig{scsi_disk(1, "mq-deadline")};
  rig.task({write(0), write(100), write(200)});
  rig.run();
  EXPECT_EQ(rig.issued_us(1), 100);
  EXPECT_EQ(rig.issued_us(2), 200);
  EXPECT_TRUE(rig.drained());
}

TEST(ScsiBudget, IsGivenBackByARequestThatIsRefused) {
  RigOptions options = scsi_disk(1);
  options.queue.nr_requests = 1;
  options.device.faults = {{.times = 3, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(ScsiBudget, AFullQueueMakesTheDeviceShallower) {
  RigOptions options = scsi_disk(4, "mq-deadline");
  options.faults = {{.times = 11, .answer = {.error = DeviceError::kQueueFull}}};
  options.device.service = milliseconds(100);  // beyond the same 16 jiffies
  QueueRig rig{options};
  rig.task({write(0), sleep_until(seconds(5)), write(100), write(200), write(300), write(400)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.issued().size(), 16U);
  EXPECT_EQ(rig.issued_us(14), 5'000'000);  // the third of those
  EXPECT_EQ(rig.issued_us(15), 5'100'000);  // the fourth has to wait
}

}  // namespace
}  // namespace wbsim::block
