#include "sim/system/config_reader.hpp"

#include <vector>

#include "sim/system/config_checks.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/config_overrides.hpp"

namespace wbsim::system {
namespace {

// Notes speak about a run, so there are none when there will be no run.
void hand_over(const Diagnostics& findings, Diagnostics& diagnostics) {
  const bool runs = findings.exit_code() == 0;
  for (const Diagnostic& finding : findings.all()) {
    switch (finding.severity) {
      case Severity::kError:
        diagnostics.error(finding.where, finding.message);
        break;
      case Severity::kRefused:
        diagnostics.refuse(finding.where, finding.message);
        break;
      case Severity::kNote:
        if (runs) {
          diagnostics.note(finding.where, finding.message);
        }
        break;
    }
  }
}

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
    hand_over(findings, diagnostics);
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
  hand_over(findings, diagnostics);
  if (findings.exit_code() != 0) {
    return std::nullopt;
  }
  return config;
}

nlohmann::ordered_json print_config(const Config& config) {
  Config printed = config;  // fields are bound to what they could also change
  return print_object(root_fields(printed));
}

}  // namespace wbsim::system
