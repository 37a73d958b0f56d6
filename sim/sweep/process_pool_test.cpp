#include "sim/sweep/process_pool.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim::sweep {
namespace {

constexpr std::atomic<bool>* kNone = nullptr;

// How every task ended, by its number.
std::map<std::size_t, TaskEnd> ends_of(std::size_t count, int workers,
                                       const std::function<int(std::size_t)>& task,
                                       const std::atomic<bool>* stop = kNone) {
  const std::atomic<bool> never{false};
  std::map<std::size_t, TaskEnd> ends;
  run_pool(count, workers, stop != nullptr ? *stop : never,
           {task, [&ends](std::size_t i, const TaskEnd& end) {
              EXPECT_TRUE(ends.emplace(i, end).second) << i << " ended twice";
            }});
  return ends;
}

TEST(ProcessPool, RunsEveryTaskOnce) {
  for (const int workers : {1, 2, 7, 64}) {
    const auto ends = ends_of(50, workers, [](std::size_t i) { return static_cast<int>(i); });
    ASSERT_EQ(ends.size(), 50U) << workers;
    for (const auto& [i, end] : ends) {
      EXPECT_EQ(end.exit_code, static_cast<int>(i)) << workers;
      EXPECT_EQ(end.signal, 0);
      EXPECT_EQ(end.text, "");
      EXPECT_EQ(end.problem, "");
    }
  }
  EXPECT_TRUE(ends_of(0, 2, [](std::size_t) { return 0; }).empty());
}

// Each of two tasks waits for the other: one worker alone would wait forever.
TEST(ProcessPool, RunsTasksAtTheSameTime) {
  std::array<std::array<int, 2>, 2> pipes{};
  ASSERT_EQ(::pipe(pipes[0].data()), 0);
  ASSERT_EQ(::pipe(pipes[1].data()), 0);
  const auto ends = ends_of(2, 2, [&pipes](std::size_t i) {
    char byte = 'x';
    const bool met = ::write(pipes[i][1], &byte, 1) == 1 && ::read(pipes[1 - i][0], &byte, 1) == 1;
    return met ? 0 : 1;
  });
  EXPECT_EQ(ends.at(0).exit_code, 0);
  EXPECT_EQ(ends.at(1).exit_code, 0);
  for (const auto& [read_end, write_end] : pipes) {
    ::close(read_end);
    ::close(write_end);
  }
}

TEST(ProcessPool, GoesOnAfterAFailedCheck) {
  const auto ends = ends_of(3, 1, [](std::size_t i) {
    SIM_CHECK(i != 1);
    return 0;
  });
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends.at(1).signal, SIGABRT);
  EXPECT_NE(ends.at(1).text.find(": check failed: i != 1\n"), std::string::npos) << ends.at(1).text;
  EXPECT_EQ(ends.at(2).signal, 0);
}

TEST(ProcessPool, TellsWhatATaskThrew) {
  const auto ends =
      ends_of(1, 1, [](std::size_t) -> int { throw std::runtime_error{"no memory"}; });
  EXPECT_EQ(ends.at(0).exit_code, 125);
  EXPECT_EQ(ends.at(0).text, "no memory\n");
}

// More than a pipe holds: the task must not wait for a reader.
TEST(ProcessPool, KeepsTheBeginningOfALongText) {
  const auto ends = ends_of(1, 1, [](std::size_t) {
    fmt::print(stderr, "begin{}", std::string(200'000, '.'));
    return 0;
  });
  EXPECT_EQ(ends.at(0).text.substr(0, 6), "begin.");
  EXPECT_EQ(ends.at(0).text.size(), kTaskTextMax);
}

TEST(ProcessPool, StartsNoTaskAfterTheStop) {
  std::atomic<bool> stop{false};
  std::vector<std::size_t> ended;
  run_pool(1000, 1, stop,
           {[](std::size_t) { return 0; },
            [&](std::size_t i, const TaskEnd&) {
              ended.push_back(i);
              stop = i == 9;
            }});
  EXPECT_EQ(ended.size(), 10U);
}

TEST(ProcessPool, KillsWhatRunsAtTheStop) {
  std::atomic<bool> stop{false};
  const std::jthread stopper{[&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    stop = true;
  }};
  const auto endless = [](std::size_t) {
    while (true) {
      ::pause();
    }
    return 0;
  };
  const auto ends = ends_of(5, 2, endless, &stop);
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends.at(0).signal, SIGKILL);
  EXPECT_EQ(ends.at(1).signal, SIGKILL);
}

}  // namespace
}  // namespace wbsim::sweep
