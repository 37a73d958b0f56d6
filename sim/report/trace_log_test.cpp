#include "sim/report/trace_log.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace wbsim::report {
namespace {

using engine::BioStep;
using engine::RequestStep;

RunInfo one_disk(const char* kernel = "6.1") {
  RunInfo info;
  info.kernel = kernel;
  info.cpus = 2;
  info.devices = {{.name = "sda"}};
  return info;
}

// What follows the header, without the columns in front of the time.
std::string written(const std::function<void(TraceLog&)>& happens, const char* kernel = "6.1") {
  StringSink sink;
  TraceLog log{one_disk(kernel), sink};
  const std::size_t header = sink.text().size();
  happens(log);
  EXPECT_EQ(log.finish().size(), header);
  std::string text;
  std::string_view left = std::string_view{sink.text()}.substr(header);
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    const std::size_t time = left.find(". ") + 2;  // behind the flags, the last of which is a dot
    text += left.substr(time, end - time);
    text += '\n';
    left.remove_prefix(end + 1);
  }
  return text;
}

engine::BioTrace bios(SimDuration time, std::int64_t count, SimDuration step, Lba sector = {}) {
  return {.time = at(time),
          .task = {"fio", 101},
          .sector = sector,
          .length = Sectors{8},
          .rwbs = {.write = true},
          .count = count,
          .step = step};
}

TEST(TraceLog, CountsItsEventsInTheFinalHeader) {
  StringSink sink;
  TraceLog log{one_disk(), sink};
  EXPECT_EQ(sink.text(), trace_header(TraceFormat::kV6_1, 2, -1));
  log.on_plug({.task = {"fio", 101}});
  log.on_bio(BioStep::kQueue, bios({}, 3, {}));
  EXPECT_EQ(log.finish(), trace_header(TraceFormat::kV6_1, 2, 4));
}

TEST(TraceLog, TakesParallelRangesApartBioByBio) {
  const std::string text = written([](TraceLog& log) {
    log.on_bio(BioStep::kQueue, bios(microseconds(1), 2, microseconds(3)));
    log.on_bio(BioStep::kBackMerge, bios(microseconds(1), 2, microseconds(3)));
    log.on_unplug({.time = at(microseconds(7)), .task = {"fio", 101}, .requests = 1});
  });
  EXPECT_EQ(text,
            "    0.000001: block_bio_queue: 8,0 W 0 + 8 [fio]\n"
            "    0.000001: block_bio_backmerge: 8,0 W 0 + 8 [fio]\n"
            "    0.000004: block_bio_queue: 8,0 W 8 + 8 [fio]\n"
            "    0.000004: block_bio_backmerge: 8,0 W 8 + 8 [fio]\n"
            "    0.000007: block_unplug: [fio] 1\n");
}

TEST(TraceLog, ASecondRangeOfAKindIsNotParallelToTheFirst) {
  const std::string text = written([](TraceLog& log) {
    log.on_bio(BioStep::kQueue, bios({}, 2, {}));
    log.on_bio(BioStep::kBackMerge, bios({}, 2, {}));
    log.on_bio(BioStep::kQueue, bios({}, 2, {}, Lba{16}));
  });
  EXPECT_EQ(text,
            "    0.000000: block_bio_queue: 8,0 W 0 + 8 [fio]\n"
            "    0.000000: block_bio_backmerge: 8,0 W 0 + 8 [fio]\n"
            "    0.000000: block_bio_queue: 8,0 W 8 + 8 [fio]\n"
            "    0.000000: block_bio_backmerge: 8,0 W 8 + 8 [fio]\n"
            "    0.000000: block_bio_queue: 8,0 W 16 + 8 [fio]\n"
            "    0.000000: block_bio_queue: 8,0 W 24 + 8 [fio]\n");
}

