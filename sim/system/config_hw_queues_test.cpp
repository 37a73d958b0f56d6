// devices.NAME.queue.hw_queues, devices.NAME.host and what follows from them.
#include "sim/system/config_hw_queues.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_models.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::read;

// `machine` and `devices` are members of the document and of its devices.
std::string document_of(const std::string& machine, const std::string& devices) {
  return "{" + machine + R"("devices":{)" + devices + "}}";
}

Config config_of(const std::string& machine, const std::string& devices) {
  const testing::Reading reading = read(document_of(machine, devices));
  EXPECT_TRUE(reading.config) << reading.findings;
  return reading.config.value_or(Config{});
}

QueueConfig queue_of(const std::string& machine, const std::string& device) {
  return config_of(machine, R"("sda":{)" + device + "}").devices.at(0).queue;
}

void expect_error(const std::string& machine, const std::string& devices,
                  const std::string& findings, int exit_code = 2) {
  const testing::Reading reading = read(document_of(machine, devices));
  EXPECT_EQ(reading.findings, findings);
  EXPECT_EQ(reading.exit_code, exit_code);
}

constexpr const char* kFourCpus = R"("cpus":4,)";
constexpr const char* kPlainNvme = R"("model":"ssd","interface":"nvme","channels":1,"dies":1,
  "page":"16KiB","buffer":"1MiB","channel_rate":"1GB/s","read_link":"1GB/s","write_link":"1GB/s")";

TEST(HwQueuesConfig, NvmeHasOneForEachCpuAndAllOthersOne) {
  EXPECT_EQ(queue_of(kFourCpus, kPlainNvme).hw_queues, 4);
  EXPECT_EQ(queue_of("", kPlainNvme).hw_queues, 1);
  for (const char* device : {R"("model":"simdisk")", R"("model":"null_blk")", R"("driver":"scsi")",
                             R"("driver":"virtio-blk")"}) {
    EXPECT_EQ(queue_of(kFourCpus, device).hw_queues, 1) << device;
  }
  EXPECT_EQ(queue_of(kFourCpus, R"("driver":"virtio-blk","queue":{"hw_queues":3})").hw_queues, 3);
}

// elevator_get_default().
TEST(HwQueuesConfig, TheDefaultElevatorIsNoneWithSeveralUnlessTheirTagsAreTheHosts) {
  EXPECT_EQ(queue_of(kFourCpus, R"("queue":{"hw_queues":1})").scheduler, "mq-deadline");
  EXPECT_EQ(queue_of(kFourCpus, R"("queue":{"hw_queues":2})").scheduler, "none");
  EXPECT_EQ(queue_of(kFourCpus, kPlainNvme).scheduler, "none");
  EXPECT_EQ(queue_of("", kPlainNvme).scheduler, "mq-deadline");
  EXPECT_EQ(queue_of(kFourCpus, R"("driver":"scsi","queue":{"hw_queues":2})").scheduler,
            "mq-deadline");
  EXPECT_EQ(queue_of(kFourCpus, R"("queue":{"hw_queues":2,"scheduler":"bfq"})").scheduler, "bfq");
}

TEST(HwQueuesConfig, ThereAreNoMoreThanCpus) {
  expect_error(kFourCpus, R"("sda":{"queue":{"hw_queues":5}})",
               "a.json: /devices/sda/queue/hw_queues: 5 is more than one for each CPU; cpus is "
               "4\n");
  expect_error("", R"("sda":{"queue":{"hw_queues":0}})",
               "a.json: /devices/sda/queue/hw_queues: 0 is not a whole number from 1 to 1024\n");
}

TEST(HwQueuesConfig, KernelsBeforeBlkMqHaveNone) {
  expect_error(R"("kernel":"3.6","cpus":4,)", R"("sda":{"queue":{"hw_queues":2}})",
               "a.json: /devices/sda/queue/hw_queues: this kernel does not know it (Linux 3.13); "
               "leave it out\n");
}

TEST(HwQueuesConfig, EachHasTheTagsOfTheDevice) {
  const Config config = config_of(kFourCpus, R"("sda":{"depth":16,"queue":{"hw_queues":4}})");
  const DeviceConfig& device = config.devices.at(0);
  EXPECT_EQ(tag_depth(device), 16);
  EXPECT_EQ(held_commands(device), 64);
  EXPECT_EQ(device.queue.nr_requests, 16);
  block::RequestQueueOptions options;
  set_hw_queue_options(device, config.switches, options);
  EXPECT_EQ(options.hw_queues, 4);
  EXPECT_EQ(options.queue_depth, 16);
  EXPECT_FALSE(options.host_wide_tags);
}

