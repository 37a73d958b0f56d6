// A request queue with control groups: what is held back, in which order it comes, and how.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/queue_test_util.hpp"
#include "sim/block/throttle/throttle_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kSlow = 1;   // the number of the only group besides the root
constexpr int kInner = 2;  // and of one below

ControlGroups one_group(const IoLimits& reads, const IoLimits& writes) {
  return {ControlGroup{}, ControlGroup{0, {reads, writes}}};
}

RigOptions options(ControlGroups groups, SplitCharge split = SplitCharge::kAfterwards) {
  RigOptions made;
  made.queue.cgroups = std::move(groups);
  made.queue.split_charge = split;
  made.device.service = microseconds(1);
  return made;
}

// `count` I/Os far apart, so that none is merged.
IoScript scattered(int count, std::int64_t first = 0, bool reads = false,
                   std::int64_t sectors = 8) {
  IoScript script;
  for (int i = 0; i < count; ++i) {
    const std::int64_t sector = first + 10'000 * i;
    script.push_back(reads ? read(sector, sectors) : write(sector, sectors));
  }
  return script;
}

std::vector<std::int64_t> issued_ms(const QueueRig& rig) {
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < rig.device.accepted().size(); ++i) {
    times.push_back(rig.issued_us(i) / 1000);
  }
  return times;
}

// 50 a second are 5 in a slice of 100 ms; the timer for 25 jiffies fires with the 26th tick.
TEST(ThrottledQueue, HoldsBackWhatExceedsTheLimit) {
  QueueRig rig{options(one_group({}, iops(50)))};
  rig.task_in(kSlow, scattered(12));
  rig.run();
  EXPECT_EQ(issued_ms(rig),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0, 104, 104, 104, 104, 104, 204, 204}));
  EXPECT_TRUE(rig.drained());
}

TEST(ThrottledQueue, TheSubmitterDoesNotWait) {
  QueueRig rig{options(one_group({}, iops(50)))};
  rig.task_in(kSlow, scattered(6) + IoScript{read(5)});
  rig.run(milliseconds(50));
  EXPECT_EQ(rig.issued().back(), "R 5+8");
}

TEST(ThrottledQueue, TheRootHasNoLimits) {
  QueueRig rig{options(one_group({}, iops(50)))};
  rig.task(scattered(100));
  rig.run(milliseconds(50));
  EXPECT_EQ(rig.issued().size(), 100U);
}

TEST(ThrottledQueue, AGroupBelowIsLimitedToo) {
  ControlGroups groups = one_group({}, iops(50));
  groups.push_back({kSlow, {}});
  QueueRig rig{options(groups)};
  rig.task_in(kInner, scattered(12));
  rig.run();
  EXPECT_EQ(issued_ms(rig),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0, 104, 104, 104, 104, 104, 204, 204}));
  EXPECT_TRUE(rig.drained());
}

TEST(ThrottledQueue, TheTighterOfTwoLimitsHolds) {
  ControlGroups groups = one_group({}, iops(50));
  groups.push_back({kSlow, {IoLimits{}, iops(20)}});
  QueueRig rig{options(groups)};
  rig.task_in(kInner, scattered(6));
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 0, 104, 104, 204, 204}));
}

// Both below one of 40 a second: they take turns for what is released together.
TEST(ThrottledQueue, GroupsBelowTakeTurns) {
  ControlGroups groups = one_group({}, iops(40));
  groups.push_back({kSlow, {}});
  groups.push_back({kSlow, {}});
  QueueRig rig{options(groups)};
  rig.task_in(kInner, scattered(8));
  rig.task_in(kInner + 1, scattered(4, 4'000'000));
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 10000+8", "W 20000+8", "W 30000+8", "W 40000+8",
                                 "W 4000000+8", "W 50000+8", "W 4010000+8", "W 60000+8",
                                 "W 4020000+8", "W 70000+8", "W 4030000+8"}));
}

TEST(ThrottledQueue, ReadsComeBeforeWritesThatAreReleasedWithThem) {
  QueueRig rig{options(one_group(iops(20), iops(20)))};
  rig.task_in(kSlow, scattered(4) + scattered(4, 5'000'000, true));
  rig.run();
  const Lines issued = rig.issued();
  ASSERT_EQ(issued.size(), 8U);
  EXPECT_EQ(Lines(issued.begin() + 4, issued.end()),
            (Lines{"R 5020000+8", "R 5030000+8", "W 20000+8", "W 30000+8"}));
}

// 1000 a second are 100 in a slice: those that are released at once go up 6 reads and 2 writes at a
// time, so the reads are all ready when the first writes are.
TEST(ThrottledQueue, AllThatIsAllowedGoesInOneTick) {
  QueueRig rig{options(one_group({}, iops(1000)))};
  rig.task_in(kSlow, scattered(200));
  rig.run();
  const std::vector<std::int64_t> times = issued_ms(rig);
  EXPECT_EQ(std::count(times.begin(), times.end(), 0), 100);
  EXPECT_EQ(std::count(times.begin(), times.end(), 104), 100);
}

