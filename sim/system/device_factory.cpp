#include "sim/system/device_factory.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "models/hdd.hpp"
#include "models/null_blk.hpp"
#include "models/simdisk.hpp"
#include "models/ssd.hpp"
#include "sim/base/check.hpp"
#include "sim/system/config_hw_queues.hpp"
#include "sim/system/config_models.hpp"

namespace wbsim::system {
namespace {

using ModelPtr = std::unique_ptr<block::DeviceModel>;

ModelPtr make_simdisk(engine::Simulator& simulator, const DeviceConfig& config) {
  const SimdiskConfig& s = config.simdisk;
  return std::make_unique<models::Simdisk>(
      simulator, models::SimdiskParameters{.depth = held_commands(config),
                                           .channels = s.channels,
                                           .read = s.read,
                                           .write = s.write,
                                           .flush = s.flush,
                                           .per_kib = s.per_kib,
                                           .seek = s.seek,
                                           .volatile_cache = config.queue.write_cache});
}

// A drive maker lays out the tracks so that the switch to the next one costs no turn.
models::ZoneParameters zone(const HddZoneConfig& zone, const HddConfig& hdd) {
  const Sectors track = zone.sectors_per_track;
  const SimDuration step = std::max(hdd.write_seek.single, hdd.head_switch);
  return {
      .cylinders = zone.cylinders,
      .track = track,
      .track_skew =
          zone.track_skew.value_or(models::skew_covering(hdd.head_switch, track, hdd.rpm)),
      .cylinder_skew = zone.cylinder_skew.value_or(models::skew_covering(step, track, hdd.rpm))};
}

models::SeekTimes seek_times(const SeekConfig& seek) {
  return {seek.single, seek.average, seek.full};
}

ModelPtr make_hdd(engine::Simulator& simulator, const DeviceConfig& config) {
  const HddConfig& h = config.hdd;
  models::HddParameters p;
  p.depth = held_commands(config);
  p.rpm = h.rpm;
  p.heads = h.heads;
  for (const HddZoneConfig& each : h.zones) {
    p.zones.push_back(zone(each, h));
  }
  p.read_seek = seek_times(h.read_seek);
  p.write_seek = seek_times(h.write_seek);
  p.head_switch = h.head_switch;
  p.overhead = h.overhead;
  p.link_per_second = h.link;
  p.write_cache = h.cache;
  p.write_extents = h.cache_extents;
  p.read_segments = h.read_segments;
  p.read_segment = h.read_segment;
  p.age_limit = h.age_limit;
  p.volatile_cache = config.queue.write_cache;
  return std::make_unique<models::Hdd>(simulator, p);
}

ModelPtr make_ssd(engine::Simulator& simulator, const DeviceConfig& config) {
  const SsdConfig& s = config.ssd;
  const bool nvme = s.interface == SsdConfig::Interface::kNvme;
  models::SsdParameters p;
  p.depth = held_commands(config);
  p.queued_flush = nvme;
  p.full_duplex = nvme;
  p.read_command = s.read_command;
  p.write_command = s.write_command;
  p.read_link_per_second = s.read_link;
  p.write_link_per_second = s.write_link;
  p.read_latency = s.read_latency;
  p.write_latency = s.write_latency;
  p.flush_latency = s.flush_latency;
  p.channels = s.channels;
  p.dies = s.dies;
  p.channel_per_second = s.channel_rate;
  p.page = s.page;
  p.page_read = s.page_read;
  p.page_program = s.page_program;
  p.buffer = s.buffer;
  p.power_loss_protection = s.power_loss_protection;
  p.volatile_cache = config.queue.write_cache;
  return std::make_unique<models::Ssd>(simulator, p);
}

ModelPtr make_null_blk(engine::Simulator& simulator, const DeviceConfig& config) {
  constexpr int kTimerMode = 2;  // NULL_IRQ_TIMER
  const NullBlkConfig& n = config.null_blk;
  using Completion = models::NullBlkParameters::Completion;
  return std::make_unique<models::NullBlk>(
      simulator,
      models::NullBlkParameters{
          .depth = held_commands(config),
          .completion = n.irqmode == kTimerMode ? Completion::kTimer : Completion::kAtOnce,
          .completion_time = nanoseconds(n.completion_nsec),
          .volatile_cache = config.queue.write_cache});
}

struct Maker {
  std::string_view model;
  ModelPtr (*make)(engine::Simulator&, const DeviceConfig&);
};

constexpr std::array<Maker, 4> kMakers{
    {{"simdisk", make_simdisk}, {"hdd", make_hdd}, {"ssd", make_ssd}, {"null_blk", make_null_blk}}};

}  // namespace

std::unique_ptr<block::DeviceModel> make_device_model(engine::Simulator& simulator,
                                                      const DeviceConfig& config) {
  const auto maker = std::find_if(kMakers.begin(), kMakers.end(), [&config](const Maker& each) {
    return each.model == config.model;
  });
  SIM_CHECK(maker != kMakers.end());
  return maker->make(simulator, config);
}

}  // namespace wbsim::system
