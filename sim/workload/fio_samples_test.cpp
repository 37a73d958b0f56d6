// The sample workloads run as they are: no error, no refusal, no note.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

TEST(FioSamples, AreSimulatedInFull) {
  int samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("workloads")) {
    if (entry.path().extension() != ".fio") {
      continue;
    }
    ++samples;
    std::ifstream file(entry.path());
    const FioOutcome outcome = parse_inputs(
        {{entry.path().string(), std::string{std::istreambuf_iterator<char>(file), {}}}});
    EXPECT_EQ(outcome.messages, std::vector<std::string>{}) << entry.path();
    EXPECT_FALSE(outcome.workload.jobs.empty()) << entry.path();
  }
  EXPECT_GE(samples, 8);
}

}  // namespace
}  // namespace wbsim::workload
