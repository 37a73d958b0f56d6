#include "sim/system/config_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace wbsim::system {
namespace {

using block::DeviceError;
using block::DeviceOp;
using block::Driver;

constexpr std::array<std::pair<DeviceOp, std::string_view>, 3> kOpNames{
    {{DeviceOp::kRead, "read"}, {DeviceOp::kWrite, "write"}, {DeviceOp::kFlush, "flush"}}};
constexpr std::size_t kFaultsMax = 1000;
constexpr std::int64_t kSectorsMax = std::int64_t{1} << 41;  // 1 PiB, the largest device
constexpr std::int64_t kManyCommands = 1'000'000'000;
constexpr CountRange kInstant{0, seconds(1'000'000).count()};
constexpr CountRange kLate{0, seconds(3600).count()};
constexpr CountRange kRetryAfter{
    0, kNvmeRetryUnit.count() * std::numeric_limits<std::uint16_t>::max()};

template <class E>
std::string name_of(E value, NamesOf<E> names) {
  for (const auto& [each, name] : names) {
    if (each == value) {
      return std::string{name};
    }
  }
  return {};
}

// One of `names`, or absent.
template <class E>
Field optional_choice(std::string key, std::optional<E>& target,
                      NamesOf<std::type_identity_t<E>> names, std::string summary) {
  std::vector<std::string> texts;
  for (const auto& [value, name] : names) {
    texts.emplace_back(name);
  }
  const NameAccess access{[&target, names] { return target ? name_of(*target, names) : ""; },
                          [&target, names](std::string_view text) {
                            for (const auto& [value, name] : names) {
                              if (name == text) {
                                target = value;
                              }
                            }
                          }};
  Field field = choice_field(std::move(key), access, std::move(texts), std::move(summary));
  field.print = [print = std::move(field.print), &target] {
    return target ? print() : Json(nullptr);
  };
  return field;
}

std::vector<Field> fields_of(FaultConfig& f) {
  const auto time = Quantity::kDuration;
  const CountRange sectors{1, kSectorsMax};
  return {
      optional_choice("on", f.on, kOpNames, "which commands; absent: all"),
      integer_field("first",
                    {[&f] { return f.first ? std::optional{f.first->value()} : std::nullopt; },
                     [&f](std::int64_t n) { f.first = Lba{n}; }},
                    {0, kSectorsMax}, "first of the bad sectors; absent: any sector"),
      integer_field("sectors", access_count(f.sectors), sectors, "how many there are"),
      quantity_field("from", access_count(f.from), time, kInstant,
                     "commands that the device takes then or later"),
      quantity_field("until", access_count(f.until), time, kInstant, "and before that"),
      integer_field("skip", access_count(f.skip), {0, kManyCommands},
                    "such commands that pass unharmed before"),
      integer_field("one_in", access_count(f.one_in), {1, kManyCommands},
                    "then one in so many on average"),
      integer_field("times", access_count(f.times), {1, kManyCommands},
                    "how many commands at most; absent: no limit"),
      optional_choice("error", f.error, block::device_error_names(), "what the device says"),
      boolean_field("do_not_retry", f.do_not_retry, "nvme: it says that a retry is no use (DNR)"),
      quantity_field("retry_after", access_count(f.retry_after), time, kRetryAfter,
                     "nvme: when it wants to be asked again, in steps of 100ms (CRD)"),
      quantity_field("late", access_count(f.late), time, kLate, "added to the time it takes"),
  };
}

// As it was given: what has its default is left out.
Json printed(FaultConfig& fault) {
  Json json = print_object(fields_of(fault));
  FaultConfig usual;
  const Json defaults = print_object(fields_of(usual));
  for (const auto& [key, value] : defaults.items()) {
    if (json.contains(key) && json[key] == value) {
      json.erase(key);
    }
  }
  return json;
}

// What is said of an error does nothing without one.
void check_effects(ReadContext& context, const std::string& pointer, const Json& value,
                   const FaultConfig& fault) {
  const bool retry_after = fault.retry_after > SimDuration::zero();
  if (!fault.error && fault.late == SimDuration::zero()) {
    context.error(pointer + "/late",
                  fmt::format("{} has no effect; take a longer time, or add an \"error\"",
                              shown(value["late"])));
  }
  if (!fault.error && fault.do_not_retry) {
    context.error(pointer + "/do_not_retry",
                  "has no effect: only what fails can be tried again; add an \"error\"");
  }
  if (!fault.error && retry_after) {
    context.error(pointer + "/retry_after",
                  "has no effect: only what fails can be tried again; add an \"error\"");
  }
  if (fault.do_not_retry && retry_after) {
    context.error(pointer + "/retry_after",
                  "has no effect beside \"do_not_retry\"; leave out one of them");
  }
}

// The document says what is missing: what was given and could not be read is not.
void read_fault(ReadContext& context, const Json& value, const std::string& pointer,
                FaultConfig& fault) {
  const std::size_t findings = context.diagnostics.all().size();
  read_object(context, value, pointer, fields_of(fault));
  if (!value.is_object()) {
    return;
  }
  if (value.contains("first") != value.contains("sectors")) {
    context.error(pointer,
                  fmt::format("\"{}\" is missing: bad sectors have a first one and a number",
                              value.contains("first") ? "sectors" : "first"));
  }
  if (!value.contains("error") && !value.contains("late")) {
    context.error(pointer, "has no effect: it needs \"error\", \"late\" or both");
  } else if (context.diagnostics.all().size() == findings) {
    check_effects(context, pointer, value, fault);
  }
}

Field faults_field(std::vector<FaultConfig>& faults) {
  FaultConfig example;
  Field field;
  field.key = "faults";
  field.summary = "commands that fail or are late";
  field.allowed = "array of {on, first, sectors, from, until, skip, one_in, times, error, ...}";
  field.schema = {
      {"type", "array"}, {"maxItems", kFaultsMax}, {"items", object_schema(fields_of(example))}};
  field.read = [&faults](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      context.error(pointer, fmt::format("{} is not an array of faults", shown(value)));
      return;
    }
    if (value.size() > kFaultsMax) {
      context.error(pointer,
                    fmt::format("{} faults; a device has at most {}", value.size(), kFaultsMax));
      return;
    }
    faults.assign(value.size(), {});
    for (std::size_t i = 0; i < value.size(); ++i) {
      read_fault(context, value[i], child_pointer(pointer, std::to_string(i)), faults[i]);
    }
  };
  field.print = [&faults] {
    Json array = Json::array();
    for (FaultConfig& fault : faults) {
      array.push_back(printed(fault));
    }
    return array.empty() ? Json(nullptr) : array;
  };
  return field;
}

}  // namespace

std::vector<Field> fault_fields(DeviceConfig& device) {
  return {optional_choice("driver", device.driver, block::driver_names(),
                          "what drives it; absent: nvme or null_blk for these, else virtio-blk; "
                          "before blk-mq always scsi"),
          faults_field(device.faults)};
}

std::vector<models::Fault> faults_of(const DeviceConfig& device) {
  std::vector<models::Fault> faults;
  for (const FaultConfig& config : device.faults) {
    models::Fault fault;
    fault.op = config.on;
    if (config.first) {
      fault.range = models::Fault::Range{*config.first, *config.sectors};
    }
    fault.from = SimTime{config.from};
    fault.until = config.until ? SimTime{*config.until} : kSimTimeMax;
    fault.skip = config.skip;
    fault.one_in = config.one_in;
    fault.times = config.times.value_or(fault.times);
    fault.delay = config.late;
    fault.answer = {.error = config.error.value_or(DeviceError::kNone),
                    .do_not_retry = config.do_not_retry,
                    .retry_after = static_cast<std::uint16_t>(config.retry_after / kNvmeRetryUnit)};
    faults.push_back(fault);
  }
  return faults;
}

}  // namespace wbsim::system
