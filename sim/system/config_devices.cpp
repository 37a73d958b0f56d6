#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_checks.hpp"
#include "sim/system/config_faults.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/config_hw_queues.hpp"
#include "sim/system/config_models.hpp"

namespace wbsim::system {
namespace {

constexpr std::array<std::pair<bool, std::string_view>, 2> kWriteCacheNames{
    {{false, "write through"}, {true, "write back"}}};

constexpr std::int64_t kDeviceMinPages = pages_floor(mebibytes(1)).count();
constexpr std::int64_t kDeviceMaxPages = pages_floor(gibibytes(1 << 20)).count();  // 1 PiB
constexpr std::int64_t kSectorsKbMin = 4;       // PAGE_SIZE >> 10, queue_max_sectors_store()
constexpr std::int64_t kSectorsKbMax = 32767;   // max_hw_sectors_kb of the modelled driver
constexpr std::int64_t kSegmentSizeMin = 4096;  // PAGE_SIZE, blk_queue_max_segment_size()
constexpr std::int64_t kSegmentSizeMax = 0xffffffff;
constexpr std::int64_t kReadAheadKbMax = 1 << 20;   // the kernel knows no limit
constexpr std::int64_t kIoTimeoutMax = 86'400'000;  // ms; a day
constexpr std::int64_t kTopologyMax = 1 << 24;      // of the topology; the kernel knows no limit
constexpr std::int64_t kSegmentsMax = 65535;        // an unsigned short
constexpr std::int64_t kBoundaryMaskMax = kPageSize.count() - 1;
constexpr CountRange kPageStep{0, milliseconds(1).count()};
constexpr std::int64_t kWbtLatUsecMax = 3'600'000'000;  // the kernel knows no limit
constexpr std::size_t kDeviceNameMax = 31;              // DISK_NAME_LEN less the final zero

constexpr std::int64_t kSingleQueueMaxSectorsKb = 512;  // BLK_DEF_MAX_SECTORS before v4.3

bool is_device_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [letter](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kDeviceNameMax && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), inner);
}

// All tunables of all elevators; which of them the chosen one has is checked when everything is
// read (config_checks.cpp). Of a name that several have, the range of the chosen one holds.
std::vector<Field> iosched_fields(QueueConfig& q) {
  std::vector<const block::ElevatorType*> types;
  for (const block::ElevatorType& type : block::elevator_types()) {
    types.insert(type.name == q.scheduler ? types.begin() : types.end(), &type);
  }
  std::vector<Field> fields;
  for (const block::ElevatorType* type : types) {
    for (const block::Tunable& tunable : type->tunables) {
      const std::string name{tunable.name};
      if (std::any_of(fields.begin(), fields.end(),
                      [&](const Field& f) { return f.key == name; })) {
        continue;
      }
      const CountAccess access{[&q, name] {
                                 const auto found = q.iosched.find(name);
                                 return found == q.iosched.end() ? std::nullopt
                                                                 : std::optional{found->second};
                               },
                               [&q, name](std::int64_t value) { q.iosched[name] = value; }};
      fields.push_back(integer_field(name, access, {tunable.min, tunable.max},
                                     fmt::format("{}; {}", type->name, tunable.summary)));
    }
  }
  return fields;
}

// Tunables of an elevator that is not simulated are unknown; the elevator itself is refused.
Field iosched_field(QueueConfig& q) {
  Field field = object_field("iosched", iosched_fields(q), "tunables of the elevator");
  field.read = [&q](ReadContext& context, const Json& value, const std::string& pointer) {
    const CatalogEntry* entry = find_entry(elevator_catalog(), q.scheduler);
    const bool refused = entry != nullptr && !entry->simulated;
    read_object(context, value, pointer, iosched_fields(q),
                refused ? UnknownKeys::kIgnore : UnknownKeys::kError);
  };
  return field;
}

std::vector<Field> data_step_fields(block::DataSteps& steps) {
  const auto time = Quantity::kDuration;
  return {quantity_field("bounce", access_count(steps.bounce), time, kPageStep,
                         "copying to or from memory that the device can address"),
          quantity_field("integrity", access_count(steps.integrity), time, kPageStep,
                         "making or verifying protection information (DIF/DIX)"),
          quantity_field("crypto", access_count(steps.crypto), time, kPageStep,
                         "inline encryption or decryption by the CPU")};
}

