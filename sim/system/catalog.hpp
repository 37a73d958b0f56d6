// The names a config may use, and which of them are simulated. A name that is known but not
// simulated is refused by name (exit code 3); any other is an error. `wbsim list` prints these.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/system/config.hpp"

namespace wbsim::system {

struct CatalogEntry {
  std::string_view name;
  bool simulated;
  std::string_view summary;
  bool preliminary = false;  // simulated, but nothing has been compared with it yet
  // Of an elevator: it switches writeback throttling off (wbt_disable_default()).
  bool disables_wbt = false;
};

std::span<const CatalogEntry> kernel_catalog();
std::span<const CatalogEntry> elevator_catalog();
std::span<const CatalogEntry> device_model_catalog();
std::span<const CatalogEntry> stack_kind_catalog();
std::span<const CatalogEntry> stack_layout_catalog();
std::span<const CatalogEntry> file_system_catalog();
std::span<const CatalogEntry> action_catalog();          // system calls outside the workload
std::span<const CatalogEntry> trace_category_catalog();  // guest_tracing

// nullptr when no entry has this name.
const CatalogEntry* find_entry(std::span<const CatalogEntry> catalog, std::string_view name);
std::vector<std::string> all_names(std::span<const CatalogEntry> catalog);
std::vector<std::string> simulated_names(std::span<const CatalogEntry> catalog);

// "5.10" for k5_10 and back; `name` must be a simulated kernel.
std::string_view kernel_name(KernelVersion version);
KernelVersion kernel_version(std::string_view name);

}  // namespace wbsim::system
