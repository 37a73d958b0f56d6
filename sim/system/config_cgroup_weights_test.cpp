#include "sim/system/config_cgroup_weights.hpp"

#include <gtest/gtest.h>

#include "sim/system/config_cgroups.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

// Two devices, the first of them with bfq.
std::string bfq_and_not(const std::string& group) {
  return R"({"devices":{"sda":{"queue":{"scheduler":"bfq"}},"sdb":{"queue":{"wbt_lat_usec":0}}},)"
         R"("cgroups":{"a":{)" +
         group + "}}}";
}

TEST(CgroupWeights, AreThoseOfBfqByDevice) {
  const testing::Reading reading = read(bfq_and_not(R"("io.bfq.weight":{"default":200,"sda":7})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.findings, "");
  EXPECT_EQ(control_groups(*reading.config, "sda").at(1).bfq_weight, 7);
  EXPECT_EQ(control_groups(*reading.config, "sdb").at(1).bfq_weight, 200);
}

TEST(CgroupWeights, AreOneHundredUnlessSet) {
  for (const char* group : {"", R"("io.bfq.weight":100)", R"("io.bfq.weight":"default 100")",
                            R"("io.weight":"default 100")"}) {
    const testing::Reading reading = read(bfq_and_not(group));
    ASSERT_TRUE(reading.config) << reading.findings;
    EXPECT_EQ(reading.findings, "");
    EXPECT_EQ(control_groups(*reading.config, "sda").at(1).bfq_weight, 100);
  }
}

TEST(CgroupWeights, ArePrintedAndReadBack) {
  const testing::Reading reading =
      read(bfq_and_not(R"("io.weight":"default 500","io.bfq.weight":{"sda":7,"default":20})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const Json printed = print_config(*reading.config);
  EXPECT_EQ(printed["cgroups"].dump(),
            R"({"a":{"io.weight":500,"io.bfq.weight":{"default":20,"sda":7}}})");
  EXPECT_EQ(read(printed.dump()).config, reading.config);
}

TEST(CgroupWeights, AreSetOnTheCommandLine) {
  const testing::Reading reading =
      read(bfq_and_not(R"("io.bfq.weight":200)"), {"cgroups.a.io.bfq.weight=300"});
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(control_groups(*reading.config, "sda").at(1).bfq_weight, 300);
  EXPECT_EQ(read(bfq_and_not(""), {"cgroups.a.io.weight=3"}).config->cgroups.at(0).io_weight, 3);
}

TEST(CgroupWeights, OfIocostDoNothing) {
  const testing::Reading reading = read(bfq_and_not(R"("io.weight":500)"));
  ASSERT_TRUE(reading.config);
  EXPECT_EQ(reading.findings,
            "note: a.json: /cgroups/a/io.weight: 500 has no effect: it is for iocost, which is off "
            "unless io.cost.qos turns it on; bfq goes by io.bfq.weight\n");
  EXPECT_EQ(control_groups(*reading.config, "sda").at(1).bfq_weight, 100);
}

TEST(CgroupWeights, OfBfqDoNothingWithoutIt) {
  const testing::Reading reading = read(document(R"("cgroups":{"a":{"io.bfq.weight":500}})"));
  EXPECT_TRUE(reading.config);
  EXPECT_EQ(reading.findings,
            "note: a.json: /cgroups/a/io.bfq.weight: 500 has no effect: no device has scheduler "
            "bfq\n");
  EXPECT_EQ(read(bfq_and_not(R"("io.bfq.weight":{"sdb":50})")).findings,
            "note: a.json: /cgroups/a/io.bfq.weight/sdb: 50 has no effect: sdb has scheduler "
            "mq-deadline; bfq alone knows weights\n");
}

struct WeightFinding {
  const char* name;
  std::string text;
  std::string finding;
  int exit_code = 2;
};
void PrintTo(const WeightFinding& finding, std::ostream* stream) { *stream << finding.text; }

class CgroupWeightFinding : public ::testing::TestWithParam<WeightFinding> {};

TEST_P(CgroupWeightFinding, HasItsPlaceAndWhatIsAllowed) {
  const testing::Reading reading = read(GetParam().text);
  EXPECT_EQ(reading.findings, GetParam().finding + "\n");
  EXPECT_EQ(reading.exit_code, GetParam().exit_code);
}

INSTANTIATE_TEST_SUITE_P(
    All, CgroupWeightFinding,
    ::testing::Values(
        WeightFinding{"TooLittle", bfq_and_not(R"("io.bfq.weight":0)"),
                      "a.json: /cgroups/a/io.bfq.weight: 0 is not a whole number from 1 to 1000"},
        WeightFinding{"TooMuch", bfq_and_not(R"("io.bfq.weight":"default 1001")"),
                      "a.json: /cgroups/a/io.bfq.weight: 1001 is not a whole number from 1 to "
                      "1000"},
        WeightFinding{"NoNumber", bfq_and_not(R"("io.bfq.weight":"default much")"),
                      "a.json: /cgroups/a/io.bfq.weight: \"default much\" is not a whole number "
                      "from 1 to 1000"},
        WeightFinding{"OfADevice", bfq_and_not(R"("io.bfq.weight":{"sda":-1})"),
                      "a.json: /cgroups/a/io.bfq.weight/sda: -1 is not a whole number from 1 to "
                      "1000"},
        WeightFinding{"OfNoDevice", bfq_and_not(R"("io.bfq.weight":{"sdc":10})"),
                      "a.json: /cgroups/a/io.bfq.weight/sdc: unknown device \"sdc\"; one of sda, "
                      "sdb. Did you mean \"sda\"?"},
        WeightFinding{"OfAPartition",
                      document(R"("stack":{"sda1":{"kind":"partition","members":["sda"],)"
                               R"("start":"1MiB","size":"1GiB"}},)"
                               R"("cgroups":{"a":{"io.bfq.weight":{"sda1":5}}})"),
                      "not simulated: a.json: /cgroups/a/io.bfq.weight/sda1: weights of partitions "
                      "and of devices on top of others",
                      3},
        WeightFinding{"IoWeight", bfq_and_not(R"("io.weight":10001)"),
                      "a.json: /cgroups/a/io.weight: 10001 is not a whole number from 1 to 10000"}),
    [](const auto& param) { return std::string{param.param.name}; });

}  // namespace
}  // namespace wbsim::system
