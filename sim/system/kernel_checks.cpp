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
constexpr std::array<std::string_view, 8> kOfPageCache{
    "background_start", "bandwidth_update", "buffered_read",         "dirty_check",
    "requeues_young",   "throttling",       "over_background_exact", "background_writeback"};
constexpr std::array<std::string_view, 4> kOfStack{"stack_order", "mirror_writes", "stripe_visit",
                                                   "md_flush"};
// What the rest of a kernel is made for.
constexpr std::array<std::string_view, 2> kFixed{"block_layer", "flusher"};

bool is_single(const KernelSwitches& kernel) {
  return kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
}

bool has_page_cache(const KernelSwitches& kernel) {
  return kernel.flusher == KernelSwitches::Flusher::kWorkQueue;
}

std::string no_page_cache(const Config& config) {
  return fmt::format(
      "has no effect: the page cache and writeback of Linux {} are not simulated, "
      "all I/O is direct",
      kernel_name(config.kernel));
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
  if (!has_page_cache(own)) {
    note_overrides(context, switches, kOfPageCache, no_page_cache(config));
  }
  if (config.stack.empty()) {
    note_overrides(context, switches, kOfStack, "has no effect without /stack");
  }
}

void check_actions(ReadContext& context, const Config& config) {
  for (std::size_t i = 0; i < config.actions.size(); ++i) {
    const ActionConfig& action = config.actions[i];
    const std::string pointer = child_pointer("/actions", std::to_string(i));
    if (action.syscall == "sync") {
      context.refuse(pointer + "/syscall",
                     fmt::format("\"sync\" of Linux {}, whose page cache and writeback are not",
                                 kernel_name(config.kernel)));
    } else if (!action.set.empty()) {
      context.note(pointer + "/set", no_page_cache(config));
    }
  }
}

// For kernels of which only direct I/O is simulated.
void check_page_cache_options(ReadContext& context, const Config& config) {
  const auto note = [&](const std::string& pointer, bool given) {
    if (given) {
      context.note(pointer, no_page_cache(config));
    }
  };
  note("/vm", config.vm != VmConfig{});
  note("/boot/dirty_limit", config.boot.dirty_limit.has_value());
  note("/boot/write_bandwidth", config.boot.write_bandwidth.has_value());
  const QueueConfig usual;
  for (const DeviceConfig& device : config.devices) {
    const std::string pointer = child_pointer("/devices", device.name);
    const DeviceConfig plain;
    note(pointer + "/bdi/min_ratio", device.bdi_min_ratio != plain.bdi_min_ratio);
    note(pointer + "/bdi/max_ratio", device.bdi_max_ratio != plain.bdi_max_ratio);
    note(pointer + "/queue/read_ahead_kb", device.queue.read_ahead_kb != usual.read_ahead_kb);
  }
  for (const StackConfig& stack : config.stack) {
    note(child_pointer("/stack", stack.name) + "/read_ahead_kb", stack.read_ahead_kb.has_value());
  }
  check_actions(context, config);
}

}  // namespace

void check_kernel_profile(ReadContext& context, const Config& config) {
  KernelSwitches own;
  load_kernel_profile(context, kernel_name(config.kernel), own);
  check_overrides(context, config, own);
  if (!has_page_cache(own)) {
    check_page_cache_options(context, config);
  }
}

}  // namespace wbsim::system
