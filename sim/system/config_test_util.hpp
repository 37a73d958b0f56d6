// Shared by the tests of the reader: short documents, and findings as one text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/system/config_reader.hpp"

namespace wbsim::system::testing {

// The smallest document that is accepted without a note, with `more` members in it.
inline std::string document(const std::string& more = "", const std::string& device = "") {
  return R"({"devices":{"sda":{"queue":{"scheduler":"none","wbt_lat_usec":0})" + device + "}}" +
         (more.empty() ? "" : "," + more) + "}";
}

struct Reading {
  std::optional<Config> config;
  std::string findings;  // to_string() of each, one a line
  int exit_code = 0;
};

inline Reading read(const std::string& text, const std::vector<std::string>& sets = {}) {
  Diagnostics diagnostics;
  Reading reading;
  reading.config = read_config({"a.json", text, "configs/experiments"}, sets, diagnostics);
  for (const Diagnostic& finding : diagnostics.all()) {
    reading.findings += to_string(finding) + "\n";
  }
  reading.exit_code = diagnostics.exit_code();
  return reading;
}

}  // namespace wbsim::system::testing
