// The files a config refers to, and where they are looked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// Folders that may hold kernels/, machines/ and devices/: $WBSIM_CONFIGS alone when it is set; else
// the folder named configs among the ancestors of `directory`, then the one of the source tree.
std::vector<std::filesystem::path> config_roots(const std::string& directory);

struct TextFile {
  std::string name;       // as found, for messages
  std::string directory;  // its own folder
  std::string text;
};

// A regular file of at most kJsonTextBytesMax bytes. On failure nullopt, and `problem` says why.
std::optional<TextFile> read_text_file(const std::filesystem::path& path, std::string& problem);

// The file named by a value of the document, relative to the document or to a config root.
// Findings are reported at `pointer`.
std::optional<TextFile> load_text(ReadContext& context, const std::string& pointer,
                                  const Json& value);

struct LoadedFile {
  std::string name;
  std::string directory;
  Json document;
};
std::optional<LoadedFile> load_json(ReadContext& context, const std::string& pointer,
                                    const Json& value);

// kernels/NAME.json: {"about", "source", "switches": {KEY: {"value", "source"}}}, all switches.
void load_kernel_profile(ReadContext& context, std::string_view kernel, KernelSwitches& switches);

// machines/NAME.json: {"about", "source", "costs": {COMPONENT: DURATION}}.
void load_cpu_costs(ReadContext& context, const std::string& pointer, const std::string& name,
                    CpuCostMap& costs);

// Reads {COMPONENT: DURATION} over `costs`.
void read_cpu_costs(ReadContext& context, const Json& value, const std::string& pointer,
                    CpuCostMap& costs);

}  // namespace wbsim::system
