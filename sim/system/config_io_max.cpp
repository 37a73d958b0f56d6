#include "sim/system/config_io_max.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace wbsim::system {
namespace {

constexpr const char* kMax = "max";
constexpr CountRange kLimits{2};                     // tg_set_limit() takes neither 0 nor 1
constexpr std::int64_t kIopsUnlimited = 0xffffffff;  // UINT_MAX, to which more is cut

// Takes "max" beside what `limited` takes. What neither takes is told in one way, whatever is
// wrong.
Field limit_field(Field limited, std::function<void()> unlimit) {
  Field field = limited;
  Json schemas = limited.schema.value("anyOf", Json::array({limited.schema}));
  schemas.insert(schemas.begin(), Json{{"enum", Json::array({kMax})}});
  field.schema = {{"anyOf", std::move(schemas)}};
  field.read = [read = limited.read, unlimit, allowed = limited.allowed](
                   ReadContext& context, const Json& value, const std::string& pointer) {
    if (value == Json(kMax)) {
      unlimit();
      return;
    }
    Diagnostics unheard;
    ReadContext quiet{unheard, context.name, context.directory, context.overrides};
    read(quiet, value, pointer);
    if (unheard.has_errors()) {
      context.error(pointer, fmt::format("{} is not allowed; {}", shown(value), allowed));
    }
  };
  return field;
}

// Bytes as the kernel takes them, a whole number, or with a unit.
Field bps_field(std::string key, std::optional<Bytes>& limit, std::string summary) {
  const Field number = integer_field(key, access_count(limit), kLimits, summary);
  Field field = quantity_field(std::move(key), access_count(limit), Quantity::kBytes, kLimits,
                               std::move(summary));
  field.allowed = fmt::format("max, {}..{} or a size such as \"1MB\"", kLimits.min, kLimits.max);
  field.schema = {{"anyOf", Json::array({number.schema,
                                         Json{{"type", "string"},
                                              {"pattern", quantity_pattern(Quantity::kBytes)}}})}};
  field.read = [number = number.read, text = field.read](ReadContext& context, const Json& value,
                                                         const std::string& pointer) {
    (value.is_number() ? number : text)(context, value, pointer);
  };
  return limit_field(std::move(field), [&limit] { limit.reset(); });
}

Field iops_field(std::string key, std::optional<std::int64_t>& limit, std::string summary) {
  const CountAccess access{access_count(limit).get, [&limit](std::int64_t count) {
                             limit = count < kIopsUnlimited ? std::optional{count} : std::nullopt;
                           }};
  Field field = integer_field(std::move(key), access, kLimits, std::move(summary));
  field.allowed = fmt::format("max or {}..{}", kLimits.min, kLimits.max);
  return limit_field(std::move(field), [&limit] { limit.reset(); });
}

}  // namespace

std::vector<Field> io_max_fields(IoMaxConfig& io_max) {
  block::IoLimits& reads = io_max.limits[block::kReads];
  block::IoLimits& writes = io_max.limits[block::kWrites];
  return {bps_field("rbps", reads.bps, "bytes read in a second"),
          bps_field("wbps", writes.bps, "bytes written in a second"),
          iops_field("riops", reads.iops, "reads in a second"),
          iops_field("wiops", writes.iops, "writes in a second")};
}

}  // namespace wbsim::system
