#include "sim/report/summary.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/report/event_digest.hpp"
#include "sim/report/metrics.hpp"
#include "sim/report/trust.hpp"
#include "sim/report/units_text.hpp"

namespace wbsim::report {
namespace {

using engine::RequestStep;
using engine::SyscallKind;

RunInfo info() {
  RunInfo info;
  info.version = "0.1.0";
  info.kernel = "5.10";
  info.config_text = "{}";
  info.seed = 42;
  info.jobs = {{.name = "w", .pid = 101}};
  info.devices = {{"sda"}};
  info.mechanisms = {"dirty limits", "pause", "LRU/kswapd (basic)", "CPU scheduling"};
  return info;
}

// A job of 2 s: three writes, one of them a stall, one fsync, one pause, one request, one flush.
template <class Observer>
void feed(Observer& observer) {
  observer.on_job_start(0, at(seconds(0)));
  const auto call = [&observer](SyscallKind kind, SimDuration latency) {
    observer.on_syscall({.start = at(milliseconds(100)),
                         .end = at(milliseconds(100) + latency),
                         .kind = kind,
                         .length = kind == SyscallKind::kWrite ? mebibytes(1) : Bytes{}});
  };
  call(SyscallKind::kWrite, nanoseconds(100));
  call(SyscallKind::kWrite, microseconds(80));
  call(SyscallKind::kWrite, milliseconds(150));
  call(SyscallKind::kFsync, milliseconds(2));
  observer.on_global_dirty_state({.time = at(milliseconds(300)),
                                  .nr_dirty = Pages{700},
                                  .nr_writeback = Pages{68},
                                  .background_thresh = Pages{600},
                                  .dirty_thresh = Pages{1200}});
  observer.on_balance_dirty_pages(
      {.time = at(milliseconds(400)), .task = {"fio", 101}, .pause = 3});
  observer.on_writeback(engine::WritebackStep::kStart, {.nr_pages = 1000});
  observer.on_writeback(engine::WritebackStep::kWritten, {.nr_pages = 232});
  observer.on_request(
      RequestStep::kIssue,
      {.time = at(milliseconds(500)), .length = Sectors{6144}, .rwbs = {.write = true}});
  observer.on_request(RequestStep::kComplete, {.time = at(milliseconds(1500)),
                                               .length = Sectors{6144},
                                               .rwbs = {.write = true},
                                               .started = at(milliseconds(400)),
                                               .issued = at(milliseconds(500))});
  observer.on_job_end(0, at(seconds(2)));
  observer.on_queue_totals(
      {.disk = {
           .write = {.ios = 1, .sectors = 6144, .ms = 1100}, .io_ms = 1000, .weighted_ms = 1100}});
}

RunResult result() {
  Metrics metrics{info()};
  EventDigest events;
  feed(metrics);
  feed(events);
  return {info(), metrics.finish(at(seconds(2))), events.finish()};
}

TEST(Summary, TextReadsLikeFioAndIostat) {
  const RunResult run = result();
  EXPECT_EQ(summary_text(run),
            fmt::format(
                "wbsim 0.1.0: Linux 5.10, seed 42, 2.000 s simulated\n"
                "trust (Linux 5.10): 2 truth case, 2 none: LRU/kswapd (basic), CPU scheduling\n"
                "config {:.16}, result {:.16}\n"
                "\n"
                "w: (groupid=0, jobs=1)\n"
                "  write: IOPS=2, BW=1.5MiB/s (1.573MB/s) (3MiB/2s)\n"
                "    clat                N      min      avg  50.00th  99.00th  99.90th      max\n"
                "    write               3    100ns  50.03ms  80.38us  149.9ms  149.9ms    150ms\n"
                "    fsync               1      2ms      2ms      2ms      2ms      2ms      2ms\n"
                "  balance_dirty_pages: 1 turns, 1 pauses, sum 12ms, longest 12ms\n"
                "  stalls (write > 100ms): 1, sum 150ms, longest 150ms\n"
                "\n"
                "dirty: peak nr_dirty 700, nr_writeback 68, sum 768 pages (3MiB)\n"
                "  background crossed at 0.300 s, freerun never crossed\n"
                "  first pause at 0.400 s\n"
                "writeback: background 1 passes 3MiB\n"
                "\n"
                "Device          w/s      wkB/s    wrqm/s   %wrqm  w_await  wareq-sz\n"
                "sda            0.50    1536.00      0.00    0.00  1100.00   3072.00\n"
                "Device          f/s    f_await    aqu-sz   %util inflight       max\n"
                "sda            0.00       0.00      0.55   50.00     0.50         1\n",
                to_string(config_digest(run.info)), to_string(result_digest(run))));
}

TEST(Summary, TextSumsThrottlingOfSeveralTasks) {
  RunResult run = result();
  run.metrics.throttle.calls = 7;
  run.metrics.throttle.pauses = 0;
  EXPECT_NE(summary_text(run).find("  first pause at 0.400 s\n"
                                   "balance_dirty_pages of all tasks: 7 turns, no pause\n"),
            std::string::npos);
}

TEST(Summary, JsonHoldsDigestsTrustAndMetrics) {
  const RunResult run = result();
  const auto json = nlohmann::ordered_json::parse(summary_json(run));
  EXPECT_EQ(json["kernel"], "5.10");
  EXPECT_EQ(json["seed"], 42);
  EXPECT_EQ(json["config_digest"], to_string(digest_of("{}")));
  EXPECT_EQ(json["events_digest"], to_string(run.events));
  EXPECT_EQ(json["result_digest"], to_string(result_digest(run)));
  EXPECT_EQ(json["trust"]["mechanisms"]["pause"], "truth case");
  EXPECT_EQ(json["trust"]["mechanisms"]["CPU scheduling"], "none");
  EXPECT_EQ(json["end_ns"], 2'000'000'000);
  const auto& write = json["reports"][0]["write"];
  EXPECT_EQ(write["io_bytes"], 3 << 20);
  EXPECT_EQ(write["bw_bytes"], 1572864.0);
  EXPECT_EQ(write["clat_ns"]["N"], 3);
  EXPECT_EQ(write["clat_ns"]["percentile"]["99.000000"], 149946368);
  EXPECT_FALSE(write["clat_ns"].contains("bins"));
  EXPECT_EQ(json["jobs"][0]["stalls"]["count"], 1);
  EXPECT_EQ(json["devices"][0]["iostat"]["w_await"], 1100.0);
  EXPECT_EQ(json["devices"][0]["diskstats"]["ms_writing"], 1100);
  EXPECT_EQ(json["devices"][0]["diskstats"]["ms_doing_io"], 1000);
  EXPECT_EQ(json["balance_dirty_pages"]["first_ns"], 400'000'000);
  EXPECT_EQ(json["dirty"]["freerun_crossed_ns"], nullptr);
  EXPECT_EQ(json["writeback"]["reasons"]["background"]["written_pages"], 768);
}

TEST(Summary, TellsWhyBiosWereNotMerged) {
  RunResult run = result();
  engine::MergeCounts& bios = run.metrics.devices[0].totals.bios;
  bios.attempts = 10;
  bios.merged = 7;
  bios.refuse(engine::MergeRefusal::kNotAdjacent, 2);
  bios.refuse(engine::MergeRefusal::kMaxSectors);
  EXPECT_TRUE(summary_text(run).ends_with(
      "merges on sda: 7 of 10 bios; refused: 2 not_adjacent, 1 max_sectors\n"));
  const auto json = nlohmann::ordered_json::parse(summary_json(run))["devices"][0];
  EXPECT_EQ(json["bio_merges"].dump(),
            R"({"attempts":10,"merged":7,"refused":{"nomerges":0,"no_merge_bio":0,)"
            R"("not_adjacent":2,"no_merge_request":0,"other_operation":0,"other_priority":0,)"
            R"("elevator":0,"max_sectors":1,"max_segments":0}})");
  EXPECT_EQ(json["request_merges"]["attempts"], 0);
}

TEST(Summary, SameRunGivesTheSameBytes) {
  EXPECT_EQ(summary_json(result()), summary_json(result()));
  EXPECT_EQ(summary_text(result()), summary_text(result()));
}

TEST(Summary, ResultDigestSeesEveryBucketAndEveryEvent) {
  const RunResult run = result();
  RunResult other_events = run;
  ++other_events.events.low;
  EXPECT_NE(result_digest(other_events), result_digest(run));
  RunResult other_bucket = run;
  other_bucket.metrics.jobs[0].write.latency.add(milliseconds(1));
  EXPECT_NE(result_digest(other_bucket), result_digest(run));
}

TEST(Summary, ResultDigestIgnoresWhatIsNoResult) {
  RunResult other = result();
  other.info.config_text = "{\"seed\": 1}";
  EXPECT_EQ(result_digest(other), result_digest(result()));
  EXPECT_NE(config_digest(other.info), config_digest(result().info));
}

TEST(Summary, JobNameThatIsNoUtf8IsWrittenAnyway) {
  RunResult run = result();
  run.metrics.reports[0].name = std::string{"\xff"};
  EXPECT_NE(summary_json(run).find("\"jobname\": \"\xef\xbf\xbd\""), std::string::npos);
}

TEST(LatencyCsv, HasOneRowPerBucketThatIsNotEmpty) {
  RunMetrics metrics = result().metrics;
  metrics.reports[0].name = "a,\"b\"";
  EXPECT_EQ(latency_csv(metrics),
            "report,job,call,latency_ns,count\n"
            "0,\"a,\"\"b\"\"\",write,100,1\n"
            "0,\"a,\"\"b\"\"\",write,80384,1\n"
            "0,\"a,\"\"b\"\"\",write,149946368,1\n"
            "0,\"a,\"\"b\"\"\",fsync,2007040,1\n");
}

TEST(Trust, UnknownMechanismOrKernelHasNoEvidence) {
  EXPECT_EQ(evidence_for("5.10", "dirty limits"), Evidence::kTruthCase);
  EXPECT_EQ(evidence_for("6.1", "CPU scheduling"), Evidence::kNone);
  EXPECT_EQ(evidence_for("6.6", "dirty limits"), Evidence::kNone);
  EXPECT_EQ(evidence_for("6.12", "dirty limits"), Evidence::kTruthCase);
  EXPECT_EQ(evidence_for("6.12", "io.max"), Evidence::kNone);
  EXPECT_EQ(evidence_for("5.10", "telepathy"), Evidence::kNone);
}

TEST(Trust, LineNamesWhatNobodyChecked) {
  EXPECT_EQ(trust_line("6.6", {"plug", "merge"}), "trust (Linux 6.6): 2 none: plug, merge");
  EXPECT_EQ(trust_line("6.1", {"plug", "merge"}), "trust (Linux 6.1): 2 truth case, 0 none");
  EXPECT_EQ(trust_line("6.1", {"plug", "hdd", "ssd"}),
            "trust (Linux 6.1): 1 truth case, 0 none, preliminary model: hdd, ssd");
  EXPECT_EQ(trust_in("6.1", "hdd"), "preliminary model");
  EXPECT_EQ(trust_in("5.10", "device errors"), "vector");
  EXPECT_EQ(trust_in("3.6", "device errors"), "none");
  EXPECT_EQ(trust_in("6.1", "scsi budget"), "vector");
}

TEST(Trust, EveryMechanismWithEvidenceSaysWhatWasCompared) {
  for (const TrustRow& row : trust_table()) {
    const bool checked = row.kernel_5_10 != Evidence::kNone || row.kernel_6_1 != Evidence::kNone;
    EXPECT_EQ(row.basis.empty(), !checked) << row.mechanism;
  }
}

TEST(UnitsText, HasFourDigitsAndTheLargestFittingUnit) {
  EXPECT_EQ(time_text(nanoseconds(0)), "0ns");
  EXPECT_EQ(time_text(nanoseconds(999)), "999ns");
  EXPECT_EQ(time_text(nanoseconds(81'408)), "81.41us");
  EXPECT_EQ(time_text(seconds(1)), "1s");
  EXPECT_EQ(time_text(seconds(123'456)), "123456s");
  EXPECT_EQ(bytes_text(kibibytes(1)), "1KiB");
  EXPECT_EQ(bytes_text(mebibytes(2037)), "1.989GiB");
  EXPECT_EQ(bytes_si_text(106'794'188), "106.8MB");
}

}  // namespace
}  // namespace wbsim::report
