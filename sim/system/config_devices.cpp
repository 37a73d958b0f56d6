#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"

namespace wbsim::system {
namespace {

constexpr std::array<std::pair<bool, std::string_view>, 2> kWriteCacheNames{
    {{false, "write through"}, {true, "write back"}}};

constexpr std::int64_t kDeviceMinPages = pages_floor(mebibytes(1)).count();
constexpr std::int64_t kDeviceMaxPages = pages_floor(gibibytes(1 << 20)).count();  // 1 PiB
// Service times stay far from overflow: an hour, and a second for each KiB of a request.
constexpr CountRange kServiceTime{0, seconds(3600).count()};
constexpr CountRange kTimePerKib{0, seconds(1).count()};
constexpr std::int64_t kDepthMax = 10240;       // BLK_MQ_MAX_DEPTH
constexpr std::int64_t kSectorsKbMin = 4;       // PAGE_SIZE >> 10, queue_max_sectors_store()
constexpr std::int64_t kSectorsKbMax = 32767;   // max_hw_sectors_kb of the modelled driver
constexpr std::int64_t kSegmentSizeMin = 4096;  // PAGE_SIZE, blk_queue_max_segment_size()
constexpr std::int64_t kSegmentSizeMax = 0xffffffff;
constexpr std::int64_t kSegmentsMax = 65535;  // an unsigned short
constexpr std::size_t kDeviceNameMax = 31;    // DISK_NAME_LEN less the final zero
constexpr const char* kDeviceNamePattern = "^[a-z][a-z0-9_-]{0,30}$";

// Marks what no document has set, until all of a device is read.
constexpr std::int64_t kWbtUnset = -2;

bool is_device_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [letter](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kDeviceNameMax && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), inner);
}

// 0 switches writeback throttling off, which is all that is simulated; -1 asks for its default.
Field wbt_field(std::int64_t& wbt_lat_usec) {
  Field field = integer_field("wbt_lat_usec", access_count(wbt_lat_usec), {-1},
                              "target latency of writeback throttling; 0: off");
  field.read = [&wbt_lat_usec](ReadContext& context, const Json& value,
                               const std::string& pointer) {
    wbt_lat_usec = 0;
    std::int64_t asked = 0;
    integer_field("", access_count(asked), {-1}, "").read(context, value, pointer);
    if (asked != 0) {
      context.refuse(pointer, fmt::format("writeback throttling ({}); only 0 (off) is simulated",
                                          shown(value)));
    }
  };
  return field;
}

