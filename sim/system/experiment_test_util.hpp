// For tests of the experiments in configs/experiments.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/system/config_files.hpp"
#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system::testing {

// An experiment of configs/, with these settings, and with `from` of its jobs replaced by `to`.
inline Scenario experiment(const std::string& name, const std::vector<std::string>& sets = {},
                           const std::string& from = "", const std::string& to = "") {
  const std::string folder = "configs/experiments";
  std::string problem;
  const auto file = read_text_file(folder + "/" + name + ".json", problem);
  EXPECT_TRUE(file) << problem;
  std::string fio = nlohmann::json::parse(file->text)["workload"]["fio"];
  if (!from.empty()) {
    const std::size_t at = fio.find(from);
    EXPECT_NE(at, std::string::npos);
    fio.replace(at, from.size(), to);
  }
  Diagnostics diagnostics;
  Scenario scenario;
  auto config = read_config({name + ".json", file->text, folder}, sets, diagnostics);
  EXPECT_TRUE(config) << name;
  scenario.config = *std::move(config);
  scenario.workload =
      workload::parse_fio_jobs(std::vector<workload::FioInput>{{"job.fio", fio}}, {}, diagnostics);
  check_workload(scenario.config, scenario.workload, diagnostics);
  EXPECT_EQ(diagnostics.exit_code(), 0);
  return scenario;
}

}  // namespace wbsim::system::testing
