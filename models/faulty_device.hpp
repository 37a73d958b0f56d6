// Any device, with faults: some of its commands fail or are late.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "models/fault.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

// Stands between a driver and the device that does the work. What befalls a command is decided
// when the device takes it:
//  - one that fails has taken its time in the device, and says in the end that it failed. What it
//    wrote may be there, as on a real disk: is_durable() tells what the device beneath stored;
//  - one that is late has left the device, but nobody is told for as long;
//  - one that is aborted completes no more. As long as the device beneath works on it, it takes up
//    a place there; a command that finds none is refused with kResource, as no completion that the
//    driver sees is sure to help.
class FaultyDevice final : public block::FallibleDevice, private block::DeviceClient {
 public:
  FaultyDevice(engine::Simulator& simulator, block::DeviceModel& device,
               const std::vector<Fault>& faults, Rng rng);
  ~FaultyDevice() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  void abort(const block::DeviceCommand& command) override;
  [[nodiscard]] int queue_depth() const override { return device_.queue_depth(); }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override {
    return device_.is_durable(first, length);
  }

 private:
  // One command: the driver's, and the copy of it that the device works on, whose tag is the number
  // of the slot. Without the driver's it was aborted.
  struct Slot {
    explicit Slot(FaultyDevice& owner);
    void on_late_end() { device.finish(*this); }
    FaultyDevice& device;
    block::DeviceCommand* command = nullptr;
    block::DeviceCommand copy;
    bool in_device = false;
    block::BlkStatus status = block::BlkStatus::kOk;
    FaultEffect effect;
    engine::Event late_end;
  };

  void complete(block::DeviceCommand& copy, block::BlkStatus status) override;
  void finish(Slot& slot);
  Slot& free_slot();

  engine::Simulator& simulator_;
  block::DeviceModel& device_;
  FaultList faults_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::size_t aborted_ = 0;  // commands that the device beneath still works on
};

}  // namespace wbsim::models
