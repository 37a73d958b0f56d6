// What holds of limited groups whatever they submit.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/block/queue_test_util.hpp"
#include "sim/block/throttle/io_throttle.hpp"

namespace wbsim::block {
namespace {

constexpr int kHz = 250;
constexpr SimDuration kTick = seconds(1) / kHz;
constexpr SimDuration kSlice = seconds(1) / 10;
constexpr int kRounds = 40;
constexpr int kBios = 1500;
constexpr Sectors kLargest{64};

// An IoThrottle alone: bios pass at once, or when it gives them back.
class Subject final : public ThrottleHost {
 public:
  struct Passed {
    SimTime time;
    Bytes bytes;
    int cgroup;
    bool write;
    std::int64_t number;
  };

  explicit Subject(const ControlGroups& groups)
      : machine{sim, 1, engine::Jiffies{kHz, 0, {}}, free_of_cost()},
        throttle{machine, *this, groups, SplitCharge::kEachPart} {}
  ~Subject() { sim.destroy_processes(); }

  void submit(int cgroup, bool write, Sectors length) {
    Bio& bio = bios_.emplace_back();
    bio.sector = Lba{static_cast<std::int64_t>(bios_.size())};  // tells them apart
    bio.unit = length;
    bio.flags.write = write;
    bio.cgroup = cgroup;
    if (!throttle.hold(bio)) {
      note(bio);
    }
  }
  engine::Task<> submit_released(TaskIo&, Bio& bio) override {
    note(bio);
    co_return;
  }

  engine::Simulator sim;
  engine::Machine machine;
  IoThrottle throttle;
  std::vector<Passed> passed;

 private:
  void note(const Bio& bio) {
    passed.push_back(
        {sim.now(), to_bytes(bio.length()), bio.cgroup, bio.flags.write, bio.sector.value()});
  }
  std::deque<Bio> bios_;
};

IoLimits random_limits(Rng& rng) {
  IoLimits limits;
  if (rng.uniform(3) > 0) {
    limits.bps = kibibytes(256) * (1 + static_cast<std::int64_t>(rng.uniform(40)));
  }
  if (rng.uniform(3) > 0) {
    limits.iops = 20 + static_cast<std::int64_t>(rng.uniform(400));
  }
  return limits;
}

// Bursts of several groups, with pauses of up to some slices.
void submit_at_random(Subject& subject, Rng& rng, std::size_t groups) {
  for (int left = kBios; left > 0;) {
    for (auto burst = static_cast<int>(1 + rng.uniform(40)); burst > 0 && left > 0; --burst) {
      const auto cgroup = static_cast<int>(rng.uniform(groups));
      const auto sectors = static_cast<std::int64_t>(1 + rng.uniform(kLargest.count()));
      subject.submit(cgroup, rng.uniform(2) == 0, Sectors{sectors});
      --left;
    }
    const auto pause = static_cast<std::int64_t>(rng.uniform(rng.uniform(20) == 0 ? 2000 : 60));
    subject.sim.run(subject.sim.now() + milliseconds(pause));
  }
  subject.sim.run(subject.sim.now() + seconds(600));
}

// In any window no more than the limit allows in it, in the slices that it begins and ends in, and
// while one bio waits that a slice does not allow (the timer is 8 jiffies late at most).
void expect_within(const std::vector<Subject::Passed>& passed, const IoLimits& limits) {
  SimDuration slack = 2 * kSlice + 9 * kTick;
  if (limits.bps) {
    slack += to_bytes(kLargest).count() * seconds(1) / limits.bps->count();
  }
  for (std::size_t first = 0; first < passed.size(); ++first) {
    Bytes bytes{};
    std::int64_t ios = 0;
    for (std::size_t last = first; last < passed.size(); ++last) {
      bytes += passed[last].bytes;
      ++ios;
      const SimDuration window = passed[last].time - passed[first].time + slack;
      const std::int64_t ms = window / milliseconds(1);
      ASSERT_LE(bytes, limits.bps.value_or(Bytes::max() / 1'000'000) * ms / 1000);
      ASSERT_LE(ios, limits.iops.value_or(1'000'000'000) * ms / 1000);
    }
  }
}

class ThrottleProperty : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ThrottleProperty, ::testing::Range(0, kRounds));

TEST_P(ThrottleProperty, LimitsHoldAndNothingIsLostOrOvertaken) {
  Rng rng = Rng::stream(1, std::to_string(GetParam()));
  ControlGroups groups(1);
  for (std::uint64_t left = 1 + rng.uniform(4); left > 0; --left) {
    groups.push_back({0, {random_limits(rng), random_limits(rng)}});
  }
  Subject subject{groups};
  submit_at_random(subject, rng, groups.size());
  EXPECT_EQ(subject.passed.size(), static_cast<std::size_t>(kBios));
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (const bool write : {false, true}) {
      std::vector<Subject::Passed> own;
      for (const Subject::Passed& each : subject.passed) {
        if (each.cgroup == static_cast<int>(group) && each.write == write) {
          EXPECT_TRUE(own.empty() || own.back().number < each.number);
          own.push_back(each);
        }
      }
      expect_within(own, groups[group].limits.at(write ? kWrites : kReads));
    }
  }
}

// A tree of groups under one that is limited: all of them together keep to it.
TEST_P(ThrottleProperty, ALimitHoldsForAllGroupsBelow) {
  Rng rng = Rng::stream(2, std::to_string(GetParam()));
  ControlGroups groups(1);
  groups.push_back({0, {random_limits(rng), random_limits(rng)}});
  for (std::uint64_t left = 1 + rng.uniform(6); left > 0; --left) {
    groups.push_back({1 + static_cast<int>(rng.uniform(groups.size() - 1)), {}});
  }
  Subject subject{groups};
  submit_at_random(subject, rng, groups.size());
  EXPECT_EQ(subject.passed.size(), static_cast<std::size_t>(kBios));
  for (const bool write : {false, true}) {
    std::vector<Subject::Passed> limited;
    std::vector<std::int64_t> newest(groups.size());
    for (const Subject::Passed& each : subject.passed) {
      if (each.write == write) {
        EXPECT_LT(newest[static_cast<std::size_t>(each.cgroup)], each.number);
        newest[static_cast<std::size_t>(each.cgroup)] = each.number;
      }
      if (each.write == write && each.cgroup > 0) {
        limited.push_back(each);
      }
    }
    expect_within(limited, groups[1].limits.at(write ? kWrites : kReads));
  }
}

// Limits on every level: all comes through, and in order.
TEST_P(ThrottleProperty, LimitsOnEveryLevelLoseNothing) {
  Rng rng = Rng::stream(3, std::to_string(GetParam()));
  ControlGroups groups(1);
  for (std::uint64_t left = 1 + rng.uniform(6); left > 0; --left) {
    groups.push_back(
        {static_cast<int>(rng.uniform(groups.size())), {random_limits(rng), random_limits(rng)}});
  }
  Subject subject{groups};
  submit_at_random(subject, rng, groups.size());
  EXPECT_EQ(subject.passed.size(), static_cast<std::size_t>(kBios));
  std::vector<std::array<std::int64_t, kThrottledDirections>> newest(groups.size());
  for (const Subject::Passed& each : subject.passed) {
    std::int64_t& last =
        newest[static_cast<std::size_t>(each.cgroup)].at(each.write ? kWrites : kReads);
    EXPECT_LT(last, each.number);
    last = each.number;
  }
}

}  // namespace
}  // namespace wbsim::block
