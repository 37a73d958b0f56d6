#include "sim/report/trace_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace wbsim::report {
namespace {

using engine::BioStep;
using engine::RequestStep;
using engine::TaskName;
using engine::WbReason;
using engine::WritebackStep;

RunInfo machine(const char* kernel = "6.1") {
  RunInfo info;
  info.kernel = kernel;
  info.hz = 250;
  info.devices = {
      {.name = "sda"}, {.name = "sdb", .minor = 16}, {"sdb1", DeviceInfo::Kind::kPartition, 8, 17}};
  return info;
}

template <class... Event>
std::string fields(const RunInfo& info, const Event&... event) {
  fmt::memory_buffer line;
  TraceText{info}.fields(line, event...);
  return fmt::to_string(line);
}

template <class... Event>
std::string fields(const Event&... event) {
  return fields(machine(), event...);
}

std::string beginning(const TaskName& task, SimDuration time, const char* kernel = "6.1") {
  fmt::memory_buffer line;
  TraceText{machine(kernel)}.begin_line(line, at(time), task, "event");
  return fmt::to_string(line);
}

constexpr TaskName kFio{"fio", 101, 1};

TEST(TraceText, ALineNamesTaskCpuAndTime) {
  EXPECT_EQ(beginning(kFio, microseconds(12'345'678)),
            "             fio-101     [001] .....    12.345678: event: ");
}

TEST(TraceText, LinesOf510HaveFourFlags) {
  EXPECT_EQ(beginning(kFio, {}, "5.10"),
            "             fio-101     [001] ....     0.000000: event: ");
}

TEST(TraceText, TimeIsRoundedToTheNearestMicrosecond) {
  EXPECT_EQ(beginning(kFio, nanoseconds(1'499)),
            "             fio-101     [001] .....     0.000001: event: ");
  EXPECT_EQ(beginning(kFio, nanoseconds(1'500)),
            "             fio-101     [001] .....     0.000002: event: ");
}

TEST(TraceText, AnInterruptHasTheNameOfWhomItInterrupts) {
  EXPECT_EQ(beginning({"?", 0, 3, "kworker/u8:0", 9}, {}),
            "    kworker/u8:0-9       [003] d.h..     0.000000: event: ");
  EXPECT_EQ(beginning({"?", 0, 3}, {}, "5.10"),
            "          <idle>-0       [003] d.h.     0.000000: event: ");
}

TEST(TraceText, NamesHaveFifteenCharacters) {
  EXPECT_EQ(beginning({"a-very-long-name-of-a-task", 1}, {}),
            " a-very-long-nam-1       [000] .....     0.000000: event: ");
  EXPECT_EQ(fields(engine::PlugTrace{.task = {"a-very-long-name-of-a-task", 1}}),
            "[a-very-long-nam]");
}

TEST(TraceText, HeadersAreThoseOfTheKernel) {
  EXPECT_EQ(trace_header(TraceFormat::kV6_1, 2, 123),
            "# tracer: nop\n"
            "#\n"
            "# entries-in-buffer/entries-written: 123/123   #P:2" +
                std::string(45, ' ') +
                "\n"
                "#\n"
                "#                                _-----=> irqs-off/BH-disabled\n"
                "#                               / _----=> need-resched\n"
                "#                              | / _---=> hardirq/softirq\n"
                "#                              || / _--=> preempt-depth\n"
                "#                              ||| / _-=> migrate-disable\n"
                "#                              |||| /     delay\n"
                "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
                "#              | |         |   |||||     |         |\n");
  EXPECT_EQ(trace_header(TraceFormat::kV5_10, 1, -1),
            "# tracer: nop\n"
            "#\n"
            "#" +
                std::string(95, ' ') +
                "\n"
                "#\n"
                "#                                _-----=> irqs-off\n"
                "#                               / _----=> need-resched\n"
                "#                              | / _---=> hardirq/softirq\n"
                "#                              || / _--=> preempt-depth\n"
                "#                              ||| /     delay\n"
                "#           TASK-PID     CPU#  ||||   TIMESTAMP  FUNCTION\n"
                "#              | |         |   ||||      |         |\n");
}

TEST(TraceText, HeadersOfOneKernelAreEquallyLong) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(trace_header(TraceFormat::kV6_12, 1, -1).size(),
            trace_header(TraceFormat::kV6_12, 1024, kMost).size());
}

TEST(TraceText, FormatsFollowTheProfile) {
  EXPECT_EQ(trace_format("5.10"), TraceFormat::kV5_10);
  EXPECT_EQ(trace_format("6.1"), TraceFormat::kV6_1);
  EXPECT_EQ(trace_format("6.6"), TraceFormat::kV6_1);
  EXPECT_EQ(trace_format("6.12"), TraceFormat::kV6_12);
}

TEST(TraceText, GlobalDirtyState) {
  EXPECT_EQ(fields(engine::GlobalDirtyState{.nr_dirty = Pages{1},
                                            .nr_writeback = Pages{2},
                                            .background_thresh = Pages{3},
                                            .dirty_thresh = Pages{4},
                                            .dirty_limit = Pages{5},
                                            .nr_dirtied = Pages{6},
                                            .nr_written = Pages{7}}),
            "dirty=1 writeback=2 bg_thresh=3 thresh=4 limit=5 dirtied=6 written=7");
}

TEST(TraceText, BdiDirtyRatelimitIsInKibibytesPerSecond) {
  EXPECT_EQ(fields(engine::BdiDirtyRatelimit{.device = 1,
                                             .write_bw = Pages{25'600},
                                             .avg_write_bw = Pages{2},
                                             .dirty_rate = Pages{3},
                                             .dirty_ratelimit = Pages{4},
                                             .task_ratelimit = Pages{5},
                                             .balanced_dirty_ratelimit = Pages{6}}),
            "bdi 8:16: write_bw=102400 awrite_bw=8 dirty_rate=12 dirty_ratelimit=16 "
            "task_ratelimit=20 balanced_dirty_ratelimit=24 cgroup_ino=1");
}

engine::BalanceDirtyPages paused() {
  return {.device = 1,
          .limit = Pages{1},     // those of wb_position_ratio(),
          .setpoint = Pages{2},  // which the event does not print
          .dirty = Pages{38'000},
          .bdi_setpoint = Pages{3},
          .bdi_dirty = Pages{37'999},
          .dirty_ratelimit = Pages{24'000},
          .task_ratelimit = Pages{23'000},
          .dirtied = Pages{190},
          .dirtied_pause = Pages{191},
          .paused = 5,
          .pause = -1,
          .period = 2,
          .think = 1,
          .thresh = Pages{39'000},
          .bg_thresh = Pages{19'001},
          .dirty_limit = Pages{40'000},
          .bdi_thresh = Pages{20'000}};
}

TEST(TraceText, BalanceDirtyPagesReckonsItsOwnSetpoints) {
  // freerun 29000, setpoint (40000 + 29000) / 2, times 20000 / 39001; jiffies of 4 ms.
  EXPECT_EQ(fields(paused()),
            "bdi 8:16: limit=40000 setpoint=34500 dirty=38000 bdi_setpoint=17691 bdi_dirty=37999 "
            "dirty_ratelimit=96000 task_ratelimit=92000 dirtied=190 dirtied_pause=191 paused=20 "
            "pause=-4 period=8 think=4 cgroup_ino=1");
}

TEST(TraceText, JiffiesAreMillisecondsRoundedTowardsZero) {
  RunInfo info = machine();
  info.hz = 300;
  EXPECT_NE(fields(info, paused()).find(" paused=16 pause=-3 period=6 think=3 "),
            std::string::npos);
}

TEST(TraceText, WritebackWork) {
  engine::WritebackTrace trace{.device = 1, .nr_pages = 9'223'372'036'854'775'807};
  trace.for_background = trace.range_cyclic = true;
  EXPECT_EQ(fields(WritebackStep::kStart, trace),
            "bdi 8:16: sb_dev 0:0 nr_pages=9223372036854775807 sync_mode=0 kupdate=0 "
            "range_cyclic=1 background=1 reason=background cgroup_ino=1");
  EXPECT_EQ(fields(WritebackStep::kQueue, engine::WritebackTrace{.device = 1,
                                                                 .nr_pages = -3,
                                                                 .sync_all = true,
                                                                 .for_kupdate = true,
                                                                 .reason = WbReason::kSync,
                                                                 .sb_device = 2}),
            "bdi 8:16: sb_dev 8:17 nr_pages=-3 sync_mode=1 kupdate=1 range_cyclic=0 background=0 "
            "reason=sync cgroup_ino=1");
  EXPECT_EQ(fields(WritebackStep::kWakeBackground, trace), "bdi 8:16: cgroup_ino=1");
}

TEST(TraceText, WritebackPagesWritten) {
  EXPECT_EQ(fields(engine::PagesWritten{.device = 1, .pages = 2'049}), "2049");
}

TEST(TraceText, WritebackQueueIo) {
  EXPECT_EQ(fields(engine::QueueIo{.device = 1,
                                   .older = 4'294'892'296,
                                   .moved = 2,
                                   .reason = WbReason::kPeriodic,
                                   .jiffies = 4'294'899'796}),
            "bdi 8:16: older=4294892296 age=30000 enqueue=2 reason=periodic cgroup_ino=1");
}

engine::InodeWriteback inode() {
  return {.device = 1,
          .number = 12,
          .state = {.dirty_sync = true,
                    .dirty_datasync = true,
                    .dirty_pages = true,
                    .dirty_time = true,
                    .freeing = true,
                    .sync = true,
                    .sync_queued = true},
          .dirtied_when = 1'000,
          .jiffies = 2'499,
          .writeback_index = PageIndex{7},
          .nr_to_write = 1'024,
          .wrote = 1'000};
}

TEST(TraceText, WritebackSingleInode) {
  EXPECT_EQ(fields(inode()),
            "bdi 8:16: ino=12 "
            "state=I_DIRTY_SYNC|I_DIRTY_DATASYNC|I_DIRTY_PAGES|I_FREEING|I_SYNC|I_DIRTY_TIME|"
            "0x20000 dirtied_when=1000 age=5 index=7 to_write=1024 wrote=1000 cgroup_ino=1");
}

TEST(TraceText, AllFlagsOfAnInodeHaveNamesIn612) {
  engine::InodeWriteback trace = inode();
  trace.state = {.sync_queued = true};
  EXPECT_NE(fields(machine("6.12"), trace).find(" state=I_SYNC_QUEUED "), std::string::npos);
  EXPECT_NE(fields(machine("6.6"), trace).find(" state=0x20000 "), std::string::npos);
}

TEST(TraceText, AnInodeWithoutFlagsHasAnEmptyState) {
  engine::InodeWriteback trace = inode();
  trace.state = {};
  EXPECT_NE(fields(trace).find(" state= dirtied_when"), std::string::npos);
}

TEST(TraceText, TheInodeOfABlockDeviceHasItsNumber) {
  engine::InodeWriteback trace = inode();
  trace.block_device = true;
  trace.number = 2;
  EXPECT_EQ(fields(trace).substr(0, 21), "bdi 8:16: ino=8388625");  // 8 << 20 | 17
  EXPECT_EQ(fields(machine("5.10"), trace).substr(0, 16), "bdi 8:16: ino=0 ");
}

engine::BioTrace bio() {
  return {.task = kFio,
          .device = 1,
          .sector = Lba{2'048},
          .length = Sectors{8},
          .rwbs = {.write = true, .sync = true},
          .from_device = 2,
          .from_sector = Lba{1'024},
          .error = -5};
}

TEST(TraceText, Bios) {
  for (const BioStep step :
       {BioStep::kQueue, BioStep::kGetRequest, BioStep::kBackMerge, BioStep::kFrontMerge}) {
    EXPECT_EQ(fields(step, bio()), "8,16 WS 2048 + 8 [fio]");
  }
  EXPECT_EQ(fields(BioStep::kComplete, bio()), "8,16 WS 2048 + 8 [-5]");
  EXPECT_EQ(fields(BioStep::kRemap, bio()), "8,16 WS 2048 + 8 <- (8,17) 1024");
  EXPECT_EQ(fields(BioStep::kSplit, bio()), "8,16 WS 1024 / 2048 [fio]");
}

TEST(TraceText, TheNewSectorOfASplitHas32Bits) {
  engine::BioTrace trace = bio();
  trace.from_sector = Lba{(std::int64_t{1} << 32) + 8};
  trace.sector = Lba{(std::int64_t{1} << 32) + 16};
  EXPECT_EQ(fields(BioStep::kSplit, trace), "8,16 WS 4294967304 / 16 [fio]");
}

engine::RequestTrace request() {
  return {.task = kFio,
          .device = 1,
          .sector = Lba{2'048},
          .length = Sectors{16},
          .rwbs = {.write = true},
          .error = -5,
          .priority_class = 2,
          .priority_level = 4};
}

TEST(TraceText, Requests) {
  for (const RequestStep step : {RequestStep::kInsert, RequestStep::kIssue, RequestStep::kMerge}) {
    EXPECT_EQ(fields(step, request()), "8,16 W 8192 () 2048 + 16 [fio]");
  }
  EXPECT_EQ(fields(RequestStep::kComplete, request()), "8,16 W () 2048 + 16 [-5]");
  EXPECT_EQ(fields(RequestStep::kPartComplete, request()), "8,16 W () 2048 + 16 [-5]");
  EXPECT_EQ(fields(RequestStep::kRequeue, request()), "8,16 W () 2048 + 16 [0]");
}

TEST(TraceText, RequestsOf612HaveAPriority) {
  const RunInfo info = machine("6.12");
  EXPECT_EQ(fields(info, RequestStep::kIssue, request()), "8,16 W 8192 () 2048 + 16 be,0,4 [fio]");
  EXPECT_EQ(fields(info, RequestStep::kComplete, request()), "8,16 W () 2048 + 16 be,0,4 [-5]");
  EXPECT_EQ(fields(info, RequestStep::kRequeue, engine::RequestTrace{.device = 1}),
            "8,16 R () 0 + 0 none,0,0 [0]");
}

TEST(TraceText, AFlushRequestEndsAtTheLastSectorOfAll) {
  EXPECT_EQ(fields(RequestStep::kComplete,
                   engine::RequestTrace{.sector = Lba{-1}, .rwbs = {.flush = true}}),
            "8,0 FF () 18446744073709551615 + 0 [0]");
}

TEST(TraceText, AnIdleCpuIssuesAsSwapper) {
  engine::RequestTrace trace = request();
  trace.task = {"?", 0, 3};
  EXPECT_EQ(fields(RequestStep::kIssue, trace), "8,16 W 8192 () 2048 + 16 [swapper/3]");
  trace.task.interrupted = "fio";
  EXPECT_EQ(fields(RequestStep::kIssue, trace), "8,16 W 8192 () 2048 + 16 [fio]");
}

TEST(TraceText, Plugs) {
  EXPECT_EQ(fields(engine::PlugTrace{.task = kFio}), "[fio]");
  EXPECT_EQ(fields(engine::UnplugTrace{.task = kFio, .requests = 16}), "[fio] 16");
}

}  // namespace
}  // namespace wbsim::report