TEST(TraceLog, ARangeOfARemappingMovesOnBothDevices) {
  const std::string text = written([](TraceLog& log) {
    engine::BioTrace trace = bios({}, 2, {});
    trace.from_device = 0;
    trace.from_sector = Lba{100};
    log.on_bio(BioStep::kRemap, trace);
  });
  EXPECT_EQ(text,
            "    0.000000: block_bio_remap: 8,0 W 0 + 8 <- (8,0) 100\n"
            "    0.000000: block_bio_remap: 8,0 W 8 + 8 <- (8,0) 108\n");
}

TEST(TraceLog, KeepsTheNameOfATaskThatIsGone) {
  EXPECT_EQ(written([](TraceLog& log) {
              std::string name = "fio";
              engine::BioTrace trace = bios({}, 2, {});
              trace.task.comm = name;
              log.on_bio(BioStep::kQueue, trace);
              name = "???";
            }),
            "    0.000000: block_bio_queue: 8,0 W 0 + 8 [fio]\n"
            "    0.000000: block_bio_queue: 8,0 W 8 + 8 [fio]\n");
}

TEST(TraceLogDeathTest, TimeNeverGoesBack) {
  EXPECT_DEATH(written([](TraceLog& log) {
                 log.on_plug({.time = at(microseconds(2))});
                 log.on_plug({.time = at(microseconds(1))});
               }),
               "time >= last_time_");
}

TEST(TraceLog, AFailureIsAnEventOfItsOwnSince518) {
  const auto fails = [](TraceLog& log) {
    const engine::RequestTrace trace{.task = {"?", 0}, .length = Sectors{8}, .error = -5};
    log.on_request(RequestStep::kRequeue, trace);
    log.on_request(RequestStep::kComplete, trace);
  };
  EXPECT_EQ(written(fails),
            "    0.000000: block_rq_requeue: 8,0 R () 0 + 8 [0]\n"
            "    0.000000: block_rq_complete: 8,0 R () 0 + 8 [-5]\n"
            "    0.000000: block_rq_error: 8,0 R () 0 + 8 [-5]\n");
  EXPECT_EQ(written(fails, "5.10").find("block_rq_error"), std::string::npos);
}

TEST(TraceLog, WhoQueuesWorkIsNotTheFlusher) {
  StringSink sink;
  TraceLog log{one_disk(), sink};
  const std::size_t header = sink.text().size();
  engine::WritebackTrace trace{.task = {"kworker/u4:0", 9}, .caller = {"fio", 101}};
  log.on_writeback(engine::WritebackStep::kQueue, trace);
  trace.caller = {};
  log.on_writeback(engine::WritebackStep::kExec, trace);
  const std::string fields =
      "bdi 8:0: sb_dev 0:0 nr_pages=0 sync_mode=0 kupdate=0 range_cyclic=0 background=0 "
      "reason=background cgroup_ino=1\n";
  EXPECT_EQ(sink.text().substr(header),
            "             fio-101     [000] .....     0.000000: writeback_queue: " + fields +
                "    kworker/u4:0-9       [000] .....     0.000000: writeback_exec: " + fields);
}

TEST(TraceLog, NamesTheEventsOfWriteback) {
  const std::string text = written([](TraceLog& log) {
    log.on_global_dirty_state({});
    log.on_bdi_dirty_ratelimit({});
    log.on_balance_dirty_pages({});
    log.on_queue_io({});
    log.on_pages_written({});
    log.on_inode_writeback(engine::InodeStep::kStart, {});
    log.on_inode_writeback(engine::InodeStep::kEnd, {});
  });
  std::string names;
  for (std::size_t p = 0; p < text.size(); p = text.find('\n', p) + 1) {
    names += text.substr(p + 14, text.find(':', p + 14) - p - 14) + "\n";
  }
  EXPECT_EQ(names,
            "global_dirty_state\nbdi_dirty_ratelimit\nbalance_dirty_pages\nwriteback_queue_io\n"
            "writeback_pages_written\nwriteback_single_inode_start\nwriteback_single_inode\n");
}

}  // namespace
}  // namespace wbsim::report