TEST(HwQueuesConfig, AScsiDiskHasTheTagsOfItsHost) {
  const Config config =
      config_of(kFourCpus, R"("sda":{"driver":"scsi","depth":16,"queue":{"hw_queues":4}})");
  const DeviceConfig& device = config.devices.at(0);
  EXPECT_EQ(held_commands(device), 16);
  block::RequestQueueOptions options;
  set_hw_queue_options(device, config.switches, options);
  EXPECT_TRUE(options.host_wide_tags);
}

// nvme and virtio-blk; the disk of the recorded kernels has a driver of its own.
TEST(HwQueuesConfig, DriversThatWriteADoorbellDoItForABatch) {
  const auto doorbell = [](const char* device) {
    const Config config = config_of(kFourCpus, R"("sda":{)" + std::string{device} + "}");
    block::RequestQueueOptions options;
    set_hw_queue_options(config.devices.at(0), config.switches, options);
    return options.doorbell;
  };
  EXPECT_EQ(doorbell(kPlainNvme), block::Doorbell::kEachBatch);
  EXPECT_EQ(doorbell(R"("driver":"virtio-blk")"), block::Doorbell::kEachBatch);
  EXPECT_EQ(doorbell(R"("model":"simdisk")"), block::Doorbell::kEachCommand);
  EXPECT_EQ(doorbell(R"("driver":"scsi")"), block::Doorbell::kEachCommand);
  EXPECT_EQ(doorbell(R"("model":"null_blk")"), block::Doorbell::kEachCommand);
}

TEST(HostConfig, DevicesOfAHostHaveTheGreatestDepthOfThemUnlessItIsGiven) {
  const Config config = config_of("", R"("sda":{"driver":"scsi","depth":16,"host":"hba0"},
             "sdb":{"driver":"scsi","depth":32,"host":"hba0"})");
  EXPECT_EQ(tag_depth(config.devices.at(0)), 32);
  EXPECT_EQ(tag_depth(config.devices.at(1)), 32);
  EXPECT_EQ(config.devices.at(0).queue.nr_requests, 64);
  const Config given =
      config_of("", R"("sda":{"driver":"scsi","depth":16,"host":"hba0","host_tags":40},
             "sdb":{"driver":"scsi","depth":32,"host":"hba0"})");
  EXPECT_EQ(tag_depth(given.devices.at(1)), 40);
}

TEST(HostConfig, DevicesOfAHostAgree) {
  expect_error(R"("cpus":2,)",
               R"("sda":{"driver":"scsi","host":"h","host_tags":8},
                  "sdb":{"model":"null_blk","host":"h"},
                  "sdc":{"driver":"scsi","host":"h","host_tags":9,"queue":{"hw_queues":2}})",
               "a.json: /devices/sdb/driver: null_blk differs from that of \"sda\" (scsi), which "
               "has the same host\n"
               "a.json: /devices/sdc/queue/hw_queues: 2 differs from that of \"sda\" (1), which "
               "has the same host\n"
               "a.json: /devices/sdc/host_tags: 9 differs from that of \"sda\" (8), which has the "
               "same host\n");
}

TEST(HostConfig, IsOfDriversWhoseDevicesShareTags) {
  expect_error("", R"("sda":{"host":"h"},"sdb":{"driver":"scsi","host":"g"})",
               "a.json: /devices/sda/host: a disk of virtio-blk shares no tags; say what drives "
               "it: \"driver\": \"scsi\" or \"nvme\"\n");
}

TEST(HostConfig, OfOneDeviceSharesNothing) {
  const testing::Reading reading =
      read(document_of("", R"("sda":{"driver":"scsi","host":"h","host_tags":8})"));
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(reading.findings,
            "note: a.json: /devices/sda/host: has no effect on sharing: no other device has this "
            "host\n");
  EXPECT_EQ(tag_depth(reading.config->devices.at(0)), 8);
}

TEST(HostConfig, TagsWithoutAHostAreAnError) {
  expect_error("", R"("sda":{"host_tags":8})",
               "a.json: /devices/sda/host_tags: belongs to a host; name it: \"host\": \"host0\", "
               "here and in the devices that share its tags\n");
}

TEST(HostConfig, IsNotSimulatedBeforeBlkMq) {
  expect_error(R"("kernel":"3.6",)", R"("sda":{"host":"h"},"sdb":{"host":"h"})",
               "not simulated: a.json: /devices/sda/host: devices that share tags are simulated "
               "with blk-mq only\n"
               "not simulated: a.json: /devices/sdb/host: devices that share tags are simulated "
               "with blk-mq only\n",
               3);
}

TEST(HostConfig, WithoutAnElevatorRequestsAreItsTags) {
  expect_error("",
               R"("sda":{"driver":"scsi","host":"h","queue":{"scheduler":"none","nr_requests":8}},
                  "sdb":{"driver":"scsi","host":"h"})",
               "a.json: /devices/sda/queue/nr_requests: with scheduler none these are the tags of "
               "the host (32); set host_tags instead\n");
}

}  // namespace
}  // namespace wbsim::system