std::vector<Field> queue_fields(QueueConfig& q) {
  return {
      name_field("scheduler", q.scheduler, elevator_catalog(), "the elevator"),
      iosched_field(q),
      integer_field("nr_requests", access_count(q.nr_requests), {1, kDepthMax},
                    "requests allocated at once; absent: the depth with none, else twice that"),
      hw_queues_field(q),
      integer_field("max_sectors_kb", access_count(q.max_sectors_kb),
                    {kSectorsKbMin, kSectorsKbMax}, "KiB; largest request"),
      integer_field("max_segments", access_count(q.max_segments), {1, kSegmentsMax},
                    "segments of a request"),
      integer_field("max_segment_size", access_count(q.max_segment_size),
                    {kSegmentSizeMin, kSegmentSizeMax}, "bytes; largest segment"),
      integer_field("nomerges", access_count(q.nomerges), {0, 2},
                    "0: all merges; 1: only with the last request; 2: none"),
      integer_field(
          "wbt_lat_usec", access_count(q.wbt_lat_usec), {-1, kWbtLatUsecMax},
          "us; target for reads of writeback throttling; 0: off; -1 and absent: 2000, or "
          "75000 where rotational; bfq switches it off, unless it is set to another value"),
      integer_field("read_ahead_kb", access_count(q.read_ahead_kb), {0, kReadAheadKbMax},
                    "KiB; greatest readahead window of a file"),
      integer_field("io_timeout", access_count(q.io_timeout), {1, kIoTimeoutMax},
                    "ms until a command of a device with faults is given up; absent: 30000, of "
                    "null_blk 5000"),
      boolean_field("rotational", q.rotational, "a rotating disk"),
      choice_field("write_cache", q.write_cache, kWriteCacheNames,
                   "write back: a volatile cache, so flushes reach the device"),
      boolean_field("fua", q.fua, "the device can force a write to the medium"),
      integer_field("physical_block_size", access_count(q.physical_block_size),
                    {kSectorSize.count(), kPageSize.count()}, "bytes, a power of two; absent: 512"),
      integer_field("minimum_io_size", access_count(q.minimum_io_size),
                    {kSectorSize.count(), kTopologyMax},
                    "bytes, whole physical blocks; absent: one of them"),
      integer_field("optimal_io_size", access_count(q.optimal_io_size), {0, kTopologyMax},
                    "bytes, whole physical blocks; 0 or absent: not known"),
      integer_field("chunk_sectors", access_count(q.chunk_sectors), {0, kTopologyMax},
                    "sectors, a multiple of 8: no request crosses a multiple of it; 0 or absent: "
                    "any may"),
      integer_field("virt_boundary_mask", access_count(q.virt_boundary_mask), {0, kBoundaryMaskMax},
                    "bytes, a power of two less one: parts of a request may meet in memory only "
                    "where these bits are 0; 0: anywhere; absent: 4095 for NVMe, else 0"),
      object_field("data_steps", data_step_fields(q.data_steps),
                   "CPU time for a page of data between bio and device, of writes when they are "
                   "submitted, of reads when they end; 0: there is no such step"),
  };
}

std::vector<Field> bdi_fields(DeviceConfig& d) {
  return {integer_field("min_ratio", access_count(d.bdi_min_ratio), {0, 100},
                        "percent of the dirty limit this device is sure of"),
          integer_field("max_ratio", access_count(d.bdi_max_ratio), {0, 100},
                        "percent of the dirty limit this device may use")};
}

void append(std::vector<Field>& fields, std::vector<Field> more) {
  std::move(more.begin(), more.end(), std::back_inserter(fields));
}

std::vector<Field> common_fields(DeviceConfig& device) {
  return {
      name_field("model", device.model, device_model_catalog(), "the device model"),
      quantity_field("size",
                     {[&device] { return std::optional{pages_floor(device.size).count()}; },
                      [&device](std::int64_t n) { device.size = to_bytes(Pages{n}); }},
                     Quantity::kPages, {kDeviceMinPages, kDeviceMaxPages}, "capacity"),
  };
}

// The description, apart from `use`.
std::vector<Field> described_fields(DeviceConfig& device, std::vector<Field> of_models) {
  std::vector<Field> fields = common_fields(device);
  append(fields, std::move(of_models));
  fields.push_back(object_field("queue", queue_fields(device.queue), "/sys/block/NAME/queue"));
  append(fields, fault_fields(device));
  append(fields, host_fields(device));
  fields.push_back(object_field("bdi", bdi_fields(device), "/sys/class/bdi"));
  return fields;
}

// Takes the options of other models out of `document`, with an error for each.
void reject_foreign_options(ReadContext& context, const std::string& pointer,
                            const std::string& model, const std::vector<Field>& own,
                            Json& document) {
  std::vector<std::string> foreign;
  for (const auto& [key, ignored] : document.items()) {
    const bool known = std::any_of(own.begin(), own.end(),
                                   [&name = key](const Field& f) { return f.key == name; });
    if (!known && !models_with(key).empty()) {
      foreign.push_back(key);
    }
  }
  for (const std::string& key : foreign) {
    context.error(child_pointer(pointer, key),
                  fmt::format("is an option of model {}, and this device is of model {}",
                              fmt::join(models_with(key), " and "), model));
    document.erase(key);
  }
}

