// What every device model owes the block layer (sim/block/device.hpp), asked of all of them under
// random commands.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/null_blk.hpp"
#include "models/simdisk.hpp"
#include "models/test_device.hpp"
#include "models/test_parameters.hpp"
#include "sim/base/rng.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {
namespace {

using block::DeviceCommand;
using block::DeviceOp;
using block::SubmitResult;

constexpr std::int64_t kBlocks = 256;  // of the address space that commands go to
constexpr std::int64_t kBlockSectors = 8;
constexpr int kCommands = 2000;

DeviceCommand command_of(DeviceOp op, int tag, std::int64_t sector, std::int64_t sectors,
                         bool fua = false) {
  return {.op = op,
          .fua = fua,
          .tag = tag,
          .sector = Lba{sector},
          .length = Sectors{sectors},
          .submitted = {}};
}

struct Model {
  const char* name;
  bool volatile_cache;  // a write without FUA needs a flush
  std::function<std::unique_ptr<block::DeviceModel>(engine::Simulator&)> make;
};

void PrintTo(const Model& model, std::ostream* stream) { *stream << model.name; }

template <class Device, class Parameters>
Model model(const char* name, bool volatile_cache, Parameters parameters) {
  return {name, volatile_cache, [parameters](engine::Simulator& simulator) {
            return std::make_unique<Device>(simulator, parameters);
          }};
}

HddParameters hdd(bool cache) {
  HddParameters p = small_hdd();
  p.volatile_cache = cache;
  p.overhead = microseconds(100);
  return p;
}

SsdParameters ssd(bool cache, bool protection, bool nvme) {
  SsdParameters p = small_ssd();
  p.volatile_cache = cache;
  p.power_loss_protection = protection;
  p.queued_flush = nvme;
  p.full_duplex = nvme;
  return p;
}

NullBlkParameters null_blk(NullBlkParameters::Completion completion) {
  return {.depth = 16, .completion = completion, .volatile_cache = true, .track_durability = true};
}

std::vector<Model> all_models() {
  using Completion = NullBlkParameters::Completion;
  SimdiskParameters simdisk;
  simdisk.depth = 4;
  simdisk.channels = 2;
  simdisk.read = microseconds(20);
  simdisk.write = microseconds(30);
  simdisk.flush = microseconds(200);
  simdisk.volatile_cache = true;
  simdisk.track_durability = true;
  TestDeviceParameters test_device;
  test_device.depth = 4;
  test_device.volatile_cache = true;
  test_device.keep_log = false;
  return {model<Simdisk>("Simdisk", true, simdisk),
          model<TestDevice>("TestDevice", true, test_device),
          model<NullBlk>("NullBlkAtOnce", true, null_blk(Completion::kAtOnce)),
          model<NullBlk>("NullBlkTimer", true, null_blk(Completion::kTimer)),
          model<Hdd>("Hdd", true, hdd(true)),
          model<Hdd>("HddWriteThrough", false, hdd(false)),
          model<Ssd>("SsdSata", true, ssd(true, false, false)),
          model<Ssd>("SsdNvme", true, ssd(true, false, true)),
          model<Ssd>("SsdWriteThrough", false, ssd(false, false, true)),
          model<Ssd>("SsdProtected", false, ssd(true, true, false))};
}

// A host that keeps a random number of random commands in the device and notes what the rules of
// durability promise of each block.
class Host final : public block::DeviceClient {
 public:
  Host(const Model& what, std::uint64_t seed)
      : model_{what}, rng_{Rng::stream(seed, what.name)}, device_{what.make(simulator_)} {
    device_->attach(*this);
    pool_.resize(static_cast<std::size_t>(device_->queue_depth()));
    for (DeviceCommand& command : pool_) {
      command.tag = static_cast<int>(idle_.size());
      idle_.push_back(&command);
    }
  }
  ~Host() { simulator_.cancel(think_); }

