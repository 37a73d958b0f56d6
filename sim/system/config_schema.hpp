// What the reader accepts, as a JSON Schema for editors and as a list for people. Both come from
// the same Fields as the reader.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace wbsim::system {

// The content of configs/schema.json (draft 7).
nlohmann::ordered_json config_schema();

struct OptionInfo {
  std::string path;          // "vm.dirty_ratio", "devices.NAME.depth", "actions[].at"
  std::string allowed;       // "0..100"
  std::string default_text;  // "" when there is none
  std::string summary;
};

std::vector<OptionInfo> list_options();

}  // namespace wbsim::system
