#include "sim/system/config_reader.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/engine/cpu_costs.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

// Every option away from its default.
constexpr const char* kEverything = R"({
  "$schema": "../schema.json", "about": "all options", "kernel": "6.1",
  "profile": {"plug_merge": "all-requests", "plug_max_requests": 16, "throttling": false},
  "cpus": 2, "hz": 1000,
  "cpu_costs": {"wb_page": "4700ns", "tick": "1.5us"},
  "guest_tracing": ["rq", "wb"],
  "memory": {"total": "2GiB", "anon": "64MiB", "free": "217030pages", "active_file": "1pages",
             "inactive_file": "8KiB", "totalreserve": "17800pages"},
  "vm": {"dirty_ratio": 30, "dirty_background_ratio": 7, "dirty_bytes": 0,
         "dirty_background_bytes": 1, "dirty_writeback_centisecs": 0, "dirty_expire_centisecs": 1},
  "devices": {
    "sdb": {"model": "simdisk", "size": "1GiB", "channels": 2, "depth": 64, "read": "1us",
            "write": "100us", "flush": "2ms", "per_kib": "10240ns", "seek": "8ms",
            "queue": {"scheduler": "none", "nr_requests": 16, "max_sectors_kb": 512,
                      "max_segments": 128, "max_segment_size": 65536, "nomerges": 2,
                      "wbt_lat_usec": 0, "rotational": true, "write_cache": "write back",
                      "fua": true, "iosched": {}},
            "bdi": {"min_ratio": 1, "max_ratio": 50}},
    "sda": {"queue": {"scheduler": "none", "wbt_lat_usec": 0}}
  },
  "stack": {}, "mounts": {},
  "cgroups": {"slow": {"io.max": {"sda": {"wbps": "1MB", "riops": 100}}}},
  "actions": [{"at": "4s", "set": {"vm.dirty_bytes": 20000000, "vm.dirty_ratio": 3}},
              {"after": "workload", "syscall": "sync"}],
  "workload": {"fio": "[w]\nrw=write\n", "start": "1s", "tail": "1ms"},
  "boot": {"jiffies": 4294893300, "next_tick": "974us", "dirty_limit": 10280,
           "write_bandwidth": "85800KiB/s"},
  "output": {"interval": "50ms"}, "optimisation": {"batching": false, "bio_runs": false},
  "seed": 7
})";

TEST(ConfigReader, StoresEveryOption) {
  const testing::Reading reading = read(kEverything);
  ASSERT_TRUE(reading.config) << reading.findings;
  const Config& c = *reading.config;
  EXPECT_EQ(c.about, "all options");
  EXPECT_EQ(c.kernel, KernelVersion::k6_1);
  EXPECT_EQ(c.switches.plug_merge, block::PlugMergeRule::kAllRequests);
  EXPECT_EQ(c.switches.plug_issue_order, block::PlugIssueOrder::kLifo);
  EXPECT_EQ(c.switches.plug_max_requests, 16);
  EXPECT_FALSE(c.switches.throttling);
  EXPECT_EQ(c.cpus, 2);
  EXPECT_EQ(c.hz, 1000);
  EXPECT_EQ(c.cpu_costs.at("wb_page"), nanoseconds(4700));
  EXPECT_EQ(c.cpu_costs.at("tick"), nanoseconds(1500));
  EXPECT_EQ(c.guest_tracing, (std::vector<std::string>{"rq", "wb"}));
  EXPECT_EQ(c.memory.total, gibibytes(2));
  EXPECT_EQ(c.memory.anon, mebibytes(64));
  EXPECT_EQ(c.memory.free, Pages{217030});
  EXPECT_EQ(c.memory.inactive_file, Pages{2});
  EXPECT_EQ(c.memory.totalreserve, Pages{17800});
  EXPECT_EQ(c.vm.dirty_background_bytes, Bytes{1});
  EXPECT_EQ(c.actions.at(0).at, seconds(4));
  EXPECT_EQ(c.actions.at(0).set.at(0), (std::pair<std::string, std::int64_t>{"vm.dirty_ratio", 3}));
  EXPECT_TRUE(c.actions.at(1).after_workload);
  EXPECT_EQ(c.actions.at(1).syscall, "sync");
  EXPECT_EQ(c.workload_text, "[w]\nrw=write\n");
  EXPECT_EQ(c.workload_start, seconds(1));
  EXPECT_EQ(c.tail, milliseconds(1));
  EXPECT_EQ(c.boot.jiffies, 4294893300U);
  EXPECT_EQ(c.boot.write_bandwidth, Pages{21450});
  EXPECT_EQ(c.output.interval, milliseconds(50));
  EXPECT_FALSE(c.optimisation.batching);
  EXPECT_EQ(c.seed, 7U);
}

