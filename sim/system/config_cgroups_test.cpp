#include "sim/system/config_cgroups.hpp"

#include <gtest/gtest.h>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

std::string cgroups(const std::string& groups) { return document(R"("cgroups":{)" + groups + "}"); }
std::string io_max(const std::string& limits) {
  return cgroups(R"("slow":{"io.max":{"sda":{)" + limits + "}}}");
}

std::string path_of_depth(int depth) {
  std::string path = "a";
  for (int i = 1; i < depth; ++i) {
    path += "/a";
  }
  return path;
}

// Two for each of so many.
std::string groups_with_parents(int count) {
  std::string groups;
  for (int i = 0; i < count; ++i) {
    groups += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + R"(/c":{})";
  }
  return groups;
}

TEST(Cgroups, LimitsAreStoredAsTheKernelTakesThem) {
  const testing::Reading reading =
      read(io_max(R"("rbps":"1MB","wbps":2097152,"riops":100,"wiops":"max")"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const block::ControlGroups groups = control_groups(*reading.config, "sda");
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[1].limits[block::kReads],
            (block::IoLimits{.bps = Bytes{1'000'000}, .iops = 100}));
  EXPECT_EQ(groups[1].limits[block::kWrites],
            (block::IoLimits{.bps = Bytes{2'097'152}, .iops = std::nullopt}));
}

TEST(Cgroups, ALimitOf32BitsOfIosIsNone) {
  const testing::Reading reading = read(io_max(R"("riops":4294967294,"wiops":4294967295)"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const block::ControlGroup group = control_groups(*reading.config, "sda").at(1);
  EXPECT_EQ(group.limits[block::kReads].iops, 4'294'967'294);
  EXPECT_EQ(group.limits[block::kWrites].iops, std::nullopt);
}

TEST(Cgroups, OfOtherDevicesDoNotLimit) {
  const std::string two =
      R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0}},"sdb":{"queue":{"wbt_lat_usec":0}}},)"
      R"("cgroups":{"slow":{"io.max":{"sda":{"wbps":"1MB"}}}}})";
  const testing::Reading reading = read(two);
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_FALSE(control_groups(*reading.config, "sdb").at(1).limits[block::kWrites].any());
  EXPECT_TRUE(limits_writes(*reading.config, "slow", "sda"));
  EXPECT_FALSE(limits_writes(*reading.config, "slow", "sdb"));
}

