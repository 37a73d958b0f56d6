// Each rule of models/hdd.hpp, on a disk whose turn takes 10 ms and a sector of the outer zone
// 100 us (test_parameters.hpp). A command has no overhead unless a test says so.
#include "models/hdd.hpp"

#include <gtest/gtest.h>

#include "models/device_test_util.hpp"
#include "models/test_parameters.hpp"
#include "sim/base/rng.hpp"

namespace wbsim::models {
namespace {

using block::DeviceOp;
using block::SubmitResult;

constexpr std::int64_t kUs = 1000;
constexpr std::int64_t kMs = 1000 * kUs;

class HddTest : public testing::Test {
 protected:
  void make(const HddParameters& p) {
    disk_ = std::make_unique<Hdd>(sim_, p);
    disk_->attach(client_);
  }
  SubmitResult read(std::int64_t sector, std::int64_t sectors = 1) {
    return client_.submit(*disk_, DeviceOp::kRead, sector, sectors);
  }
  SubmitResult write(std::int64_t sector, std::int64_t sectors = 1, bool fua = false) {
    return client_.submit(*disk_, DeviceOp::kWrite, sector, sectors, fua);
  }
  SubmitResult flush() { return client_.submit(*disk_, DeviceOp::kFlush, 0, 0); }
  // An event at the end, because the clock of an idle simulation stands.
  void run(std::int64_t until_ns) {
    sim_.schedule(alarm_, at(nanoseconds(until_ns)));
    sim_.run(at(nanoseconds(until_ns)));
  }
  void run() { sim_.run(kSimTimeMax); }
  [[nodiscard]] bool durable(std::int64_t sector) const {
    return disk_->is_durable(Lba{sector}, Sectors{1});
  }
  [[nodiscard]] std::int64_t end(int tag) const { return client_.end_ns(tag); }
  // Tags in the order of their completion.
  [[nodiscard]] std::vector<int> order() const {
    std::vector<int> tags;
    for (const RecordingClient::Completion& completion : client_.completions()) {
      tags.push_back(completion.tag);
    }
    return tags;
  }

