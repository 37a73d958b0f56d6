// "stack": partitions and devices on top of others.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "sim/base/check.hpp"
#include "sim/block/stacking/stripe_cache.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_fields.hpp"

namespace wbsim::system {
namespace {

constexpr std::int64_t kStackBytesMax = gibibytes(1 << 20).count();  // 1 PiB
constexpr std::int64_t kStackReadAheadKbMax = 1 << 20;               // the kernel knows no limit
constexpr std::int64_t kStackChunkMin = 4096;                        // PAGE_SIZE
constexpr std::int64_t kStackChunkMax = gibibytes(1).count();
constexpr std::int64_t kStripeCacheMin = 17;  // raid5_set_cache_size() refuses 16 and less
constexpr std::size_t kStackMembersMax = 32;  // Raid1::kMirrorsMax

struct KindInfo {
  std::string_view name;
  StackKind kind;
  std::size_t members_min;
  std::span<const std::string_view> options;  // beside kind, members and read_ahead_kb
};

constexpr std::array<std::string_view, 2> kPartitionOptions{"start", "size"};
constexpr std::array<std::string_view, 1> kStripedOptions{"chunk"};
constexpr std::array<std::string_view, 3> kRaid0Options{"chunk", "data_offset", "layout"};
constexpr std::array<std::string_view, 1> kRaid1Options{"data_offset"};
constexpr std::array<std::string_view, 6> kRaid5Options{
    "chunk", "data_offset", "layout", "stripe_cache_size", "preread_bypass_threshold", "rmw_level"};

constexpr std::array<KindInfo, 7> kKinds{{
    {"partition", StackKind::kPartition, 1, kPartitionOptions},
    {"linear", StackKind::kLinear, 1, {}},
    {"striped", StackKind::kStriped, 2, kStripedOptions},
    {"raid0", StackKind::kRaid0, 2, kRaid0Options},
    {"raid1", StackKind::kRaid1, 2, kRaid1Options},
    {"raid5", StackKind::kRaid5, 3, kRaid5Options},
    {"raid6", StackKind::kRaid6, 4, kRaid5Options},
}};

const KindInfo* find_kind(std::string_view name) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                  [name](const KindInfo& each) { return each.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

bool has_option(const KindInfo& kind, std::string_view option) {
  return std::find(kind.options.begin(), kind.options.end(), option) != kind.options.end();
}

std::vector<std::string_view> kinds_with(std::string_view option) {
  std::vector<std::string_view> names;
  for (const KindInfo& kind : kKinds) {
    if (has_option(kind, option)) {
      names.push_back(kind.name);
    }
  }
  return names;
}

Field bytes_field(std::string key, std::optional<Bytes>& target, CountRange range,
                  std::string summary) {
  return quantity_field(std::move(key), access_count(target), Quantity::kBytes, range,
                        std::move(summary));
}

Field members_field(StackConfig& stack) {
  Field field;
  field.key = "members";
  field.summary = "names of the devices it is made of, in order";
  field.allowed = "array of names";
  field.schema = {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}};
  field.read = [&stack](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      context.error(pointer, fmt::format("{} is not an array of device names", shown(value)));
      return;
    }
    stack.members.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string element = child_pointer(pointer, std::to_string(i));
      if (!value[i].is_string()) {
        context.error(element, fmt::format("{} is not the name of a device", shown(value[i])));
        continue;
      }
      stack.members.push_back(value[i].get<std::string>());
    }
  };
  field.print = [&stack] { return Json(stack.members); };
  return field;
}

std::vector<Field> option_fields(StackConfig& stack) {
  return {
      bytes_field("start", stack.start, {0, kStackBytesMax},
                  "of a partition: where on the device it begins; absent: 1MiB"),
      bytes_field("size", stack.size, {4096, kStackBytesMax},
                  "of a partition; absent: to the end of the device"),
      bytes_field("chunk", stack.chunk, {kStackChunkMin, kStackChunkMax},
                  "of striped (absent: 64KiB), raid0, raid5, raid6 (512KiB): what lies together"),
      bytes_field("data_offset", stack.data_offset, {0, gibibytes(1).count()},
                  "of raid*: where data begins on each member; absent: 0, mdadm makes it 1 to "
                  "129 MiB"),
      name_field("layout", stack.layout, stack_layout_catalog(),
                 "of raid0: how zones behind the first are numbered; of raid5 and raid6: where "
                 "parity goes"),
      integer_field("stripe_cache_size", access_count(stack.stripe_cache_size),
                    {kStripeCacheMin, block::StripeCache::kStripesMax},
                    "of raid5 and raid6: stripes at the start; absent: 256"),
      integer_field("preread_bypass_threshold", access_count(stack.preread_bypass_threshold),
                    {0, block::StripeCache::kStripesMax},
                    "of raid5 and raid6: how often a stripe that has to read is passed over; "
                    "absent: 1"),
      integer_field("rmw_level", access_count(stack.rmw_level), {0, 2},
                    "of raid5 and raid6: 0: never read-modify-write; 1 (absent): where it reads "
                    "less; 2: also where it reads as much"),
  };
}