TEST(ConfigReader, StoresEveryOptionOfADeviceInTheOrderOfTheDocument) {
  const testing::Reading reading = read(kEverything);
  ASSERT_TRUE(reading.config) << reading.findings;
  ASSERT_EQ(reading.config->devices.size(), 2U);
  const DeviceConfig& d = reading.config->devices[0];
  EXPECT_EQ(d.name, "sdb");
  EXPECT_EQ(reading.config->devices[1].name, "sda");
  EXPECT_EQ(d.size, gibibytes(1));
  EXPECT_EQ(d.simdisk.channels, 2);
  EXPECT_EQ(d.simdisk.depth, 64);
  EXPECT_EQ(d.simdisk.read, microseconds(1));
  EXPECT_EQ(d.simdisk.write, microseconds(100));
  EXPECT_EQ(d.simdisk.flush, milliseconds(2));
  EXPECT_EQ(d.simdisk.per_kib, nanoseconds(10240));
  EXPECT_EQ(d.simdisk.seek, milliseconds(8));
  EXPECT_EQ(d.queue.nr_requests, 16);
  EXPECT_EQ(d.queue.max_sectors_kb, 512);
  EXPECT_EQ(d.queue.max_segments, 128);
  EXPECT_EQ(d.queue.max_segment_size, Bytes{65536});
  EXPECT_EQ(d.queue.nomerges, 2);
  EXPECT_TRUE(d.queue.rotational);
  EXPECT_TRUE(d.queue.write_cache);
  EXPECT_TRUE(d.queue.fua);
  EXPECT_EQ(d.bdi_min_ratio, 1);
  EXPECT_EQ(d.bdi_max_ratio, 50);
}

TEST(ConfigReader, ReadsBackWhatItPrints) {
  for (const std::string& text : {document(), std::string{kEverything}}) {
    const testing::Reading first = read(text);
    ASSERT_TRUE(first.config) << first.findings;
    const std::string printed = print_config(*first.config).dump(2);
    const testing::Reading second = read(printed);
    ASSERT_TRUE(second.config) << second.findings;
    EXPECT_EQ(*second.config, *first.config) << printed;
    EXPECT_EQ(print_config(*second.config).dump(2), printed);
  }
}

TEST(ConfigReader, GivesAQueueTheKernelsElevatorAndItsTunables) {
  const auto queue_of = [](const std::string& kernel, const std::string& queue) {
    const testing::Reading reading =
        read(R"({"kernel":")" + kernel + R"(","devices":{"sda":{"depth":200,"queue":{)" +
             R"("wbt_lat_usec":0)" + queue + "}}}}");
    EXPECT_TRUE(reading.config) << reading.findings;
    return reading.config->devices.at(0).queue;
  };
  const QueueConfig old = queue_of("5.10", "");
  EXPECT_EQ(old.scheduler, "mq-deadline");
  EXPECT_EQ(old.nr_requests, 256) << "twice the depth, of which 128 count";
  const std::map<std::string, std::int64_t, std::less<>> tunables{{"read_expire", 500},
                                                                  {"write_expire", 5000},
                                                                  {"writes_starved", 2},
                                                                  {"front_merges", 1},
                                                                  {"fifo_batch", 16}};
  EXPECT_EQ(old.iosched, tunables);
  // A changed nr_requests leaves async_depth where it was.
  const QueueConfig young =
      queue_of("6.1", R"(,"nr_requests":1024,"iosched":{"read_expire":100,"writes_starved":-1})");
  EXPECT_EQ(young.nr_requests, 1024);
  EXPECT_EQ(young.iosched.at("async_depth"), 256);
  EXPECT_EQ(young.iosched.at("prio_aging_expire"), 10000);
  EXPECT_EQ(young.iosched.at("read_expire"), 100);
  EXPECT_EQ(young.iosched.at("writes_starved"), -1);
  EXPECT_TRUE(queue_of("6.1", R"(,"scheduler":"none")").iosched.empty());
}

