// Shared by the tests of sweeps: a folder with a small experiment in it, and its plans.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sim/sweep/plan.hpp"
#include "sim/sweep/point_file.hpp"

namespace wbsim::sweep::testing {

// 1 MiB of buffered writes and an fsync on an otherwise idle machine: a millisecond to simulate.
inline constexpr const char* kSmallConfig =
    R"({"devices":{"sda":{"per_kib":"10us","queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
    R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=1m\nend_fsync=1\n"}})";

// `text` with "DIR" for the test's folder.
inline std::string shortened(std::string text, const std::string& folder) {
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
    text.replace(at, folder.size(), "DIR");
  }
  return text;
}

inline std::string text_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& finding : diagnostics.all()) {
    text += to_string(finding) + "\n";
  }
  return text;
}

class SweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path{::testing::TempDir()} /
              (std::string{"wbsim_sweep_"} + test.test_suite_name() + "_" + test.name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    write("a.json", kSmallConfig);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream{folder_ / name} << text;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).native();
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    return file_content(folder_ / name).value_or("(no file)");
  }
  [[nodiscard]] std::string shortened(const std::string& text) const {
    return testing::shortened(text, folder_.native());
  }

  // The plan of a.json under these options; the findings are kept.
  std::optional<Plan> plan(const std::vector<std::string>& vary,
                           const std::vector<std::string>& sets = {},
                           const Program& program = {"1", "b"}) {
    Diagnostics diagnostics;
    const std::vector<Variation> variations = parse_variations(vary, sets, diagnostics);
    std::optional<Plan> made;
    if (!diagnostics.has_errors()) {
      made = make_plan({path("a.json"), sets, {}}, variations, program, diagnostics);
    }
    findings_ = shortened(text_of(diagnostics));
    return made;
  }
  // What is wrong with such a plan.
  std::string problems(const std::vector<std::string>& vary,
                       const std::vector<std::string>& sets = {}) {
    EXPECT_FALSE(plan(vary, sets));
    return findings_;
  }

  std::filesystem::path folder_;
  std::string findings_;
};

}  // namespace wbsim::sweep::testing
