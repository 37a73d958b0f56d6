// devices.NAME.queue: what the memory of a request may look like, and steps that data takes.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::read;

std::string queue_document(const std::string& queue, const std::string& more = "") {
  return "{" + more + R"("devices":{"sda":{"queue":{)" + queue + "}}}}";
}

TEST(VirtBoundaryConfig, NvmeHasOneOfAPageAndOthersHaveNone) {
  const auto mask = [](const std::string& text) {
    const testing::Reading reading = read(text);
    EXPECT_TRUE(reading.config) << reading.findings;
    return reading.config ? reading.config->devices.at(0).queue.virt_boundary_mask : std::nullopt;
  };
  const std::string nvme = R"("devices":{"nvme0n1":{"use":"devices/ssd-nvme.json")";
  EXPECT_EQ(mask("{" + nvme + "}}}"), 4095);
  EXPECT_EQ(mask(R"({"kernel":"3.6",)" + nvme + R"(,"queue":{"scheduler":"cfq"}}}})"), 0);
  EXPECT_EQ(mask(queue_document("")), 0);
  EXPECT_EQ(mask(queue_document(R"("virt_boundary_mask":511)")), 511);
}

TEST(VirtBoundaryConfig, IsAPowerOfTwoLessOne) {
  EXPECT_EQ(read(queue_document(R"("virt_boundary_mask":4094)")).findings,
            "a.json: /devices/sda/queue/virt_boundary_mask: 4094 is not 0, 511, 1023, "
            "2047 or 4095\n");
  EXPECT_EQ(read(queue_document(R"("virt_boundary_mask":255)")).findings,
            "a.json: /devices/sda/queue/virt_boundary_mask: 255 is not 0, 511, 1023, "
            "2047 or 4095\n");
}

TEST(VirtBoundaryConfig, IsUnknownToKernelsBeforeIt) {
  EXPECT_EQ(read(queue_document(R"("virt_boundary_mask":4095)", R"("kernel":"3.6",)")).findings,
            "a.json: /devices/sda/queue/virt_boundary_mask: this kernel does not know "
            "it (Linux 4.3); leave it out\n");
}

TEST(DataStepsConfig, AreReadAndPrinted) {
  const testing::Reading reading =
      read(queue_document(R"("data_steps":{"bounce":"1us","integrity":"2us","crypto":"3us"})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->devices.at(0).queue.data_steps,
            (block::DataSteps{microseconds(1), microseconds(2), microseconds(3)}));
}

TEST(DataStepsConfig, TakeAMillisecondAtMost) {
  EXPECT_EQ(
      read(queue_document(R"("data_steps":{"crypto":"1s"})")).findings,
      "a.json: /devices/sda/queue/data_steps/crypto: \"1s\" is out of range; from 0 to 1ms\n");
}

}  // namespace
}  // namespace wbsim::system
