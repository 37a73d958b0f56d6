// test_device: a device that fails, delays, refuses and lies on request. For the tests of the block
// layer, and for experiments with faults.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/durable_ranges.hpp"
#include "models/fault.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

struct TestDeviceParameters {
  int depth = 32;
  SimDuration service = microseconds(100);  // of every command; they do not wait for one another
  bool volatile_cache = false;
  std::vector<Fault> faults;  // looked at in this order
  bool keep_log = true;       // accepted() grows without end
};

// Serves all its commands at the same time, each for `service`. Durability follows the rules of
// block/device.hpp, and is_durable() tells the truth, whatever the device reported:
//  - a flush that failed or lied covers nothing: what it would have covered stays volatile;
//  - a write that failed changes nothing; one with FUA that lied is in the volatile cache.
// A refusal with kDevResource needs another command in the device, whose completion re-runs the
// queue; while it is idle, such faults are passed over.
class TestDevice final : public block::DeviceModel {
 public:
  TestDevice(engine::Simulator& simulator, const TestDeviceParameters& parameters);
  ~TestDevice() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return parameters_.depth; }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override {
    return durable_.is_durable(first, length);
  }

  // Adds a fault in the middle of a run; its counts begin now.
  void add_fault(const Fault& fault) { faults_.add(fault); }
  // Accepted commands in order, with the time of their submission.
  [[nodiscard]] const std::vector<block::DeviceCommand>& accepted() const { return accepted_; }
  [[nodiscard]] std::int64_t refused() const { return refused_; }
  [[nodiscard]] int in_device() const { return parameters_.depth - static_cast<int>(free_.size()); }

 private:
  struct Slot {
    explicit Slot(TestDevice& owner);
    void on_end() { device.finish(*this); }
    TestDevice& device;
    block::DeviceCommand* command = nullptr;
    FaultEffect effect;
    DurableRanges::FlushId flush = 0;
    engine::Event end;
  };
  void finish(Slot& slot);

  engine::Simulator& simulator_;
  TestDeviceParameters parameters_;
  FaultList faults_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  DurableRanges durable_;
  std::vector<block::DeviceCommand> accepted_;
  std::int64_t refused_ = 0;
};

}  // namespace wbsim::models