TEST(ThrottledQueue, NobodyOvertakesWhoWaitsInTheSameDirection) {
  QueueRig rig{options(one_group({}, bps(1'000'000)))};
  rig.task_in(kSlow, {write(0, 8), write(100'000, 256), write(200'000, 1)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100000+256", "W 200000+1"}));
}

// The write could go after a second, the third read after 100 ms: the timer is set anew.
TEST(ThrottledQueue, EachDirectionHasItsTime) {
  QueueRig rig{options(one_group(iops(20), bps(4096)))};
  rig.task_in(kSlow, {write(0), read(10'000), read(20'000), read(30'000)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"R 10000+8", "R 20000+8", "R 30000+8", "W 0+8"}));
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 0, 104, 1004}));
}

TEST(ThrottledQueue, EachGroupHasItsTime) {
  ControlGroups groups = one_group({}, bps(4096));
  groups.push_back({0, {IoLimits{}, iops(20)}});
  QueueRig rig{options(groups)};
  rig.task_in(kSlow, scattered(1));
  rig.task_in(kInner, scattered(3, 4'000'000));
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 0, 104, 1004}));
}

// 15 a second: one in a slice, as what passes late is trimmed as well.
TEST(ThrottledQueue, WhatPassesLateIsTrimmed) {
  QueueRig rig{options(one_group({}, iops(15)))};
  rig.task_in(kSlow, scattered(4));
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 104, 204, 304}));
}

