#include "sim/block/throttle/throttle_slice.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/block/throttle/throttle_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kHz = 250;              // a slice has 25 jiffies
constexpr std::uint64_t kNow = 1000;  // a multiple of 25
constexpr Bytes kPage{4096};

ThrottledIo io(Bytes bytes) { return {.bytes = bytes, .bytes_charged = false}; }

// Lets `count` I/Os pass that need not wait.
void pass(ThrottleSlice& slice, std::uint64_t now, int count, Bytes bytes = kPage) {
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(slice.wait(now, io(bytes), true), 0U) << i;
    slice.charge(io(bytes));
    slice.trim(now);
  }
}

// When I/Os pass of somebody whose next one is always there, from kNow on.
std::vector<std::uint64_t> times(ThrottleSlice slice, int count, Bytes bytes = kPage) {
  std::vector<std::uint64_t> passed;
  std::uint64_t now = kNow;
  bool queue_empty = true;
  for (int i = 0; i < count; ++i) {
    while (const std::uint64_t wait = slice.wait(now, io(bytes), queue_empty)) {
      now += wait;
      queue_empty = false;
    }
    slice.charge(io(bytes));
    slice.trim(now);
    passed.push_back(now - kNow);
  }
  return passed;
}

TEST(ThrottleSlice, WithoutLimitsNothingWaits) {
  ThrottleSlice slice{{}, kHz};
  pass(slice, kNow, 1000, mebibytes(1));
}

TEST(ThrottleSlice, IsATenthOfASecond) {
  EXPECT_EQ((ThrottleSlice{{}, 250}.length()), 25U);
  EXPECT_EQ((ThrottleSlice{{}, 1000}.length()), 100U);
  EXPECT_EQ((ThrottleSlice{{}, 100}.length()), 10U);
}

