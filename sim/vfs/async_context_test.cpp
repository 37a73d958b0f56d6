#include "sim/vfs/async_context.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "sim/fs/test_machine.hpp"

namespace wbsim::vfs {
namespace {

using engine::Task;
using pagecache::TaskContext;
using pagecache::TestTask;

constexpr std::size_t kIos = 4;

// Submits `submitted` I/Os at once, then collects `collected` with a minimum of `min`.
struct Script {
  AsyncInterface interface = AsyncInterface::kAio;
  bool direct = true;
  std::size_t submitted = kIos;
  std::size_t min = 1;
  std::size_t max = kIos;
};

class PlugLog final : public engine::Observer {
 public:
  void on_unplug(const engine::UnplugTrace& unplug) override { unplugs.push_back(unplug.requests); }
  std::vector<int> unplugs;
};

class AsyncContextTest : public testing::Test {
 protected:
  AsyncContextTest() { machine.tracer.attach(log); }

  Task<> body(TaskContext& task, Script script) {
    const int fd = co_await calls.open(task, "/dev/sda", {.direct = script.direct});
    AsyncContext context{calls, script.interface};
    std::vector<AsyncIo*> submitted;
    for (std::size_t i = 0; i < script.submitted; ++i) {
      ios[i].fd = fd;
      ios[i].transfer = {.write = true,
                         .at = FileOffset{static_cast<std::int64_t>(i) * 1'048'576},
                         .length = kPageSize};
      submitted.push_back(&ios[i]);
    }
    co_await context.submit(task, submitted);
    submitted_at = task.thread().now();
    co_await context.reap(task, script.min, script.max, done);
    collected_at = task.thread().now();
    first_batch = done.size();
    co_await context.reap(task, script.submitted - done.size(), script.submitted, done);
  }

  void run(Script script) {
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return body(t, script); });
    machine.run_for(seconds(1));
    EXPECT_TRUE(task.done());
  }

  PlugLog log;
  fs::DiskMachine machine;
  fs::DiskMachine::Disk& disk = machine.add_disk("sda");
  MountTable mounted{{{disk.device, disk.flusher}}};
  Syscalls calls{mounted, machine.throttle};
  std::array<AsyncIo, kIos> ios;
  std::vector<AsyncIo*> done;
  std::size_t first_batch = 0;
  SimTime submitted_at, collected_at;
};

// The disk serves one write after the other, each in 100 us.
TEST_F(AsyncContextTest, CollectsInTheOrderOfCompletionAndAtLeastTheMinimum) {
  run({.min = 2});
  EXPECT_EQ(first_batch, 2U);
  EXPECT_EQ(collected_at - submitted_at, microseconds(200));
  ASSERT_EQ(done.size(), kIos);
  for (std::size_t i = 0; i < kIos; ++i) {
    EXPECT_EQ(done[i], &ios[i]);
    EXPECT_EQ(done[i]->result, kPageSize.count());
  }
}

TEST_F(AsyncContextTest, TakesNoMoreThanTheMaximum) {
  run({.min = 3, .max = 3});
  EXPECT_EQ(first_batch, 3U);
}

TEST_F(AsyncContextTest, DoesNotWaitForAMinimumOfNone) {
  run({.min = 0});
  EXPECT_EQ(first_batch, 0U);
  EXPECT_EQ(collected_at, submitted_at);
  EXPECT_EQ(done.size(), kIos);
}

TEST_F(AsyncContextTest, PlugsMoreThanTwo) {
  run({.submitted = 2, .max = 2});
  EXPECT_EQ(log.unplugs, (std::vector<int>{1, 1}));  // each write's own plug
  log.unplugs.clear();
  done.clear();
  run({.submitted = 3, .max = 3});
  EXPECT_EQ(log.unplugs, std::vector<int>{3});
}

TEST_F(AsyncContextTest, ABufferedWriteIsDoneWhenItsSubmissionReturns) {
  run({.direct = false, .min = 0});
  EXPECT_EQ(first_batch, kIos);
  EXPECT_EQ(disk.model.writes, 0);
  EXPECT_EQ(done.front()->result, kPageSize.count());
}

TEST_F(AsyncContextTest, IoUringCollectsAlike) {
  run({.interface = AsyncInterface::kIoUring, .min = 2});
  EXPECT_EQ(first_batch, 2U);
  EXPECT_EQ(collected_at - submitted_at, microseconds(200));
}

TEST_F(AsyncContextTest, AnErrorIsAResult) {
  disk.model.failures = 1;
  run({.min = kIos});
  EXPECT_EQ(done.front()->result, -5);
  EXPECT_EQ(done.back()->result, kPageSize.count());
}

}  // namespace
}  // namespace wbsim::vfs