TEST(Cgroups, ParentsAreImpliedAndComeFirst) {
  const testing::Reading reading = read(cgroups(R"("a/b/c":{},"d":{},"a/b":{})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  std::vector<std::string> names;
  for (const CgroupConfig& group : reading.config->cgroups) {
    names.push_back(group.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"d", "a", "a/b", "a/b/c"}));
  const block::ControlGroups groups = control_groups(*reading.config, "sda");
  EXPECT_EQ(groups.at(4).parent, 3);
  EXPECT_EQ(groups.at(3).parent, 2);
  EXPECT_EQ(groups.at(2).parent, 0);
  EXPECT_EQ(control_group_number(*reading.config, "a/b"), 3);
  EXPECT_EQ(control_group_number(*reading.config, ""), 0);
}

TEST(Cgroups, MayBe64Deep) {
  const testing::Reading reading = read(cgroups("\"" + path_of_depth(64) + "\":{}"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(control_groups(*reading.config, "sda").size(), 65U);
}

TEST(Cgroups, MayBeAThousand) {
  const testing::Reading reading = read(cgroups(groups_with_parents(500)));
  ASSERT_TRUE(reading.config) << reading.findings;
  const block::ControlGroups groups = control_groups(*reading.config, "sda");
  ASSERT_EQ(groups.size(), 1001U);
  for (std::size_t i = 501; i <= 1000; ++i) {
    EXPECT_EQ(groups[i].parent, static_cast<int>(i) - 500);
  }
}

TEST(Cgroups, WithoutAnyQueuesKnowNone) {
  EXPECT_TRUE(control_groups(*read(document()).config, "sda").empty());
}

TEST(Cgroups, ArePrintedAndReadBack) {
  const testing::Reading reading =
      read(cgroups(R"("a.slice/b":{"io.max":{"sda":{"rbps":"1MB","wiops":7}}})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const Json printed = print_config(*reading.config);
  EXPECT_EQ(printed["cgroups"].dump(),
            R"({"a.slice":{},"a.slice/b":{"io.max":{"sda":{"rbps":"1000000B","wiops":7}}}})");
  EXPECT_EQ(read(printed.dump()).config, reading.config);
}

struct Finding {
  const char* name;
  std::string text;
  std::string finding;
  int exit_code = 2;
};
void PrintTo(const Finding& finding, std::ostream* stream) { *stream << finding.text; }

class CgroupFinding : public ::testing::TestWithParam<Finding> {};

TEST_P(CgroupFinding, HasItsPlaceAndWhatIsAllowed) {
  const testing::Reading reading = read(GetParam().text);
  EXPECT_EQ(reading.findings, GetParam().finding + "\n");
  EXPECT_EQ(reading.exit_code, GetParam().exit_code);
}

const std::string kAtLimits = "a.json: /cgroups/slow/io.max/sda/";
const std::string kBytesAllowed = "max, 2..9223372036854775807 or a size such as \"1MB\"";
const std::string kIosAllowed = "max or 2..9223372036854775807";

INSTANTIATE_TEST_SUITE_P(
    All, CgroupFinding,
    ::testing::Values(
        Finding{"NoObject", document(R"("cgroups":5)"), "a.json: /cgroups: 5 is not an object"},
        Finding{"GroupNoObject", cgroups(R"("a":"max")"),
                "a.json: /cgroups/a: \"max\" is not an object"},
        Finding{"Name", cgroups(R"("a//b":{})"),
                "a.json: /cgroups/a~1~1b: \"a//b\" is not the path of a control group: names of "
                "letters, digits, _, -, ., : and @, each beginning with a letter, a digit or _, "
                "with / between them"},
        Finding{"File", cgroups(R"("a":{"io.mx":{}})"),
                "a.json: /cgroups/a/io.mx: unknown key \"io.mx\"; one of io.max, io.weight, "
                "io.bfq.weight, io.latency, io.low, io.cost.qos, io.cost.model, io.prio.class, "
                "memory.min, memory.low, memory.high, memory.max, memory.swap.max, cpu.max, "
                "cpu.weight, cgroup.subtree_control. Did you mean \"io.max\"?"},
        Finding{"Device", cgroups(R"("a/b":{"io.max":{"sdb":{"riops":5}}})"),
                "a.json: /cgroups/a~1b/io.max/sdb: unknown device \"sdb\"; one of sda. Did you "
                "mean \"sda\"?"},
        Finding{"Limit", io_max(R"("rbsp":5)"),
                "a.json: /cgroups/slow/io.max/sda/rbsp: unknown key \"rbsp\"; one of rbps, wbps, "
                "riops, wiops. Did you mean \"rbps\"?"},
        Finding{"TooFewBytes", io_max(R"("rbps":1)"),
                kAtLimits + "rbps: 1 is not allowed; " + kBytesAllowed},
        Finding{"TooFewBytesWithAUnit", io_max(R"("rbps":"1B")"),
                kAtLimits + "rbps: \"1B\" is not allowed; " + kBytesAllowed},
        Finding{"TooManyBytes", io_max(R"("wbps":9223372036854775808)"),
                kAtLimits + "wbps: 9223372036854775808 is not allowed; " + kBytesAllowed},
        Finding{"MisspeltMax", io_max(R"("rbps":"MAX")"),
                kAtLimits + "rbps: \"MAX\" is not allowed; " + kBytesAllowed},
        Finding{"NoNumberOfBytes", io_max(R"("wbps":true)"),
                kAtLimits + "wbps: true is not allowed; " + kBytesAllowed},
        Finding{"TooFewIos", io_max(R"("wiops":0)"),
                kAtLimits + "wiops: 0 is not allowed; " + kIosAllowed},
        Finding{"NumberOfIosInQuotes", io_max(R"("wiops":"100")"),
                kAtLimits + "wiops: \"100\" is not allowed; " + kIosAllowed},
        Finding{"Latency", cgroups(R"("a":{"io.latency":{"sda":{"target":75000}}})"),
                "not simulated: a.json: /cgroups/a/io.latency: not simulated; of control groups "
                "io.max and io.bfq.weight are",
                3},
        Finding{"Cost", cgroups(R"("a":{"io.cost.qos":{}})"),
                "not simulated: a.json: /cgroups/a/io.cost.qos: not simulated; of control groups "
                "io.max and io.bfq.weight are",
                3},
        Finding{"Stacked",
                document(R"("stack":{"sda1":{"kind":"partition","members":["sda"],"start":"1MiB",)"
                         R"("size":"1GiB"}},"cgroups":{"a":{"io.max":{"sda1":{"wiops":5}}}})"),
                "not simulated: a.json: /cgroups/a/io.max/sda1: limits of partitions and of "
                "devices on top of others",
                3},
        Finding{"TooDeep", cgroups("\"" + path_of_depth(65) + "\":{}"),
                "a.json: " + child_pointer("/cgroups", path_of_depth(65)) +
                    ": a control group 65 levels below the root; at most 64"},
        Finding{"TooMany", cgroups(groups_with_parents(501)),
                "a.json: /cgroups: more than 1000 control groups, with those that paths imply "
                "(\"a\" of \"a/b\")"},
        Finding{"OldKernel", R"({"kernel":"3.6","devices":{"sda":{}},"cgroups":{"a":{}}})",
                "a.json: /cgroups: cgroup v2 came with Linux 4.5; a kernel with block_layer "
                "single-queue has no control groups with io.max"}),
    [](const auto& param) { return std::string{param.param.name}; });

}  // namespace
}  // namespace wbsim::system
