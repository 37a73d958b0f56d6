// What a command costs in each device model, and on the way from bio to completion:
//   device_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
// Random 4 KiB at the depth given. The device models stand beside the least that the same work
// costs, one event for each command (bare).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/system/config_models.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/device_factory.hpp"

namespace wbsim::bench {
namespace {

using block::DeviceCommand;
using block::DeviceOp;

system::DeviceConfig device(const std::string& file, const std::string& more = "") {
  Diagnostics diagnostics;
  const std::optional<system::Config> config =
      system::read_config({"device",
                           R"({"devices":{"sda":{"use":"devices/)" + file + R"(.json")" + more +
                               R"(,"queue":{"scheduler":"none","wbt_lat_usec":0}}}})",
                           "configs/experiments"},
                          {}, diagnostics);
  if (!config) {
    std::abort();
  }
  return config->devices.front();
}

// Random addresses out of a table, so that their making costs nothing.
class Addresses {
 public:
  explicit Addresses(Sectors size) : table_(kEntries) {
    Rng rng = Rng::stream(1, "device_bench");
    for (Lba& sector : table_) {
      sector = Lba{static_cast<std::int64_t>(
                       rng.uniform(static_cast<std::uint64_t>(size.count() / kSectors))) *
                   kSectors};
    }
  }
  Lba next() { return table_[next_++ % kEntries]; }
  static constexpr std::int64_t kSectors = 8;

 private:
  static constexpr std::size_t kEntries = 1 << 16;
  std::vector<Lba> table_;
  std::size_t next_ = 0;
};

// Keeps `depth` commands in a device.
class ClosedLoop final : public block::DeviceClient {
 public:
  ClosedLoop(const system::DeviceConfig& config, DeviceOp op, int depth)
      : addresses_{sectors_floor(config.size)},
        device_{system::make_device_model(simulator_, config)},
        commands_(static_cast<std::size_t>(depth)) {
    device_->attach(*this);
    for (DeviceCommand& command : commands_) {
      command.op = op;
      command.length = Sectors{Addresses::kSectors};
      idle_.push_back(&command);
    }
    simulator_.schedule(refill_, SimTime{});
  }
  ~ClosedLoop() { simulator_.cancel(refill_); }

  void run(std::int64_t commands) {
    for (const std::int64_t until = completed_ + commands; completed_ < until;) {
      simulator_.run(simulator_.now() + microseconds(500));
    }
  }
  [[nodiscard]] std::int64_t completed() const { return completed_; }

  void complete(DeviceCommand& command, block::BlkStatus) override {
    ++completed_;
    idle_.push_back(&command);
    if (!refill_.pending()) {
      simulator_.schedule(refill_, simulator_.now());
    }
  }

 private:
  void on_refill() {
    while (!idle_.empty()) {
      DeviceCommand& command = *idle_.back();
      command.sector = addresses_.next();
      if (device_->submit(command) != block::SubmitResult::kAccepted) {
        std::abort();
      }
      idle_.pop_back();
    }
  }

