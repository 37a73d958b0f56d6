// What must hold between devices and what is on top of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "sim/base/check.hpp"
#include "sim/block/stacking/address_map.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_checks.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/device_graph.hpp"
#include "sim/system/json_text.hpp"
#include "sim/system/quantities.hpp"
#include "sim/system/stack_members.hpp"

namespace wbsim::system {
namespace {

constexpr Bytes kPartitionStart = mebibytes(1);  // what fdisk and parted align to
constexpr Bytes kStripedChunk = kibibytes(64);   // of LVM
constexpr Bytes kRaidChunk = kibibytes(512);     // of mdadm
constexpr int kStripes = 256;                    // NR_STRIPES
constexpr int kBypass = 1;                       // BYPASS_THRESHOLD
constexpr int kRmwLevel = 1;                     // PARITY_ENABLE_RMW

std::string size_text(Bytes size) { return format_quantity(Quantity::kBytes, size.count()); }

std::string place(const StackConfig& stack) { return child_pointer("/stack", stack.name); }

bool is_raid(StackKind kind) {
  return kind == StackKind::kRaid0 || kind == StackKind::kRaid1 || kind == StackKind::kRaid5 ||
         kind == StackKind::kRaid6;
}

bool has_parity(StackKind kind) { return kind == StackKind::kRaid5 || kind == StackKind::kRaid6; }

const StackConfig* find_stack(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.stack.begin(), config.stack.end(),
                                  [&name](const StackConfig& each) { return each.name == name; });
  return found == config.stack.end() ? nullptr : &*found;
}

void complete_options(StackConfig& stack) {
  const StackKind kind = stack_kind(stack);
  if (kind == StackKind::kPartition) {
    stack.start = stack.start.value_or(kPartitionStart);
  } else if (kind == StackKind::kStriped) {
    stack.chunk = stack.chunk.value_or(kStripedChunk);
  } else if (is_raid(kind)) {
    stack.data_offset = stack.data_offset.value_or(Bytes{0});
  }
  if (kind == StackKind::kRaid0 || has_parity(kind)) {
    stack.chunk = stack.chunk.value_or(kRaidChunk);
  }
  if (has_parity(kind)) {
    stack.layout = stack.layout.empty() ? "left-symmetric" : stack.layout;
    stack.stripe_cache_size = stack.stripe_cache_size.value_or(kStripes);
    stack.preread_bypass_threshold = stack.preread_bypass_threshold.value_or(kBypass);
    stack.rmw_level = stack.rmw_level.value_or(kRmwLevel);
  }
}

bool check_layout(ReadContext& context, const StackConfig& stack) {
  if (stack.layout.empty() || find_entry(stack_layout_catalog(), stack.layout) == nullptr) {
    return true;  // absent or unknown: other rules hold
  }
  const bool of_raid0 = stack.layout == "original" || stack.layout == "alternate";
  if (of_raid0 == (stack_kind(stack) == StackKind::kRaid0)) {
    return true;
  }
  context.error(place(stack) + "/layout",
                fmt::format("\"{}\" is a layout of {}, and this is a {}", stack.layout,
                            of_raid0 ? "raid0" : "raid5 and raid6", stack.kind));
  return false;
}

// Members of different sizes leave more zones than one. Only where the second has several members
// is there a choice, which the kernel does not make: it does not start such an array (v5.4 on).
// v3.6 has the original layout alone.
bool complete_raid0_layout(ReadContext& context, const Config& config, StackConfig& stack,
                           const std::vector<Sectors>& sizes) {
  const bool choice = config.kernel != KernelVersion::k3_6;
  if (!choice && stack.layout == "alternate") {
    context.error(place(stack) + "/layout", "this kernel has \"original\" alone; leave it out");
    return false;
  }
  const block::ZonedStripeMap map{sizes, sectors_floor(*stack.chunk)};
  if (choice && stack.layout.empty() && map.zones() > 1 && map.zone_members(1) > 1) {
    context.error(place(stack) + "/layout",
                  "is missing: the members differ in size, and the kernel does not start such an "
                  "array without it (raid0.default_layout); \"original\", as mdadm writes and "
                  "kernels before 3.14 had it, or \"alternate\"");
    return false;
  }
  if (stack.layout.empty()) {
    stack.layout = "original";
  }
  return true;
}

// md wants chunks of raid5 and raid6 to be powers of two; all want whole pages.
bool check_chunk(ReadContext& context, const StackConfig& stack) {
  if (!stack.chunk) {
    return true;
  }
  const std::int64_t bytes = stack.chunk->count();
  const bool pages = *stack.chunk % kPageSize == Bytes{0};
  const bool power = !has_parity(stack_kind(stack)) || (bytes & (bytes - 1)) == 0;
  if (pages && power) {
    return true;
  }
  context.error(place(stack) + "/chunk",
                fmt::format("{} is not {}", size_text(*stack.chunk),
                            !pages ? "a multiple of 4KiB" : "a power of two"));
  return false;
}

// The kernels whose generation of dm and md is modelled.
void check_kernel_has(ReadContext& context, const Config& config, const StackConfig& stack) {
  const StackKind kind = stack_kind(stack);
  if (kind == StackKind::kPartition) {
    return;
  }
  if (config.kernel == KernelVersion::k2_6_18) {
    context.refuse(place(stack),
                   fmt::format("{} of kernel 2.6.18; simulated are partitions there", stack.kind));
  } else if (config.kernel == KernelVersion::k3_6 && has_parity(kind)) {
    context.refuse(place(stack), fmt::format("{} of kernel 3.6; simulated are partition, linear, "
                                             "striped, raid0, raid1 there",
                                             stack.kind));
  }
}

bool complete_partition(ReadContext& context, StackConfig& stack, Bytes whole) {
  if (*stack.start % kSectorSize != Bytes{0}) {
    context.error(place(stack) + "/start",
                  fmt::format("{} is not a multiple of 512 bytes", size_text(*stack.start)));
    return false;
  }
  if (*stack.start + kPageSize > whole) {
    context.error(place(stack) + "/start",
                  fmt::format("{} leaves nothing of {} ({})", size_text(*stack.start),
                              stack.members.front(), size_text(whole)));
    return false;
  }
  const Bytes rest = whole - *stack.start;
  const Bytes size = stack.size.value_or(rest - rest % kPageSize);
  if (size > rest || size % kPageSize != Bytes{0}) {
    context.error(
        place(stack) + "/size",
        size > rest ? fmt::format("{} is more than there is of {} behind {} ({})", size_text(size),
                                  stack.members.front(), size_text(*stack.start), size_text(rest))
                    : fmt::format("{} is not a multiple of 4KiB", size_text(size)));
    return false;
  }
  stack.size = stack.capacity = size;
  return true;
}

void check_overlaps(ReadContext& context, const Config& config) {
  for (const StackConfig& stack : config.stack) {
    for (const StackConfig& earlier : config.stack) {
      if (&earlier == &stack) {
        break;
      }
      if (stack_kind(stack) == StackKind::kPartition &&
          stack_kind(earlier) == StackKind::kPartition && earlier.members == stack.members &&
          *earlier.start < *stack.start + *stack.size &&
          *stack.start < *earlier.start + *earlier.size) {
        const Bytes end = *earlier.start + *earlier.size;
        context.error(place(stack),
                      fmt::format("overlaps with {}: {} from {} on; the first byte behind that is "
                                  "at {}",
                                  earlier.name, size_text(*earlier.size), size_text(*earlier.start),
                                  size_text(end)));
      }
    }
  }
}

Bytes capacity_of(const StackConfig& stack, const std::vector<Sectors>& sizes) {
  const Sectors chunk = sectors_floor(stack.chunk.value_or(kPageSize));
  const Sectors least = *std::min_element(sizes.begin(), sizes.end());
  switch (stack_kind(stack)) {
    case StackKind::kPartition:
      break;
    case StackKind::kLinear:
      return to_bytes(block::LinearMap{sizes}.size());
    case StackKind::kStriped:
      return to_bytes(block::StripeMap{sizes, chunk}.size());
    case StackKind::kRaid0:
      return to_bytes(block::ZonedStripeMap{sizes, chunk}.size());
    case StackKind::kRaid1:
      return to_bytes(least);
    case StackKind::kRaid5:
      return to_bytes(block::ParityLayout{sizes.size(), 1, chunk, least}.size());
    case StackKind::kRaid6:
      return to_bytes(block::ParityLayout{sizes.size(), 2, chunk, least}.size());
  }
  SIM_UNREACHABLE();
}

bool complete_capacity(ReadContext& context, const Config& config, StackConfig& stack) {
  if (stack_kind(stack) == StackKind::kPartition) {
    return complete_partition(context, stack, *device_size(config, stack.members.front()));
  }
  const Bytes offset = stack.data_offset.value_or(Bytes{0});
  if (offset % kSectorSize != Bytes{0}) {
    context.error(place(stack) + "/data_offset",
                  fmt::format("{} is not a multiple of 512B", size_text(offset)));
    return false;
  }
  const Bytes least = offset + stack.chunk.value_or(kPageSize);
  std::vector<Sectors> sizes;
  for (std::size_t i = 0; i < stack.members.size(); ++i) {
    const Bytes size = *device_size(config, stack.members[i]);
    if (size < least) {
      context.error(
          child_pointer(place(stack) + "/members", std::to_string(i)),
          fmt::format("{} has {}; this {} needs {} of each member", in_quotes(stack.members[i]),
                      size_text(size), stack.kind, size_text(least)));
      return false;
    }
    sizes.push_back(sectors_floor(size - offset));
  }
  if (stack_kind(stack) == StackKind::kRaid0 &&
      !complete_raid0_layout(context, config, stack, sizes)) {
    return false;
  }
  const Bytes capacity = capacity_of(stack, sizes);
  stack.capacity = capacity - capacity % kPageSize;
  return true;
}

}  // namespace

