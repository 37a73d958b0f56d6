// The options `driver` and `faults`: what they become, and what is said about mistakes.
#include "sim/system/config_faults.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sim/system/catalog.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using block::DeviceError;
using block::DeviceOp;
using block::Driver;
using testing::document;
using testing::read;

std::string faulty(const std::string& fault, const std::string& more = "") {
  return document("", R"(,"faults":[)" + fault + "]" + more);
}

struct WrongFault {
  const char* name;
  std::string text;
  std::string findings;
};
void PrintTo(const WrongFault& mistake, std::ostream* stream) { *stream << mistake.text; }

class FaultMistake : public ::testing::TestWithParam<WrongFault> {};

TEST_P(FaultMistake, IsAnErrorWithThisText) {
  const testing::Reading reading = read(GetParam().text);
  EXPECT_EQ(reading.findings, GetParam().findings + "\n");
  EXPECT_EQ(reading.exit_code, 2);
}

const std::string kAt = "a.json: /devices/sda/faults/0";

std::string name_of_mistake(const ::testing::TestParamInfo<WrongFault>& wrong) {
  return wrong.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultMistake,
    ::testing::Values(
        WrongFault{"NoArray", document("", R"(,"faults":{})"),
                   "a.json: /devices/sda/faults: an object is not an array of faults"},
        WrongFault{"NoEffect", faulty(R"({"on":"read"})"),
                   kAt + ": has no effect: it needs \"error\", \"late\" or both"},
        WrongFault{
            "UnknownKey", faulty(R"({"erorr":"medium","late":"1s"})"),
            kAt + "/erorr: unknown key \"erorr\"; one of on, first, sectors, from, until, skip, "
                  "one_in, times, error, do_not_retry, retry_after, late. Did you mean "
                  "\"error\"?"},
        WrongFault{"UnknownOperation", faulty(R"({"on":"writes","late":"1s"})"),
                   kAt + "/on: unknown \"writes\"; one of read, write, flush. Did you mean "
                         "\"write\"?"},
        WrongFault{"UnknownError", faulty(R"({"error":"medum"})"),
                   kAt + "/error: unknown \"medum\"; one of medium, hardware, illegal, transport, "
                         "aborted, no-space, busy, queue-full, unit-attention. Did you mean "
                         "\"medium\"?"},
        WrongFault{"NoNumberOfSectors", faulty(R"({"error":"medium","first":8})"),
                   kAt + ": \"sectors\" is missing: bad sectors have a first one and a number"},
        WrongFault{"NoFirstSector", faulty(R"({"error":"medium","sectors":8})"),
                   kAt + ": \"first\" is missing: bad sectors have a first one and a number"},
        WrongFault{"SectorsOfAFlush",
                   faulty(R"({"on":"flush","error":"medium","first":8,"sectors":1})"),
                   kAt + "/first: a flush has no sectors"},
        WrongFault{"BeyondTheDevice",
                   faulty(R"({"error":"medium","first":2048,"sectors":1})", R"(,"size":"1MiB")"),
                   kAt + "/first: 2048 is beyond the device, which has 2048 sectors"},
        WrongFault{"EndsBeyondTheDevice",
                   faulty(R"({"error":"medium","first":2040,"sectors":9})", R"(,"size":"1MiB")"),
                   kAt + "/sectors: 9 from 2040 on end beyond the device, which has 2048; at most "
                         "8"},
        WrongFault{"FirstSectorThatIsNone", faulty(R"({"error":"medium","first":-1,"sectors":8})"),
                   kAt + "/first: -1 is not a whole number from 0 to 2199023255552"},
        WrongFault{"NumberOfSectorsThatIsNone",
                   faulty(R"({"error":"medium","first":8,"sectors":0})"),
                   kAt + "/sectors: 0 is not a whole number from 1 to 2199023255552"}),
    name_of_mistake);