TEST(ConfigReader, ResolvesDefaultsThatFollowFromOtherOptions) {
  const testing::Reading reading = read(document(R"("hz":100)", R"(,"depth":1)"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->devices.at(0).queue.nr_requests, 1);
  EXPECT_EQ(reading.config->boot.jiffies, (std::uint64_t{1} << 32) - 30000);
  EXPECT_EQ(reading.config->cpu_costs.size(), engine::cpu_cost_components().size());
  EXPECT_EQ(reading.config->cpu_costs.at("tick"), engine::CpuCosts{}.tick);
}

TEST(ConfigReader, TakesSwitchesFromTheKernelsProfile) {
  const testing::Reading newer = read(document(R"("kernel":"6.1")"));
  ASSERT_TRUE(newer.config) << newer.findings;
  KernelSwitches expected;
  expected.plug_merge = block::PlugMergeRule::kNewestOnly;
  expected.plug_issue_order = block::PlugIssueOrder::kLifo;
  expected.elevator_pull = block::ElevatorPull::kWhileTags;
  expected.fua_issue = block::FuaIssue::kSubmitter;
  expected.multi_queue = block::MultiQueueRules::kV6_1;
  expected.bio_priority = block::BioPriorityRule::kOfSubmitter;
  expected.mirror_writes = block::MirrorWrites::kDirect;
  expected.stripe_visit = block::StripeVisit::kByStripe;
  expected.disk_stats = block::DiskStatsRules::kV6_1;
  expected.throttle_splits = block::SplitCharge::kEachPart;
  expected.elevators = block::ElevatorGeneration::kV6_1;
  expected.plug_size_limit = block::PlugSizeLimit::kWhereMerging;
  expected.tag_wake = block::TagWakeRule::kCompletionCount;
  expected.direct_io = {.plugs_asynchronous = false, .marks_waited_reads_sync = true};
  expected.buffered_read = KernelSwitches::BufferedRead::kBatched;
  expected.background_start = KernelSwitches::BackgroundStart::kEveryTurn;
  expected.bandwidth_update = KernelSwitches::BandwidthUpdate::kDoWritepages;
  expected.over_background_exact = true;
  EXPECT_EQ(newer.config->switches, expected);
  const testing::Reading standard = read(document());
  ASSERT_TRUE(standard.config) << standard.findings;
  EXPECT_EQ(standard.config->kernel, KernelVersion::k5_10);
  EXPECT_EQ(standard.config->switches, KernelSwitches{});
}

TEST(ConfigReader, AcceptsABareZeroAsAQuantity) {
  const testing::Reading reading =
      read(document(R"("memory":{"anon":0,"total":"1 GiB"})", R"(,"write":0,"read":"0")"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->memory.anon, Bytes{0});
}

TEST(ConfigReader, ReadsEveryMachineOfTheProject) {
  int machines = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"configs/machines"}) {
    const std::string name = entry.path().stem().string();
    const testing::Reading reading =
        read(document(R"("cpu_costs":{"sample":"1ns","use":")" + name + "\"}"));
    ASSERT_TRUE(reading.config) << reading.findings;
    EXPECT_EQ(reading.config->cpu_costs_name, name);
    EXPECT_NE(reading.config->cpu_costs.at("tick"), engine::CpuCosts{}.tick);
    EXPECT_EQ(reading.config->cpu_costs.at("sample"), nanoseconds(1));  // its own keys win
    ++machines;
  }
  EXPECT_GE(machines, 2);
}

class ConfigFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path{::testing::TempDir()} /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
  }
  testing::Reading read_here(const std::string& text) {
    Diagnostics diagnostics;
    testing::Reading reading;
    reading.config = read_config({"a.json", text, folder_.string()}, {}, diagnostics);
    for (const Diagnostic& finding : diagnostics.all()) {
      reading.findings += to_string(finding) + "\n";
    }
    return reading;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(ConfigFiles, OfADeviceAreOverriddenKeyByKey) {
  write("disk.json", R"({"about":"a","source":"b","depth":4,"per_kib":"1us",
                         "queue":{"scheduler":"none","wbt_lat_usec":0,"max_sectors_kb":128}})");
  const testing::Reading reading =
      read_here(R"({"devices":{"sda":{"depth":8,"queue":{"nomerges":1},"use":"disk.json"}}})");
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.findings, "");
  const DeviceConfig& device = reading.config->devices.at(0);
  EXPECT_EQ(device.simdisk.depth, 8);
  EXPECT_EQ(device.simdisk.per_kib, microseconds(1));
  EXPECT_EQ(device.queue.max_sectors_kb, 128);
  EXPECT_EQ(device.queue.nomerges, 1);
}

TEST_F(ConfigFiles, AreNamedInTheErrorsTheyContain) {
  write("disk.json", R"({"depth":0,"use":"other.json"})");
  EXPECT_EQ(read_here(R"({"devices":{"sda":{"use":"disk.json"}}})").findings,
            path("disk.json") + ": /depth: 0 is not a whole number from 1 to 10240\n" +
                path("disk.json") +
                ": /use: unknown key \"use\"; one of model, size, channels, depth, read, write, "
                "flush, per_kib, seek, queue, driver, faults, host, host_tags, bdi\n");
}

TEST_F(ConfigFiles, ThatAreMissingAreReportedWithThePlacesLookedAt) {
  EXPECT_EQ(read_here(R"({"devices":{"sda":{"use":"disk.json"}}})").findings,
            "a.json: /devices/sda/use: there is no file \"disk.json\"; looked for " +
                path("disk.json") + ", " +
                (config_roots(folder_.string()).front() / "disk.json").string() + "\n");
}

TEST_F(ConfigFiles, ThatAreDirectoriesAreReported) {
  EXPECT_EQ(read_here(R"({"devices":{"sda":{"use":"."}}})").findings,
            "a.json: /devices/sda/use: \"" + path(".") + "\" is not a regular file\n");
}

TEST_F(ConfigFiles, OfAWorkloadGiveItsText) {
  write("w.fio", "[w]\nrw=write\n");
  const testing::Reading reading = read_here(document(R"("workload":{"file":"w.fio"})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->workload_file, "w.fio");
  EXPECT_EQ(reading.config->workload_text, "[w]\nrw=write\n");
  const std::string printed = print_config(*reading.config).dump();
  const testing::Reading elsewhere = read(printed);
  ASSERT_TRUE(elsewhere.config) << elsewhere.findings;
  EXPECT_EQ(*elsewhere.config, *reading.config);
}

TEST_F(ConfigFiles, OfAWorkloadGiveWayToATextBesideThem) {
  write("w.fio", "[a]\nrw=write\n");
  const testing::Reading reading =
      read_here(document(R"("workload":{"file":"w.fio","fio":"[b]"})"));
  ASSERT_TRUE(reading.config) << reading.findings;
  EXPECT_EQ(reading.config->workload_text, "[b]");
  EXPECT_EQ(reading.findings, "note: a.json: /workload/fio: runs instead of \"" + path("w.fio") +
                                  "\", which has another text\n");
}

TEST_F(ConfigFiles, OfKernelsComeFromTheNearestConfigsFolder) {
  EXPECT_EQ(config_roots("/srv/lab/configs/experiments").front(), "/srv/lab/configs");
  EXPECT_EQ(config_roots("/srv/lab/configs/experiments").size(), 2U);
  EXPECT_EQ(config_roots("/srv/lab").size(), 1U);
}

}  // namespace
}  // namespace wbsim::system
