#include "models/fault.hpp"

#include <gtest/gtest.h>

namespace wbsim::models {
namespace {

using block::BlkStatus;
using block::DeviceCommand;
using block::DeviceError;
using block::DeviceOp;

DeviceCommand command(std::int64_t sector, DeviceOp op = DeviceOp::kWrite) {
  return {.op = op,
          .sector = Lba{sector},
          .length = Sectors{op == DeviceOp::kFlush ? 0 : 8},
          .submitted = {}};
}

FaultList list(const Fault& fault, std::uint64_t seed = 1) {
  return {{fault}, Rng::stream(seed, "faults")};
}

const Fault kMedium{.answer = {.error = DeviceError::kMedium}};

bool befalls(FaultList& faults, const DeviceCommand& command, SimTime now = SimTime{}) {
  return faults.effect_on(command, now).status != BlkStatus::kOk;
}

TEST(Fault, AnErrorIsAFailureWithItsReason) {
  FaultList faults = list(kMedium);
  const FaultEffect effect = faults.effect_on(command(0), SimTime{});
  EXPECT_EQ(effect.status, BlkStatus::kIoError);
  EXPECT_EQ(effect.answer.error, DeviceError::kMedium);
  EXPECT_EQ(effect.answer.good, Sectors{0});
}

TEST(Fault, SectorsBeforeABadOneAreGood) {
  Fault fault = kMedium;
  fault.range = Fault::Range{Lba{21}, Sectors{2}};
  FaultList faults = list(fault);
  EXPECT_EQ(faults.effect_on(command(16), SimTime{}).answer.good, Sectors{5});
  EXPECT_EQ(faults.effect_on(command(22), SimTime{}).answer.good, Sectors{0});
  EXPECT_FALSE(befalls(faults, command(8)));
  EXPECT_FALSE(befalls(faults, command(23)));
  EXPECT_FALSE(befalls(faults, command(0, DeviceOp::kFlush)));
}

TEST(Fault, LastsFromUntil) {
  Fault fault = kMedium;
  fault.from = SimTime{seconds(1)};
  fault.until = SimTime{seconds(2)};
  FaultList faults = list(fault);
  EXPECT_FALSE(befalls(faults, command(0), SimTime{milliseconds(999)}));
  EXPECT_TRUE(befalls(faults, command(0), SimTime{seconds(1)}));
  EXPECT_TRUE(befalls(faults, command(0), SimTime{milliseconds(1999)}));
  EXPECT_FALSE(befalls(faults, command(0), SimTime{seconds(2)}));
}

TEST(Fault, CommandsThatDoNotMatchAreNotCounted) {
  Fault fault = kMedium;
  fault.op = DeviceOp::kRead;
  fault.skip = 1;
  fault.times = 1;
  FaultList faults = list(fault);
  EXPECT_FALSE(befalls(faults, command(0)));
  EXPECT_FALSE(befalls(faults, command(0, DeviceOp::kRead)));
  EXPECT_TRUE(befalls(faults, command(0, DeviceOp::kRead)));
  EXPECT_FALSE(befalls(faults, command(0, DeviceOp::kRead)));
}

TEST(Fault, BefallsOneInSoMany) {
  Fault fault = kMedium;
  fault.one_in = 10;
  int befallen = 0;
  FaultList faults = list(fault);
  for (int i = 0; i < 10'000; ++i) {
    befallen += befalls(faults, command(0)) ? 1 : 0;
  }
  EXPECT_GT(befallen, 900);
  EXPECT_LT(befallen, 1100);
}

TEST(Fault, TimesCountsThoseThatItBefalls) {
  Fault fault = kMedium;
  fault.one_in = 10;
  fault.times = 3;
  int befallen = 0;
  FaultList faults = list(fault);
  for (int i = 0; i < 10'000; ++i) {
    befallen += befalls(faults, command(0)) ? 1 : 0;
  }
  EXPECT_EQ(befallen, 3);
}

TEST(Fault, ChanceIsThatOfTheSeed) {
  Fault fault = kMedium;
  fault.one_in = 2;
  const auto pattern = [&fault](std::uint64_t seed) {
    FaultList faults = list(fault, seed);
    std::vector<bool> bad;
    for (int i = 0; i < 64; ++i) {
      bad.push_back(befalls(faults, command(0)));
    }
    return bad;
  };
  EXPECT_EQ(pattern(1), pattern(1));
  EXPECT_NE(pattern(1), pattern(2));
}

TEST(Fault, TheFirstOfSeveralBadSectorsEndsTheTransfer) {
  const auto bad = [](std::int64_t sector) {
    Fault fault = kMedium;
    fault.range = Fault::Range{Lba{sector}, Sectors{1}};
    return fault;
  };
  for (const auto& [one, other] : {std::pair{3, 6}, std::pair{6, 3}}) {
    FaultList faults{{bad(one), bad(other)}, Rng::stream(1, "faults")};
    EXPECT_EQ(faults.effect_on(command(0), SimTime{}).answer.good, Sectors{3});
  }
}

TEST(Fault, DelaysAddUpAndTheFirstErrorCounts) {
  Fault slow{.delay = milliseconds(2)};
  Fault broken{.delay = milliseconds(3), .answer = {.error = DeviceError::kHardware}};
  FaultList faults{{slow, broken, kMedium}, Rng::stream(1, "faults")};
  const FaultEffect effect = faults.effect_on(command(0), SimTime{});
  EXPECT_EQ(effect.delay, milliseconds(5));
  EXPECT_EQ(effect.answer.error, DeviceError::kHardware);
}

}  // namespace
}  // namespace wbsim::models
