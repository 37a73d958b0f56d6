#include "sim/system/config_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "models/seek_curve.hpp"
#include "sim/base/check.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/system/config_fields.hpp"

namespace wbsim::system {
namespace {

using Interface = SsdConfig::Interface;

constexpr std::array<std::pair<Interface, std::string_view>, 2> kInterfaceNames{
    {{Interface::kSata, "sata"}, {Interface::kNvme, "nvme"}}};

// Service times stay far from overflow: an hour, and a second for each KiB of a request.
constexpr CountRange kServiceTime{0, seconds(3600).count()};
constexpr CountRange kTimePerKib{0, seconds(1).count()};
constexpr CountRange kMoveTime{0, seconds(10).count()};  // of an arm or a head
constexpr CountRange kRate{4096, 1'000'000'000'000};
constexpr CountRange kBuffer{0, gibibytes(64).count()};
constexpr CountRange kDepth{1, kDepthMax};
constexpr std::int64_t kRpmMax = 100'000;
constexpr std::int64_t kHeadsMax = 64;
constexpr std::int64_t kCylindersMax = 10'000'000;  // of one zone
constexpr std::int64_t kTrackMax = 100'000;         // sectors
constexpr std::size_t kZonesMax = 1000;
constexpr std::int64_t kReadSegmentsMax = 1024;
constexpr std::int64_t kExtentsMax = 1'000'000;
constexpr std::int64_t kDiesMax = 256;
constexpr int kSataDepth = 32;    // tags of native command queueing (ATA_MAX_QUEUE)
constexpr int kNvmeDepth = 1023;  // queue of 1024 entries less one, nvme_pci's io_queue_depth

std::vector<Field> simdisk_fields(SimdiskConfig& s) {
  const auto time = Quantity::kDuration;
  return {
      integer_field("channels", access_count(s.channels), {1, kDepthMax},
                    "requests served at the same time"),
      integer_field("depth", access_count(s.depth), kDepth, "tags: requests the device holds"),
      quantity_field("read", access_count(s.read), time, kServiceTime, "fixed part of a read"),
      quantity_field("write", access_count(s.write), time, kServiceTime, "fixed part of a write"),
      quantity_field("flush", access_count(s.flush), time, kServiceTime, "time of a flush"),
      quantity_field("per_kib", access_count(s.per_kib), time, kTimePerKib,
                     "added for each KiB begun of a read or write"),
      quantity_field("seek", access_count(s.seek), time, kServiceTime,
                     "added when a request does not start where the last one ended"),
  };
}

std::vector<Field> zone_fields(HddZoneConfig& zone) {
  const CountRange skew{0, kTrackMax};
  return {integer_field("cylinders", access_count(zone.cylinders), {1, kCylindersMax},
                        "cylinders of the zone"),
          integer_field("sectors_per_track", access_count(zone.sectors_per_track), {1, kTrackMax},
                        "sectors of 512 bytes on each of its tracks"),
          integer_field("track_skew", access_count(zone.track_skew), skew,
                        "sectors; absent: what covers a switch of heads"),
          integer_field("cylinder_skew", access_count(zone.cylinder_skew), skew,
                        "sectors; absent: what covers a step to the next cylinder")};
}

Field zones_field(std::vector<HddZoneConfig>& zones) {
  HddZoneConfig example;
  Field field;
  field.key = "zones";
  field.summary = "tracks of equal size, from the outside in";
  field.allowed = "array of {cylinders, sectors_per_track, track_skew, cylinder_skew}";
  field.schema = {{"type", "array"},
                  {"minItems", 1},
                  {"maxItems", kZonesMax},
                  {"items", object_schema(zone_fields(example))}};
  field.read = [&zones](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      context.error(pointer, fmt::format("{} is not an array of zones", shown(value)));
      return;
    }
    if (value.empty() || value.size() > kZonesMax) {
      context.error(pointer, fmt::format("{} zones; a disk has 1 to {}", value.size(), kZonesMax));
      return;
    }
    zones.assign(value.size(), {});
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string element = child_pointer(pointer, std::to_string(i));
      read_object(context, value[i], element, zone_fields(zones[i]));
      for (const char* needed : {"cylinders", "sectors_per_track"}) {
        if (value[i].is_object() && !value[i].contains(needed)) {
          context.error(element, fmt::format("\"{}\" is missing", needed));
        }
      }
    }
  };
  field.print = [&zones] {
    Json array = Json::array();
    for (HddZoneConfig& zone : zones) {
      array.push_back(print_object(zone_fields(zone)));
    }
    return array.empty() ? Json(nullptr) : array;
  };
  return field;
}

