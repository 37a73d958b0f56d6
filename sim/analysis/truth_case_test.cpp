#include "sim/analysis/truth_case.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sim/analysis/input_file.hpp"
#include "sim/analysis/test_folder.hpp"
#include "sim/analysis/validate.hpp"

namespace wbsim::analysis {
namespace {

using Messages = std::vector<std::string>;

Messages messages(const TestFolder& folder, const Diagnostics& diagnostics) {
  Messages all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != Severity::kNote) {
      all.push_back(folder.shortened(to_string(diagnostic)));
    }
  }
  return all;
}

// The case "c" of `folder`, which has to be readable.
TruthCase read(const TestFolder& folder) {
  Diagnostics diagnostics;
  auto truth = read_truth_case(folder.path() / "c", diagnostics);
  EXPECT_EQ(messages(folder, diagnostics), Messages{});
  return truth ? *truth : TruthCase{};
}

PreparedCase prepared(const TestFolder& folder) {
  Diagnostics diagnostics;
  auto result = prepare(read(folder), diagnostics);
  EXPECT_EQ(messages(folder, diagnostics), Messages{});
  return result ? *result : PreparedCase{};
}

system::Json json_of(const TestFolder& folder, const std::string& name) {
  Diagnostics diagnostics;
  return read_json(folder.path() / "c" / name, diagnostics).value_or(system::Json{});
}

// Writes a changed copy of one of the case's JSON files.
template <class Change>
void change(const TestFolder& folder, const std::string& name, Change change_document) {
  system::Json document = json_of(folder, name);
  change_document(document);
  folder.write("c/" + name, document.dump());
}

