// Random system calls of several processes on a few files: whatever they do, what the page cache,
// the flusher and the file system keep fits together, and in the end nothing is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/fs/extent_test_machine.hpp"
#include "sim/vfs/syscalls.hpp"

namespace wbsim::vfs {
namespace {

using engine::Task;
using pagecache::TaskContext;
using pagecache::TestTask;

constexpr int kNames = 5;
constexpr int kCalls = 150;
constexpr std::int64_t kSizeMax = 600'000;

struct Process {
  Process(fs::ExtentMachine& machine, const MountTable& mounted, std::uint64_t seed, int number)
      : m{machine},
        calls{mounted, machine.throttle},
        rng{Rng::stream(seed, "files property/" + std::to_string(number))},
        task{machine.machine, "process " + std::to_string(number)} {}

  fs::ExtentMachine& m;
  Syscalls calls;
  Rng rng;
  TestTask task;
  std::vector<int> open;

  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(rng.uniform(static_cast<std::uint64_t>(n)));
  }
  std::string name() { return "/data/" + std::to_string(below(kNames)); }
};

void expect_success(std::int64_t result) { EXPECT_GE(result, 0); }

Task<> one_call(TaskContext& task, Process& p) {
  const FileOffset at{p.below(kSizeMax)};
  const Bytes length{1 + p.below(100'000)};
  const int fd =
      p.open[static_cast<std::size_t>(p.below(static_cast<std::int64_t>(p.open.size())))];
  switch (p.below(11)) {
    case 0:
    case 1:
    case 2:
      expect_success(co_await p.calls.pwrite(task, fd, at, length, 1));
      break;
    case 3:
      expect_success(co_await p.calls.write(task, fd, length, 1));
      break;
    case 4:
      expect_success(co_await p.calls.pread(task, fd, at, length));
      break;
    case 5:
      expect_success(co_await p.calls.ftruncate(task, fd, Bytes{at.value()}));
      break;
    case 6:
      expect_success(co_await p.calls.fallocate(task, fd, at, length, p.below(2) == 0));
      break;
    case 7:
      expect_success(co_await p.calls.fsync(task, fd));
      break;
    case 8:
      expect_success(co_await p.calls.sync_file_range(
          task, fd, at, length,
          {.wait_before = p.below(2) == 0, .write = true, .wait_after = p.below(2) == 0}));
      break;
    case 9:
      expect_success(co_await p.calls.syncfs(task, fd));
      break;
    default:
      expect_success(co_await p.calls.fdatasync(task, fd));
      break;
  }
}

Task<> live(TaskContext& task, Process& p) {
  for (int i = 0; i < kCalls; ++i) {
    if (p.open.empty() || (p.open.size() < 4 && p.below(5) == 0)) {
      const int fd = co_await p.calls.open(
          task, p.name(), {.append = p.below(8) == 0, .create = true, .truncate = p.below(8) == 0});
      EXPECT_GE(fd, 0);
      p.open.push_back(fd);
    }
    co_await one_call(task, p);
    if (p.below(10) == 0) {
      co_await p.calls.unlink(task, p.name());
    }
    if (p.below(8) == 0) {
      co_await p.calls.close(task, p.open.back());
      p.open.pop_back();
    }
    if (p.below(4) == 0) {
      co_await task.thread().schedule_timeout(1 + static_cast<std::uint64_t>(p.below(300)));
    }
  }
  for (const int fd : p.open) {
    co_await p.calls.close(task, fd);
  }
}

Task<> remove_all(TaskContext& task, Syscalls& calls) {
  for (int i = 0; i < kNames; ++i) {
    co_await calls.unlink(task, "/data/" + std::to_string(i));
  }
  co_await calls.sync(task);
}

void run_seed(std::uint64_t seed) {
  writeback::WritebackOptions options;
  options.cpus = 2;
  options.memory = Pages{3000};  // throttled, and short of memory
  options.watermarks = {Pages{50}, Pages{100}, Pages{150}};
  fs::ExtentMachine m{{.lazytime = seed % 3 == 0, .relatime = seed % 2 == 0}, options};
  const fs::FsBlocks before = m.fs.space().free();
  const MountTable mounted{{{m.disk.device, m.disk.flusher}}, {{"/data", m.fs, m.disk.flusher}}};
  std::array<std::unique_ptr<Process>, 4> processes;
  for (int i = 0; i < 4; ++i) {
    auto& process = processes[static_cast<std::size_t>(i)];
    process = std::make_unique<Process>(m, mounted, seed, i);
    process->task.run([&p = *process](TaskContext& t) { return live(t, p); });
  }
  const auto all_done = [&processes] {
    return std::all_of(processes.begin(), processes.end(),
                       [](const auto& each) { return each->task.done(); });
  };
  for (int i = 0; i < 4000 && !all_done(); ++i) {
    m.run_for(milliseconds(50));
    m.check();
  }
  ASSERT_TRUE(all_done());
  Syscalls calls{mounted, m.throttle};
  ASSERT_TRUE(m.finished([&](TaskContext& t) { return remove_all(t, calls); }));
  m.check();
  EXPECT_EQ(m.fs.files(), 0U);
  EXPECT_EQ(m.fs.space().free(), before);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(m.cache.stat().nr_writeback.sum(), 0);
  EXPECT_EQ(m.fs.bios_in_flight(), 0U);
}

TEST(FilesProperty, WhateverProcessesDoEverythingFitsTogether) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run_seed(seed);
  }
}

}  // namespace
}  // namespace wbsim::vfs