// Five pages, of which the group below allows one in a slice and the one above half of one. They
// wait below until 632 (125 jiffies, slept to a multiple of 8). Above, the slice begins where the
// one below did, at 500, so they wait there for 118 more; those of half a second before do not
// count.
TEST(ThrottledQueue, TheSliceAboveBeginsWithTheOneBelow) {
  ControlGroups groups = one_group({}, bps(20'480));
  groups.push_back({kSlow, {IoLimits{}, bps(40'960)}});
  QueueRig rig{options(groups)};
  rig.task_in(kInner, {sleep_until(seconds(2)), write(0, 40)});
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{3008}));
}

// A page takes 250 jiffies. The timer sleeps for 200 of them, and then for the rest, which is so
// short that it is exact; one of 250 would end with the 256th.
TEST(ThrottledQueue, ALongWaitIsSleptInParts) {
  QueueRig rig{options(one_group({}, bps(4096)))};
  rig.task_in(kSlow, scattered(3));
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{1004, 2004, 3004}));
}

TEST(ThrottledQueue, AFlushIsAWrite) {
  RigOptions with_cache = options(one_group({}, iops(20)));
  with_cache.queue.limits.write_cache = true;
  QueueRig rig{with_cache};
  rig.task_in(kSlow, {write(0), write(10'000), flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 10000+8", "F"}));
  EXPECT_EQ(issued_ms(rig).back(), 104);
}

TEST(ThrottledQueue, AnotherThreadSubmitsWhatWasHeld) {
  QueueRig rig{options(one_group({}, iops(10)))};
  rig.task_in(kSlow, scattered(2));
  rig.run();
  const Lines queued = rig.log.lines(" queue ");
  ASSERT_EQ(queued.size(), 2U);
  EXPECT_EQ(queued[0], "0 task0 queue 0+8");
  EXPECT_EQ(queued[1], "104000 kworker/0:2 queue 10000+8");
}

// New work does not make who waits for a tag lose its turn.
TEST(ThrottledQueue, TheOtherThreadKeepsItsPlaceAmongWhoWaitsForATag) {
  RigOptions slow = options(one_group({}, iops(10)));
  slow.queue.nr_requests = 1;
  slow.device.depth = 1;
  slow.device.service = milliseconds(450);
  QueueRig rig{slow};
  rig.task_in(kSlow, scattered(3));
  rig.task({sleep_until(milliseconds(150)), write(900'000)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 10000+8", "W 900000+8", "W 20000+8"}));
}

TEST(ThrottledQueue, WhatIsReleasedTogetherSharesAPlug) {
  QueueRig rig{options(one_group({}, iops(20)))};
  rig.task_in(kSlow, {write(0), write(10'000), write(20'000), write(20'008)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 10000+8", "W 20000+16"}));
}

// 128 sectors to a request: a bio of 512 has four parts.
RigOptions splitting(SplitCharge split, const IoLimits& writes) {
  RigOptions made = options(one_group({}, writes), split);
  made.queue.limits.max_sectors = Sectors{128};
  return made;
}

// The same limit for a group, and for one above it.
std::vector<RigOptions> splitting_on_both_levels(SplitCharge split, const IoLimits& writes) {
  RigOptions below = splitting(split, writes);
  below.queue.cgroups.push_back({kSlow, {}});
  RigOptions alone = splitting(split, {});
  alone.queue.cgroups.push_back({0, {IoLimits{}, writes}});
  return {below, alone};
}

// Two a slice. The first bio has used up those of two slices when its parts are counted, and one of
// the third is free, and one more: the parts of the second bio are not known yet.
TEST(ThrottledQueue, PartsOfABioCountForWhatComesNext) {
  for (const RigOptions& each : splitting_on_both_levels(SplitCharge::kAfterwards, iops(20))) {
    QueueRig rig{each};
    rig.task_in(kInner, scattered(3, 0, false, 512));
    rig.run();
    std::vector<std::int64_t> times = issued_ms(rig);
    ASSERT_EQ(times.size(), 12U);
    times = {times[0], times[3], times[4], times[7], times[8], times[11]};
    EXPECT_EQ(times, (std::vector<std::int64_t>{0, 0, 204, 204, 204, 204}));
    EXPECT_TRUE(rig.drained());
  }
}

TEST(ThrottledQueue, PartsOfABioWaitOneByOne) {
  for (const RigOptions& each : splitting_on_both_levels(SplitCharge::kEachPart, iops(20))) {
    QueueRig rig{each};
    rig.task_in(kInner, scattered(2, 0, false, 512));
    rig.run();
    EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 0, 104, 104, 204, 204, 304, 304}));
    EXPECT_EQ(rig.log.lines(" queue ").size(), 2U) << "a rest is not queued anew";
    EXPECT_EQ(rig.queue.stats().bios, 2);
    EXPECT_TRUE(rig.drained());
  }
}

// One request at a time: the rest of the first bio comes to its turn when the second one waits.
TEST(ThrottledQueue, PartsOfABioDoNotWaitForBytes) {
  RigOptions slow = splitting(SplitCharge::kEachPart, bps(2'621'440));
  slow.queue.nr_requests = 1;
  slow.device.service = milliseconds(10);
  QueueRig rig{slow};
  rig.task_in(kSlow, {write(0, 512)});
  rig.task_in(kSlow, {sleep_until(milliseconds(5)), write(100'000, 128)});
  rig.run();
  EXPECT_EQ(rig.issued(),
            (Lines{"W 0+128", "W 128+128", "W 256+128", "W 384+128", "W 100000+128"}));
  EXPECT_EQ(issued_ms(rig).at(3), 30);
}

// A slice allows the 262 144 bytes of one bio; the next waits for the end of the slice and as long
// as its own take. All its parts go with the first.
TEST(ThrottledQueue, PartsOfABioAreNoFurtherBytes) {
  QueueRig rig{splitting(SplitCharge::kEachPart, {.bps = Bytes{2'621'440}, .iops = 1'000'000})};
  rig.task_in(kSlow, scattered(2, 0, false, 512));
  rig.run();
  EXPECT_EQ(issued_ms(rig), (std::vector<std::int64_t>{0, 0, 0, 0, 204, 204, 204, 204}));
}

// A slow device of one command, so that what comes next waits in the queue.
RigOptions congested(const char* elevator) {
  RigOptions made = options(one_group({}, {}));
  made.queue.elevator = find_elevator(elevator);
  made.queue.elevator_pull = ElevatorPull::kWhileTags;
  made.device.depth = 1;
  made.device.service = milliseconds(10);
  return made;
}

TEST(CgroupMerge, ABioDoesNotJoinARequestOfAnotherGroup) {
  for (const char* elevator : {"none", "mq-deadline"}) {
    QueueRig rig{congested(elevator)};
    rig.task({write(10'000), write(20'000), write(0)});
    rig.task_in(kSlow, {sleep_until(milliseconds(1)), write(8), write(16)});
    rig.run();
    EXPECT_EQ(rig.issued(), (Lines{"W 10000+8", "W 20000+8", "W 0+8", "W 8+16"})) << elevator;
    EXPECT_EQ(rig.queue.totals().bios.refused_by(engine::MergeRefusal::kOtherCgroup), 1);
  }
}

TEST(CgroupMerge, NorDoRequestsOfDifferentGroupsBecomeOne) {
  QueueRig rig{congested("mq-deadline")};
  rig.task({write(10'000), write(20'000), write(0), sleep_until(milliseconds(2)), write(8)});
  rig.task_in(kSlow, {sleep_until(milliseconds(1)), write(16)});
  rig.run();
  EXPECT_EQ(rig.queue.totals().requests.refused_by(engine::MergeRefusal::kOtherCgroup), 1);
  EXPECT_EQ(rig.queue.totals().requests.merged, 0);
}

}  // namespace
}  // namespace wbsim::block
