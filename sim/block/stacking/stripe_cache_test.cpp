// Which stripes wait, and which are used anew.
#include "sim/block/stacking/stripe_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/block/stacking/raid5_test_util.hpp"

namespace wbsim::block {
namespace {

// When all members were asked for old blocks, in microseconds.
std::vector<std::int64_t> read_times(const Raid5Rig& raid) {
  std::vector<std::int64_t> times;
  for (const auto& device : raid.rig.devices) {
    for (const DeviceCommand& command : device->accepted()) {
      if (command.op == DeviceOp::kRead) {
        times.push_back(command.submitted.time_since_epoch() / microseconds(1));
      }
    }
  }
  std::sort(times.begin(), times.end());
  return times;
}

// Full stripes are written from 0 to 100 us.
TEST(StripeCache, WhoHasToReadWaitsForFullStripes) {
  Raid5Rig raid;
  raid.run({write(0, 48), sleep_until(microseconds(20)), write(48)});
  EXPECT_EQ(read_times(raid), (std::vector<std::int64_t>{100, 100}));
  EXPECT_TRUE(raid.drained());
}

// Two full stripes pass it over, each twice: until parity is computed, and until it is written. The
// first time does not count, and three are too many.
TEST(StripeCache, WhoHasToReadDoesNotWaitForEver) {
  Raid5Rig raid;
  raid.run({write(0, 48), sleep_until(microseconds(20)), write(48), sleep_until(microseconds(30)),
            write(96, 48)});
  EXPECT_EQ(read_times(raid), (std::vector<std::int64_t>{30, 30}));
  EXPECT_TRUE(raid.drained());
}

// Of three stripes that were passed over two may go, then nothing is left of it: the third waits
// until the full stripes are written, at 130 us.
TEST(StripeCache, WhoGoesFirstPaysForIt) {
  Raid5Rig raid;
  raid.run({write(0, 48), sleep_until(microseconds(20)), write(48), write(56), write(192),
            sleep_until(microseconds(30)), write(96, 48)});
  EXPECT_EQ(read_times(raid), (std::vector<std::int64_t>{30, 30, 30, 30, 130, 130}));
  EXPECT_TRUE(raid.drained());
}

Raid5Options with_sixteen_stripes() {
  Raid5Options options = raid5_options();
  options.stripe_cache_size = 16;
  return options;
}

// Of sixteen stripes two are done after 100 us, the others after 1.1 ms.
TEST(StripeCache, WhoWaitsForAStripeGoesOnWhenAQuarterIsFree) {
  Raid5Rig raid{with_sixteen_stripes()};
  raid.rig.devices[3]->add_fault(
      {.op = DeviceOp::kWrite, .range = {{Lba{16}, Sectors{112}}}, .delay = milliseconds(1)});
  IoScript script;
  for (std::int64_t i = 0; i < 9; ++i) {
    script.push_back(write(i * 48, 48));
  }
  raid.run(script);
  ASSERT_EQ(raid.rig.ledger.ends().size(), 9U);
  EXPECT_EQ(raid.rig.ledger.ends().front().us, 100);
  EXPECT_EQ(raid.rig.ledger.ends().back().us, 1200);
}

// Blocks of three stripes that share two places in the cache: sectors 0, 64 and 128 of the members.
IoScript apart(std::initializer_list<std::int64_t> sectors) {
  IoScript script;
  SimDuration time{};
  for (const std::int64_t sector : sectors) {
    script.push_back(sleep_until(time));
    script.push_back(write(sector));
    time += milliseconds(10);
  }
  return script;
}

TEST(StripeCache, AStripeThatIsUsedAnewKnowsNothing) {
  Raid5Rig raid{with_sixteen_stripes()};
  raid.run(apart({0, 192, 384}));
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 3 * 2);
}

TEST(StripeCache, TheLeastRecentlyUsedIsUsedAnew) {
  Raid5Rig raid{with_sixteen_stripes()};
  raid.run(apart({0, 192, 0, 384, 0}));
  EXPECT_EQ(raid.top->raid_stats().preread_blocks, 3 * 2);
}

}  // namespace
}  // namespace wbsim::block