TEST(ThrottleSlice, AllowsTheBytesOfOneSliceAtItsStart) {
  ThrottleSlice slice{bps(40'960), kHz};
  pass(slice, kNow, 1);
  EXPECT_GT(slice.wait(kNow, io(Bytes{1}), true), 0U);
}

// 1 000 000 bytes/s: 100 000 in a slice, of which 24 pages take 98 304; 2 400 too many take
// 2 400 * 250 / 1 000 000 = 0 jiffies, at least one, behind the end of the slice.
TEST(ThrottleSlice, WhoAsksForTooManyBytesWaitsForTheSliceAndWhatTheRestTakes) {
  ThrottleSlice slice{bps(1'000'000), kHz};
  pass(slice, kNow, 24);
  EXPECT_EQ(slice.wait(kNow, io(kPage), true), 26U);
  EXPECT_EQ(slice.wait(kNow + 10, io(kPage), true), 16U);
  EXPECT_EQ(slice.wait(kNow + 10, io(Bytes{100'000}), true), 15U + 24U);
}

// The same a whole slice later: what is under way counts as a whole slice.
TEST(ThrottleSlice, TheSliceUnderWayCountsAsAWhole) {
  ThrottleSlice slice{bps(1'000'000), kHz};
  pass(slice, kNow, 24);
  EXPECT_EQ(slice.wait(kNow + 25, io(kPage), false), 1U);
  EXPECT_EQ(slice.wait(kNow + 26, io(kPage), false), 0U);
}

TEST(ThrottleSlice, AnIoOfManySlicesWaitsForAllOfThem) {
  ThrottleSlice slice{bps(100'000), kHz};  // 10 000 a slice
  EXPECT_EQ(slice.wait(kNow, io(Bytes{110'000}), true), 25U + 250U);
  EXPECT_EQ(slice.wait(kNow + 274, io(Bytes{110'000}), false), 0U) << "part of the 11th slice";
}

TEST(ThrottleSlice, AllowsTheIosOfOneSliceAtItsStart) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 10, mebibytes(1));
  EXPECT_EQ(slice.wait(kNow, io(kPage), true), 25U);
  EXPECT_EQ(slice.wait(kNow + 10, io(kPage), true), 15U);
  EXPECT_EQ(slice.wait(kNow + 24, io(kPage), true), 1U);
}

// 15 a second: 1.5 in a slice are 1, and a slice that has passed takes with it no more than that.
TEST(ThrottleSlice, RoundsDownWhatASliceAllows) {
  EXPECT_EQ(times(ThrottleSlice{iops(15), kHz}, 7),
            (std::vector<std::uint64_t>{0, 25, 50, 75, 100, 125, 150}));
}

// 5 a second are 0.5 in a slice. With bps unlimited the start of the slice moves at each I/O, and
// half an I/O is forgotten: 3.3 a second pass, as in the kernels modelled.
TEST(ThrottleSlice, ForgetsPartsOfAnIoWhereBytesAreUnlimited) {
  EXPECT_EQ(times(ThrottleSlice{iops(5), kHz}, 5),
            (std::vector<std::uint64_t>{25, 100, 175, 250, 325}));
}

TEST(ThrottleSlice, MovesOnlyByWhatItAllowedWhereBothAreLimited) {
  ThrottleSlice slice{{.bps = Bytes{9}, .iops = 9}, kHz};
  EXPECT_GT(slice.wait(kNow, io(Bytes{0}), true), 0U);
  ASSERT_EQ(slice.wait(kNow + 25, io(Bytes{0}), false), 0U);
  slice.charge(io(Bytes{0}));
  slice.trim(kNow + 25);
  EXPECT_EQ(slice.start(), kNow) << "a slice allows 0.9 of both";
}

TEST(ThrottleSlice, BothLimitsHold) {
  ThrottleSlice slice{{.bps = Bytes{409'600}, .iops = 50}, kHz};
  pass(slice, kNow, 5);
  EXPECT_EQ(slice.wait(kNow, io(kPage), true), 25U) << "I/Os";
  ThrottleSlice large{{.bps = Bytes{409'600}, .iops = 50}, kHz};
  pass(large, kNow, 2, Bytes{20'480});
  EXPECT_EQ(large.wait(kNow, io(kPage), true), 25U + 2U) << "bytes";
}

TEST(ThrottleSlice, BytesThatWereChargedCountNoMore) {
  ThrottleSlice slice{{.bps = Bytes{40'960}, .iops = 100}, kHz};
  const ThrottledIo rest{.bytes = mebibytes(1), .bytes_charged = true};
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(slice.wait(kNow, rest, true), 0U);
    slice.charge(rest);
  }
  pass(slice, kNow, 1);
  EXPECT_EQ(slice.wait(kNow, rest, true), 25U) << "but they are I/Os";
}

TEST(ThrottleSlice, PartsAreCountedWithTheNextIo) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 1);
  for (int i = 0; i < 9; ++i) {
    slice.count_part();
  }
  EXPECT_EQ(slice.wait(kNow, io(kPage), true), 25U);
}

TEST(ThrottleSlice, PartsAreForgottenWithTheirSlice) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 1);
  for (int i = 0; i < 12; ++i) {
    slice.count_part();
  }
  EXPECT_EQ(slice.wait(kNow + 100, io(kPage), true), 0U);
}

TEST(ThrottleSlice, WhoWasIdleStartsANewOne) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 10);
  EXPECT_EQ(slice.wait(kNow + 60, io(kPage), true), 0U);
  EXPECT_EQ(slice.start(), kNow + 60);
}

// A new one has 25 jiffies; once something has passed, it ends with a multiple of 25.
TEST(ThrottleSlice, LastsToAMultipleOfItsLengthOnceSomethingHasPassed) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow + 7, 1);
  EXPECT_EQ(slice.wait(kNow + 40, io(kPage), true), 0U);
  EXPECT_EQ(slice.start(), kNow + 7);
  EXPECT_EQ(slice.wait(kNow + 80, io(kPage), true), 0U);
  EXPECT_EQ(slice.start(), kNow + 80);
}

TEST(ThrottleSlice, WhatWasNotUsedIsNotSaved) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 1);
  pass(slice, kNow + 10'000, 10);
  EXPECT_GT(slice.wait(kNow + 10'000, io(kPage), true), 0U);
}

TEST(ThrottleSlice, WhoWaitsKeepsTheOldOne) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 10);
  EXPECT_EQ(slice.wait(kNow, io(kPage), true), 25U);
  EXPECT_EQ(slice.wait(kNow + 500, io(kPage), false), 0U);
  EXPECT_EQ(slice.start(), kNow);
}

TEST(ThrottleSlice, LastsAsLongAsTheWaitAndASliceMore) {
  ThrottleSlice slice{bps(100'000), kHz};
  EXPECT_EQ(slice.wait(kNow, io(Bytes{110'000}), true), 275U);
  pass(slice, kNow + 270, 1, Bytes{100'000});
  EXPECT_EQ(slice.start(), kNow + 250) << "trimmed, not started anew";
}

TEST(ThrottleSlice, WholeSlicesThatHavePassedAreTrimmed) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 10);
  pass(slice, kNow + 25, 1);
  EXPECT_EQ(slice.start(), kNow + 25);
  pass(slice, kNow + 25, 9);
  EXPECT_EQ(slice.wait(kNow + 25, io(kPage), true), 25U);
}

TEST(ThrottleSlice, IsTheChildsWhereItHasNoneOfItsOwn) {
  ThrottleSlice slice{iops(100), kHz};
  slice.start_with_credit(kNow + 40, kNow);
  EXPECT_EQ(slice.start(), kNow);
  pass(slice, kNow + 40, 11);  // the first takes what is left of a slice that has passed with it
  EXPECT_EQ(slice.start(), kNow + 25);
  EXPECT_GT(slice.wait(kNow + 40, io(kPage), true), 0U);
}

TEST(ThrottleSlice, KeepsItsOwnBesideTheChilds) {
  ThrottleSlice slice{iops(100), kHz};
  pass(slice, kNow, 1);
  slice.start_with_credit(kNow + 10, kNow + 5);
  EXPECT_EQ(slice.start(), kNow);
  slice.start_with_credit(kNow + 100, kNow - 100);
  EXPECT_EQ(slice.start(), kNow) << "never earlier than the last one";
}

TEST(ThrottleSlice, LimitsBeyondAllMeasureAllowAnything) {
  ThrottleSlice slice{bps(Bytes::max().count()), kHz};
  pass(slice, kNow, 1000, gibibytes(1));
  ThrottleSlice waiting{{.bps = Bytes::max(), .iops = 2}, kHz};
  EXPECT_EQ(waiting.wait(kNow, io(kPage), true), 25U);
  EXPECT_EQ(waiting.wait(kNow + 1000, io(kPage), false), 0U) << "more than fits in 64 bits";
}

}  // namespace
}  // namespace wbsim::block
