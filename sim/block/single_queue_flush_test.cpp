// Cache flushes of a single queue: sequences of their own in 3.6, barriers in 2.6.18.
#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// A device with a volatile cache; every command takes 100 us.
SingleRigOptions cached(SingleRigOptions options, bool fua_support = false) {
  options.queue.limits = {.write_cache = true, .fua = fua_support};
  options.device.volatile_cache = true;
  return options;
}

TEST(FlushSequence, FlagsMeanNothingWithoutAVolatileCache) {
  SingleRig rig{of_3_6()};
  rig.task({flush(), fua(0), preflush(100)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(FlushSequence, HasTheStepsThatTheDeviceNeeds) {
  struct Case {
    IoStep step;
    bool fua;
    Lines issued;
  };
  const std::vector<Case> cases{{flush(), false, {"F"}},
                                {preflush(0), false, {"F", "W 0+8"}},
                                {fua(0), false, {"W 0+8", "F"}},
                                {fua(0), true, {"W 0+8 fua"}}};
  for (const Case& expected : cases) {
    SingleRig rig{cached(of_3_6(), expected.fua)};
    rig.task({expected.step});
    rig.run();
    EXPECT_EQ(rig.issued(), expected.issued);
    EXPECT_TRUE(rig.drained());
  }
}

TEST(FlushSequence, StepsFollowOneAnother) {
  SingleRig rig{cached(of_3_6())};
  rig.task({fua(0)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 0);
  EXPECT_EQ(rig.issued_us(1), 100);
  EXPECT_EQ(rig.ledger.ends().at(0).us, 200);
}

TEST(FlushSequence, IsIssuedByItsSubmitterAndGoesOnInSoftirqs) {
  SingleRig rig{cached(of_3_6())};
  rig.task({preflush(0)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue F 0+0", "100 ? issue W 0+8"}));
}

TEST(FlushSequence, FlushesWantedMeanwhileShareTheNext) {
  SingleRig rig{cached(of_3_6())};
  rig.task({flush(), compute(microseconds(10)), flush(), flush(), flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "F"}));
  EXPECT_EQ(rig.ledger.ends().size(), 4U);
}

TEST(FlushSequence, ItsDataGoesBeforeWhatWaits) {
  SingleRigOptions options = cached(of_3_6());
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({preflush(0), write(500), write(100)});
  rig.run();
  // The one at 500 was looked at while the flush was in the device; nothing may pass it but the
  // data, which is put before it.
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 0+8", "W 500+8", "W 100+8"}));
}

TEST(FlushSequence, OfADeviceThatTakesNothingBesideItKeepsTheElevatorClosed) {
  for (const bool queueable : {true, false}) {
    SingleRigOptions options = cached(of_3_6());
    options.queue.flush_queueable = queueable;
    SingleRig rig{options};
    rig.task({flush(), compute(microseconds(10)), write(0), flush()});
    rig.run();
    EXPECT_EQ(rig.issued_us(1), queueable ? 10 : 100);
    EXPECT_EQ(rig.issued(), queueable ? (Lines{"F", "W 0+8", "F"}) : (Lines{"F", "F", "W 0+8"}))
        << "the second flush is folded to the first";
    EXPECT_TRUE(rig.drained());
  }
}

TEST(FlushSequence, ForcedDataWithoutAFlushGoesToTheTail) {
  SingleRigOptions options = cached(of_3_6(), true);
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({write(900), write(500), fua(100), write(50)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 900+8", "W 500+8", "W 100+8 fua", "W 50+8"}));
}

TEST(FlushSequence, AnErrorEndsIt) {
  SingleRigOptions options = cached(of_3_6());
  options.device.faults = {{.op = DeviceOp::kFlush, .status = BlkStatus::kIoError}};
  SingleRig rig{options};
  rig.task({preflush(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F"}));
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kIoError);
  EXPECT_TRUE(rig.drained());
}

TEST(Barrier, DrainsTheDeviceAndHoldsBackWhatFollows) {
  SingleRig rig{of_2_6_18()};
  rig.task({sync_write(0), sync_write(100), fua(200), sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8", "W 300+8"}));
  EXPECT_EQ(rig.issued_us(1), 0);
  EXPECT_EQ(rig.issued_us(2), 100);
  EXPECT_EQ(rig.issued_us(3), 200);
  EXPECT_TRUE(rig.drained());
}

TEST(Barrier, TakesWhatTheElevatorHoldsAlong) {
  SingleRigOptions options = of_2_6_18("deadline");
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({sync_write(900), sync_write(800), write(300), write(100), fua(200), write(50)});
  rig.run();
  const Lines issued = rig.issued();
  ASSERT_EQ(issued.size(), 6U);
  EXPECT_EQ(issued[4], "W 200+8");
  EXPECT_EQ(issued[5], "W 50+8");
}

TEST(Barrier, FlushesTheCacheBeforeAndBehind) {
  SingleRig rig{cached(of_2_6_18())};
  rig.task({sync_write(0), fua(200), sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "F", "W 200+8", "F", "W 300+8"}));
  EXPECT_EQ(rig.issued_us(1), 100);
  EXPECT_EQ(rig.issued_us(2), 200);
  EXPECT_EQ(rig.issued_us(3), 300);
  EXPECT_EQ(rig.issued_us(4), 400);
  ASSERT_EQ(rig.ledger.ends().size(), 3U);
  EXPECT_EQ(rig.ledger.ends()[1], (BioLedger::End{200, 400, BlkStatus::kOk}));
}

TEST(Barrier, NeedsNoFlushBehindWhereTheDeviceForcesData) {
  SingleRig rig{cached(of_2_6_18(), true)};
  rig.task({fua(200)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 200+8 fua"}));
}

TEST(Barrier, ManyFollowOneAnother) {
  SingleRig rig{cached(of_2_6_18(), true)};
  rig.task({fua(0), fua(100), sync_write(500), fua(200)});
  rig.run();
  EXPECT_EQ(rig.issued(),
            (Lines{"F", "W 0+8 fua", "F", "W 100+8 fua", "W 500+8", "F", "W 200+8 fua"}));
  EXPECT_EQ(rig.issued_us(5), 500) << "the write before it drains";
  EXPECT_TRUE(rig.drained());
}

TEST(Barrier, MergesWithNothing) {
  SingleRigOptions options = of_2_6_18();
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({sync_write(900), sync_write(800), write(0), fua(8), write(16)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 900+8", "W 800+8", "W 0+8", "W 8+8", "W 16+8"}));
}

TEST(Barrier, EndsWithTheFirstErrorOfItsSteps) {
  for (const DeviceOp op : {DeviceOp::kFlush, DeviceOp::kWrite}) {
    SingleRigOptions options = cached(of_2_6_18());
    options.device.faults = {{.op = op, .times = 1, .status = BlkStatus::kIoError}};
    SingleRig rig{options};
    rig.task({fua(0)});
    rig.run();
    ASSERT_EQ(rig.ledger.ends().size(), 1U);
    EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kIoError);
    EXPECT_EQ(rig.ledger.ends()[0].us, 300) << "the other steps are done all the same";
  }
}

TEST(Barrier, RequestsThatTheDriverGivesBackKeepTheirSide) {
  SingleRigOptions options = cached(of_2_6_18());
  options.device.faults = {{.op = DeviceOp::kWrite,
                            .range = Fault::Range{Lba{100}, Sectors{8}},
                            .times = 1,
                            .refuse = SubmitResult::kDevResource}};
  SingleRig rig{options};
  // The one at 100 is given back while the one at 0 is in the device and the barrier waits.
  rig.task({write(0), write(100), fua(200), sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "F", "W 200+8", "F", "W 300+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Barrier, AStepThatTheDriverGivesBackIsTriedAgain) {
  SingleRigOptions options = cached(of_2_6_18());
  options.device.faults = {
      {.op = DeviceOp::kFlush, .times = 1, .refuse = SubmitResult::kZoneResource}};
  SingleRig rig{options};
  rig.task({fua(200), sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 200+8", "F", "W 300+8"}));
}

TEST(IssueFlush, IsACommandBeforeAllThatWaits) {
  SingleRigOptions options = cached(of_2_6_18());
  options.device.depth = 1;
  SingleRig rig{options};
  rig.task({sync_write(0), sync_write(100), flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "F", "W 100+8"}));
  EXPECT_EQ(rig.ledger.ends().size(), 3U);
  EXPECT_TRUE(rig.drained());
}

TEST(IssueFlush, WaitsForNoBarrier) {
  SingleRig rig{cached(of_2_6_18())};
  rig.task({sync_write(0), fua(100), flush()});
  rig.run();
  EXPECT_EQ(first_of(rig.issued(), 2), (Lines{"W 0+8", "F"}));
  EXPECT_EQ(rig.issued_us(1), 0);
  EXPECT_EQ(rig.issued().size(), 5U);
  EXPECT_TRUE(rig.drained());
}

TEST(IssueFlush, IsNothingWithoutAVolatileCache) {
  SingleRig rig{of_2_6_18()};
  rig.task({flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), Lines{});
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