  engine::Simulator sim_;
  engine::Event alarm_{[](void*) {}, nullptr};
  RecordingClient client_{sim_};
  std::unique_ptr<Hdd> disk_;
};

HddParameters write_through() {
  HddParameters p = small_hdd();
  p.volatile_cache = false;
  return p;
}

TEST_F(HddTest, AReadWaitsForItsSectorAndCrossesTheLink) {
  make(small_hdd());
  read(10);
  run();
  EXPECT_EQ(end(0), 1100 * kUs + 1 * kUs) << "wait 1 ms, pass 100 us; the last sector on the link";
}

TEST_F(HddTest, TheLinkKeepsUpWithTheMedium) {
  make(small_hdd());
  read(10, 50);
  run();
  EXPECT_EQ(end(0), 6000 * kUs + 1 * kUs) << "not 50 us more";
}

TEST_F(HddTest, ALinkSlowerThanTheMediumDecides) {
  HddParameters p = small_hdd();
  p.link_per_second = Bytes{2'560'000};  // 200 us for a sector
  make(p);
  read(10, 50);
  run();
  EXPECT_EQ(end(0), 1000 * kUs + 50 * 200 * kUs);
}

TEST_F(HddTest, TheControllerTakesItsTimeFirst) {
  HddParameters p = small_hdd();
  p.overhead = microseconds(1001);
  make(p);
  read(10);
  run();
  EXPECT_EQ(end(0), 11'101 * kUs) << "the sector went by while the command was decoded";
}

TEST_F(HddTest, ServesTheNearestInTimeNotInPlace) {
  make(small_hdd());
  read(10);   // keeps the arm until 1.1 ms
  read(5);    // on the same track, but just gone by: 9.4 ms away
  read(230);  // a cylinder on, at 45 sectors: there at 4.5 ms
  run();
  EXPECT_EQ(order(), (std::vector<int>{0, 2, 1}));
  EXPECT_EQ(end(2), 4600 * kUs + 1 * kUs);
}

TEST_F(HddTest, OfEquallyNearCommandsTheOldestIsFirst) {
  make(small_hdd());
  read(10);
  read(30);
  read(30);
  run();
  EXPECT_EQ(order(), (std::vector<int>{0, 1, 2}));
}

// When a far command ends that has three near ones beside it for 500 ms, a new one whenever one
// completes. The way there takes longer than a turn, so that a near one is always nearer.
std::int64_t end_of_far_among_near(SimDuration age_limit) {
  HddParameters p = small_hdd();
  p.read_seek = {milliseconds(1), milliseconds(30), milliseconds(70)};
  p.read_segments = 0;
  p.read_segment = Bytes{0};
  p.age_limit = age_limit;
  engine::Simulator simulator;
  RecordingClient client{simulator};
  Hdd disk{simulator, p};
  disk.attach(client);
  client.submit(disk, DeviceOp::kRead, 500, 1);
  client.submit(disk, DeviceOp::kRead, 15'950, 1);
  Rng rng = Rng::stream(1, "near");
  for (std::int64_t ms = 0; ms < 500; ++ms) {
    while (client.submit(disk, DeviceOp::kRead, static_cast<std::int64_t>(rng.uniform(1000)), 1) ==
           SubmitResult::kAccepted) {
    }
    simulator.run(at(milliseconds(ms)));
  }
  simulator.run(kSimTimeMax);
  return client.end_ns(1);
}

TEST(HddAge, ACommandOlderThanTheLimitIsNext) {
  const std::int64_t end = end_of_far_among_near(milliseconds(100));
  EXPECT_GT(end, 100 * kMs);
  EXPECT_LT(end, 200 * kMs) << "the command under way, the way there, and a turn";
}

TEST(HddAge, WithoutALimitAFarCommandStarves) {
  EXPECT_GT(end_of_far_among_near(seconds(3600)), 500 * kMs);
}

TEST_F(HddTest, ReadsOnAfterARead) {
  make(small_hdd());
  read(0, 8);
  run(5 * kMs);  // it has read 50 sectors
  read(8, 42);
  run(6 * kMs);
  EXPECT_EQ(end(1), 5 * kMs + 42 * kUs) << "nothing but the link";
  read(50, 30);
  run(9 * kMs);
  EXPECT_EQ(end(2), 8 * kMs + 1 * kUs) << "the heads are on their way: no turn is lost";
}

TEST_F(HddTest, ReadsOnNoFurtherThanASegment) {
  make(small_hdd());
  read(0, 8);
  run(100 * kMs);  // 64 KiB are 128 sectors: it stopped behind sector 135
  read(8, 128);
  run(101 * kMs);
  EXPECT_EQ(end(1), 100 * kMs + 128 * kUs);
  read(136, 1);
  run();
  EXPECT_GT(end(2), 101 * kMs + 1 * kMs) << "the sector has to come round again";
}

TEST_F(HddTest, SequentialReadsOneByOneRunAtTheRateOfTheMedium) {
  make(small_hdd());
  for (std::int64_t sector = 0; sector < 2000; sector += 8) {
    read(sector, 8);
    run();
  }
  // Ten cylinders: 20 turns, 10 head switches of 5 sectors and 9 steps of 10.
  EXPECT_NEAR(static_cast<double>(client_.completions().back().time.time_since_epoch().count()),
              static_cast<double>(200 * kMs + 10 * 500 * kUs + 9 * 1000 * kUs), 100 * kUs);
}

TEST_F(HddTest, AWriteIsAcknowledgedFromTheCache) {
  make(small_hdd());
  write(50, 8);
  run(8 * kUs - 1);
  EXPECT_EQ(end(0), -1);
  run(8 * kUs);
  EXPECT_EQ(end(0), 8 * kUs);
  EXPECT_FALSE(durable(50));
}

TEST_F(HddTest, DestagesWhenNothingElseWaits) {
  make(small_hdd());
  write(50, 8);
  run(5800 * kUs - 1);
  EXPECT_FALSE(durable(50));
  EXPECT_EQ(disk_->dirty(), Sectors{8});
  run(5800 * kUs);
  EXPECT_TRUE(durable(50));
  EXPECT_EQ(disk_->dirty(), Sectors{0});
}

TEST_F(HddTest, WithTheCacheOffAWriteGoesToTheMediumFirst) {
  make(write_through());
  write(50, 8);
  run();
  EXPECT_EQ(end(0), 5800 * kUs);
  EXPECT_TRUE(durable(50));
}

TEST_F(HddTest, FuaGoesThroughTheCache) {
  make(small_hdd());
  write(50, 8, true);
  run();
  EXPECT_EQ(end(0), 5800 * kUs);
  EXPECT_TRUE(durable(50));
}

// The cached data is older: written afterwards it would undo the write with FUA.
TEST_F(HddTest, FuaReplacesWhatTheCacheHolds) {
  make(small_hdd());
  read(5, 20);  // the arm is busy until 2.5 ms
  write(50, 8);
  write(50, 8, true);
  run();
  EXPECT_EQ(end(2), 5800 * kUs);
  EXPECT_EQ(client_.completions().back().tag, 2);
  EXPECT_EQ(disk_->dirty(), Sectors{0});
  EXPECT_TRUE(durable(50));
}

TEST_F(HddTest, ReadsFindDirtyData) {
  make(small_hdd());
  read(5, 20);
  write(50, 8);
  run(1 * kMs);
  read(52, 4);
  run(2 * kMs);
  EXPECT_EQ(end(2), 1 * kMs + 4 * kUs);
}

TEST_F(HddTest, ReadsGoBeforeDestaging) {
  make(small_hdd());
  read(5, 5);    // until 1 ms
  write(20, 1);  // under the head at 2 ms
  read(5000);
  run();
  EXPECT_LT(end(2), 16 * kMs);
  EXPECT_EQ(order(), (std::vector<int>{1, 0, 2}));
  EXPECT_TRUE(durable(20)) << "at last";
}

TEST_F(HddTest, DestagesTheNearestInTimeFirst) {
  make(small_hdd());
  write(10);   // at once under way, until 1.1 ms
  write(5);    // 9.5 ms
  write(230);  // 4.5 ms
  run(5 * kMs);
  EXPECT_TRUE(durable(230));
  EXPECT_FALSE(durable(5));
  run();
  EXPECT_TRUE(durable(5));
}

TEST_F(HddTest, AWriteWaitsForRoomInTheCache) {
  HddParameters p = small_hdd();
  p.write_extents = 2;
  make(p);
  write(10);   // until 1.1 ms
  write(30);   // until 3.1 ms
  write(500);  // no room before
  run();
  EXPECT_EQ(end(1), 2 * kUs);
  EXPECT_EQ(end(2), 1100 * kUs + 1 * kUs) << "the first is on the medium";
}

TEST_F(HddTest, TheCacheHoldsNoMoreThanItsSize) {
  HddParameters p = small_hdd();
  p.write_cache = kibibytes(8);
  make(p);
  write(10, 8);
  write(30, 8);
  write(500, 1);
  run();
  EXPECT_EQ(end(1), 16 * kUs);
  EXPECT_EQ(end(2), 1800 * kUs + 1 * kUs);
}

TEST_F(HddTest, AWriteLargerThanTheCacheGoesThroughIt) {
  HddParameters p = small_hdd();
  p.write_cache = kibibytes(8);
  make(p);
  write(10, 17);
  run();
  EXPECT_EQ(end(0), 2700 * kUs);
  EXPECT_TRUE(durable(26));
}

TEST_F(HddTest, WithAWriteWaitingForRoomDestagingTakesTurnsWithReads) {
  HddParameters p = small_hdd();
  p.depth = 8;
  p.write_extents = 1;
  make(p);
  read(5, 5);  // until 1 ms
  write(20);   // dirty
  write(22);   // waits for room, and so does the next: both adjoin
  write(24);
  read(8000, 1);  // far
  run();
  EXPECT_EQ(order(), (std::vector<int>{1, 0, 2, 4, 3}));
  EXPECT_EQ(end(2), 2100 * kUs + 1 * kUs) << "20 was destaged before the far read, 22 was not";
}

TEST_F(HddTest, WithoutAWriteWaitingForRoomReadsKeepTheArm) {
  make(small_hdd());
  read(5, 5);  // until 1 ms
  write(20);
  read(8000, 1);
  read(4000, 1);
  run(5 * kMs);
  EXPECT_FALSE(durable(20)) << "it would have passed at 2 ms";
  run();
  EXPECT_TRUE(durable(20));
}

TEST_F(HddTest, AFlushEndsWhenNothingIsDirty) {
  make(small_hdd());
  write(10);
  write(30);
  run(2 * kUs);
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  run();
  EXPECT_EQ(end(2), 3100 * kUs);
  EXPECT_TRUE(durable(10) && durable(30));
}

TEST_F(HddTest, AFlushOfACleanCacheTakesTheOverhead) {
  HddParameters p = small_hdd();
  p.overhead = microseconds(100);
  make(p);
  flush();
  run();
  EXPECT_EQ(end(0), 100 * kUs);
}

TEST_F(HddTest, AFlushIsAloneInTheDisk) {
  make(small_hdd());
  read(10);
  EXPECT_EQ(flush(), SubmitResult::kDevResource);
  run();
  write(10);
  run(sim_.now().time_since_epoch().count() + 10 * kUs);
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  EXPECT_EQ(read(10), SubmitResult::kDevResource);
  EXPECT_EQ(write(10), SubmitResult::kDevResource);
  EXPECT_EQ(flush(), SubmitResult::kDevResource);
  run();
  EXPECT_EQ(read(10), SubmitResult::kAccepted);
}

// 32 scattered writes: in the order of their arrival they would take a seek and half a turn each.
TEST_F(HddTest, AFlushWritesInAnOrderThatIsShort) {
  HddParameters p = small_hdd();
  p.depth = 32;
  p.write_extents = 32;
  make(p);
  Rng rng = Rng::stream(1, "flush");
  for (int i = 0; i < 32; ++i) {
    write(static_cast<std::int64_t>(rng.uniform(16'000)));
  }
  run(32 * kUs);
  const std::int64_t start = 32 * kUs;
  EXPECT_EQ(flush(), SubmitResult::kAccepted);
  run();
  const std::int64_t in_order = 32 * (3 * kMs + 5 * kMs);
  EXPECT_LT(end(32) - start, in_order * 6 / 10);
}

TEST_F(HddTest, DataOverwrittenWhileItIsDestagedIsNotDurable) {
  make(small_hdd());
  write(50, 8);
  run(5500 * kUs);  // under the head
  write(52, 2);
  run(5800 * kUs);
  EXPECT_TRUE(durable(50));
  EXPECT_FALSE(durable(52));
  EXPECT_TRUE(durable(54));
  run();
  EXPECT_TRUE(durable(52));
}

}  // namespace
}  // namespace wbsim::models
