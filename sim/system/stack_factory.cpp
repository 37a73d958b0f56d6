#include "sim/system/stack_factory.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/block/stacking/dm_device.hpp"
#include "sim/block/stacking/partition.hpp"
#include "sim/block/stacking/raid0.hpp"
#include "sim/block/stacking/raid1.hpp"
#include "sim/block/stacking/raid5.hpp"
#include "sim/block/stacking/stack_limits.hpp"

namespace wbsim::system {
namespace {

using block::BioTarget;

constexpr int kFirstStackPid = 300;  // behind those of other threads of the kernel
constexpr int kThreadsOfDevice = 2;
constexpr Sectors kDefaultMaxSectors{2560};  // BLK_DEF_MAX_SECTORS
constexpr Sectors kRaid5MaxSectors =
    block::kStripeSectors * block::Raid5::kRequestStripesMax;  // v6.0

struct StackBuilder {
  engine::Machine& machine;
  const engine::Tracer& tracer;
  const Config& config;
  const StackConfig& stack;
  const std::vector<BioTarget*>& members;
  block::StackedDeviceOptions options;

  [[nodiscard]] Sectors chunk() const { return sectors_floor(*stack.chunk); }
  [[nodiscard]] Sectors data_offset() const {
    return sectors_floor(stack.data_offset.value_or(Bytes{0}));
  }
  // Of their data.
  [[nodiscard]] std::vector<Sectors> member_sizes() const {
    std::vector<Sectors> sizes;
    for (const std::string& member : stack.members) {
      sizes.push_back(sectors_floor(*device_size(config, member)) - data_offset());
    }
    return sizes;
  }
  [[nodiscard]] Sectors smallest_member() const {
    const std::vector<Sectors> sizes = member_sizes();
    return *std::min_element(sizes.begin(), sizes.end());
  }
  [[nodiscard]] Bytes width(std::size_t data_members) const {
    return *stack.chunk * static_cast<std::int64_t>(data_members);
  }
  [[nodiscard]] block::QueueLimits stacked(block::QueueLimits limits) const {
    for (const BioTarget* member : members) {
      block::stack_limits(limits, member->limits(), data_offset());
    }
    return limits;
  }
  // Models: md_alloc(): arrays take flushes and FUA whatever their members do.
  static block::QueueLimits of_md(block::QueueLimits limits) {
    limits.write_cache = limits.fua = true;
    return limits;
  }

  [[nodiscard]] std::unique_ptr<BioTarget> linear() {
    options.limits = stacked(block::stacking_limits());
    return std::make_unique<block::DmDevice>(machine, tracer, options, members,
                                             std::make_unique<block::LinearMap>(member_sizes()),
                                             block::DmPiece::kTarget);
  }
  // stripe_io_hints() comes after the members.
  [[nodiscard]] std::unique_ptr<BioTarget> striped() {
    options.limits = stacked(block::stacking_limits());
    options.limits.io_min = *stack.chunk;
    options.limits.io_opt = width(members.size());
    return std::make_unique<block::DmDevice>(
        machine, tracer, options, members,
        std::make_unique<block::StripeMap>(member_sizes(), chunk()), block::DmPiece::kChunk);
  }
  // raid0_run().
  [[nodiscard]] std::unique_ptr<BioTarget> raid0() {
    block::QueueLimits limits = block::stacking_limits();
    limits.max_sectors = std::min(chunk(), kDefaultMaxSectors);
    limits.io_min = *stack.chunk;
    limits.io_opt = width(members.size());
    options.limits = of_md(stacked(limits));
    const block::Raid0Options raid{.chunk = chunk(),
                                   .data_offset = data_offset(),
                                   .layout = stack.layout == "alternate"
                                                 ? block::ZoneLayout::kAlternate
                                                 : block::ZoneLayout::kOriginal,
                                   .member_sizes = member_sizes()};
    return std::make_unique<block::Raid0>(machine, tracer, options, members, raid);
  }
  [[nodiscard]] std::unique_ptr<BioTarget> raid1() {
    options.limits = of_md(stacked(block::stacking_limits()));
    return std::make_unique<block::Raid1>(
        machine, tracer, options, members,
        block::Raid1Options{.data_offset = data_offset(), .writes = config.switches.mirror_writes});
  }
  // raid5_run(): what goes to the members is made of stripes, so the array has limits of its own.
  [[nodiscard]] std::unique_ptr<BioTarget> raid5(std::size_t parities) {
    const bool by_stripe = config.switches.stripe_visit == block::StripeVisit::kByStripe;
    block::QueueLimits limits = block::stacking_limits();
    limits.io_min = *stack.chunk;
    limits.io_opt = width(members.size() - parities);
    limits = of_md(stacked(limits));
    limits.max_sectors = by_stripe ? kRaid5MaxSectors : kDefaultMaxSectors;
    if (by_stripe) {
      limits.max_segments = block::stacking_limits().max_segments;
    }
    options.limits = limits;
    const block::Raid5Options raid{.parities = parities,
                                   .chunk = chunk(),
                                   .data_offset = data_offset(),
                                   .member_size = smallest_member(),
                                   .stripe_cache_size = *stack.stripe_cache_size,
                                   .preread_bypass_threshold = *stack.preread_bypass_threshold,
                                   .rmw_level = *stack.rmw_level,
                                   .visit = config.switches.stripe_visit};
    return std::make_unique<block::Raid5>(machine, tracer, options, members, raid);
  }
};

}  // namespace

std::unique_ptr<BioTarget> make_stacked_device(engine::Machine& machine,
                                               const engine::Tracer& tracer, const Config& config,
                                               const StackConfig& stack, int device,
                                               const std::vector<BioTarget*>& members,
                                               const block::StackTraceCosts& trace) {
  StackBuilder builder{machine,
                       tracer,
                       config,
                       stack,
                       members,
                       {.device = device,
                        .name = stack.name,
                        .limits = {},
                        .order = config.switches.stack_order,
                        .md_flush = config.switches.md_flush,
                        .disk_stats = config.switches.disk_stats,
                        .bio_runs = config.optimisation.bio_runs,
                        .trace = trace,
                        .first_pid = kFirstStackPid + kThreadsOfDevice * device}};
  switch (stack_kind(stack)) {
    case StackKind::kPartition:
      return std::make_unique<block::Partition>(
          machine, tracer, *members.front(),
          block::PartitionOptions{.device = device,
                                  .start = Lba{0} + sectors_floor(*stack.start),
                                  .length = sectors_floor(stack.capacity),
                                  .disk_stats = config.switches.disk_stats});
    case StackKind::kLinear:
      return builder.linear();
    case StackKind::kStriped:
      return builder.striped();
    case StackKind::kRaid0:
      return builder.raid0();
    case StackKind::kRaid1:
      return builder.raid1();
    case StackKind::kRaid5:
      return builder.raid5(1);
    case StackKind::kRaid6:
      return builder.raid5(2);
  }
  SIM_UNREACHABLE();
}

}  // namespace wbsim::system
