// What a configuration asks of a kernel that does not have it: errors where that cannot work, notes
// where it has no effect.
#include <fmt/format.h>

#include <array>
#include <span>
#include <string_view>

#include "sim/block/elevators/elevator.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_checks.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::system {
namespace {

using Keys = std::span<const std::string_view>;

// Switches that other generations do not ask for.
constexpr std::array<std::string_view, 4> kOfSingleQueue{"queue_plugging", "request_classes",
                                                         "cache_flush", "sorted_directions"};
constexpr std::array<std::string_view, 9> kOfBlkMq{
    "plug_merge",   "plug_issue_order", "plug_size_limit", "plugs_each_bio", "tag_wake",
    "bio_priority", "throttle_splits",  "elevator_pull",   "fua_issue"};
// Of the throttle that pauses, of that which lets tasks write, and of flushers that have devices.
constexpr std::array<std::string_view, 3> kOfPauses{"control_laws", "bandwidth_update",
                                                    "background_start"};
constexpr std::array<std::string_view, 4> kOfStack{"stack_order", "mirror_writes", "stripe_visit",
                                                   "md_flush"};
// What the rest of a kernel is made for.
constexpr std::array<std::string_view, 1> kFixed{"block_layer"};

bool is_single(const KernelSwitches& kernel) {
  return kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
}

// By key, as the profile and the configuration say it.
struct Switches {
  Json usual;
  Json given;

  [[nodiscard]] bool differ(std::string_view key) const {
    const std::string name{key};
    return usual[name] != given[name];
  }
};

void note_overrides(ReadContext& context, const Switches& switches, Keys keys,
                    const std::string& why) {
  for (const std::string_view key : keys) {
    if (switches.differ(key)) {
      context.note(fmt::format("/profile/{}", key), why);
    }
  }
}

void check_overrides(ReadContext& context, const Config& config, const KernelSwitches& own) {
  KernelSwitches usual = own;
  KernelSwitches given = config.switches;
  const Switches switches{print_object(switch_fields(usual)), print_object(switch_fields(given))};
  const std::string_view kernel = kernel_name(config.kernel);
  for (const std::string_view key : kFixed) {
    const std::string name{key};
    if (switches.differ(key)) {
      context.error("/profile/" + name,
                    fmt::format("{} is not what Linux {} has ({}), and cannot be exchanged alone; "
                                "leave it out, or take another kernel",
                                shown(switches.given[name]), kernel,
                                switches.usual[name].get_ref<const std::string&>()));
    }
  }
  if (is_single(given) != block::is_single_queue(given.elevators)) {
    context.error("/profile/elevators",
                  fmt::format("block_layer {} has the elevators of {}",
                              is_single(given) ? "single-queue" : "blk-mq",
                              is_single(given) ? "2.6.18 or 3.6" : "5.10, 6.1, 6.6 or 6.12"));
  }
  note_overrides(context, switches, is_single(own) ? Keys{kOfBlkMq} : Keys{kOfSingleQueue},
                 fmt::format("has no effect: Linux {} has {}", kernel,
                             is_single(own) ? "a single queue" : "blk-mq"));
  if (given.throttle_action != writeback::ThrottleAction::kPause) {
    note_overrides(context, switches, kOfPauses,
                   "has no effect: with this throttle_action nobody pauses");
  }
  if (config.stack.empty()) {
    note_overrides(context, switches, kOfStack, "has no effect without /stack");
  }
}

// Bytes came with v2.6.29.
void check_limits(ReadContext& context, const Config& config) {
  if (config.switches.dirty_limits != writeback::LimitRules::kV2_6_18) {
    return;
  }
  const auto check = [&context](const std::string& pointer, bool given) {
    if (given) {
      context.error(pointer, "dirty_limits 2.6.18 know no bytes; leave it out, or set the ratio");
    }
  };
  check("/vm/dirty_bytes", config.vm.dirty_bytes > Bytes{0});
  check("/vm/dirty_background_bytes", config.vm.dirty_background_bytes > Bytes{0});
  for (std::size_t i = 0; i < config.actions.size(); ++i) {
    for (const auto& [name, value] : config.actions[i].set) {
      check(fmt::format("/actions/{}/set/{}", i, name), name.ends_with("_bytes"));
    }
  }
}

}  // namespace

void check_kernel_profile(ReadContext& context, const Config& config) {
  KernelSwitches own;
  load_kernel_profile(context, kernel_name(config.kernel), own);
  check_overrides(context, config, own);
  check_limits(context, config);
  if (config.output.trace && own.block_layer != KernelSwitches::BlockLayer::kMultiQueue) {
    context.refuse("/output/trace",
                   fmt::format("trace.txt of Linux {}", kernel_name(config.kernel)));
  }
}

}  // namespace wbsim::system
