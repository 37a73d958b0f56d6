// JSON document to Config and back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "sim/base/diagnostics.hpp"
#include "sim/system/config.hpp"

namespace wbsim::system {

struct ConfigSource {
  std::string name;  // for messages
  std::string text;
  std::string directory;  // that file names in it are relative to
};

// Reads the document with `sets` ("vm.dirty_ratio=5") applied to it. nullopt when there are errors
// or refusals, all of which are then in `diagnostics`; its exit_code() tells which.
std::optional<Config> read_config(const ConfigSource& source, std::span<const std::string> sets,
                                  Diagnostics& diagnostics);

// The fully resolved document: it depends on no other file, and read_config() of it gives the
// identical Config.
nlohmann::ordered_json print_config(const Config& config);

}  // namespace wbsim::system