  Addresses addresses_;
  engine::Simulator simulator_;
  std::unique_ptr<block::DeviceModel> device_;
  std::vector<DeviceCommand> commands_;
  std::vector<DeviceCommand*> idle_;
  std::int64_t completed_ = 0;
  engine::Event refill_ = engine::event_calling<&ClosedLoop::on_refill>(*this);
};

void run_device(benchmark::State& state, const system::DeviceConfig& config, DeviceOp op) {
  ClosedLoop loop{config, op, static_cast<int>(state.range(0))};
  loop.run(10'000);
  constexpr std::int64_t kBatch = 1000;
  const std::int64_t before = loop.completed();
  for (auto unused : state) {
    (void)unused;
    loop.run(kBatch);
  }
  state.counters["per_command"] =
      benchmark::Counter(static_cast<double>(loop.completed() - before),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void bare(benchmark::State& state) {
  run_device(state, device("null_blk", R"(,"irqmode":2)"), DeviceOp::kRead);
}
void hdd_read(benchmark::State& state) { run_device(state, device("hdd-7200"), DeviceOp::kRead); }
void hdd_write(benchmark::State& state) { run_device(state, device("hdd-7200"), DeviceOp::kWrite); }
void ssd_sata_read(benchmark::State& state) {
  run_device(state, device("ssd-sata"), DeviceOp::kRead);
}
void ssd_nvme_read(benchmark::State& state) {
  run_device(state, device("ssd-nvme"), DeviceOp::kRead);
}
void ssd_nvme_write(benchmark::State& state) {
  run_device(state, device("ssd-nvme"), DeviceOp::kWrite);
}
BENCHMARK(bare)->Arg(32);
BENCHMARK(hdd_read)->Arg(1)->Arg(32);
BENCHMARK(hdd_write)->Arg(32);
BENCHMARK(ssd_sata_read)->Arg(1)->Arg(32);
BENCHMARK(ssd_nvme_read)->Arg(1)->Arg(32)->Arg(256);
BENCHMARK(ssd_nvme_write)->Arg(32)->Arg(256);

engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

// Bios of one task through a request queue without an elevator: plug, request, tag, device,
// interrupt, completion. CPU costs are zero, so that what is measured is the simulator. The task
// waits for tags, so the device is always full.
class WholePath final : public block::BioEndIo {
 public:
  WholePath(const system::DeviceConfig& config, bool write, int depth)
      : write_{write},
        addresses_{sectors_floor(config.size)},
        machine_{simulator_, 1, engine::Jiffies{250, 0, {}}, free_of_cost()},
        kblockd_{machine_},
        device_{system::make_device_model(simulator_, config)},
        queue_{machine_, tracer_, kblockd_, *device_, {.limits = {}, .nr_requests = depth}},
        thread_{machine_, "writer", 100},
        io_{thread_} {
    simulator_.spawn("writer", submit_for_ever());
  }
  ~WholePath() { simulator_.destroy_processes(); }

  void run(std::int64_t bios) {
    for (const std::int64_t until = completed_ + bios; completed_ < until;) {
      simulator_.run(simulator_.now() + microseconds(500));
    }
  }
  [[nodiscard]] std::int64_t completed() const { return completed_; }
  void end_bio(block::Bio& bio, block::BlkStatus) override { completed_ += bio.count; }

 private:
  engine::Task<> submit_for_ever() {
    constexpr int kPlugged = 16;
    co_await thread_.begin();
    while (true) {
      io_.start_plug();
      for (int i = 0; i < kPlugged; ++i) {
        block::Bio& bio = queue_.new_bio();
        bio.sector = addresses_.next();
        bio.unit = Sectors{Addresses::kSectors};
        bio.flags = {.write = write_};
        bio.end_io = this;
        co_await queue_.submit_bio(io_, bio);
      }
      co_await io_.finish_plug();
    }
  }

  bool write_;
  Addresses addresses_;
  engine::Simulator simulator_;
  engine::Tracer tracer_;
  engine::Machine machine_;
  block::Kblockd kblockd_;
  std::unique_ptr<block::DeviceModel> device_;
  block::RequestQueue queue_;
  engine::Thread thread_;
  block::TaskIo io_;
  std::int64_t completed_ = 0;
};

void whole_path(benchmark::State& state, const system::DeviceConfig& config, bool write) {
  WholePath path{config, write, 32};
  path.run(10'000);
  constexpr std::int64_t kBatch = 1000;
  const std::int64_t before = path.completed();
  for (auto unused : state) {
    (void)unused;
    path.run(kBatch);
  }
  state.counters["per_bio"] =
      benchmark::Counter(static_cast<double>(path.completed() - before),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void path_simdisk(benchmark::State& state) { whole_path(state, device("simdisk-100mbps"), true); }
void path_hdd_read(benchmark::State& state) { whole_path(state, device("hdd-7200"), false); }
void path_hdd_write(benchmark::State& state) { whole_path(state, device("hdd-7200"), true); }
void path_ssd_read(benchmark::State& state) { whole_path(state, device("ssd-nvme"), false); }
void path_ssd_write(benchmark::State& state) { whole_path(state, device("ssd-nvme"), true); }
BENCHMARK(path_simdisk);
BENCHMARK(path_hdd_read);
BENCHMARK(path_hdd_write);
BENCHMARK(path_ssd_read);
BENCHMARK(path_ssd_write);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