// What says which other options there are and what they are when absent is read first.
// `read_before` are options that are known, but no longer in the document.
void read_description(ReadContext& context, Json document, const std::string& pointer,
                      DeviceConfig& device, std::vector<Field> read_before) {
  if (!document.is_object()) {
    context.error(pointer, fmt::format("{} is not an object", shown(document)));
    return;
  }
  const std::string model = device.model;
  const SsdConfig::Interface interface = device.ssd.interface;
  if (document.contains("model")) {
    device.model.clear();
  }
  const auto read_first = [&](const char* key, std::vector<Field> fields) {
    for (Field& field : fields) {
      if (field.key == key && document.contains(key)) {
        field.read(context, document[key], child_pointer(pointer, key));
        document.erase(key);
      }
    }
  };
  read_first("model", common_fields(device));
  if (device.model.empty()) {  // not known: nor are its options
    device.model = model;
    read_object(context, document, pointer, described_fields(device, {}), UnknownKeys::kIgnore);
    return;
  }
  read_first("interface", model_fields(device));
  if (device.model != model || device.ssd.interface != interface) {
    set_queue_defaults(device);
  }
  std::vector<Field> fields = std::move(read_before);
  append(fields, described_fields(device, model_fields(device)));
  reject_foreign_options(context, pointer, device.model, fields, document);
  read_object(context, document, pointer, fields);
}

// A file with the description; the device's own keys override it.
Field use_field(DeviceConfig& device) {
  Field field;
  field.key = "use";
  field.summary = "file with the device's options, relative to this one or to configs/";
  field.allowed = "path";
  field.schema = {{"type", "string"}};
  field.read = [&device](ReadContext& context, const Json& value, const std::string& pointer) {
    std::optional<LoadedFile> file = load_json(context, pointer, value);
    if (!file) {
      return;
    }
    if (file->document.is_object()) {  // these describe the file, not the device
      file->document.erase("about");
      file->document.erase("source");
      file->document.erase("$schema");
    }
    ReadContext inside{context.diagnostics, file->name, file->directory, {}};
    read_description(inside, std::move(file->document), "", device, {});
  };
  field.print = [] { return Json(nullptr); };
  return field;
}

void read_one_device(ReadContext& context, const Json& value, const std::string& pointer,
                     DeviceConfig& device) {
  Json document = value;
  if (document.is_object() && document.contains("use")) {
    use_field(device).read(context, document["use"], child_pointer(pointer, "use"));
    document.erase("use");
  }
  read_description(context, std::move(document), pointer, device, {use_field(device)});
}

}  // namespace

void check_device_name(ReadContext& context, const std::string& pointer, const std::string& name) {
  if (!is_device_name(name)) {
    context.error(pointer, fmt::format("{} is not a device name: a letter, then letters, digits, _ "
                                       "and -, at most {} characters, lower case",
                                       in_quotes(name), kDeviceNameMax));
  }
}

std::vector<Field> device_fields(DeviceConfig& device) {
  std::vector<Field> fields{use_field(device)};
  append(fields, described_fields(device, model_fields(device)));
  return fields;
}

std::vector<Field> all_device_fields(DeviceConfig& device) {
  std::vector<Field> fields{use_field(device)};
  append(fields, described_fields(device, all_model_fields(device)));
  return fields;
}

Field devices_field(std::vector<DeviceConfig>& devices, const KernelSwitches& kernel) {
  DeviceConfig example;
  Field field;
  field.key = "devices";
  field.summary = "block devices by name; a job's file name for sda is /dev/sda";
  field.allowed = "object";
  field.schema = {{"type", "object"},
                  {"minProperties", 1},
                  {"propertyNames", {{"pattern", kDeviceNamePattern}}},
                  {"additionalProperties", object_schema(all_device_fields(example))}};
  field.read = [&devices, &kernel](ReadContext& context, const Json& value,
                                   const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    devices.clear();
    for (const auto& [name, description] : value.items()) {
      const std::string at = child_pointer(pointer, name);
      check_device_name(context, at, name);
      DeviceConfig device;
      device.name = name;
      device.queue.scheduler.clear();
      const bool single = kernel.block_layer == KernelSwitches::BlockLayer::kSingleQueue;
      if (single) {
        device.queue.max_sectors_kb = kSingleQueueMaxSectorsKb;
      }
      read_one_device(context, description, at, device);
      devices.push_back(std::move(device));
    }
  };
  field.print = [&devices] {
    Json object = Json::object();
    for (DeviceConfig& device : devices) {
      object[device.name] = print_object(device_fields(device));
    }
    return object;
  };
  return field;
}

}  // namespace wbsim::system