INSTANTIATE_TEST_SUITE_P(
    FaultsWithoutEffect, FaultMistake,
    ::testing::Values(
        WrongFault{"LateByNothing", faulty(R"({"late":"0s"})"),
                   kAt + "/late: \"0s\" has no effect; take a longer time, or add an \"error\""},
        WrongFault{"DoNotRetryOfWhatDoesNotFail",
                   faulty(R"({"late":"1s","do_not_retry":true})", R"(,"driver":"nvme")"),
                   kAt + "/do_not_retry: has no effect: only what fails can be tried again; add an "
                         "\"error\""},
        WrongFault{"RetryDelayOfWhatDoesNotFail",
                   faulty(R"({"late":"1s","retry_after":"100ms"})", R"(,"driver":"nvme")"),
                   kAt + "/retry_after: has no effect: only what fails can be tried again; add an "
                         "\"error\""},
        WrongFault{
            "RetryDelayOfWhatIsNotTriedAgain",
            faulty(R"({"error":"medium","do_not_retry":true,"retry_after":"100ms"})",
                   R"(,"driver":"nvme")"),
            kAt + "/retry_after: has no effect beside \"do_not_retry\"; leave out one of them"},
        WrongFault{"NoEffectOfWhatCannotBeRead",
                   faulty(R"({"error":"medum","do_not_retry":true})", R"(,"driver":"nvme")"),
                   kAt + "/error: unknown \"medum\"; one of medium, hardware, illegal, transport, "
                         "aborted, no-space, busy, queue-full, unit-attention. Did you mean "
                         "\"medium\"?"},
        WrongFault{"FourthRetryDelay",
                   faulty(R"({"error":"medium","retry_after":"100ms"},)"
                          R"({"error":"medium","retry_after":"200ms"},)"
                          R"({"error":"medium","retry_after":"300ms"},)"
                          R"({"error":"busy","retry_after":"400ms"})",
                          R"(,"driver":"nvme")"),
                   "a.json: /devices/sda/faults/3/retry_after: 400ms is one too many: an NVMe "
                   "controller has 3 delays (CRDT1 to CRDT3), here 100ms, 200ms, 300ms"}),
    name_of_mistake);

INSTANTIATE_TEST_SUITE_P(
    FaultsOfOtherDevices, FaultMistake,
    ::testing::Values(
        WrongFault{"EndsBeforeItBegins", faulty(R"({"error":"medium","from":"2s","until":"1s"})"),
                   kAt + "/until: 1s is not after it begins (2s)"},
        WrongFault{"TooLate", faulty(R"({"late":"2h"})"),
                   kAt + "/late: \"2h\" is out of range; from 0 to 3600s"},
        WrongFault{"NeverOfAny", faulty(R"({"late":"1s","times":0})"),
                   kAt + "/times: 0 is not a whole number from 1 to 1000000000"},
        WrongFault{"ErrorThatTheDriverDoesNotKnow", faulty(R"({"error":"busy"})"),
                   kAt + "/error: no virtio-blk device says so; one of medium, hardware, illegal, "
                         "transport, aborted, no-space"},
        WrongFault{"DoNotRetryOfAScsiDisk",
                   faulty(R"({"error":"medium","do_not_retry":true})", R"(,"driver":"scsi")"),
                   kAt + "/do_not_retry: only NVMe devices can say so, and this one has the driver "
                         "scsi"},
        WrongFault{"RetryDelayOfAScsiDisk",
                   faulty(R"({"error":"medium","retry_after":"100ms"})", R"(,"driver":"scsi")"),
                   kAt + "/retry_after: only NVMe devices can say so, and this one has the driver "
                         "scsi"},
        WrongFault{"RetryDelayInOtherSteps",
                   faulty(R"({"error":"medium","retry_after":"150ms"})", R"(,"driver":"nvme")"),
                   kAt +
                       "/retry_after: 150ms is no multiple of 100ms, the unit in which NVMe states "
                       "it"}),
    name_of_mistake);

INSTANTIATE_TEST_SUITE_P(
    Drivers, FaultMistake,
    ::testing::Values(
        WrongFault{
            "UnknownDriver", document("", R"(,"driver":"sci")"),
            "a.json: /devices/sda/driver: unknown \"sci\"; one of virtio-blk, null_blk, scsi, "
            "nvme. Did you mean \"scsi\"?"},
        WrongFault{"NullBlkDriverOfATestDisk", document("", R"(,"driver":"null_blk")"),
                   "a.json: /devices/sda/driver: null_blk drives no device of model simdisk; one "
                   "of virtio-blk, scsi, nvme"},
        WrongFault{"NvmeDriverOfAHardDisk",
                   R"({"devices":{"a":{"use":"devices/hdd-7200.json","driver":"nvme"}}})",
                   "a.json: /devices/a/driver: nvme drives no device of model hdd; one of "
                   "virtio-blk, scsi"},
        WrongFault{"NvmeDriverOfASataDisk",
                   R"({"devices":{"a":{"use":"devices/ssd-sata.json","driver":"nvme"}}})",
                   "a.json: /devices/a/driver: nvme drives no device of model ssd with interface "
                   "sata; one of virtio-blk, scsi"},
        WrongFault{"NullBlkDriverOfAnNvmeDisk",
                   R"({"devices":{"a":{"use":"devices/ssd-nvme.json","driver":"null_blk"}}})",
                   "a.json: /devices/a/driver: null_blk drives no device of model ssd with "
                   "interface nvme; one of nvme, virtio-blk, scsi"},
        WrongFault{"OtherDriverOfNullBlk",
                   R"({"devices":{"a":{"model":"null_blk","driver":"scsi"}}})",
                   "a.json: /devices/a/driver: scsi drives no device of model null_blk; one of "
                   "null_blk"}),
    name_of_mistake);

