#include "sim/block/stacking/raid5.hpp"

#include <gtest/gtest.h>

#include "sim/block/stacking/raid5_test_util.hpp"

namespace wbsim::block {
namespace {

TEST(Raid5, AFullStripeIsWrittenWithItsParityAndNothingRead) {
  Raid5Rig raid;
  raid.run({write(0, 48)});
  for (std::size_t member = 0; member < 4; ++member) {
    EXPECT_EQ(raid.rig.issued(member), (Lines{"W 0+8", "W 8+8"})) << member;
  }
  EXPECT_EQ(raid.top->raid_stats().full_writes, 2);
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 0);
  EXPECT_EQ(raid.rig.ledger.ends().size(), 1U);
  EXPECT_TRUE(raid.drained());
}

// One of three: the old block and the parity (2 reads) against the two others (2 reads): alike.
TEST(Raid5, WhereBothWaysReadAsMuchItReconstructs) {
  Raid5Rig raid;
  raid.run({write(0)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"W 0+8"}));
  EXPECT_EQ(raid.rig.issued(1), (Lines{"R 0+8"}));
  EXPECT_EQ(raid.rig.issued(2), (Lines{"R 0+8"}));
  EXPECT_EQ(raid.rig.issued(3), (Lines{"W 0+8"}));
  EXPECT_EQ(raid.top->raid_stats().reconstruct_writes, 1);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, WithRmwLevel2ItModifiesWhereBothWaysReadAsMuch) {
  Raid5Options options = raid5_options();
  options.rmw_level = 2;
  Raid5Rig raid{options};
  raid.run({write(0)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_TRUE(raid.rig.issued(1).empty());
  EXPECT_EQ(raid.rig.issued(3), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_EQ(raid.top->raid_stats().read_modify_writes, 1);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, OverManyMembersItModifiesWhatIsWrittenInPart) {
  StackRigOptions options = four_members();
  options.members = 6;
  Raid5Rig raid{raid5_options(), options};
  raid.run({write(0)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_EQ(raid.rig.issued(5), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_TRUE(raid.rig.issued(2).empty());
  EXPECT_EQ(raid.top->raid_stats().read_modify_writes, 1);
}

TEST(Raid5, WithRmwLevel0ItAlwaysReconstructs) {
  StackRigOptions options = four_members();
  options.members = 6;
  Raid5Options raid_options = raid5_options();
  raid_options.rmw_level = 0;
  Raid5Rig raid{raid_options, options};
  raid.run({write(0)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"W 0+8"}));
  EXPECT_EQ(raid.rig.issued(2), (Lines{"R 0+8"}));
  EXPECT_EQ(raid.top->raid_stats().reconstruct_writes, 1);
}

TEST(Raid5, ABlockThatIsWrittenInPartIsReadFirst) {
  StackRigOptions options = four_members();
  options.members = 6;
  Raid5Rig raid{raid5_options(), options};
  raid.run({write(2, 4)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, WhatTheCacheHasIsNotReadAgain) {
  StackRigOptions options = four_members();
  options.members = 6;
  Raid5Rig raid{raid5_options(), options};
  raid.run({write(0), sleep_until(milliseconds(10)), write(0)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 0+8", "W 0+8", "W 0+8"}));
  EXPECT_EQ(raid.rig.issued(5), (Lines{"R 0+8", "W 0+8", "W 0+8"}));
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, WritesToOneStripeInAPlugAreHandledTogether) {
  Raid5Rig raid;
  raid.run(IoScript{plug()} + IoScript{write(0), write(16), write(32)} + IoScript{unplug()});
  EXPECT_EQ(raid.top->raid_stats().full_writes, 1);
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 0);
  EXPECT_EQ(raid.rig.issued(3), (Lines{"W 0+8"}));
  EXPECT_EQ(raid.rig.ledger.ends().size(), 3U);
}

// Without the plug the first write is handled alone; a stripe that wants to read waits as long as
// another one reads, and the second write makes it complete meanwhile.
TEST(Raid5, AStripeThatWantsToReadWaitsWhileAnotherReads) {
  Raid5Rig raid;
  raid.run({write(0), sleep_until(microseconds(20)), write(8), sleep_until(microseconds(40)),
            write(24), write(40)});
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 2);
  EXPECT_EQ(raid.top->raid_stats().full_writes, 1);
  EXPECT_TRUE(raid.drained());
}

// Unlike what only parity needs: stripe 0 still reads when the write of a part of stripe 8 comes.
TEST(Raid5, ABlockThatIsWrittenInPartIsReadAtOnce) {
  Raid5Rig raid;
  raid.run({write(0), sleep_until(microseconds(20)), write(10, 4)});
  const DeviceCommand& first = raid.rig.devices[0]->accepted().front();
  EXPECT_EQ(raid.rig.issued(0).front(), "R 8+8");
  EXPECT_EQ(first.submitted, at(microseconds(20)));
  EXPECT_TRUE(raid.drained());
}

// While the writer holds its plug, raid5d has nothing to do, though a CPU is idle.
TEST(Raid5, StripesWaitForThePlugOfTheirWriter) {
  StackRigOptions options = four_members();
  options.cpus = 2;
  Raid5Rig raid{raid5_options(), options};
  raid.run(IoScript{plug()} + IoScript{write(0), compute(milliseconds(50)), write(16), write(32)} +
           IoScript{unplug()});
  EXPECT_EQ(raid.top->raid_stats().full_writes, 1);
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 0);
}

TEST(Raid5, PartsOfABlockCoverItInAnyOrder) {
  for (const auto& [first, second] :
       {std::pair{write(0, 4), write(4, 4)}, std::pair{write(4, 4), write(0, 4)}}) {
    Raid5Rig raid;
    raid.run(IoScript{plug()} + IoScript{first, second, write(16), write(32)} + IoScript{unplug()});
    EXPECT_EQ(raid.top->raid_stats().full_writes, 1);
    EXPECT_EQ(raid.top->raid_stats().preread_blocks, 0);
  }
}

// Parity of the first is known when its reads end, not when its writes do.
TEST(Raid5, AStripeReadsOnceTheParityOfAnotherIsComputed) {
  Raid5Rig raid;
  raid.run({write(0), sleep_until(microseconds(20)), write(8)});
  EXPECT_EQ(raid.rig.issued(1), (Lines{"R 0+8", "R 8+8"}));
  EXPECT_EQ(raid.rig.devices[1]->accepted()[1].submitted, at(microseconds(100)));
}

TEST(Raid5, AWriteEndsWhenItsParityIsWritten) {
  Raid5Rig raid;
  raid.rig.devices[3]->add_fault({.op = DeviceOp::kWrite, .delay = microseconds(50)});
  raid.run({write(0, 48)});
  EXPECT_EQ(raid.rig.ledger.ends().at(0).us, 150);
}

TEST(Raid5, IssuesTheBlocksOfAStripeFromTheLastMemberOn) {
  Raid5Rig raid;
  MemberWatch watch{4};
  raid.rig.tracer.attach(watch);
  raid.run(IoScript{plug()} + IoScript{write(0), write(16), write(32)} + IoScript{unplug()});
  std::vector<int> order;
  for (const MemberWatch::Seen& bio : watch.seen) {
    order.push_back(bio.member);
  }
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1, 0}));
}

TEST(Raid5, BlocksAndParityOfASyncWriteAreSync) {
  for (const bool sync : {false, true}) {
    Raid5Rig raid;
    MemberWatch watch{4};
    raid.rig.tracer.attach(watch);
    raid.run({sync ? sync_write(0, 48) : write(0, 48)});
    ASSERT_EQ(watch.seen.size(), 8U);
    for (const MemberWatch::Seen& bio : watch.seen) {
      EXPECT_EQ(bio.flags.sync, sync) << bio.member;
    }
  }
}

// raid5d lets nobody in before eight stripes are done: the reader that wakes up at 2 ms waits.
TEST(Raid5, HandlesEightStripesAtOnce) {
  StackRigOptions options = four_members();
  options.costs.stripe_handle = milliseconds(5);
  Raid5Options raid_options = raid5_options();
  raid_options.chunk = Sectors{64};
  Raid5Rig raid{raid_options, options};
  raid.rig.task({sync_write(0, 192)}, *raid.top);
  raid.rig.task({sleep_until(milliseconds(2)), read(1000)}, *raid.rig.queues[0]);
  raid.rig.run();
  EXPECT_EQ(raid.rig.log.lines(" queue 1000+8"), (Lines{"40000 task1 queue 1000+8"}));
}

TEST(Raid5, ByStripeAWriteTakesAllItsBlocksAtOnce) {
  StackRigOptions options = four_members();
  options.costs.stripe_add = microseconds(10);
  for (const StripeVisit visit : {StripeVisit::kByBlock, StripeVisit::kByStripe}) {
    Raid5Options raid_options = raid5_options();
    raid_options.visit = visit;
    Raid5Rig raid{raid_options, options};
    raid.run(IoScript{plug()} + IoScript{write(0, 48)} + IoScript{unplug()});
    const int added = visit == StripeVisit::kByStripe ? 2 : 6;
    EXPECT_EQ(raid.rig.ledger.ends().at(0).us, 10 * added + 100);
  }
}

TEST(Raid5, ASyncWriteDoesNotWaitToRead) {
  Raid5Rig raid;
  raid.run({write(0), sleep_until(microseconds(20)), sync_write(8), sleep_until(microseconds(40)),
            write(24), write(40)});
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 4);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, AWriteWaitsForAnEarlierOneOfTheSameSectors) {
  Raid5Rig raid;
  raid.run(IoScript{plug()} + IoScript{write(0, 48), write(0, 48)} + IoScript{unplug()});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"W 0+8", "W 8+8", "W 0+8", "W 8+8"}));
  EXPECT_EQ(raid.rig.ledger.ends().size(), 2U);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, ReadsPassByTheCacheChunkByChunk) {
  Raid5Rig raid;
  raid.run({read(8, 32)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 8+8"}));
  EXPECT_EQ(raid.rig.issued(1), (Lines{"R 0+16"}));
  EXPECT_EQ(raid.rig.issued(2), (Lines{"R 0+8"}));
  EXPECT_TRUE(raid.rig.issued(3).empty());
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, ForcesDataAndParityOfAForcedWrite) {
  StackRigOptions options = four_members();
  options.limits.write_cache = options.limits.fua = true;
  Raid5Rig raid{raid5_options(), options};
  raid.run({fua(0, 48)});
  EXPECT_EQ(raid.rig.issued(0), (Lines{"W 0+8 fua", "W 8+8 fua"}));
  EXPECT_EQ(raid.rig.issued(3), (Lines{"W 0+8 fua", "W 8+8 fua"}));
}

TEST(Raid5, AnErrorOfAMemberFailsTheWritesOfItsStripe) {
  Raid5Rig raid;
  raid.rig.devices[3]->add_fault(
      {.op = DeviceOp::kWrite, .times = 1, .status = BlkStatus::kIoError});
  raid.run({write(0, 48), sleep_until(milliseconds(10)), write(0, 48)});
  ASSERT_EQ(raid.rig.ledger.ends().size(), 2U);
  EXPECT_EQ(raid.rig.ledger.ends()[0].status, BlkStatus::kIoError);
  EXPECT_EQ(raid.rig.ledger.ends()[1].status, BlkStatus::kOk);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid5, AnErrorOfAReadBeforeAWriteFailsIt) {
  Raid5Rig raid;
  raid.rig.devices[1]->add_fault({.op = DeviceOp::kRead, .status = BlkStatus::kIoError});
  raid.run({write(0)});
  EXPECT_EQ(raid.rig.ledger.ends().at(0).status, BlkStatus::kIoError);
  EXPECT_TRUE(raid.drained());
}

// A bio over the end of a chunk into the next member: the second chunk's blocks begin lower.
TEST(Raid5, OlderKernelsGoBlockByBlockNewerOnesStripeByStripe) {
  Raid5Options by_stripe = raid5_options();
  by_stripe.visit = StripeVisit::kByStripe;
  Raid5Rig older;
  Raid5Rig newer{by_stripe};
  const IoScript script{sync_write(8, 16)};
  older.run(script);
  newer.run(script);
  const auto first_stripe = [](const Raid5Rig& raid) {
    return raid.rig.log.lines("remap").front();
  };
  EXPECT_EQ(first_stripe(older), "0 md0_raid5 remap 8+8");
  EXPECT_EQ(first_stripe(newer), "0 md0_raid5 remap 0+8");
  EXPECT_TRUE(older.drained());
  EXPECT_TRUE(newer.drained());
}

TEST(Raid5, ASmallCacheMakesWritersWaitAndGrows) {
  Raid5Options options = raid5_options();
  options.stripe_cache_size = 16;
  Raid5Rig raid{options};
  IoScript script;
  for (std::int64_t i = 0; i < 64; ++i) {
    script.push_back(write(i * 48, 48));
  }
  raid.run(script);
  EXPECT_GT(raid.top->cache().stripes(), 16);
  EXPECT_EQ(raid.rig.ledger.ends().size(), 64U);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid6, WritesBothParities) {
  Raid5Options options = raid5_options();
  options.parities = 2;
  Raid5Rig raid{options};
  raid.run({write(0, 32)});
  for (std::size_t member = 0; member < 4; ++member) {
    EXPECT_EQ(raid.rig.issued(member), (Lines{"W 0+8", "W 8+8"})) << member;
  }
  EXPECT_EQ(raid.top->raid_stats().full_writes, 2);
  EXPECT_TRUE(raid.drained());
}

TEST(Raid6, ReadsBothParitiesToModifyThem) {
  Raid5Options options = raid5_options();
  options.parities = 2;
  StackRigOptions members = four_members();
  members.members = 8;
  Raid5Rig raid{options, members};
  raid.run({write(0)});
  // Row 0: P on member 7, Q on 0, data from 1 on.
  EXPECT_EQ(raid.rig.issued(7), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_EQ(raid.rig.issued(0), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_EQ(raid.rig.issued(1), (Lines{"R 0+8", "W 0+8"}));
  EXPECT_TRUE(raid.rig.issued(2).empty());
  EXPECT_EQ(raid.top->raid_stats().read_modify_writes, 1);
}

TEST(Raid5, ItsThreadTakesTimeForEachStripeAndBlock) {
  StackRigOptions options = four_members();
  options.costs.stripe_copy = microseconds(10);
  options.costs.stripe_xor = microseconds(3);
  Raid5Rig raid{raid5_options(), options};
  raid.run({write(0, 48)});
  // Two stripes of three blocks each, copied and taken into the parity, then written in 100 us.
  EXPECT_EQ(raid.rig.ledger.ends().at(0).us, 2 * 3 * (10 + 3) + 100);
}

}  // namespace
}  // namespace wbsim::block