TEST(TruthCase, TurnsTheInputsIntoAConfiguration) {
  const TestFolder folder;
  write_small_case(folder, "c");
  const PreparedCase result = prepared(folder);
  const system::Config& config = result.config;
  EXPECT_EQ(config.kernel, system::KernelVersion::k6_1);  // absent: 6.1
  EXPECT_EQ(config.hz, 250);
  EXPECT_EQ(config.cpus, 1);
  EXPECT_EQ(config.cpu_costs_name, "rig-6.1");
  EXPECT_EQ(config.guest_tracing, (Messages{"wb", "rq", "blk"}));
  EXPECT_EQ(config.output.interval, milliseconds(5));  // a tenth of sample_ms
  EXPECT_EQ(config.workload_start, nanoseconds(181'367'762));
  EXPECT_EQ(config.tail, seconds(1));
  EXPECT_EQ(config.vm.dirty_bytes, Bytes{40'000'000});
  EXPECT_EQ(config.vm.dirty_background_bytes, Bytes{0});
  EXPECT_EQ(config.vm.dirty_background_ratio, 10);
  EXPECT_EQ(config.boot.jiffies, 4'294'893'297U);
  EXPECT_EQ(config.boot.next_tick, milliseconds(2));
  EXPECT_EQ(config.boot.dirty_limit, Pages{10'280});
  EXPECT_EQ(config.boot.write_bandwidth, Pages{25'600});
  EXPECT_EQ(config.memory.total, kibibytes(983'720));
  EXPECT_EQ(config.memory.free, Pages{217'030});
  EXPECT_EQ(config.memory.totalreserve, Pages{217'030 + 3 + 4 - 199'228});
}

TEST(TruthCase, KeepsControlGroups) {
  const TestFolder folder;
  write_small_case(folder, "c");
  change(folder, "case.json", [](system::Json& document) {
    document["cgroups"] = {{"a", {{"io.bfq.weight", 400}}}};
  });
  const PreparedCase result = prepared(folder);
  ASSERT_EQ(result.config.cgroups.size(), 1U);
  EXPECT_EQ(result.config.cgroups[0].name, "a");
  EXPECT_EQ(result.config.cgroups[0].bfq_weight, 400);
}

TEST(TruthCase, DescribesTheDeviceAndItsQueue) {
  const TestFolder folder;
  write_small_case(folder, "c");
  const PreparedCase result = prepared(folder);
  ASSERT_EQ(result.config.devices.size(), 1U);
  const system::DeviceConfig& device = result.config.devices[0];
  EXPECT_EQ(device.name, "sim0");
  EXPECT_EQ(device.size, gibibytes(1));
  EXPECT_EQ(device.simdisk.depth, 32);
  EXPECT_EQ(device.simdisk.write, microseconds(50));
  EXPECT_EQ(device.simdisk.flush, microseconds(500));
  EXPECT_EQ(device.simdisk.per_kib, nanoseconds(10'240));
  EXPECT_EQ(device.queue.scheduler, "none");
  EXPECT_EQ(device.queue.nr_requests, 32);
  EXPECT_EQ(device.queue.max_sectors_kb, 1280);
  EXPECT_TRUE(device.queue.write_cache);
  EXPECT_TRUE(device.queue.fua);
}

TEST(TruthCase, KeepsActionsAndReplacesTheTarget) {
  const TestFolder folder;
  write_small_case(folder, "c");
  const PreparedCase result = prepared(folder);
  ASSERT_EQ(result.config.actions.size(), 2U);
  EXPECT_TRUE(result.config.actions[0].after_workload);
  EXPECT_EQ(result.config.actions[0].syscall, "sync");
  EXPECT_EQ(result.config.actions[1].at, milliseconds(500));
  ASSERT_EQ(result.config.actions[1].set.size(), 1U);
  EXPECT_EQ(result.config.actions[1].set[0].first, "vm.dirty_bytes");
  ASSERT_EQ(result.workload.jobs.size(), 1U);
  EXPECT_EQ(result.workload.jobs[0].filename, "/dev/sim0");
  EXPECT_EQ(result.workload.jobs[0].block_size(), kibibytes(64));
}

// fio logs an I/O again when its engine was busy.
TEST(TruthCase, ReplaysIosInOrderAndOnce) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/io-w.csv.xz", "op,offset,length\nW,8192,4096\nR,0,8192\nR,0,8192\nW,4096,4096\n");
  using workload::Direction;
  EXPECT_EQ(read(folder).replay.at("w"),
            (std::vector<workload::Io>{{Direction::kWrite, FileOffset{8192}, Bytes{4096}},
                                       {Direction::kRead, FileOffset{0}, Bytes{8192}},
                                       {Direction::kWrite, FileOffset{4096}, Bytes{4096}}}));
}

TEST(TruthCase, DefaultsWhatTheRunDoesNotShow) {
  const TestFolder folder;
  write_small_case(folder, "c");
  change(folder, "initial-state.json", [](system::Json& state) {
    state["jiffies_at_t0"] = nullptr;
    state["limits_pages"] = nullptr;
    state.erase("dirtyable_pages");
    state["first_fio_event_us"] = 498445.395;
  });
  change(folder, "case.json", [](system::Json& description) { description["tail_s"] = ""; });
  const system::Config config = prepared(folder).config;
  EXPECT_EQ(config.boot.next_tick, milliseconds(2));             // the middle of a tick
  EXPECT_EQ(config.boot.jiffies, 0x1'0000'0000U - 300U * 250U);  // INITIAL_JIFFIES
  EXPECT_FALSE(config.boot.dirty_limit);
  EXPECT_FALSE(config.memory.totalreserve);
  EXPECT_EQ(config.tail, SimDuration{});
}

// Replaces every number and text below `value`.
void scramble(system::Json& value) {
  if (value.is_structured()) {
    for (system::Json& member : value) {
      scramble(member);
    }
  } else {
    value = value.is_string() ? system::Json{"garbage"} : system::Json{-987'654'321};
  }
}

TEST(TruthCase, NoMeasuredValueButTheInputsReachesTheSimulation) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/io-w.csv.xz", "op,offset,length\nW,8192,4096\n");
  const TruthCase before = read(folder);
  const PreparedCase prepared_before = prepared(folder);

  change(folder, "summary.json", [](system::Json& summary) {
    for (auto& [key, value] : summary.items()) {
      if (key != "queue" && key != "vm" && key != "mem_kb") {
        scramble(value);
      }
    }
    summary["more"] = "garbage";
  });
  for (const char* answer : {"dirty.csv", "issue.csv", "trace.txt.xz"}) {
    folder.write(std::string{"c/"} + answer, "garbage");
  }
  const TruthCase after = read(folder);
  const PreparedCase prepared_after = prepared(folder);
  EXPECT_EQ(before.config.dump(), after.config.dump());
  EXPECT_EQ(before.replay, after.replay);
  EXPECT_EQ(prepared_before.config, prepared_after.config);
  ASSERT_EQ(prepared_before.workload.jobs.size(), prepared_after.workload.jobs.size());
  EXPECT_EQ(prepared_before.workload.jobs[0].replay, prepared_after.workload.jobs[0].replay);
}

TEST(TruthCase, AnInputThatChangesDoesReachTheSimulation) {
  const TestFolder folder;
  write_small_case(folder, "c");
  const TruthCase before = read(folder);
  change(folder, "summary.json",
         [](system::Json& summary) { summary["queue"]["nr_requests"] = "16"; });
  EXPECT_NE(before.config.dump(), read(folder).config.dump());
}

TEST(TruthCase, ReportsDamagedInputsWithTheirPlace) {
  const TestFolder folder;
  write_small_case(folder, "c");
  change(folder, "summary.json", [](system::Json& summary) {
    summary["queue"].erase("nr_requests");
    summary["vm"]["dirty_bytes"] = "many";
  });
  change(folder, "initial-state.json", [](system::Json& state) {
    state["dirtyable_pages"] = 300'000;
    state["first_fio_event_us"] = "soon";
  });
  folder.write("c/io-w.csv.xz", "op,offset,length\nW,8192,4096\nW,-1,4096\n");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_truth_case(folder.path() / "c", diagnostics));
  EXPECT_EQ(
      messages(folder, diagnostics),
      (Messages{"DIR/c/summary.json: /queue/nr_requests: missing; a whole number is expected",
                "DIR/c/summary.json: /vm/dirty_bytes: \"many\" is not a whole number from 0 to "
                "1000000000000000",
                "DIR/c/initial-state.json: /dirtyable_pages: 300000 pages, more than the 217037 "
                "free and file pages",
                "DIR/c/initial-state.json: /first_fio_event_us: \"soon\" is not a number from 0 to "
                "1e+15",
                "DIR/c/io-w.csv.xz:3: offset is \"-1\"; a whole number >= 0 expected"}));
}

TEST(TruthCase, ReportsInputsOfAnotherKind) {
  const TestFolder folder;
  write_small_case(folder, "c");
  change(folder, "case.json", [](system::Json& description) {
    description["sample_ms"] = 0;
    description["events"] = "wb";
    description["actions"] = {1, 2};
    description["tail_s"] = -3;
    description["device"]["read_ns"] = -5;
  });
  Diagnostics diagnostics;
  EXPECT_FALSE(read_truth_case(folder.path() / "c", diagnostics));
  EXPECT_EQ(messages(folder, diagnostics),
            (Messages{"DIR/c/case.json: /sample_ms: 0 is not a whole number from 1 to 3600000",
                      "DIR/c/case.json: /events: must be a list of names of trace events",
                      "DIR/c/case.json: /device/read_ns: -5 is not a whole number from 0 to "
                      "1000000000000000",
                      "DIR/c/case.json: /actions: must be a list of objects",
                      "DIR/c/case.json: /tail_s: -3 is not a number from 0 to 1e+09"}));
}

TEST(TruthCase, ReportsCutOffInputs) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/case.json", "{\"name\": \"c\"");
  std::filesystem::remove(folder.path() / "c" / "initial-state.json");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_truth_case(folder.path() / "c", diagnostics));
  EXPECT_EQ(messages(folder, diagnostics),
            (Messages{"DIR/c/case.json:1:12: not JSON: syntax error while parsing object - "
                      "unexpected end of input; expected '}'",
                      "DIR/c/initial-state.json: no such file"}));
}

TEST(TruthCase, RefusesDevicesWhoseModelIsPreliminary) {
  for (const std::string driver : {"hdd", "ssd", "null_blk"}) {
    const TestFolder folder;
    write_small_case(folder, "c");
    change(folder, "case.json", [&driver](system::Json& description) {
      description["device"] = {{"driver", driver}, {"hw_queue_depth", 32}};
    });
    Diagnostics diagnostics;
    EXPECT_TRUE(read_truth_case(folder.path() / "c", diagnostics));
    EXPECT_EQ(messages(folder, diagnostics),
              (Messages{"not simulated: DIR/c/case.json: /device/driver: \"" + driver +
                        "\" is a preliminary model, which is not compared with recorded runs"}));
    EXPECT_EQ(diagnostics.exit_code(), 3);
  }
}

TEST(TruthCase, RefusesWhatTheRigCanDoAndAConfigurationCannotSay) {
  const TestFolder folder;
  write_small_case(folder, "c");
  change(folder, "case.json", [](system::Json& description) {
    description["kernel"] = "6.18.5+deb14-amd64";
    description["icount_shift"] = 2;
    description["pre"] = "echo 1";
    description["events"] = {"wb", "block:block_rq_issue", "writeback:wait"};
    description["device"]["lbs"] = 4096;
    description.erase("actions");
  });
  Diagnostics diagnostics;
  EXPECT_TRUE(read_truth_case(folder.path() / "c", diagnostics));
  EXPECT_EQ(
      messages(folder, diagnostics),
      (Messages{"not simulated: DIR/c/case.json: /kernel: kernel 6.18; simulated are 2.6.18, 3.6, "
                "5.10, 6.1, 6.6, 6.12",
                "not simulated: DIR/c/case.json: /icount_shift: a processor of another speed; only "
                "1 ns an instruction (0) has CPU costs",
                "not simulated: DIR/c/case.json: /pre: shell commands before the run",
                "not simulated: DIR/c/case.json: /events: single trace events other than "
                "block:*; only the sets wb, rq, blk",
                "not simulated: DIR/c/case.json: /device/lbs: this parameter of the device",
                "not simulated: DIR/c/case.json: /post: shell commands that the case does not "
                "describe as actions"}));
}

}  // namespace
}  // namespace wbsim::analysis
