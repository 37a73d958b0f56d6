// What is known of throttling and flushing through the ages: each with its bound, and the change
// that makes the effect disappear.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/system/experiment_test_util.hpp"

namespace wbsim::system {
namespace {

constexpr SimDuration kStall = milliseconds(100);

struct Writer {
  Bytes written;
  std::vector<SimDuration> stalls;  // writes that took longer than kStall

  [[nodiscard]] SimDuration longest() const {
    return stalls.empty() ? SimDuration{} : *std::max_element(stalls.begin(), stalls.end());
  }
};

struct Seen {
  std::map<int, Writer> writers;
  std::vector<engine::BalanceDirtyPages> pauses;

  // Of all writers.
  [[nodiscard]] SimDuration longest_stall() const {
    SimDuration longest{};
    for (const auto& [job, writer] : writers) {
      longest = std::max(longest, writer.longest());
    }
    return longest;
  }
};

class WriterLog final : public engine::Observer {
 public:
  void on_syscall(const engine::SyscallTrace& call) override {
    Writer& writer = seen.writers[call.job];
    writer.written += call.length;
    if (call.end - call.start > kStall) {
      writer.stalls.push_back(call.end - call.start);
    }
  }
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& event) override {
    seen.pauses.push_back(event);
  }
  Seen seen;
};

Seen watch(const testing::Scenario& scenario) {
  WriterLog log;
  RunOptions options;
  options.observers = {&log};
  run_system(scenario.config, scenario.workload, options);
  return std::move(log.seen);
}

Seen writers_by_kernel(const std::vector<std::string>& sets) {
  return watch(testing::experiment("writers-by-kernel", sets));
}

// The patches for "IO-less dirty throttling" (v3.2): who writes back in balance_dirty_pages() is
// held up for hundreds of ms, and several such for seconds.
TEST(FourWriters, AreStoppedForSecondsWhereTheyWriteThemselves) {
  const Seen old = writers_by_kernel({"kernel=2.6.18"});
  EXPECT_GT(old.longest_stall(), seconds(1));
  for (const auto& [job, writer] : old.writers) {
    EXPECT_GE(writer.stalls.size(), 10U) << job;
  }
}

// The longest pause, its last jiffy, and the wait for the CPU.
constexpr SimDuration kMaxPause = milliseconds(200 + 4 + 16);

TEST(FourWriters, AreHeldUpForOnePauseAtMostWhereTheyPause) {
  for (const char* kernel : {"kernel=3.6", "kernel=5.10", "kernel=6.1", "kernel=6.12"}) {
    EXPECT_LE(writers_by_kernel({kernel}).longest_stall(), kMaxPause) << kernel;
  }
}

TEST(FourWriters, OweThatToTheThrottleAlone) {
  EXPECT_LE(writers_by_kernel({"kernel=2.6.18", "profile.throttle_action=pause"}).longest_stall(),
            kMaxPause);
  for (const char* kernel : {"kernel=3.6", "kernel=5.10"}) {
    const Seen seen = writers_by_kernel({kernel, "profile.throttle_action=write-back"});
    EXPECT_GT(seen.longest_stall(), milliseconds(900)) << kernel;
  }
}

Seen stick_beside_ssd(const std::vector<std::string>& sets) {
  return watch(testing::experiment("stick-beside-ssd", sets));
}

constexpr int kToSsd = 1;
constexpr std::int64_t kOffered = mebibytes(50).count() * 30;  // bytes, all told

// Per-device limits (v2.6.24) were made for this.
TEST(AStickBesideAnSsd, LeavesTheSsdAloneWhereLimitsArePerDevice) {
  for (const char* set : {"kernel=3.6", "kernel=5.10", "kernel=6.1",
                          "profile.throttle_action=write-back-per-device"}) {
    const Seen seen = stick_beside_ssd({set});
    EXPECT_GE(seen.writers.at(kToSsd).written.count(), kOffered * 99 / 100) << set;
    EXPECT_TRUE(seen.writers.at(kToSsd).stalls.empty()) << set;
  }
}

TEST(AStickBesideAnSsd, StopsTheSsdWhereOneLimitHoldsForAll) {
  const Seen seen = stick_beside_ssd({"profile.throttle_action=write-back"});
  EXPECT_LT(seen.writers.at(kToSsd).written.count(), kOffered / 20);
  EXPECT_GT(seen.writers.at(kToSsd).longest(), seconds(5));
  const Seen old = stick_beside_ssd({"kernel=2.6.18"});
  EXPECT_GE(old.writers.at(kToSsd).stalls.size(), 10U);
}

// One job on a disk of 20 MB/s, on a machine whose CPU costs nothing: time passes in pauses alone.
testing::Scenario exact_writer(const std::string& kernel) {
  return testing::scenario(
      "[w]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=512m\ninvalidate=0\ntime_based=1\n"
      "runtime=20\n",
      R"("kernel":")" + kernel + R"(","hz":250,"memory":{"total":"256MiB"},)" + testing::free_cpu(),
      R"({"sda":{"size":"1GiB","per_kib":"50us"}})");
}

// balance_dirty_pages(): in jiffies, period = HZ * pages_dirtied / task_ratelimit, and the pause is
// what the task's own time leaves of it, 200 ms at most.
TEST(Pauses, AreWhatTheFormulaSaysToTheJiffy) {
  constexpr std::int64_t kHz = 250;
  for (const char* kernel : {"3.6", "5.10", "6.1", "6.6", "6.12"}) {
    const Seen seen = watch(exact_writer(kernel));
    std::size_t paused = 0;
    for (const engine::BalanceDirtyPages& event : seen.pauses) {
      EXPECT_LE(event.pause, kHz / 5) << kernel;
      if (event.task_ratelimit == Pages{0}) {
        continue;
      }
      EXPECT_EQ(event.period, kHz * event.dirtied.count() / event.task_ratelimit.count()) << kernel;
      EXPECT_LE(event.pause, event.period - event.think) << kernel;
      paused += event.pause > 0 ? 1 : 0;
    }
    EXPECT_GT(paused, 100U) << kernel;
  }
}

class PauseLog final : public engine::Observer {
 public:
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& event) override {
    if (event.pause > 0) {
      began_ = event;
    }
  }
  void on_syscall(const engine::SyscallTrace& call) override {
    if (began_) {
      late.push_back((call.end - began_->time) - milliseconds(4) * began_->pause);
    }
    began_.reset();
  }
  std::vector<SimDuration> late;  // of each pause, beyond what was computed

 private:
  std::optional<engine::BalanceDirtyPages> began_;
};

std::vector<SimDuration> lateness(const testing::Scenario& scenario) {
  PauseLog log;
  RunOptions options;
  options.observers = {&log};
  run_system(scenario.config, scenario.workload, options);
  return std::move(log.late);
}

// schedule_timeout(n) ends at a tick. The timer wheel of v4.8 sees to it that it is never early;
// before, it was up to a jiffy early and never late.
TEST(Pauses, EndWithinAJiffyOfWhatWasComputed) {
  for (const char* kernel : {"3.6", "5.10", "6.1", "6.6", "6.12"}) {
    const bool wheel = std::string{kernel} != "3.6";
    const std::vector<SimDuration> late = lateness(exact_writer(kernel));
    EXPECT_GT(late.size(), 100U) << kernel;
    for (const SimDuration each : late) {
      EXPECT_LE(each, milliseconds(wheel ? 4 : 0)) << kernel;
      EXPECT_GE(each, wheel ? SimDuration{} : -milliseconds(4)) << kernel;
    }
  }
}

}  // namespace
}  // namespace wbsim::system
