#include "sim/system/config_reader.hpp"

#include <utility>
#include <vector>

#include "sim/system/config_checks.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/config_overrides.hpp"

namespace wbsim::system {
namespace {

void check_has_devices(ReadContext& context, const Json& document) {
  if (!document.is_object()) {
    return;  // reported already
  }
  const auto devices = document.find("devices");
  if (devices == document.end()) {
    context.error("/devices", "is missing; a run needs at least one device");
  } else if (devices->is_object() && devices->empty()) {
    context.error("/devices", "is empty; a run needs at least one device");
  }
}

}  // namespace

std::optional<Config> read_config(const ConfigSource& source, std::span<const std::string> sets,
                                  Diagnostics& diagnostics) {
  Diagnostics findings;
  std::optional<Json> document = parse_json(source.name, source.text, findings);
  if (!document) {
    diagnostics.append(findings);
    return std::nullopt;
  }
  const std::vector<Override> overrides = apply_overrides(*document, sets, findings);
  ReadContext context{findings, source.name, source.directory, overrides};
  Config config;
  if (document->is_object() && !document->contains("kernel")) {
    load_kernel_profile(context, kernel_name(config.kernel), config.switches);
  }
  read_object(context, *document, "", root_fields(config));
  check_has_devices(context, *document);
  check_and_complete(context, config);
  const bool runs = findings.exit_code() == 0;
  if (!runs) {
    findings.drop_notes();
  }
  diagnostics.append(findings);
  return runs ? std::optional{std::move(config)} : std::nullopt;
}

nlohmann::ordered_json print_config(const Config& config) {
  Config printed = config;  // fields are bound to what they could also change
  return print_object(root_fields(printed));
}

}  // namespace wbsim::system