std::vector<Field> fields_with(StackConfig& stack, std::vector<Field> options) {
  std::vector<Field> fields{
      name_field("kind", stack.kind, stack_kind_catalog(), "what the device is"),
      members_field(stack),
  };
  std::move(options.begin(), options.end(), std::back_inserter(fields));
  fields.push_back(integer_field("read_ahead_kb", access_count(stack.read_ahead_kb),
                                 {0, kStackReadAheadKbMax},
                                 "KiB; greatest readahead window of a file; absent: twice the "
                                 "optimal I/O, at least 128; of a partition: the device's"));
  return fields;
}

// The fields of the kind that `stack` has been read to be.
std::vector<Field> fields_of_kind(StackConfig& stack, const KindInfo& kind) {
  std::vector<Field> options = option_fields(stack);
  std::erase_if(options, [&kind](const Field& field) { return !has_option(kind, field.key); });
  return fields_with(stack, std::move(options));
}

void read_one(ReadContext& context, const Json& value, const std::string& pointer,
              StackConfig& stack) {
  if (!value.is_object()) {
    context.error(pointer, fmt::format("{} is not an object", shown(value)));
    return;
  }
  if (!value.contains("kind")) {
    context.error(pointer + "/kind",
                  fmt::format("is missing; one of {}",
                              fmt::join(simulated_names(stack_kind_catalog()), ", ")));
    return;
  }
  fields_with(stack, {}).front().read(context, value["kind"], child_pointer(pointer, "kind"));
  const KindInfo* kind = find_kind(stack.kind);
  Json document = value;
  document.erase("kind");
  if (kind == nullptr) {
    read_object(context, document, pointer, fields_with(stack, {}), UnknownKeys::kIgnore);
    return;
  }
  for (const Field& option : option_fields(stack)) {
    if (document.contains(option.key) && !has_option(*kind, option.key)) {
      context.error(child_pointer(pointer, option.key),
                    fmt::format("is an option of {}, and this is a {}",
                                fmt::join(kinds_with(option.key), ", "), stack.kind));
      document.erase(option.key);
    }
  }
  if (!document.contains("members")) {
    context.error(pointer + "/members", "is missing; the names of the devices it is made of");
  }
  read_object(context, document, pointer, fields_of_kind(stack, *kind));
}

}  // namespace

StackKind stack_kind(const StackConfig& stack) {
  const KindInfo* kind = find_kind(stack.kind);
  SIM_CHECK(kind != nullptr);
  return kind->kind;
}

std::size_t stack_members_min(const StackConfig& stack) {
  return find_kind(stack.kind)->members_min;
}

std::size_t stack_members_max(const StackConfig& stack) {
  return stack_kind(stack) == StackKind::kPartition ? 1 : kStackMembersMax;
}

std::vector<Field> stack_fields(StackConfig& stack) {
  const KindInfo* kind = find_kind(stack.kind);
  return kind == nullptr ? fields_with(stack, option_fields(stack)) : fields_of_kind(stack, *kind);
}

Field stack_field(std::vector<StackConfig>& stacks) {
  StackConfig example;
  Field field;
  field.key = "stack";
  field.summary = "partitions, dm and md devices by name; a job's file name for md0 is /dev/md0";
  field.allowed = "object";
  field.schema = {{"type", "object"},
                  {"propertyNames", {{"pattern", kDeviceNamePattern}}},
                  {"additionalProperties", object_schema(stack_fields(example))}};
  field.read = [&stacks](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    stacks.clear();
    for (const auto& [name, description] : value.items()) {
      const std::string at = child_pointer(pointer, name);
      check_device_name(context, at, name);
      StackConfig stack;
      stack.name = name;
      read_one(context, description, at, stack);
      stacks.push_back(std::move(stack));
    }
  };
  field.print = [&stacks] {
    Json object = Json::object();
    for (StackConfig& stack : stacks) {
      object[stack.name] = print_object(stack_fields(stack));
    }
    return object.empty() ? Json(nullptr) : object;
  };
  return field;
}

}  // namespace wbsim::system
