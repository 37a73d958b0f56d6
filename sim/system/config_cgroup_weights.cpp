#include "sim/system/config_cgroup_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wbsim::system {
namespace {

constexpr std::string_view kDefault = "default";
constexpr const char* kIoWeight = "io.weight";
constexpr const char* kBfqWeight = "io.bfq.weight";
constexpr CountRange kIoWeights{1, 10000};  // CGROUP_WEIGHT_MIN, CGROUP_WEIGHT_MAX
constexpr CountRange kBfqWeights{block::kBfqWeightMin, block::kBfqWeightMax};

// "default 200" is 200. What is something else is left to who reads numbers.
Json without_default(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const std::string prefix = std::string{kDefault} + ' ';
  std::int64_t number = 0;
  if (!text.starts_with(prefix)) {
    return value;
  }
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + prefix.size(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? Json(number) : value;
}

Field weight_field(const char* key, int& weight, int usual, CountRange range, const char* summary) {
  Field field = integer_field(key, access_count(weight), range, summary);
  field.schema = {{"anyOf", Json::array({field.schema, Json{{"type", "string"},
                                                            {"pattern", "^default [0-9]+$"}}})}};
  field.read = [read = field.read](ReadContext& context, const Json& value,
                                   const std::string& pointer) {
    read(context, without_default(value), pointer);
  };
  field.print = [&weight, usual] { return weight == usual ? Json(nullptr) : Json(weight); };
  return field;
}

// A weight, or an object of one for each device and "default" for the others.
Field bfq_weight_field(CgroupConfig& group) {
  Field field = weight_field(kBfqWeight, group.bfq_weight, block::kBfqWeightDefault, kBfqWeights,
                             "share of the device among groups and processes beside it, with bfq");
  const Json scalar = field.schema;
  field.allowed += " or an object of weights by device";
  field.schema = {
      {"anyOf", Json::array({scalar, Json{{"type", "object"}, {"additionalProperties", scalar}}})}};
  field.read = [&group, read = field.read](ReadContext& context, const Json& value,
                                           const std::string& pointer) {
    group.bfq_weights.clear();
    if (!value.is_object()) {
      read(context, value, pointer);
      return;
    }
    for (const auto& [device, weight] : value.items()) {
      int& target =
          device == kDefault ? group.bfq_weight : group.bfq_weights.emplace_back(device).weight;
      weight_field(kBfqWeight, target, block::kBfqWeightDefault, kBfqWeights, "")
          .read(context, weight, child_pointer(pointer, device));
    }
  };
  field.print = [&group, print = field.print] {
    if (group.bfq_weights.empty()) {
      return print();
    }
    Json printed = {{std::string{kDefault}, group.bfq_weight}};
    for (const BfqWeightConfig& each : group.bfq_weights) {
      printed[each.device] = each.weight;
    }
    return printed;
  };
  return field;
}

bool has_bfq(const DeviceConfig& device) { return device.queue.scheduler == "bfq"; }

}  // namespace

std::vector<Field> weight_fields(CgroupConfig& group) {
  return {weight_field(kIoWeight, group.io_weight, kIoWeightDefault, kIoWeights,
                       "share of the device by iocost, which is off: without effect"),
          bfq_weight_field(group)};
}

// Models: ioc_weight_write() (io.weight is iocost's alone, v5.10 and v6.1), bfq_io_set_weight().
void note_idle_weights(ReadContext& context, const Config& config, const CgroupConfig& group,
                       const std::string& pointer) {
  if (group.io_weight != kIoWeightDefault) {
    context.note(child_pointer(pointer, kIoWeight),
                 fmt::format("{} has no effect: it is for iocost, which is off unless io.cost.qos "
                             "turns it on; bfq goes by io.bfq.weight",
                             group.io_weight));
  }
  const std::string bfq_pointer = child_pointer(pointer, kBfqWeight);
  if (group.bfq_weight != block::kBfqWeightDefault &&
      std::none_of(config.devices.begin(), config.devices.end(), has_bfq)) {
    context.note(bfq_pointer,
                 fmt::format("{} has no effect: no device has scheduler bfq", group.bfq_weight));
  }
  for (const BfqWeightConfig& each : group.bfq_weights) {
    const auto device = std::find_if(config.devices.begin(), config.devices.end(),
                                     [&each](const auto& one) { return one.name == each.device; });
    if (device != config.devices.end() && !has_bfq(*device)) {
      context.note(child_pointer(bfq_pointer, each.device),
                   fmt::format("{} has no effect: {} has scheduler {}; bfq alone knows weights",
                               each.weight, each.device, device->queue.scheduler));
    }
  }
}

int bfq_weight(const CgroupConfig& group, std::string_view device) {
  const auto own =
      std::find_if(group.bfq_weights.begin(), group.bfq_weights.end(),
                   [device](const BfqWeightConfig& each) { return each.device == device; });
  return own == group.bfq_weights.end() ? group.bfq_weight : own->weight;
}

}  // namespace wbsim::system