Field seek_field(std::string key, SeekConfig& seek, std::string summary) {
  const auto time = Quantity::kDuration;
  return object_field(
      std::move(key),
      {quantity_field("single", access_count(seek.single), time, kMoveTime, "to the next cylinder"),
       quantity_field("average", access_count(seek.average), time, kMoveTime,
                      "mean over all pairs of cylinders"),
       quantity_field("full", access_count(seek.full), time, kMoveTime,
                      "from the first to the last cylinder")},
      std::move(summary));
}

std::vector<Field> hdd_fields(HddConfig& h) {
  const auto time = Quantity::kDuration;
  const auto bytes = Quantity::kBytes;
  return {
      integer_field("depth", access_count(h.depth), kDepth, "tags: commands the device holds"),
      integer_field("rpm", access_count(h.rpm), {1, kRpmMax}, "turns a minute"),
      integer_field("heads", access_count(h.heads), {1, kHeadsMax}, "tracks of a cylinder"),
      zones_field(h.zones),
      seek_field("read_seek", h.read_seek, "seek times of reads, settling included"),
      seek_field("write_seek", h.write_seek, "seek times of writes, settling included"),
      quantity_field("head_switch", access_count(h.head_switch), time, kMoveTime,
                     "time to change to another head"),
      quantity_field("overhead", access_count(h.overhead), time, kServiceTime,
                     "of the controller for each command"),
      quantity_field("link", access_count(h.link), Quantity::kByteRate, kRate,
                     "rate between host and buffer"),
      quantity_field("cache", access_count(h.cache), bytes, kBuffer,
                     "dirty data it can hold, when queue.write_cache is \"write back\""),
      integer_field("cache_extents", access_count(h.cache_extents), {0, kExtentsMax},
                    "and in how many pieces"),
      integer_field("read_segments", access_count(h.read_segments), {0, kReadSegmentsMax},
                    "stretches of read data it remembers"),
      quantity_field("read_segment", access_count(h.read_segment), bytes, kBuffer,
                     "size of each: how far it reads ahead"),
      quantity_field("age_limit", access_count(h.age_limit), time, kServiceTime,
                     "a command that has waited longer is served first"),
  };
}

std::vector<Field> ssd_fields(SsdConfig& s) {
  const auto time = Quantity::kDuration;
  const auto rate = Quantity::kByteRate;
  const auto bytes = Quantity::kBytes;
  return {
      choice_field("interface", s.interface, kInterfaceNames,
                   "sata: flushes are not queued, the link carries one direction at a time"),
      integer_field("depth", access_count(s.depth), kDepth,
                    "tags: commands the device holds; absent: 32 (sata) or 1023 (nvme)"),
      quantity_field("read_command", access_count(s.read_command), time, kServiceTime,
                     "time of a read that no other read can use"),
      quantity_field("write_command", access_count(s.write_command), time, kServiceTime,
                     "time of a write that no other write can use"),
      quantity_field("read_link", access_count(s.read_link), rate, kRate, "rate to the host"),
      quantity_field("write_link", access_count(s.write_link), rate, kRate, "rate from the host"),
      quantity_field("read_latency", access_count(s.read_latency), time, kServiceTime,
                     "added to each read"),
      quantity_field("write_latency", access_count(s.write_latency), time, kServiceTime,
                     "added to each write"),
      quantity_field("flush_latency", access_count(s.flush_latency), time, kServiceTime,
                     "added to each flush"),
      integer_field("channels", access_count(s.channels), {1, kDepthMax}, "channels to the dies"),
      integer_field("dies", access_count(s.dies), {1, kDiesMax}, "dies on each channel"),
      quantity_field("channel_rate", access_count(s.channel_rate), rate, kRate,
                     "rate of a channel"),
      quantity_field("page", access_count(s.page), bytes, {512, mebibytes(64).count()},
                     "what a die reads or programs at once: a page of each plane"),
      quantity_field("page_read", access_count(s.page_read), time, kServiceTime,
                     "time of a die to read a page (tR)"),
      quantity_field("page_program", access_count(s.page_program), time, kServiceTime,
                     "time of a die to program a page (tPROG)"),
      quantity_field("buffer", access_count(s.buffer), bytes, kBuffer,
                     "written data that is not programmed yet"),
      boolean_field("power_loss_protection", s.power_loss_protection,
                    "the buffer survives a loss of power: flushes have nothing to do"),
  };
}

