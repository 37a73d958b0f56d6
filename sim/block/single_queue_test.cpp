#include "sim/block/single_queue.hpp"

#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// A device that serves one command at a time, for 100 us.
SingleRigOptions busy(SingleRigOptions options) {
  options.device.depth = 1;
  return options;
}

TEST(SingleQueue, WithoutAPlugABioIsIssuedByItsSubmitterAtOnce) {
  SingleRig rig{of_3_6()};
  rig.task({write(0), compute(microseconds(5)), write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "5 task0 issue W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(SingleQueue, RefusesABioThatExceedsTheLimits) {
  SingleRigOptions options = of_3_6();
  options.queue.limits.max_sectors = Sectors{16};
  options.queue.limits.max_segments = 2;
  SingleRig rig{options};
  IoStep scattered = write(0, 12);
  scattered.segment = 4;
  rig.task({write(0, 24), scattered, write(100, 16)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 100+16"}));
  ASSERT_EQ(rig.ledger.ends().size(), 3U);
  EXPECT_EQ(rig.ledger.ends()[0], (BioLedger::End{0, 0, BlkStatus::kIoError}));
  EXPECT_EQ(rig.ledger.ends()[1], (BioLedger::End{0, 0, BlkStatus::kIoError}));
  EXPECT_EQ(rig.queue.bio_sectors_max(Lba{0}), Sectors{16});
}

TEST(TaskPlug, IsFlushedBeforeThe17thRequest) {
  SingleRig rig{of_3_6()};
  rig.task(IoScript{plug()} + scattered_writes(16) +
           IoScript{compute(microseconds(5)), write(5000), compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"5 task0 unplug 16", "10 task0 unplug 1"}));
  EXPECT_EQ(rig.issued_us(15), 5);
  EXPECT_EQ(rig.issued_us(16), 10);
}

TEST(TaskPlug, ItsRequestsMayBeOfAnySize) {
  SingleRig rig{of_3_6()};
  rig.task({plug(), write(0, 512), compute(microseconds(5)), write(5000), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"5 task0 unplug 2"}));
}

TEST(TaskPlug, OfTwoDevicesCountsTheRequestsOfOneAndLeavesAsAWhole) {
  SingleRig rig{of_3_6()};
  models::TestDevice other_device{rig.sim, {}};
  SingleQueueOptions other_options = of_3_6().queue;
  other_options.device = 1;
  SingleQueue other{rig.machine, rig.tracer, rig.kblockd, other_device, other_options};
  // One task submits to one queue in these tests; the plug is filled from outside.
  engine::Thread thread{rig.machine, "both", 7};
  TaskIo io{thread};
  struct Script {
    static engine::Task<> run(SingleRig& rig, SingleQueue& other, TaskIo& io) {
      co_await io.thread().begin();
      io.start_plug();
      const auto submit = [&](BlockQueue& queue, std::int64_t sector) {
        Bio& bio = queue.new_bio();
        bio.sector = Lba{sector};
        bio.unit = Sectors{8};
        bio.flags.write = true;
        bio.end_io = &rig.ledger;
        rig.ledger.submitted(bio);
        return queue.submit_bio(io, bio);
      };
      for (int i = 0; i < 16; ++i) {
        co_await submit(rig.queue, 100 * i);
        co_await submit(other, 100 * i);
      }
      co_await io.thread().run(microseconds(5));
      co_await submit(other, 5000);
      co_await io.thread().run(microseconds(5));
      co_await io.finish_plug();
      co_await io.thread().exit();
    }
  };
  rig.sim.spawn("both", Script::run(rig, other, io));
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"),
            (Lines{"5 both unplug 16", "5 both unplug 16", "10 both unplug 1"}))
      << "device after device, though they were filled in turn";
  rig.sim.destroy_processes();
}

TEST(TaskPlug, ABioMergesWithAnyRequestOfIt) {
  SingleRig rig{of_3_6()};
  rig.task({plug(), write(0), write(100), write(8), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+16", "W 100+8"}));
}

TEST(TaskPlug, MergesWhateverNomergesSays) {
  SingleRigOptions options = of_3_6();
  options.queue.limits.nomerges = 2;
  SingleRig rig{options};
  rig.task({plug(), write(0), write(8), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+16"}));
}

TEST(TaskPlug, OfASleeperIsIssuedByKblockd) {
  SingleRig rig{of_3_6()};
  rig.task({plug(), write(0), write(100), sleep_until(milliseconds(1)), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug by sleep 2"}));
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"0 kworker/0:1H issue W 0+8", "0 kworker/0:1H issue W 100+8"}));
}

TEST(TaskPlug, HoldsFlushesToo) {
  SingleRigOptions options = of_3_6();
  options.queue.limits.write_cache = true;
  SingleRig rig{options};
  rig.task({plug(), preflush(0), compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 0+8"}));
  EXPECT_EQ(rig.issued_us(0), 5);
}

// One request is in the device, and the driver has looked at one more.
TEST(SingleQueueMerge, ABioJoinsARequestThatWaitsInTheElevator) {
  SingleRig rig{busy(of_3_6())};
  rig.task({write(900), write(50), write(0), write(100), write(8), write(58)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 900+8", "W 50+8", "W 0+16", "W 100+8", "W 58+8"}));
  EXPECT_EQ(rig.queue.stats().back_merges, 1);
}

TEST(SingleQueueMerge, PrioritiesMayDifferAndTheBetterOneIsKept) {
  SingleRig rig{busy(of_3_6())};
  IoStep urgent = write(8);
  urgent.priority = {IoClass::kRealTime, 3};
  rig.task({write(900), write(50), write(0), urgent});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 900+8", "W 50+8", "W 0+16"}));
}

TEST(SingleQueueMerge, BestOfTwoPriorities) {
  const IoPriority none{};
  const IoPriority real_time{IoClass::kRealTime, 7};
  const IoPriority best_effort{IoClass::kBestEffort, 0};
  const IoPriority lower{IoClass::kBestEffort, 4};
  EXPECT_EQ(best_of(none, lower), lower);
  EXPECT_EQ(best_of(lower, none), lower);
  EXPECT_EQ(best_of(best_effort, real_time), real_time);
  EXPECT_EQ(best_of(lower, best_effort), best_effort);
  EXPECT_EQ(best_of(best_effort, lower), best_effort);
}

// task1's requests wait in the elevator; the one at 700 is last_merge, so that those at 0 and 8 do
// not find each other. task0 holds what follows them in its plug.
TEST(SingleQueueMerge, ARequestFromAPlugIsMergedInOneRound) {
  SingleRigOptions options = busy(of_3_6());
  options.cpus = 2;
  SingleRig rig{options};
  rig.task({plug(), write(16), compute(microseconds(10)), unplug()});
  rig.task({write(5000), write(900), write(700), write(8), write(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 5000+8", "W 900+8", "W 700+8", "W 8+16", "W 0+8"}));
  EXPECT_EQ(rig.queue.stats().request_merges, 1);
}

}  // namespace
}  // namespace wbsim::block