  void run() {
    simulator_.schedule_after(think_, SimDuration{});
    simulator_.run(kSimTimeMax);
    EXPECT_EQ(completed_, kCommands);
    EXPECT_TRUE(in_flight_.empty());
    flush_at_the_end();
  }

  void complete(DeviceCommand& command, block::BlkStatus status) override {
    ASSERT_FALSE(submitting_) << "completed inside submit()";
    ASSERT_EQ(status, block::BlkStatus::kOk);
    ASSERT_EQ(in_flight_.erase(&command), 1U) << "completed twice, or never submitted";
    ++completed_;
    log.push_back(command.tag);
    log.push_back(simulator_.now().time_since_epoch().count());
    note_completion(command);
    idle_.push_back(&command);
    if (!think_.pending()) {
      simulator_.schedule_after(think_, SimDuration{});
    }
  }

  std::vector<std::int64_t> log;  // tag and time of every completion

 private:
  enum class State { kNeverWritten, kVolatile, kDurable };
  struct Block {
    State state = State::kNeverWritten;
    std::int64_t written = 0;  // count of completions at its last write
  };

  void on_think() {
    if (held_ != nullptr) {
      DeviceCommand& command = *held_;
      held_ = nullptr;
      submit(command);
    }
    while (held_ == nullptr && submitted_ < kCommands && !idle_.empty() && rng_.uniform(8) != 0) {
      DeviceCommand& command = *idle_.back();
      idle_.pop_back();
      fill(command);
      submit(command);
    }
    check_promises();
    const bool more = submitted_ < kCommands || held_ != nullptr;
    if (more && held_ == nullptr && !think_.pending()) {
      simulator_.schedule_after(think_, microseconds(static_cast<std::int64_t>(rng_.uniform(400))));
    }
  }

  void fill(DeviceCommand& command) {
    const std::uint64_t kind = rng_.uniform(20);
    command.fua = kind == 1 || kind == 2;
    command.op = kind == 0 ? DeviceOp::kFlush : kind < 12 ? DeviceOp::kWrite : DeviceOp::kRead;
    const auto blocks = static_cast<std::int64_t>(1 + rng_.uniform(rng_.uniform(8) == 0 ? 64 : 4));
    const auto first =
        static_cast<std::int64_t>(rng_.uniform(static_cast<std::uint64_t>(kBlocks - blocks + 1)));
    command.sector = Lba{first * kBlockSectors};
    command.length = Sectors{blocks * kBlockSectors};
    if (command.op == DeviceOp::kFlush) {
      command.length = Sectors{0};
    }
  }

  void submit(DeviceCommand& command) {
    const std::size_t before = in_flight_.size();
    if (command.op == DeviceOp::kFlush) {
      flush_from_[&command] = completed_;
    }
    submitting_ = true;
    const SubmitResult result = device_->submit(command);
    submitting_ = false;
    if (result == SubmitResult::kAccepted) {
      ASSERT_LT(before, static_cast<std::size_t>(device_->queue_depth()));
      in_flight_.emplace(&command, command);
      ++submitted_;
      return;
    }
    ASSERT_EQ(result, SubmitResult::kDevResource);
    ASSERT_GT(before, 0U) << "refused while idle: nothing would run the queue again";
    held_ = &command;
  }

  void note_completion(const DeviceCommand& command) {
    if (command.op == DeviceOp::kFlush) {
      for (Block& block : blocks_) {
        if (block.state == State::kVolatile && block.written <= flush_from_.at(&command)) {
          block.state = State::kDurable;
        }
      }
    }
    if (command.op != DeviceOp::kWrite) {
      return;
    }
    const bool durable = command.fua || !model_.volatile_cache;
    for (std::int64_t i = 0; i < command.length.count() / kBlockSectors; ++i) {
      const std::int64_t number = command.sector.value() / kBlockSectors + i;
      Block& block = blocks_.at(static_cast<std::size_t>(number));
      block = {durable ? State::kDurable : State::kVolatile, completed_};
      ASSERT_EQ(is_durable(number), durable) << "block " << number << " as it is acknowledged";
    }
  }

