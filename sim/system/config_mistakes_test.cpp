// What a user can get wrong, and the full text of what is said about it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/engine/cpu_costs.hpp"
#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

struct Mistake {
  const char* name;
  std::string text;
  std::string findings;
  std::vector<std::string> sets{};
};

void PrintTo(const Mistake& mistake, std::ostream* stream) { *stream << mistake.text; }

class ConfigMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistake, IsAnErrorWithThisText) {
  const testing::Reading reading = read(GetParam().text, GetParam().sets);
  EXPECT_EQ(reading.findings, GetParam().findings + "\n");
  EXPECT_EQ(reading.exit_code, 2);
  EXPECT_FALSE(reading.config);
}

const std::string kDuration = "is not a duration such as \"5ms\" (units: h, min, s, ms, us, ns)";
const std::string kSize =
    "is not a size such as \"64MiB\" (units: TiB, GiB, MiB, pages, KiB, TB, GB, MB, KB, kB, B)";

std::string cost_names() {
  std::string names;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    names += (names.empty() ? "" : ", ") + std::string{component.name};
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ConfigMistake,
    ::testing::Values(
        Mistake{
            "AtTheRoot", document(R"("sead":1)"),
            "a.json: /sead: unknown key \"sead\"; one of $schema, about, kernel, profile, cpus, "
            "hz, cpu_costs, guest_tracing, memory, vm, devices, stack, mounts, cgroups, actions, "
            "workload, boot, output, optimisation, seed, _unsimulated. Did you mean \"seed\"?"},
        Mistake{"InVm", document(R"("vm":{"dirty_ration":5})"),
                "a.json: /vm/dirty_ration: unknown key \"dirty_ration\"; one of dirty_ratio, "
                "dirty_background_ratio, dirty_bytes, dirty_background_bytes, "
                "dirty_writeback_centisecs, dirty_expire_centisecs. Did you mean \"dirty_ratio\"?"},
        Mistake{
            "InADevice", document("", R"(,"dept":4)"),
            "a.json: /devices/sda/dept: unknown key \"dept\"; one of use, model, size, channels, "
            "depth, read, write, flush, per_kib, seek, queue, driver, faults, host, host_tags, "
            "bdi. "
            "Did you mean "
            "\"depth\"?"},
        Mistake{
            "InAnAction", document(R"("actions":[{"at":"1s","syscall":"sync","when":1}])"),
            "a.json: /actions/0/when: unknown key \"when\"; one of at, after, set, syscall, anon"},
        Mistake{"OfAnAction", document(R"("actions":[{"at":"1s","set":{"dirty_bytes":8192}}])"),
                "a.json: /actions/0/set/dirty_bytes: unknown key \"dirty_bytes\"; one of "
                "vm.dirty_ratio, vm.dirty_background_ratio, vm.dirty_bytes, "
                "vm.dirty_background_bytes, vm.dirty_writeback_centisecs, "
                "vm.dirty_expire_centisecs, vm.drop_caches. "
                "Did you mean \"vm.dirty_bytes\"?"},
        Mistake{"OfACost", document(R"("cpu_costs":{"wb_pages":"1us"})"),
                "a.json: /cpu_costs/wb_pages: unknown key \"wb_pages\"; one of use, " +
                    cost_names() + ". Did you mean \"wb_page\"?"},
        Mistake{"GivenTwice",
                R"({"seed":1,"seed":2,"devices":{"sda":{"queue":{"scheduler":"none",)"
                R"("wbt_lat_usec":0}}}})",
                "a.json: /seed: the key is given twice"},
        Mistake{"ThatNeedEscaping", document(R"("vm":{"a/b~c":1})"),
                "a.json: /vm/a~1b~0c: unknown key \"a/b~c\"; one of dirty_ratio, "
                "dirty_background_ratio, dirty_bytes, dirty_background_bytes, "
                "dirty_writeback_centisecs, dirty_expire_centisecs"},
        Mistake{"WithControlCharacters", document(R"("output":{"\u001b[2J":1})"),
                "a.json: /output/\\u001b[2J: unknown key \"\\u001b[2J\"; one of interval, "
                "requests, trace"}),
    [](const auto& param) { return std::string{param.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigMistake,
    ::testing::Values(
        Mistake{"AboveTheRange", document(R"("vm":{"dirty_ratio":101})"),
                "a.json: /vm/dirty_ratio: 101 is not a whole number from 0 to 100"},
        Mistake{"BelowTheRange", document(R"("vm":{"dirty_ratio":-1})"),
                "a.json: /vm/dirty_ratio: -1 is not a whole number from 0 to 100"},
        Mistake{"AFraction", document(R"("vm":{"dirty_ratio":12.5})"),
                "a.json: /vm/dirty_ratio: 12.5 is not a whole number from 0 to 100"},
        Mistake{"TextForANumber", document(R"("vm":{"dirty_ratio":"5"})"),
                "a.json: /vm/dirty_ratio: \"5\" is not a whole number from 0 to 100"},
        Mistake{"Null", document(R"("vm":{"dirty_ratio":null})"),
                "a.json: /vm/dirty_ratio: null is not a whole number from 0 to 100"},
        Mistake{"BeyondSixtyFourBits", document(R"("seed":1000000000000000000000000)"),
                "a.json: /seed: 1e+24 is not a whole number from 0"},
        Mistake{"BeyondSigned", document(R"("seed":18446744073709551615)"),
                "a.json: /seed: 18446744073709551615 is not a whole number from 0"},
        Mistake{
            "OneDirtyPage", document(R"("vm":{"dirty_bytes":4096})"),
            "a.json: /vm/dirty_bytes: 4096 is below the kernel's minimum of 8192 (two pages); 0 "
            "means that dirty_ratio holds"},
        Mistake{"DurationWithoutUnit", document("", R"(,"write":100)"),
                "a.json: /devices/sda/write: 100 " + kDuration},
        Mistake{"UnknownUnit", document("", R"(,"write":"100 parsec")"),
                "a.json: /devices/sda/write: \"100 parsec\" " + kDuration},
        Mistake{"NegativeDuration", document("", R"(,"write":"-1ms")"),
                "a.json: /devices/sda/write: \"-1ms\" " + kDuration},
        Mistake{"ScientificDuration", document("", R"(,"write":"1e3ns")"),
                "a.json: /devices/sda/write: \"1e3ns\" " + kDuration},
        Mistake{"NoNumber", document("", R"(,"write":"ms")"),
                "a.json: /devices/sda/write: \"ms\" " + kDuration},
        Mistake{"EmptyDuration", document("", R"(,"write":"")"),
                "a.json: /devices/sda/write: \"\" " + kDuration},
        Mistake{"PartOfANanosecond", document("", R"(,"write":"0.5ns")"),
                "a.json: /devices/sda/write: \"0.5ns\" is not a whole number of nanoseconds"},
        Mistake{"TooLongADuration", document("", R"(,"write":"2h")"),
                "a.json: /devices/sda/write: \"2h\" is out of range; from 0 to 3600s"},
        Mistake{"DurationOfCenturies", document("", R"(,"write":"999999999999999999h")"),
                "a.json: /devices/sda/write: \"999999999999999999h\" is too large"},
        Mistake{"PartOfAPage", document(R"("memory":{"total":"1000001KiB"})"),
                "a.json: /memory/total: \"1000001KiB\" is not a whole number of 4 KiB pages"},
        Mistake{"TooLittleMemory", document(R"("memory":{"total":"16MiB"})"),
                "a.json: /memory/total: \"16MiB\" is out of range; from 64MiB to 64TiB"},
        Mistake{"SizeWithTheUnitOfARate", document(R"("memory":{"total":"1GiB/s"})"),
                "a.json: /memory/total: \"1GiB/s\" " + kSize}),
    [](const auto& param) { return std::string{param.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    OtherValues, ConfigMistake,
    ::testing::Values(
        Mistake{"TextForABoolean", document(R"("optimisation":{"batching":"yes"})"),
                "a.json: /optimisation/batching: \"yes\" is not true or false"},
        Mistake{"ArrayForAnObject", document(R"("vm":[1])"),
                "a.json: /vm: an array is not an object"},
        Mistake{"NumberForText", document(R"("about":7)"), "a.json: /about: 7 is not a string"},
        Mistake{"Hz", document(R"("hz":1024)"),
                "a.json: /hz: 1024 is not one of 100, 250, 300, 1000"},
        Mistake{"KernelAsNumber", document(R"("kernel":5.10)"),
                "a.json: /kernel: 5.1 is not a string; one of 2.6.18, 3.6, 5.10, 6.1, 6.6, 6.12"},
        Mistake{"UnknownKernel", document(R"("kernel":"5.14")"),
                "a.json: /kernel: unknown \"5.14\"; one of 2.6.18, 3.6, 5.10, 6.1, 6.6, 6.12. Did "
                "you mean "
                "\"5.10\"?"},
        Mistake{"UnknownSwitchValue", document(R"("profile":{"plug_merge":"newest"})"),
                "a.json: /profile/plug_merge: unknown \"newest\"; one of all-requests, "
                "newest-only, newest-or-oldest"},
        Mistake{"UnknownIssueOrder", document(R"("profile":{"plug_issue_order":"lilo"})"),
                "a.json: /profile/plug_issue_order: unknown \"lilo\"; one of fifo, lifo, "
                "direct-fifo. Did you mean "
                "\"lifo\"?"},
        Mistake{"TraceCategoryTwice", document(R"("guest_tracing":["wb","wb"])"),
                "a.json: /guest_tracing/1: \"wb\" is given twice"},
        Mistake{"TraceCategory", document(R"("guest_tracing":["wbx"])"),
                "a.json: /guest_tracing/0: unknown \"wbx\"; one of wb, rq, blk, block_bio_queue, "
                "block_bio_backmerge, block_bio_frontmerge, block_getrq, block_plug, block_unplug, "
                "block_split, block_rq_insert, block_rq_merge, block_rq_issue, block_rq_complete, "
                "wbt. Did you mean \"wb\"?"}),
    [](const auto& param) { return std::string{param.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Devices, ConfigMistake,
    ::testing::Values(
        Mistake{"NoDevices", "{}", "a.json: /devices: is missing; a run needs at least one device"},
        Mistake{"EmptyDevices", R"({"devices":{}})",
                "a.json: /devices: is empty; a run needs at least one device"},
        Mistake{"DevicesAsArray", R"({"devices":[]})",
                "a.json: /devices: an array is not an object"},
        Mistake{
            "DeviceName", R"({"devices":{"../sda":{}}})",
            "a.json: /devices/..~1sda: \"../sda\" is not a device name: a letter, then letters, "
            "digits, _ and -, at most 31 characters, lower case"},
        Mistake{"UnknownElevator", R"({"devices":{"sda":{"queue":{"scheduler":"mq-dedline"}}}})",
                "a.json: /devices/sda/queue/scheduler: unknown \"mq-dedline\"; one of none, "
                "mq-deadline, kyber, bfq, noop, deadline, cfq, anticipatory. Did you mean "
                "\"mq-deadline\"?"},
        Mistake{
            "UnknownModel", document("", R"(,"model":"floppy")"),
            "a.json: /devices/sda/model: unknown \"floppy\"; one of simdisk, hdd, ssd, null_blk"},
        Mistake{"MoreRequestsThanTags",
                document("", R"(,"depth":8)"),
                "--set queue.nr_requests=9: 9 is more than the device's depth (8), which "
                "the kernel refuses with scheduler none",
                {"queue.nr_requests=9"}},
        Mistake{"MoreRequestsThanAnElevatorMayHave",
                R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0,"nr_requests":2049}}}})",
                "a.json: /devices/sda/queue/nr_requests: 2049 is more than the kernel allows with "
                "an elevator (2048, MAX_SCHED_RQ)"},
        Mistake{"FewerRequestsThanTheKernelAllows",
                R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0,"nr_requests":3}}}})",
                "a.json: /devices/sda/queue/nr_requests: 3 is below the kernel's minimum of 4 "
                "(BLKDEV_MIN_RQ)"},
        Mistake{"TunableWithoutElevator",
                document(),
                "--set queue.iosched.fifo_batch=1: scheduler none has no tunables",
                {"queue.iosched.fifo_batch=1"}},
        Mistake{"TunableOfALaterKernel",
                R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0,"iosched":{"async_depth":8}}}}})",
                "a.json: /devices/sda/queue/iosched/async_depth: scheduler mq-deadline of this "
                "kernel does not have it; it has read_expire, write_expire, writes_starved, "
                "front_merges, fifo_batch"},
        Mistake{"ElevatorOfAnotherKernel",
                R"({"kernel":"3.6","devices":{"sda":{"queue":{"scheduler":"mq-deadline"}}}})",
                "a.json: /devices/sda/queue/scheduler: \"mq-deadline\" is no elevator of this "
                "kernel; it has noop, deadline, cfq"},
        Mistake{"NoElevatorWhereThereAlwaysIsOne",
                R"({"kernel":"2.6.18","devices":{"sda":{"queue":{"scheduler":"none"}}}})",
                "a.json: /devices/sda/queue/scheduler: \"none\" is no elevator of this kernel; it "
                "has noop, deadline, cfq, anticipatory"},
        Mistake{"ElevatorsOfAnotherBlockLayer",
                R"({"kernel":"3.6","profile":{"elevators":"6.1"},)"
                R"("devices":{"sda":{"queue":{"scheduler":"mq-deadline"}}}})",
                "a.json: /profile/elevators: block_layer single-queue has the elevators of 2.6.18 "
                "or 3.6"},
        Mistake{"MisspeltTunable",
                R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0,"iosched":{"fifo_bach":8}}}}})",
                "a.json: /devices/sda/queue/iosched/fifo_bach: unknown key \"fifo_bach\"; one of "
                "read_expire, "
                "write_expire, writes_starved, front_merges, fifo_batch, async_depth, "
                "prio_aging_expire, read_lat_nsec, write_lat_nsec, fifo_expire_sync, "
                "fifo_expire_async, "
                "back_seek_max, back_seek_penalty, slice_idle, slice_idle_us, max_budget, "
                "timeout_sync, "
                "strict_guarantees, low_latency, quantum, queued, slice_sync, slice_async, "
                "slice_async_rq, group_idle, target_latency, antic_expire, read_batch_expire, "
                "write_batch_expire. Did you mean \"fifo_batch\"?"}),
    [](const auto& param) { return std::string{param.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    Combinations, ConfigMistake,
    ::testing::Values(
        Mistake{"TunableOutOfItsRange",
                R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0,"iosched":{"front_merges":2}}}}})",
                "a.json: /devices/sda/queue/iosched/front_merges: 2 is not a whole number from 0 "
                "to 1"},
        Mistake{"MinAboveMaxRatio", document("", R"(,"bdi":{"min_ratio":50,"max_ratio":40})"),
                "a.json: /devices/sda/bdi/min_ratio: 50 is above max_ratio (40)"},
        Mistake{
            "MinRatiosOfAllDevices", document("", R"(,"bdi":{"min_ratio":100})"),
            "a.json: /devices: the min_ratios of all devices add up to 100; the kernel keeps the "
            "sum below 100"},
        Mistake{
            "MoreMemoryThanThereIs",
            document(R"("memory":{"total":"64MiB","anon":"60MiB","free":"2048pages"})"),
            "a.json: /memory: anon, free, active_file and inactive_file are 68MiB together, more "
            "than total (64MiB)"},
        Mistake{"ReserveOfEverything",
                document(R"("memory":{"total":"64MiB","totalreserve":"64MiB"})"),
                "a.json: /memory/totalreserve: 64MiB is not below total (64MiB)"},
        Mistake{"TickTooFarAway", document(R"("boot":{"next_tick":"5ms"})"),
                "a.json: /boot/next_tick: 5ms is more than a tick (4ms with hz 250)"},
        Mistake{"ActionWithoutTime", document(R"("actions":[{"syscall":"sync"}])"),
                "a.json: /actions/0: needs exactly one of \"at\" and \"after\""},
        Mistake{"ActionWithTwoTimes",
                document(R"("actions":[{"at":"1s","after":"workload","syscall":"sync"}])"),
                "a.json: /actions/0: needs exactly one of \"at\" and \"after\""},
        Mistake{"ActionWithoutDeed", document(R"("actions":[{"at":"1s"}])"),
                "a.json: /actions/0: needs exactly one of \"set\" and \"syscall\""},
        Mistake{"ActionAfterSomethingElse",
                document(R"("actions":[{"after":"lunch","syscall":"sync"}])"),
                "a.json: /actions/0/after: \"lunch\" is not \"workload\""},
        Mistake{"ActionWithAnEmptySet", document(R"("actions":[{"at":"1s","set":{}}])"),
                "a.json: /actions/0/set: is empty; give at least one sysctl such as "
                "\"vm.dirty_ratio\""},
        Mistake{"ActionWritingNoDirtyBytes",
                document(R"("actions":[{"at":"1s","set":{"vm.dirty_bytes":0}}])"),
                "a.json: /actions/0/set/vm.dirty_bytes: 0 is not a whole number from 8192"},
        Mistake{
            "UnknownSyscall", document(R"("actions":[{"at":"1s","syscall":"synk"}])"),
            "a.json: /actions/0/syscall: unknown \"synk\"; one of sync. Did you mean \"sync\"?"}),
    [](const auto& param) { return std::string{param.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    OldKernels, ConfigMistake,
    ::testing::Values(
        Mistake{"ChunkSectorsBeforeThereWereAny",
                R"({"kernel":"3.6","devices":{"sda":{"queue":{"chunk_sectors":128}}}})",
                "a.json: /devices/sda/queue/chunk_sectors: this kernel does not know it (Linux "
                "3.16); leave it out"},
        Mistake{"TopologyBeforeThereWasAny",
                R"({"kernel":"2.6.18","devices":{"sda":{"queue":{"optimal_io_size":65536}}}})",
                "a.json: /devices/sda/queue/optimal_io_size: this kernel does not know it (Linux "
                "2.6.31); leave it out"}),
    [](const auto& param) { return std::string{param.param.name}; });

TEST(ConfigMistakes, AreAllShownAtOnce) {
  const testing::Reading reading = read(document(
      R"("vm":{"dirty_ratio":101,"dirty_ratoi":1},"kernel":"6.10","seed":-1)", R"(,"depth":0)"));
  EXPECT_EQ(
      reading.findings,
      "a.json: /kernel: unknown \"6.10\"; one of 2.6.18, 3.6, 5.10, 6.1, 6.6, 6.12. Did you mean "
      "\"5.10\"?\n"
      "a.json: /vm/dirty_ratio: 101 is not a whole number from 0 to 100\n"
      "a.json: /vm/dirty_ratoi: unknown key \"dirty_ratoi\"; one of dirty_ratio, "
      "dirty_background_ratio, dirty_bytes, dirty_background_bytes, "
      "dirty_writeback_centisecs, dirty_expire_centisecs. Did you mean \"dirty_ratio\"?\n"
      "a.json: /devices/sda/depth: 0 is not a whole number from 1 to 10240\n"
      "a.json: /seed: -1 is not a whole number from 0\n");
}

}  // namespace
}  // namespace wbsim::system