std::vector<std::string> device_names(const Config& config) {
  std::vector<std::string> names;
  for (const DeviceConfig& device : config.devices) {
    names.push_back(device.name);
  }
  for (const StackConfig& stack : config.stack) {
    names.push_back(stack.name);
  }
  return names;
}

std::optional<Bytes> device_size(const Config& config, const std::string& name) {
  for (const DeviceConfig& device : config.devices) {
    if (device.name == name) {
      return device.size;
    }
  }
  const StackConfig* stack = find_stack(config, name);
  return stack == nullptr ? std::nullopt : std::optional{stack->capacity};
}

std::string device_user(const Config& config, const std::string& name) {
  for (const StackConfig& stack : config.stack) {
    const bool is_member =
        std::find(stack.members.begin(), stack.members.end(), name) != stack.members.end();
    if (!is_member) {
      continue;
    }
    if (stack_kind(stack) != StackKind::kPartition) {
      return stack.name;
    }
    const std::string of_partition = device_user(config, stack.name);
    if (!of_partition.empty()) {
      return of_partition;
    }
  }
  return "";
}

void check_and_complete_stack(ReadContext& context, Config& config) {
  std::set<std::string> names;
  bool fine = true;
  for (const std::string& name : device_names(config)) {
    if (!names.insert(name).second) {
      context.error(child_pointer("/stack", name),
                    "has the name of one of /devices; give it another, as md0 or dm-0");
      fine = false;
    }
  }
  for (StackConfig& stack : config.stack) {
    const CatalogEntry* kind = find_entry(stack_kind_catalog(), stack.kind);
    if (kind == nullptr || !kind->simulated) {
      return;  // refused or unknown: nothing more can be said
    }
    complete_options(stack);
    check_kernel_has(context, config, stack);
    fine &= check_layout(context, stack);
    fine &= check_chunk(context, stack);
    fine &= check_members(context, config, stack);
  }
  if (!fine) {
    return;
  }
  const std::vector<std::string> cycle = find_cycle(config);
  if (!cycle.empty()) {
    context.error(child_pointer("/stack", cycle.front()),
                  fmt::format("is on top of itself: {}; take one of them out of the members of "
                              "the one before",
                              fmt::join(cycle, " on ")));
    return;
  }
  if (!check_partitioned(context, config) || !check_claims(context, config)) {
    return;
  }
  check_member_faults(context, config);
  for (const std::size_t i : build_order(config)) {
    if (!complete_capacity(context, config, config.stack[i])) {
      return;
    }
  }
  check_overlaps(context, config);
}

}  // namespace wbsim::system
