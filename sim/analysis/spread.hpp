// How far a case's figures move when it is perturbed by one byte: the noise floor of a comparison.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"

namespace wbsim::analysis {

// Largest relative difference over a case's perturbed repeats.
struct CaseSpread {
  double bytes = 0, requests = 0, merges = 0, pauses = 0, paused_total = 0, curve = 0, p99 = 0;
  SimDuration first_pause{};  // absolute
};

using SpreadTable = std::map<std::string, CaseSpread>;  // by case name

// Reads "case,repeats,bytes,wr,merges,n,total,first_pause,curve,p99" (first_pause in ms; an empty
// cell is 0).
std::optional<SpreadTable> read_spread(const std::filesystem::path& path, Diagnostics& diagnostics);

}  // namespace wbsim::analysis