std::vector<Field> queue_fields(QueueConfig& q) {
  return {
      name_field("scheduler", q.scheduler, elevator_catalog(), "the elevator"),
      integer_field("nr_requests", access_count(q.nr_requests), {1, kDepthMax},
                    "requests allocated at once; with none at most the depth, its default"),
      integer_field("max_sectors_kb", access_count(q.max_sectors_kb),
                    {kSectorsKbMin, kSectorsKbMax}, "KiB; largest request"),
      integer_field("max_segments", access_count(q.max_segments), {1, kSegmentsMax},
                    "segments of a request"),
      integer_field("max_segment_size", access_count(q.max_segment_size),
                    {kSegmentSizeMin, kSegmentSizeMax}, "bytes; largest segment"),
      integer_field("nomerges", access_count(q.nomerges), {0, 2},
                    "0: all merges; 1: only with the last request; 2: none"),
      wbt_field(q.wbt_lat_usec),
      boolean_field("rotational", q.rotational, "a rotating disk"),
      choice_field("write_cache", q.write_cache, kWriteCacheNames,
                   "write back: a volatile cache, so flushes reach the device"),
      boolean_field("fua", q.fua, "the device can force a write to the medium"),
      refused_field("iosched", "tunables of the elevator"),
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

std::vector<Field> simdisk_fields(SimdiskConfig& s) {
  const auto time = Quantity::kDuration;
  return {
      integer_field("channels", access_count(s.channels), {1, kDepthMax},
                    "requests served at the same time"),
      integer_field("depth", access_count(s.depth), {1, kDepthMax},
                    "tags: requests the device holds"),
      quantity_field("read", access_count(s.read), time, kServiceTime, "fixed part of a read"),
      quantity_field("write", access_count(s.write), time, kServiceTime, "fixed part of a write"),
      quantity_field("flush", access_count(s.flush), time, kServiceTime, "time of a flush"),
      quantity_field("per_kib", access_count(s.per_kib), time, kTimePerKib,
                     "added for each KiB begun of a read or write"),
      quantity_field("seek", access_count(s.seek), time, kServiceTime,
                     "added when a request does not start where the last one ended"),
  };
}

// Options of a model that is not simulated are unknown, so its device is read without complaint
// about them.
bool names_refused_model(const Json& device) {
  const auto model = device.is_object() ? device.find("model") : device.end();
  if (!device.is_object() || model == device.end() || !model->is_string()) {
    return false;
  }
  const CatalogEntry* entry =
      find_entry(device_model_catalog(), model->get_ref<const std::string&>());
  return entry != nullptr && !entry->simulated;
}

void read_one_device(ReadContext& context, const Json& value, const std::string& pointer,
                     DeviceConfig& device) {
  const UnknownKeys unknown =
      names_refused_model(value) ? UnknownKeys::kIgnore : UnknownKeys::kError;
  read_object(context, value, pointer, device_fields(device), unknown);
}

// `use` comes first, so that the device's own keys override the file's.
Field use_field(DeviceConfig& device) {
  Field field;
  field.key = "use";
  field.summary = "file with the device's options, relative to this one or to configs/";
  field.allowed = "path";
  field.schema = {{"type", "string"}};
  field.read = [&device](ReadContext& context, const Json& value, const std::string& pointer) {
    const std::optional<LoadedFile> file = load_json(context, pointer, value);
    if (!file) {
      return;
    }
    Json document = file->document;
    if (document.is_object()) {  // these describe the file, not the device
      document.erase("about");
      document.erase("source");
      document.erase("$schema");
    }
    ReadContext inside{context.diagnostics, file->name, file->directory, {}};
    const UnknownKeys unknown =
        names_refused_model(document) ? UnknownKeys::kIgnore : UnknownKeys::kError;
    std::vector<Field> fields = device_fields(device);
    fields.erase(fields.begin());
    read_object(inside, document, "", fields, unknown);
  };
  field.print = [] { return Json(nullptr); };
  return field;
}

void note_defaults(ReadContext& context, const std::string& pointer, QueueConfig& queue) {
  if (queue.scheduler.empty()) {
    queue.scheduler = "none";
    context.note(pointer + "/queue/scheduler",
                 "none; the kernel's default for this device, mq-deadline, is not simulated yet");
  }
  if (queue.wbt_lat_usec == kWbtUnset) {
    queue.wbt_lat_usec = 0;
    context.note(pointer + "/queue/wbt_lat_usec",
                 "0 (off); the kernel's default is on, which is not simulated yet");
  }
}

}  // namespace

std::vector<Field> device_fields(DeviceConfig& device) {
  std::vector<Field> fields{
      use_field(device),
      name_field("model", device.model, device_model_catalog(), "the device model"),
      quantity_field("size",
                     {[&device] { return std::optional{pages_floor(device.size).count()}; },
                      [&device](std::int64_t n) { device.size = to_bytes(Pages{n}); }},
                     Quantity::kPages, {kDeviceMinPages, kDeviceMaxPages}, "capacity"),
  };
  append(fields, simdisk_fields(device.simdisk));
  fields.push_back(object_field("queue", queue_fields(device.queue), "/sys/block/NAME/queue"));
  fields.push_back(object_field("bdi", bdi_fields(device), "/sys/class/bdi"));
  return fields;
}

Field devices_field(std::vector<DeviceConfig>& devices) {
  DeviceConfig example;
  Field field;
  field.key = "devices";
  field.summary = "block devices by name; a job's file name for sda is /dev/sda";
  field.allowed = "object";
  field.schema = {{"type", "object"},
                  {"minProperties", 1},
                  {"propertyNames", {{"pattern", kDeviceNamePattern}}},
                  {"additionalProperties", object_schema(device_fields(example))}};
  field.read = [&devices](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    devices.clear();
    for (const auto& [name, description] : value.items()) {
      const std::string at = child_pointer(pointer, name);
      if (!is_device_name(name)) {
        context.error(at, fmt::format("{} is not a device name: a letter, then letters, digits, _ "
                                      "and -, at most {} characters, lower case",
                                      in_quotes(name), kDeviceNameMax));
      }
      DeviceConfig device;
      device.name = name;
      device.queue.scheduler.clear();
      device.queue.wbt_lat_usec = kWbtUnset;
      read_one_device(context, description, at, device);
      note_defaults(context, at, device.queue);
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
