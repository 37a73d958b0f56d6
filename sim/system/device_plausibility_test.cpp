// The devices of configs/devices against their data sheets: what the models, with the parameters in
// the files, make of the figures that makers promise, and of measurements of such drives.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "models/hdd.hpp"
#include "sim/base/rng.hpp"
#include "sim/system/config_test_util.hpp"
#include "sim/system/device_factory.hpp"

namespace wbsim::system {
namespace {

using block::DeviceCommand;
using block::DeviceOp;

DeviceConfig device(const std::string& file, const std::string& more = "") {
  const testing::Reading reading =
      testing::read(R"({"devices":{"sda":{"use":"devices/)" + file +
                    R"(","queue":{"scheduler":"none","wbt_lat_usec":0)" + more + "}}}}");
  EXPECT_TRUE(reading.config) << reading.findings;
  return reading.config.value().devices.at(0);
}

enum class Pattern { kRandom, kSequential };

struct Load {
  DeviceOp op = DeviceOp::kRead;
  Pattern pattern = Pattern::kRandom;
  Sectors length{8};
  int depth = 1;
  std::int64_t warm_up = 0;  // commands before the clock starts
  std::int64_t commands = 0;
  Lba from{0};  // of sequential loads
};

// Keeps `depth` commands in the device; the next one follows a completion at once.
class ClosedLoop final : public block::DeviceClient {
 public:
  ClosedLoop(const DeviceConfig& config, const Load& load)
      : load_{load}, size_{sectors_floor(config.size)}, next_{load.from} {
    device_ = make_device_model(simulator_, config);
    device_->attach(*this);
    for (int i = 0; i < load.depth; ++i) {
      commands_.push_back({.op = load.op,
                           .fua = false,
                           .tag = i,
                           .sector = {},
                           .length = load.length,
                           .submitted = {}});
      idle_.push_back(&commands_.back());
    }
  }
  ~ClosedLoop() { simulator_.cancel(refill_); }

  // Commands a second.
  double run() {
    simulator_.schedule(refill_, simulator_.now());
    simulator_.run(kSimTimeMax);
    const SimDuration time = simulator_.now() - started_;
    return static_cast<double>(load_.commands) * 1e9 / static_cast<double>(time.count());
  }
  // Decimal megabytes a second.
  double run_megabytes() {
    return run() * static_cast<double>(to_bytes(load_.length).count()) / 1e6;
  }
  SimDuration flush() {
    const SimTime start = simulator_.now();
    DeviceCommand command{.op = DeviceOp::kFlush,
                          .fua = false,
                          .tag = load_.depth,
                          .sector = {},
                          .length = {},
                          .submitted = {}};
    EXPECT_EQ(device_->submit(command), block::SubmitResult::kAccepted);
    simulator_.run(kSimTimeMax);
    return simulator_.now() - start;
  }
  engine::Simulator& simulator() { return simulator_; }
  // Submits what is idle, once.
  void submit_once() {
    issued_ = load_.warm_up + load_.commands - load_.depth;
    on_refill();
  }

  void complete(DeviceCommand& command, block::BlkStatus) override {
    if (command.op == DeviceOp::kFlush) {
      return;
    }
    if (++completed_ == load_.warm_up) {
      started_ = simulator_.now();
    }
    idle_.push_back(&command);
    if (!refill_.pending()) {
      simulator_.schedule(refill_, simulator_.now());
    }
  }

 private:
  void on_refill() {
    while (!idle_.empty() && issued_ < load_.warm_up + load_.commands) {
      DeviceCommand& command = *idle_.back();
      idle_.pop_back();
      ++issued_;
      command.sector = next_sector();
      EXPECT_EQ(device_->submit(command), block::SubmitResult::kAccepted);
    }
  }
  Lba next_sector() {
    if (load_.pattern == Pattern::kSequential) {
      const Lba sector = next_;
      next_ += load_.length;
      return sector;
    }
    const std::int64_t places = size_ / load_.length;
    return Lba{static_cast<std::int64_t>(rng_.uniform(static_cast<std::uint64_t>(places))) *
               load_.length.count()};
  }

  Load load_;
  Sectors size_;
  Lba next_;
  Rng rng_ = Rng::stream(1, "plausibility");
  engine::Simulator simulator_;
  std::unique_ptr<block::DeviceModel> device_;
  std::deque<DeviceCommand> commands_;
  std::vector<DeviceCommand*> idle_;
  std::int64_t issued_ = 0;
  std::int64_t completed_ = 0;
  SimTime started_{};
  engine::Event refill_ = engine::event_calling<&ClosedLoop::on_refill>(*this);
};