TEST(FaultConfigs, SayAllOfAFault) {
  const testing::Reading reading = read(faulty(
      R"({"on":"write","first":100,"sectors":8,"from":"1s","until":"2s","skip":3,"one_in":4,)"
      R"("times":5,"error":"busy","retry_after":"300ms","late":"6ms"},)"
      R"({"error":"medium","do_not_retry":true})",
      R"(,"driver":"nvme")"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const std::vector<models::Fault> faults = faults_of(reading.config->devices[0]);
  ASSERT_EQ(faults.size(), 2U);
  const models::Fault& fault = faults[0];
  EXPECT_EQ(fault.op, DeviceOp::kWrite);
  EXPECT_EQ(fault.range->first, Lba{100});
  EXPECT_EQ(fault.range->length, Sectors{8});
  EXPECT_EQ(fault.from, SimTime{seconds(1)});
  EXPECT_EQ(fault.until, SimTime{seconds(2)});
  EXPECT_EQ(fault.skip, 3);
  EXPECT_EQ(fault.one_in, 4);
  EXPECT_EQ(fault.times, 5);
  EXPECT_EQ(fault.answer.error, DeviceError::kBusy);
  EXPECT_FALSE(fault.answer.do_not_retry);
  EXPECT_EQ(fault.answer.retry_after, 3);
  EXPECT_TRUE(faults[1].answer.do_not_retry);
  EXPECT_EQ(fault.delay, milliseconds(6));
}

TEST(FaultConfigs, TheLastSectorsOfADeviceCanBeBad) {
  EXPECT_EQ(
      read(faulty(R"({"error":"medium","first":2040,"sectors":8})", R"(,"size":"1MiB")")).findings,
      "");
}

TEST(FaultConfigs, ThreeRetryDelaysMayBeStatedOften) {
  const std::string text =
      faulty(R"({"error":"medium","retry_after":"100ms"},{"error":"medium","retry_after":"200ms"},)"
             R"({"error":"medium","retry_after":"300ms"},{"error":"busy","retry_after":"100ms"},)"
             R"({"error":"busy","retry_after":"0s"},{"error":"busy","retry_after":"300ms"})",
             R"(,"driver":"nvme")");
  EXPECT_EQ(read(text).findings, "");
}

TEST(FaultConfigs, ArePrintedAsTheyWereGiven) {
  const testing::Reading reading = read(
      faulty(R"({"on":"read","error":"medium","times":1},{"late":"1s"})", R"(,"driver":"scsi")"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const auto printed = print_config(*reading.config);
  EXPECT_EQ(printed["devices"]["sda"]["faults"].dump(),
            R"([{"on":"read","times":1,"error":"medium"},{"late":"1s"}])");
  EXPECT_EQ(printed["devices"]["sda"]["driver"], "scsi");
  EXPECT_EQ(*read(printed.dump()).config, *reading.config);
}

TEST(FaultConfigs, AreNotPrintedWhereNoneAreGiven) {
  const auto printed = print_config(*read(document()).config)["devices"]["sda"];
  EXPECT_FALSE(printed.contains("faults"));
  EXPECT_FALSE(printed.contains("driver"));
  EXPECT_FALSE(printed["queue"].contains("io_timeout"));
}

Driver driver_in(const std::string& text) {
  const testing::Reading reading = read(text);
  EXPECT_TRUE(reading.config) << reading.findings;
  return driver_of(reading.config->devices[0], reading.config->switches);
}

TEST(DriverOption, IsThatOfTheModelUnlessGiven) {
  const std::string kernel = R"(,"kernel":"3.6"})";
  EXPECT_EQ(driver_in(R"({"devices":{"a":{}}})"), Driver::kVirtioBlk);
  EXPECT_EQ(driver_in(R"({"devices":{"a":{"model":"null_blk"}}})"), Driver::kNullBlk);
  EXPECT_EQ(driver_in(R"({"devices":{"a":{"use":"devices/ssd-nvme.json"}}})"), Driver::kNvme);
  EXPECT_EQ(driver_in(R"({"devices":{"a":{"use":"devices/ssd-sata.json"}}})"), Driver::kVirtioBlk);
  EXPECT_EQ(driver_in(R"({"devices":{"a":{"driver":"scsi"}}})"), Driver::kScsi);
  EXPECT_EQ(driver_in(R"({"devices":{"a":{}})" + kernel), Driver::kScsi);
}

TEST(DriverOption, IsScsiBeforeBlkMq) {
  const testing::Reading reading = read(R"({"kernel":"3.6","devices":{"a":{"driver":"nvme"}}})");
  EXPECT_EQ(reading.findings,
            "a.json: /devices/a/driver: nvme is not simulated with the single queue of this "
            "kernel, where every device is a SCSI disk; leave it out or take scsi\n");
}

TEST(DriverOption, EveryModelHasOne) {
  for (const CatalogEntry& model : device_model_catalog()) {
    DeviceConfig device;
    device.model = model.name;
    EXPECT_LE(driver_of(device, {}), Driver::kNvme) << model.name;
  }
}

TEST(DriverOption, OfATestDiskIsAnyThatHasADevice) {
  for (const std::string driver : {"virtio-blk", "scsi", "nvme"}) {
    EXPECT_EQ(read(document("", R"(,"driver":")" + driver + "\"")).findings, "");
  }
}

testing::Reading null_blk_device(const std::string& faults, const std::string& queue = "") {
  return read(R"({"devices":{"n":{"model":"null_blk","faults":[)" + faults +
              R"(],"queue":{"scheduler":"none","wbt_lat_usec":0)" + queue + "}}}}");
}

TEST(NullBlk, TimeoutsAreRefused) {
  const testing::Reading reading = null_blk_device(R"({"error":"medium"},{"late":"5s"})");
  EXPECT_EQ(reading.findings,
            "not simulated: a.json: /devices/n/faults/1/late: timeouts of null_blk: a command that "
            "is 5s late exceeds its io_timeout of 5s\n");
  EXPECT_EQ(reading.exit_code, 3);
  EXPECT_TRUE(null_blk_device(R"({"late":"4999ms"})").config);
}

TEST(NullBlk, TimeoutsBySeveralFaultsAreRefused) {
  EXPECT_EQ(null_blk_device(R"({"late":"2s"},{"error":"medium"},{"late":"4s"})").findings,
            "not simulated: a.json: /devices/n/faults/2/late: timeouts of null_blk: a command that "
            "is 6s late by all faults up to here exceeds its io_timeout of 5s\n");
}

TEST(NullBlk, TimeoutsComeAfterTheIoTimeout) {
  const std::string fault = R"({"late":"6s"})";
  EXPECT_TRUE(null_blk_device(fault, R"(,"io_timeout":6001)").config);
  EXPECT_EQ(null_blk_device(fault, R"(,"io_timeout":1000)").findings,
            "not simulated: a.json: /devices/n/faults/0/late: timeouts of null_blk: a command that "
            "is 6s late exceeds its io_timeout of 1s\n");
}

TEST(IoTimeout, IsNotedWhereItHasNoEffect) {
  const std::string queue = R"("queue":{"scheduler":"none","wbt_lat_usec":0,"io_timeout":1000})";
  EXPECT_EQ(read(R"({"devices":{"a":{)" + queue + "}}}").findings,
            "note: a.json: /devices/a/queue/io_timeout: has no effect: virtio-blk waits for "
            "ever\n");
  EXPECT_EQ(read(R"({"devices":{"a":{"driver":"scsi",)" + queue + "}}}").findings,
            "note: a.json: /devices/a/queue/io_timeout: has no effect: a device without faults "
            "is never given up\n");
  EXPECT_EQ(read(R"({"devices":{"a":{"driver":"scsi","faults":[{"late":"9s"}],)" + queue + "}}}")
                .findings,
            "");
}

}  // namespace
}  // namespace wbsim::system
