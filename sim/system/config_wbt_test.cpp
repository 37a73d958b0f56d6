// devices.NAME.queue.wbt_lat_usec, as the file of that name in sysfs.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_models.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::read;

std::string document_of(const std::string& queue, const std::string& device) {
  return R"({"devices":{"sda":{)" + device + R"("queue":{)" + queue + "}}}}";
}

QueueConfig queue_with(const std::string& queue, const std::string& device = "") {
  const testing::Reading reading = read(document_of(queue, device));
  EXPECT_TRUE(reading.config) << reading.findings;
  return reading.config ? reading.config->devices.at(0).queue : QueueConfig{};
}

DeviceConfig device_with(const std::string& members, int cpus = 1) {
  std::string document = document_of("", members + ",");
  document.insert(1, R"("cpus":)" + std::to_string(cpus) + ",");
  const testing::Reading reading = read(document);
  EXPECT_TRUE(reading.config) << reading.findings;
  return reading.config ? reading.config->devices.at(0) : DeviceConfig{};
}

TEST(WbtConfig, IsOnUnlessSwitchedOff) {
  EXPECT_EQ(wbt_latency(queue_with("")), milliseconds(2));
  EXPECT_EQ(wbt_latency(queue_with(R"("scheduler":"none")")), milliseconds(2));
  EXPECT_EQ(wbt_latency(queue_with(R"("wbt_lat_usec":0)")), std::nullopt);
  EXPECT_EQ(wbt_latency(queue_with(R"("wbt_lat_usec":1)")), microseconds(1));
}

TEST(WbtConfig, GivesRotatingDisksMoreTime) {
  EXPECT_EQ(wbt_latency(queue_with(R"("rotational":true)")), milliseconds(75));
  EXPECT_EQ(wbt_latency(queue_with("", R"("use":"devices/hdd-7200.json",)")), milliseconds(75));
}

TEST(WbtConfig, MinusOneAsksForTheDefault) {
  EXPECT_EQ(queue_with(R"("wbt_lat_usec":-1)").wbt_lat_usec, 2000);
  EXPECT_EQ(queue_with(R"("wbt_lat_usec":-1,"rotational":true)").wbt_lat_usec, 75000);
}

TEST(WbtConfig, BfqSwitchesItOffUntilItIsSetToAnotherValue) {
  QueueConfig bfq;
  bfq.scheduler = "bfq";
  bfq.wbt_lat_usec = 2000;  // which the file shows all the same
  EXPECT_EQ(wbt_latency(bfq), std::nullopt);
  bfq.wbt_lat_usec = 3000;
  EXPECT_EQ(wbt_latency(bfq), milliseconds(3));
  bfq.wbt_lat_usec = 0;
  EXPECT_EQ(wbt_latency(bfq), std::nullopt);
}

TEST(WbtConfig, TellsWhatItIsBesideBfq) {
  const auto findings = [](const std::string& value) {
    return read(document_of(R"("scheduler":"bfq","wbt_lat_usec":)" + value, "")).findings;
  };
  const std::string at = "note: a.json: /devices/sda/queue/wbt_lat_usec: ";
  EXPECT_EQ(findings("3000"), at + "bfq switches writeback throttling off unless it is set; as it "
                                   "is, both are at work\n");
  EXPECT_EQ(findings("2000"),
            at + "has no effect: it is the default, and bfq switches writeback throttling off\n");
  EXPECT_EQ(findings("0"), "");
  EXPECT_EQ(findings("-1"), "");
  EXPECT_EQ(read(document_of(R"("scheduler":"bfq")", "")).findings, "");
}

TEST(WbtConfig, IsOffInKernelsBeforeIt) {
  const testing::Reading reading = read(R"({"kernel":"3.6","devices":{"sda":{}}})");
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(wbt_latency(reading.config->devices.at(0).queue), std::nullopt);
  const testing::Reading asked =
      read(R"({"kernel":"3.6","devices":{"sda":{"queue":{"wbt_lat_usec":2000}}}})");
  EXPECT_EQ(asked.findings,
            "a.json: /devices/sda/queue/wbt_lat_usec: 2000: this kernel has no writeback "
            "throttling; leave it out, or set 0\n");
  EXPECT_EQ(asked.exit_code, 2);
}

TEST(WbtConfig, RejectsWhatTheKernelRejects) {
  const testing::Reading reading = read(document_of(R"("wbt_lat_usec":-2)", ""));
  EXPECT_EQ(reading.findings,
            "a.json: /devices/sda/queue/wbt_lat_usec: -2 is not a whole number from -1 to "
            "3600000000\n");
  EXPECT_EQ(reading.exit_code, 2);
}

// What wbt counts with is fixed before anybody chooses an elevator or nr_requests.
TEST(RegisteredQueueDepth, IsTheDepthThatAScsiDriverTells) {
  EXPECT_EQ(registered_queue_depth(device_with(R"("use":"devices/hdd-7200.json")")), 32);
  EXPECT_EQ(registered_queue_depth(device_with(R"("use":"devices/ssd-sata.json","depth":1)")), 1);
}

TEST(RegisteredQueueDepth, IsThatOfTheDefaultElevatorWithOneHardwareQueue) {
  EXPECT_EQ(registered_queue_depth(device_with(R"("depth":32)")), 64);
  EXPECT_EQ(registered_queue_depth(device_with(R"("depth":1000)")), 256);
  EXPECT_EQ(registered_queue_depth(device_with(R"("model":"null_blk")")), 128);
}

TEST(RegisteredQueueDepth, IsThatOfTheDriverWithManyHardwareQueues) {
  EXPECT_EQ(registered_queue_depth(device_with(R"("use":"devices/ssd-nvme.json")", 2)), 1023);
  EXPECT_EQ(registered_queue_depth(device_with(R"("use":"devices/ssd-nvme.json")", 1)), 256);
}

}  // namespace
}  // namespace wbsim::system
