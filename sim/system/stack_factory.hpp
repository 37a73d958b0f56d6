// Makes the devices of `stack`.
#pragma once

#include <memory>
#include <vector>

#include "sim/block/bio_target.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/system/config.hpp"

namespace wbsim::system {

// `device`: index, for traces; `members` in the order of the configuration, and they outlive it.
// What its bios cost where they are traced comes with `trace`.
[[nodiscard]] std::unique_ptr<block::BioTarget> make_stacked_device(
    engine::Machine& machine, const engine::Tracer& tracer, const Config& config,
    const StackConfig& stack, int device, const std::vector<block::BioTarget*>& members,
    const block::StackTraceCosts& trace);

}  // namespace wbsim::system
