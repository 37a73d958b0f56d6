// The options `driver` and `faults`: what they become, and what is said about mistakes.
#include "sim/system/config_faults.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

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
                       "it"},
        WrongFault{
            "UnknownDriver", document("", R"(,"driver":"sci")"),
            "a.json: /devices/sda/driver: unknown \"sci\"; one of virtio-blk, null_blk, scsi, "
            "nvme. Did you mean \"scsi\"?"}),
    [](const ::testing::TestParamInfo<WrongFault>& wrong) {
      return std::string{wrong.param.name};
    });

TEST(FaultConfigs, SayAllOfAFault) {
  const testing::Reading reading = read(faulty(
      R"({"on":"write","first":100,"sectors":8,"from":"1s","until":"2s","skip":3,"one_in":4,)"
      R"("times":5,"error":"busy","do_not_retry":true,"retry_after":"300ms","late":"6ms"})",
      R"(,"driver":"nvme")"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const std::vector<models::Fault> faults = faults_of(reading.config->devices[0]);
  ASSERT_EQ(faults.size(), 1U);
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
  EXPECT_TRUE(fault.answer.do_not_retry);
  EXPECT_EQ(fault.answer.retry_after, 3);
  EXPECT_EQ(fault.delay, milliseconds(6));
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