double random_iops(const DeviceConfig& config, DeviceOp op, int depth) {
  return ClosedLoop{config, {.op = op, .depth = depth, .warm_up = 1000, .commands = 20'000}}.run();
}

// At depth 1 and with the host's share of each I/O, which makers measure too (see configs/devices).
double iops_through_host(const DeviceConfig& config, DeviceOp op, double host_us) {
  return 1 / (1 / random_iops(config, op, 1) + host_us * 1e-6);
}

double sequential_mb(const DeviceConfig& config, DeviceOp op, Sectors length, Lba from = Lba{0}) {
  return ClosedLoop{config,
                    {.op = op,
                     .pattern = Pattern::kSequential,
                     .length = length,
                     .depth = 32,
                     .warm_up = 2000,
                     .commands = 10'000,
                     .from = from}}
      .run_megabytes();
}

void expect_within(double value, double expected, double percent) {
  EXPECT_NEAR(value, expected, expected * percent / 100);
}

constexpr Sectors k128Kib{256};
constexpr Sectors k1280Kib{2560};

TEST(HddOfTheDataSheet, ARandomReadTakesAnAverageSeekAndHalfATurn) {
  const double iops = random_iops(device("hdd-7200.json"), DeviceOp::kRead, 1);
  // 7.4 ms, 8.333 / 2 ms, 0.1 ms of overhead; 4 KiB pass in 0.015 to 0.03 ms.
  expect_within(1e3 / iops, 7.4 + 4.167 + 0.1 + 0.02, 5);
}

TEST(HddOfTheDataSheet, ARandomWriteThroughTheCacheTakesTheSeekOfAWrite) {
  const DeviceConfig config = device("hdd-7200.json", R"(,"write_cache":"write through")");
  expect_within(1e3 / random_iops(config, DeviceOp::kWrite, 1), 8.2 + 4.167 + 0.1 + 0.02, 5);
}

// Drives of 7200 rpm at depth 32 do 195 to 198 reads a second where they take 12.3 ms each alone
// (HGST, 8 TB): 2.4 times as many.
TEST(HddOfTheDataSheet, QueueingGains) {
  const DeviceConfig config = device("hdd-7200.json");
  const double gain =
      random_iops(config, DeviceOp::kRead, 32) / random_iops(config, DeviceOp::kRead, 1);
  EXPECT_GT(gain, 2.0);
  EXPECT_LT(gain, 3.0);
}

TEST(HddOfTheDataSheet, SustainsItsRateOutside) {
  const DeviceConfig config = device("hdd-7200.json");
  for (const DeviceOp op : {DeviceOp::kRead, DeviceOp::kWrite}) {
    expect_within(sequential_mb(config, op, k1280Kib), 255, 3);
  }
}

TEST(HddOfTheDataSheet, IsHalfAsFastInside) {
  const DeviceConfig config = device("hdd-7200.json");
  const Sectors last{11'000 * 2560};
  const Lba from = Lba{0} + (sectors_floor(config.size) - last - k1280Kib * 2000);
  expect_within(sequential_mb(config, DeviceOp::kRead, k1280Kib, from), 125, 3);
}

// A drive of that class (HGST, 8 TB) needed 73 ms and 335 ms to flush 8 and 64 scattered writes of
// 4 KiB.
TEST(HddOfTheDataSheet, FlushesScatteredWritesInPlausibleTime) {
  constexpr int kBatch = 8;  // acknowledged together
  constexpr int kRounds = 20;
  for (const auto& [batches, ms] : {std::pair{1, 73.0}, std::pair{8, 335.0}}) {
    ClosedLoop loop{device("hdd-7200.json"),
                    {.op = DeviceOp::kWrite, .depth = kBatch, .warm_up = 0, .commands = kBatch}};
    double sum_ms = 0;
    for (int round = 0; round < kRounds; ++round) {
      for (int batch = 0; batch < batches; ++batch) {
        loop.submit_once();
        loop.simulator().run(loop.simulator().now() + microseconds(300));
      }
      sum_ms += static_cast<double>(loop.flush().count()) / 1e6;
    }
    expect_within(sum_ms / kRounds, ms, 30);
  }
}

TEST(SataSsdOfTheDataSheet, DoesItsRandomReadsAndWrites) {
  const DeviceConfig config = device("ssd-sata.json");
  expect_within(iops_through_host(config, DeviceOp::kRead, 9.9), 13'000, 3);
  expect_within(random_iops(config, DeviceOp::kRead, 32), 98'000, 10);
  expect_within(iops_through_host(config, DeviceOp::kWrite, 9.9), 36'000, 3);
  expect_within(random_iops(config, DeviceOp::kWrite, 32), 88'000, 10);
}

TEST(SataSsdOfTheDataSheet, SustainsItsRates) {
  const DeviceConfig config = device("ssd-sata.json");
  expect_within(sequential_mb(config, DeviceOp::kRead, k128Kib), 560, 10);
  expect_within(sequential_mb(config, DeviceOp::kWrite, k128Kib), 530, 10);
}

// The data sheet measures depth 32 with four threads: 128 commands.
TEST(NvmeSsdOfTheDataSheet, DoesItsRandomReadsAndWrites) {
  const DeviceConfig config = device("ssd-nvme.json");
  expect_within(iops_through_host(config, DeviceOp::kRead, 7.2), 15'000, 3);
  expect_within(random_iops(config, DeviceOp::kRead, 128), 500'000, 10);
  expect_within(iops_through_host(config, DeviceOp::kWrite, 9.9), 55'000, 3);
  expect_within(random_iops(config, DeviceOp::kWrite, 128), 500'000, 10);
}

TEST(NvmeSsdOfTheDataSheet, SustainsItsRates) {
  const DeviceConfig config = device("ssd-nvme.json");
  expect_within(sequential_mb(config, DeviceOp::kRead, k128Kib), 3500, 10);
  expect_within(sequential_mb(config, DeviceOp::kWrite, k128Kib), 2700, 10);
}

TEST(NullBlkAsLoaded, CompletesWithoutTime) {
  const DeviceConfig config = device("null_blk.json", R"(,"nomerges":0)");
  ClosedLoop loop{config, {.depth = 64, .warm_up = 0, .commands = 1000}};
  loop.run();
  EXPECT_EQ(loop.simulator().now(), SimTime{});
}

}  // namespace
}  // namespace wbsim::system
