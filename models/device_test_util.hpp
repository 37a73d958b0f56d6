// Shared by the tests of device models: a client that notes what completes, and commands.
#pragma once

#include <deque>
#include <vector>

#include "sim/block/device.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

class RecordingClient final : public block::DeviceClient {
 public:
  struct Completion {
    int tag;
    SimTime time;
    block::BlkStatus status;
    friend bool operator==(const Completion&, const Completion&) = default;
  };

  explicit RecordingClient(const engine::Simulator& simulator) : simulator_{simulator} {}

  void complete(block::DeviceCommand& command, block::BlkStatus status) override {
    completions_.push_back({command.tag, simulator_.now(), status});
  }

  // Submits a command to `device`; tags count from 0.
  block::SubmitResult submit(block::DeviceModel& device, block::DeviceOp op, std::int64_t sector,
                             std::int64_t sectors, bool fua = false) {
    commands_.push_back({.op = op,
                         .fua = fua,
                         .tag = static_cast<int>(commands_.size()),
                         .sector = Lba{sector},
                         .length = Sectors{sectors},
                         .submitted = {}});
    return device.submit(commands_.back());
  }

  [[nodiscard]] const std::vector<Completion>& completions() const { return completions_; }
  // When the command with this tag completed, in ns; -1: not yet.
  [[nodiscard]] std::int64_t end_ns(int tag) const {
    for (const Completion& completion : completions_) {
      if (completion.tag == tag) {
        return completion.time.time_since_epoch().count();
      }
    }
    return -1;
  }

 private:
  const engine::Simulator& simulator_;
  std::deque<block::DeviceCommand> commands_;
  std::vector<Completion> completions_;
};

}  // namespace wbsim::models