std::vector<Field> null_blk_fields(NullBlkConfig& n) {
  return {integer_field("hw_queue_depth", access_count(n.hw_queue_depth), kDepth,
                        "tags: commands the device holds"),
          integer_field("irqmode", access_count(n.irqmode), {0, 2},
                        "completion: 0 at once, 1 by a softirq, 2 by a timer"),
          integer_field("completion_nsec", access_count(n.completion_nsec),
                        {0, seconds(3600).count()}, "ns until the timer")};
}

struct Model {
  std::string_view name;
  std::vector<Field> (*fields)(DeviceConfig&);
};

constexpr std::array<Model, 4> kModels{{
    {"simdisk", [](DeviceConfig& device) { return simdisk_fields(device.simdisk); }},
    {"hdd", [](DeviceConfig& device) { return hdd_fields(device.hdd); }},
    {"ssd", [](DeviceConfig& device) { return ssd_fields(device.ssd); }},
    {"null_blk", [](DeviceConfig& device) { return null_blk_fields(device.null_blk); }},
}};

void check_seek(ReadContext& context, const std::string& pointer, const SeekConfig& seek,
                std::int64_t cylinders) {
  if (!models::SeekCurve::is_possible({seek.single, seek.average, seek.full}, cylinders)) {
    const auto text = [](SimDuration time) {
      return format_quantity(Quantity::kDuration, time.count());
    };
    context.error(pointer,
                  fmt::format("no seek curve over {} cylinders has single {}, average {} and full "
                              "{}; the average is usually about half of full",
                              cylinders, text(seek.single), text(seek.average), text(seek.full)));
  }
}

void check_hdd(ReadContext& context, const std::string& pointer, const DeviceConfig& device) {
  const HddConfig& hdd = device.hdd;
  if (hdd.zones.empty() || hdd.heads == 0 || hdd.rpm == 0 || hdd.link == Bytes{0}) {
    context.error(pointer,
                  "a disk needs rpm, heads, zones, seek times and link; start from one that has "
                  "them: \"use\": \"devices/hdd-7200.json\"");
    return;
  }
  std::int64_t cylinders = 0;
  Sectors capacity{0};
  for (const HddZoneConfig& zone : hdd.zones) {
    cylinders += zone.cylinders;
    capacity += zone.sectors_per_track * (zone.cylinders * hdd.heads);
  }
  if (device.size > to_bytes(capacity)) {
    context.error(pointer + "/size",
                  fmt::format("{} is more than the zones hold ({})",
                              format_quantity(Quantity::kBytes, device.size.count()),
                              format_quantity(Quantity::kBytes, to_bytes(capacity).count())));
  }
  check_seek(context, pointer + "/read_seek", hdd.read_seek, cylinders);
  check_seek(context, pointer + "/write_seek", hdd.write_seek, cylinders);
}

void check_ssd(ReadContext& context, const std::string& pointer, SsdConfig& ssd) {
  if (ssd.channels == 0 || ssd.dies == 0 || ssd.page == Bytes{0} || ssd.channel_rate == Bytes{0} ||
      ssd.read_link == Bytes{0} || ssd.write_link == Bytes{0}) {
    context.error(pointer,
                  "an SSD needs channels, dies, page, channel_rate, read_link and write_link; "
                  "start from one that has them: \"use\": \"devices/ssd-sata.json\" or "
                  "\"devices/ssd-nvme.json\"");
    return;
  }
  if (ssd.buffer < ssd.page) {
    context.error(pointer + "/buffer",
                  fmt::format("{} is less than a page ({})",
                              format_quantity(Quantity::kBytes, ssd.buffer.count()),
                              format_quantity(Quantity::kBytes, ssd.page.count())));
  }
  if (!ssd.depth) {
    ssd.depth = ssd.interface == Interface::kSata ? kSataDepth : kNvmeDepth;
  }
}

}  // namespace