  bool is_durable(std::int64_t block) const {
    return device_->is_durable(Lba{block * kBlockSectors}, Sectors{kBlockSectors});
  }

  // What is promised is so. A device may do more: destage what nobody flushed.
  void check_promises() const {
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      const Block& block = blocks_.at(static_cast<std::size_t>(i));
      if (block.state == State::kDurable) {
        ASSERT_TRUE(is_durable(i)) << "block " << i;
      } else if (block.state == State::kNeverWritten) {
        ASSERT_FALSE(is_durable(i)) << "block " << i;
      }
    }
  }

  void flush_at_the_end() {
    DeviceCommand& command = *idle_.back();
    idle_.pop_back();
    command.op = DeviceOp::kFlush;
    command.length = Sectors{0};
    submit(command);
    simulator_.run(kSimTimeMax);
    EXPECT_TRUE(in_flight_.empty());
    for (std::int64_t i = 0; i < kBlocks; ++i) {
      EXPECT_EQ(is_durable(i),
                blocks_.at(static_cast<std::size_t>(i)).state != State::kNeverWritten)
          << "block " << i;
    }
  }

  Model model_;
  Rng rng_;
  engine::Simulator simulator_;
  std::unique_ptr<block::DeviceModel> device_;
  std::deque<DeviceCommand> pool_;
  std::vector<DeviceCommand*> idle_;
  DeviceCommand* held_ = nullptr;  // refused; to be submitted again after a completion
  std::map<const DeviceCommand*, DeviceCommand> in_flight_;
  std::map<const DeviceCommand*, std::int64_t> flush_from_;  // completions at its submission
  std::vector<Block> blocks_ = std::vector<Block>(kBlocks);
  bool submitting_ = false;
  std::int64_t submitted_ = 0;
  std::int64_t completed_ = 0;
  engine::Event think_ = engine::event_calling<&Host::on_think>(*this);
};

class DeviceConformance : public testing::TestWithParam<Model> {};

TEST_P(DeviceConformance, CompletesEachCommandOnceAndKeepsWhatItPromises) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Host{GetParam(), seed}.run();
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST_P(DeviceConformance, DoesTheSameTwice) {
  Host first{GetParam(), 9};
  Host second{GetParam(), 9};
  first.run();
  second.run();
  EXPECT_EQ(first.log, second.log);
}

TEST_P(DeviceConformance, HoldsAsManyCommandsAsItsDepth) {
  engine::Simulator simulator;
  const auto device = GetParam().make(simulator);
  class Ignore final : public block::DeviceClient {
    void complete(DeviceCommand&, block::BlkStatus) override {}
  } client;
  device->attach(client);
  std::deque<DeviceCommand> commands;
  for (int i = 0; i <= device->queue_depth(); ++i) {
    commands.push_back(command_of(DeviceOp::kRead, i, i * 8, 8));
    EXPECT_EQ(device->submit(commands.back()),
              i < device->queue_depth() ? SubmitResult::kAccepted : SubmitResult::kDevResource);
  }
}

TEST_P(DeviceConformance, CanBeDestroyedWithCommandsUnderWay) {
  for (const std::int64_t us : {0, 1, 60, 700, 5'000, 30'000}) {
    engine::Simulator simulator;
    const auto device = GetParam().make(simulator);
    class Ignore final : public block::DeviceClient {
      void complete(DeviceCommand&, block::BlkStatus) override {}
    } client;
    device->attach(client);
    std::deque<DeviceCommand> commands;
    for (int i = 0; i < device->queue_depth(); ++i) {
      commands.push_back(
          command_of(i % 2 == 0 ? DeviceOp::kWrite : DeviceOp::kRead, i, i * 640, 64, i % 4 == 0));
      device->submit(commands.back());
    }
    simulator.run(at(microseconds(us)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, DeviceConformance, testing::ValuesIn(all_models()),
                         [](const auto& param) { return std::string{param.param.name}; });

}  // namespace
}  // namespace wbsim::models
