// "stack": what is accepted, completed and refused, and the graph of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sim/system/config_reader.hpp"
#include "sim/system/config_test_util.hpp"
#include "sim/system/device_graph.hpp"

namespace wbsim::system {
namespace {

using testing::read;
using testing::Reading;

std::string disk_named(const std::string& name, const std::string& size = "1GiB") {
  return "\"" + name + R"(":{"size":")" + size +
         R"(","queue":{"scheduler":"none","wbt_lat_usec":0}})";
}

// Four disks of 1 GiB and what is on top of them.
std::string stacked(const std::string& stack, const std::string& more = "") {
  return "{\"devices\":{" + disk_named("sda") + "," + disk_named("sdb") + "," + disk_named("sdc") +
         "," + disk_named("sdd") + "},\"stack\":{" + stack + "}" + more + "}";
}

struct BadStack {
  const char* name;
  std::string stack;
  std::string finding;  // behind "a.json: /stack"
};

void PrintTo(const BadStack& mistake, std::ostream* stream) { *stream << mistake.stack; }

class StackMistake : public ::testing::TestWithParam<BadStack> {};

TEST_P(StackMistake, IsToldWithPlaceAndWhatIsAllowed) {
  const Reading reading = read(stacked(GetParam().stack));
  EXPECT_EQ(reading.findings, "a.json: /stack" + GetParam().finding + "\n");
  EXPECT_EQ(reading.exit_code, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Members, StackMistake,
    ::testing::Values(
        BadStack{"NoKind", R"("md0":{"members":["sda","sdb"]})",
                 "/md0/kind: is missing; one of partition, linear, striped, raid0, raid1, raid5, "
                 "raid6"},
        BadStack{"UnknownKind", R"("md0":{"kind":"raid11","members":["sda","sdb"]})",
                 "/md0/kind: unknown \"raid11\"; one of partition, linear, striped, raid0, raid1, "
                 "raid5, raid6. Did you mean \"raid1\"?"},
        BadStack{"NoMembers", R"("md0":{"kind":"raid1","members":[]})",
                 "/md0/members: has 0 of them; a raid1 has 2 to 32"},
        BadStack{"UnknownMember", R"("md0":{"kind":"raid1","members":["sda","sdx"]})",
                 "/md0/members/1: unknown device \"sdx\"; one of sda, sdb, sdc, sdd, md0. Did you "
                 "mean \"sda\"?"},
        BadStack{"TooFew", R"("md0":{"kind":"raid6","members":["sda","sdb","sdc"]})",
                 "/md0/members: has 3 of them; a raid6 has 4 to 32"},
        BadStack{"PartitionOfTwo", R"("p":{"kind":"partition","members":["sda","sdb"]})",
                 "/p/members: has 2 of them; a partition has 1"},
        BadStack{"MemberTwice", R"("md0":{"kind":"raid1","members":["sda","sda"]})",
                 "/md0/members/1: \"sda\" is a member twice; not in use: sdb, sdc, sdd"},
        BadStack{
            "TwoUsers",
            R"("md0":{"kind":"raid1","members":["sda","sdb"]},)"
            R"("md1":{"kind":"raid0","members":["sdb","sdc"]})",
            "/md1/members/0: \"sdb\" is used by md0 already; a device has one user; not in use: "
            "sdd, md0"},
        BadStack{"PartitionedMember",
                 R"("sda1":{"kind":"partition","members":["sda"]},)"
                 R"("md0":{"kind":"raid1","members":["sda","sdb"]})",
                 "/md0/members/0: \"sda\" is used by sda1 already; a device has one user; not in "
                 "use: sdc, sdd, sda1"},
        BadStack{"AllInUse",
                 R"("md0":{"kind":"raid1","members":["sda","sdb","sdc","sdd"]},)"
                 R"("md1":{"kind":"linear","members":["md0","sdd"]})",
                 "/md1/members/1: \"sdd\" is used by md0 already; a device has one user; add a "
                 "device to /devices"},
        BadStack{"PartitionOfAPartition",
                 R"("sda1":{"kind":"partition","members":["sda"]},)"
                 R"("sda2":{"kind":"partition","members":["sda1"]})",
                 "/sda2/members/0: \"sda1\" is a partition itself, and there are none of "
                 "partitions; take a range of \"sda\" that is free"},
        BadStack{"PartitionOfALinear",
                 R"("lv":{"kind":"linear","members":["sda"]},)"
                 R"("lv1":{"kind":"partition","members":["lv"]})",
                 "/lv1/members/0: \"lv\" is a linear of device mapper, of which the kernel makes "
                 "no partitions; put the partition below it, or take an md array"},
        BadStack{"MissingOfARaid0", R"("md0":{"kind":"raid0","members":["sda","missing"]})",
                 "/md0/members/1: \"missing\": no member of a raid0 can be"},
        BadStack{"MissingOfTooFew", R"("md0":{"kind":"linear","members":["missing"]})",
                 "/md0/members/0: \"missing\": no member of a linear can be"},
        BadStack{
            "Cycle",
            R"("md0":{"kind":"linear","members":["md1","sda"]},)"
            R"("md1":{"kind":"linear","members":["md0","sdb"]})",
            "/md0: is on top of itself: md0 on md1 on md0; take one of them out of the members of "
            "the one before"},
        BadStack{
            "OfItself", R"("md0":{"kind":"linear","members":["md0"]})",
            "/md0: is on top of itself: md0 on md0; take one of them out of the members of the "
            "one before"},
        BadStack{"NameOfADisk", R"("sda":{"kind":"linear","members":["sdb"]})",
                 "/sda: has the name of one of /devices; give it another, as md0 or dm-0"}),
    [](const auto& each) { return std::string{each.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Options, StackMistake,
    ::testing::Values(
        BadStack{"ForeignOption",
                 R"("md0":{"kind":"raid1","members":["sda","sdb"],"chunk":"64KiB"})",
                 "/md0/chunk: is an option of striped, raid0, raid5, raid6, and this is a raid1"},
        BadStack{"UnknownOption", R"("md0":{"kind":"raid1","members":["sda","sdb"],"chunks":1})",
                 "/md0/chunks: unknown key \"chunks\"; one of kind, members, data_offset, "
                 "read_ahead_kb"},
        BadStack{"OddChunk", R"("md0":{"kind":"raid0","members":["sda","sdb"],"chunk":"5000B"})",
                 "/md0/chunk: 5000B is not a multiple of 4KiB"},
        BadStack{"ChunkNoPowerOfTwo",
                 R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"],"chunk":"12KiB"})",
                 "/md0/chunk: 12KiB is not a power of two"},
        BadStack{"LayoutOfAnotherKind",
                 R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"],"layout":"original"})",
                 "/md0/layout: \"original\" is a layout of raid0, and this is a raid5"},
        BadStack{"TooSmall",
                 R"("p":{"kind":"partition","members":["sda"],"size":"1MiB"},)"
                 R"("md0":{"kind":"raid0","members":["p","sdb"],"chunk":"2MiB"})",
                 "/md0/members/0: \"p\" has 1MiB; this raid0 needs 2MiB of each member"},
        BadStack{"DataOffsetWithinASector",
                 R"("md0":{"kind":"raid1","members":["sda","sdb"],"data_offset":"513B"})",
                 "/md0/data_offset: 513B is not a multiple of 512B"},
        BadStack{"PartitionBehindTheEnd",
                 R"("p":{"kind":"partition","members":["sda"],"start":"1GiB"})",
                 "/p/start: 1GiB leaves nothing of sda (1GiB)"},
        BadStack{"PartitionTooLarge", R"("p":{"kind":"partition","members":["sda"],"size":"1GiB"})",
                 "/p/size: 1GiB is more than there is of sda behind 1MiB (1023MiB)"},
        BadStack{"PartitionBetweenSectors",
                 R"("p":{"kind":"partition","members":["sda"],"start":"1000B"})",
                 "/p/start: 1000B is not a multiple of 512 bytes"},
        BadStack{"PartitionsOverlap",
                 R"("p":{"kind":"partition","members":["sda"],"size":"8MiB"},)"
                 R"("q":{"kind":"partition","members":["sda"],"start":"4MiB"})",
                 "/q: overlaps with p: 8MiB from 1MiB on; the first byte behind that is at 9MiB"},
        BadStack{"UnknownLayout",
                 R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"],"layout":"left-symetric"})",
                 "/md0/layout: unknown \"left-symetric\"; one of original, alternate, "
                 "left-symmetric. Did you mean \"left-symmetric\"?"},
        BadStack{"LayoutOfUnequalMembers",
                 R"("p":{"kind":"partition","members":["sda"],"size":"64MiB"},)"
                 R"("md0":{"kind":"raid0","members":["p","sdb","sdc"]})",
                 "/md0/layout: is missing: the members differ in size, and the kernel does not "
                 "start such an array without it (raid0.default_layout); \"original\", as mdadm "
                 "writes and kernels before 3.14 had it, or \"alternate\""},
        BadStack{"FewStripes",
                 R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"],"stripe_cache_size":16})",
                 "/md0/stripe_cache_size: 16 is not a whole number from 17 to 32768"}),
    [](const auto& each) { return std::string{each.param.name}; });

TEST(StackRefusal, NamesWhatIsNotSimulated) {
  const auto refused = [](const std::string& stack, const std::string& kernel = "") {
    const Reading reading =
        read(stacked(stack, kernel.empty() ? "" : ",\"kernel\":\"" + kernel + "\""));
    EXPECT_EQ(reading.exit_code, 3);
    return reading.findings;
  };
  EXPECT_EQ(refused(R"("md0":{"kind":"raid10","members":["sda","sdb"]})"),
            "not simulated: a.json: /stack/md0/kind: \"raid10\"; simulated are partition, linear, "
            "striped, raid0, raid1, raid5, raid6\n");
  EXPECT_EQ(refused(R"("md0":{"kind":"raid1","members":["sda","sdb","missing"]})"),
            "not simulated: a.json: /stack/md0/members/2: \"missing\": degraded arrays\n");
  EXPECT_EQ(refused(R"("md0":{"kind":"raid5","members":["sda","missing","sdc"]})"),
            "not simulated: a.json: /stack/md0/members/1: \"missing\": degraded arrays\n")
      << "and three are enough";
  EXPECT_EQ(refused(R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"],)"
                    R"("layout":"right-symmetric"})"),
            "not simulated: a.json: /stack/md0/layout: \"right-symmetric\"; simulated are "
            "original, alternate, left-symmetric\n");
}

TEST(StackConfig, CompletesWhatIsLeftOut) {
  const Reading reading = read(stacked(R"("sda1":{"kind":"partition","members":["sda"]},)"
                                       R"("md0":{"kind":"raid5","members":["sda1","sdb","sdc"]},)"
                                       R"("lv":{"kind":"striped","members":["md0","sdd"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const Config& config = *reading.config;
  EXPECT_EQ(print_config(config)["stack"].dump(),
            R"({"sda1":{"kind":"partition","members":["sda"],"start":"1MiB","size":"1023MiB"},)"
            R"("md0":{"kind":"raid5","members":["sda1","sdb","sdc"],"chunk":"512KiB",)"
            R"("data_offset":"0","layout":"left-symmetric","stripe_cache_size":256,)"
            R"("preread_bypass_threshold":1,"rmw_level":1},)"
            R"("lv":{"kind":"striped","members":["md0","sdd"],"chunk":"64KiB"}})");
  EXPECT_EQ(device_size(config, "md0"), mebibytes(2046));
  EXPECT_EQ(device_size(config, "lv"), mebibytes(2048));
  EXPECT_EQ(device_size(config, "sdx"), std::nullopt);
}

TEST(StackConfig, IsReadBackFromWhatItPrints) {
  const Reading first = read(stacked(R"("md0":{"kind":"raid0","members":["sda","sdb"],)"
                                     R"("data_offset":"1MiB","read_ahead_kb":512})"));
  ASSERT_TRUE(first.config) << first.findings;
  const Reading second = read(print_config(*first.config).dump());
  ASSERT_TRUE(second.config) << second.findings;
  EXPECT_EQ(second.config->stack, first.config->stack);
}

// One zone more, but of one member: nothing to choose.
TEST(StackConfig, ARaid0OfTwoUnequalMembersNeedsNoLayout) {
  const Reading reading =
      read(stacked(R"("p":{"kind":"partition","members":["sda"],"size":"64MiB"},)"
                   R"("md0":{"kind":"raid0","members":["p","sdb"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->stack[1].layout, "original");
}

TEST(StackConfig, Linux3_6HasOneLayoutOfRaid0) {
  const auto with = [](const std::string& layout) {
    return read(
        "{\"kernel\":\"3.6\",\"devices\":{\"sda\":{},\"sdb\":{},\"sdc\":{}},"
        R"("stack":{"p":{"kind":"partition","members":["sda"],"size":"64MiB"},)"
        R"("md0":{"kind":"raid0","members":["p","sdb","sdc"])" +
        layout + "}}}");
  };
  const Reading usual = with("");
  ASSERT_TRUE(usual.config) << usual.findings;
  EXPECT_EQ(usual.config->stack[1].layout, "original");
  EXPECT_EQ(with(R"(,"layout":"alternate")").findings,
            "a.json: /stack/md0/layout: this kernel has \"original\" alone; leave it out\n");
}

TEST(StackConfig, OptionsCanBeSet) {
  const Reading reading =
      read(stacked(R"("md0":{"kind":"raid0","members":["sda","sdb"]})"), {"stack.md0.chunk=64KiB"});
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->stack[0].chunk, kibibytes(64));
}

TEST(StackConfig, MembersMayBeDescribedLater) {
  const Reading reading = read(stacked(R"("lv":{"kind":"linear","members":["md0"]},)"
                                       R"("md0":{"kind":"raid1","members":["sda","sdb"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(build_order(*reading.config), (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(device_size(*reading.config, "lv"), gibibytes(1));
}

TEST(DeviceUser, IsWhoHasTheDeviceOrAPartitionOfIt) {
  const Reading reading = read(stacked(R"("sda1":{"kind":"partition","members":["sda"]},)"
                                       R"("sdb1":{"kind":"partition","members":["sdb"]},)"
                                       R"("md0":{"kind":"raid1","members":["sda1","sdc"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(device_user(*reading.config, "sda"), "md0");
  EXPECT_EQ(device_user(*reading.config, "sda1"), "md0");
  EXPECT_EQ(device_user(*reading.config, "sdc"), "md0");
  EXPECT_EQ(device_user(*reading.config, "sdb"), "");
  EXPECT_EQ(device_user(*reading.config, "md0"), "");
}

TEST(DeviceGraph, IsWrittenForGraphviz) {
  const Reading reading = read(stacked(R"("md0":{"kind":"raid1","members":["sda","sdb"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(to_dot(*reading.config, {}),
            "digraph G {\n"
            "node [shape=box];\n"
            "0[label=\"sda\\nsimdisk\\n1GiB\"];\n"
            "1[label=\"sdb\\nsimdisk\\n1GiB\"];\n"
            "2[label=\"sdc\\nsimdisk\\n1GiB\"];\n"
            "3[label=\"sdd\\nsimdisk\\n1GiB\"];\n"
            "4[label=\"md0\\nraid1\\n1GiB\"];\n"
            "4->0 [label=0];\n"
            "4->1 [label=1];\n"
            "}\n");
}

TEST(DeviceGraph, ShowsWhatWasMeasured) {
  const Reading reading = read(stacked(R"("md0":{"kind":"raid1","members":["sda","sdb"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const std::string dot = to_dot(*reading.config, {{"sda", {50, 0, 1234.4}}});
  EXPECT_NE(dot.find("0[label=\"sda\\nsimdisk\\n1GiB\\n50.00 % busy\\nread 0 KiB/s\\nwrite 1234 "
                     "KiB/s\" style=filled fillcolor=\"0.000 0.500 1.000\"];\n"),
            std::string::npos)
      << dot;
}

TEST(DeviceGraph, ShowsOfAPartitionWhatItPassedOn) {
  const Reading reading = read(stacked(R"("sda1":{"kind":"partition","members":["sda"]})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  const std::string dot = to_dot(*reading.config, {{"sda1", {0, 0, 1234.4}}});
  EXPECT_NE(
      dot.find("4[label=\"sda1\\npartition\\n1023MiB\\nread 0 KiB/s\\nwrite 1234 KiB/s\"];\n"),
      std::string::npos)
      << dot;
}

}  // namespace
}  // namespace wbsim::system