std::vector<Field> model_fields(DeviceConfig& device) {
  for (const Model& model : kModels) {
    if (model.name == device.model) {
      return model.fields(device);
    }
  }
  return {};
}

std::vector<Field> all_model_fields(DeviceConfig& device) {
  std::vector<Field> all;
  for (const Model& model : kModels) {
    for (Field& field : model.fields(device)) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&field](const Field& f) { return f.key == field.key; });
      if (!known) {
        all.push_back(std::move(field));
      }
    }
  }
  return all;
}

std::vector<std::string> models_with(std::string_view key) {
  DeviceConfig example;
  std::vector<std::string> names;
  for (const Model& model : kModels) {
    const std::vector<Field> fields = model.fields(example);
    if (std::any_of(fields.begin(), fields.end(), [key](const Field& f) { return f.key == key; })) {
      names.emplace_back(model.name);
    }
  }
  return names;
}

void set_queue_defaults(DeviceConfig& device) {
  const QueueConfig usual;  // max_sectors_kb, which goes by the kernel, stays
  QueueConfig& queue = device.queue;
  const bool disk = device.model == "hdd";
  const bool nvme = device.model == "ssd" && device.ssd.interface == Interface::kNvme;
  const bool sata = disk || (device.model == "ssd" && !nvme);
  queue.rotational = disk;
  queue.write_cache = sata || nvme;
  queue.fua = nvme;  // libata keeps FUA off (libata.fua=0, until v6.3)
  queue.max_segments = usual.max_segments;
  queue.max_segment_size = usual.max_segment_size;
  if (sata) {
    queue.max_segments = 168;                // AHCI_MAX_SG
    queue.max_segment_size = kibibytes(64);  // BLK_MAX_SEGMENT_SIZE
  } else if (nvme) {
    queue.max_segments = 127;  // NVME_MAX_SEGS
  } else if (device.model == "null_blk") {
    queue.max_segments = 128;  // BLK_MAX_SEGMENTS
    queue.max_segment_size = kibibytes(64);
  }
}

void check_and_complete_model(ReadContext& context, const std::string& pointer,
                              DeviceConfig& device) {
  if (device.model == "hdd") {
    check_hdd(context, pointer, device);
  } else if (device.model == "ssd") {
    check_ssd(context, pointer, device.ssd);
  }
  const CatalogEntry* entry = find_entry(device_model_catalog(), device.model);
  if (entry != nullptr && entry->preliminary) {
    context.note(pointer + "/model",
                 fmt::format("{} is a preliminary model: nothing has been compared with it yet",
                             in_quotes(device.model)));
  }
}

int queue_depth(const DeviceConfig& device) {
  if (device.model == "hdd") {
    return device.hdd.depth;
  }
  if (device.model == "ssd") {
    return device.ssd.depth.value_or(kSataDepth);
  }
  return device.model == "null_blk" ? device.null_blk.hw_queue_depth : device.simdisk.depth;
}

int registered_queue_depth(const DeviceConfig& device) {
  const bool sata =
      device.model == "hdd" || (device.model == "ssd" && device.ssd.interface == Interface::kSata);
  const bool scsi = sata || device.driver == block::Driver::kScsi;
  const bool one_queue = device.queue.hw_queues.value_or(1) == 1;
  const int depth = device.host_tags.value_or(queue_depth(device));
  return scsi ? queue_depth(device) : one_queue ? block::default_nr_requests(depth) : depth;
}

std::int64_t default_wbt_lat_usec(const QueueConfig& queue) {
  return queue.rotational ? 75'000 : 2'000;
}

std::optional<SimDuration> wbt_latency(const QueueConfig& queue) {
  const CatalogEntry* elevator = find_entry(elevator_catalog(), queue.scheduler);
  const bool disabled = elevator != nullptr && elevator->disables_wbt &&
                        queue.wbt_lat_usec == default_wbt_lat_usec(queue);
  if (queue.wbt_lat_usec == 0 || disabled) {
    return std::nullopt;
  }
  return microseconds(queue.wbt_lat_usec);
}

}  // namespace wbsim::system
