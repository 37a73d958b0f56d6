// What is sampled for the time series, of whole runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using engine::StateSample;
using testing::scenario;
using testing::Scenario;

class Sampler final : public engine::Observer {
 public:
  void on_sample(const StateSample& sample) override { samples.push_back(sample); }
  std::vector<StateSample> samples;
};

// A fast and a slow disk, each with a task that writes as fast as it may.
std::vector<StateSample> samples_of_two_disks() {
  const Scenario s = scenario(
      "[a]\nfilename=/dev/sda\nrw=write\nbs=64k\ntime_based=1\nruntime=4\n"
      "[b]\nfilename=/dev/sdb\nrw=write\nbs=64k\ntime_based=1\nruntime=4\n",
      R"("memory":{"total":"128MiB"})",
      R"({"sda":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":"none"}},)"
      R"("sdb":{"size":"1GiB","per_kib":"40960ns","queue":{"scheduler":"none"}}})");
  Sampler sampler;
  RunOptions options;
  options.observers = {&sampler};
  run_system(s.config, s.workload, options);
  EXPECT_GT(sampler.samples.size(), 30U);
  return sampler.samples;
}

TEST(Sample, ThresholdsOfADeviceAreItsShareOfThoseOfAll) {
  for (const StateSample& sample : samples_of_two_disks()) {
    for (const StateSample::Bdi& bdi : sample.bdis) {
      const std::int64_t thresh = sample.dirty_thresh.count();
      EXPECT_EQ(bdi.wb_setpoint.count(),
                sample.setpoint.count() * bdi.wb_thresh.count() / (thresh + 1));
      EXPECT_EQ(bdi.wb_bg_thresh.count(),
                bdi.wb_thresh.count() * sample.background_thresh.count() / thresh);
    }
  }
}

TEST(Sample, SharesOfCompletionsGiveTheThresholds) {
  const std::vector<StateSample> samples = samples_of_two_disks();
  int compared = 0;
  for (const StateSample& sample : samples) {
    for (const StateSample::Bdi& bdi : sample.bdis) {
      EXPECT_LE(bdi.completions_numerator, bdi.completions_denominator);
      EXPECT_GT(bdi.completions_denominator, 0);
    }
    // The threshold was computed a little earlier.
    const StateSample::Bdi& fast = sample.bdis[0];
    if (sample.time > at(seconds(3)) && sample.time < at(seconds(4))) {
      const double share = static_cast<double>(fast.completions_numerator) /
                           static_cast<double>(fast.completions_denominator);
      const double threshold = static_cast<double>(fast.wb_thresh.count()) /
                               static_cast<double>(sample.dirty_thresh.count());
      EXPECT_NEAR(threshold, share, 0.05);
      EXPECT_GT(share, 0.6);
      ++compared;
    }
  }
  EXPECT_GT(compared, 5);
}

TEST(Sample, WhatWasDirtiedIsWrittenOrStillDirty) {
  for (const StateSample& sample : samples_of_two_disks()) {
    for (const StateSample::Bdi& bdi : sample.bdis) {
      EXPECT_EQ(bdi.dirtied, bdi.written + bdi.reclaimable + bdi.writeback);
    }
  }
}

TEST(Sample, ABlockDeviceIsOnOneOfTheFlushersLists) {
  std::int64_t b_dirty = 0, at_work = 0;
  for (const StateSample& sample : samples_of_two_disks()) {
    for (const StateSample::Bdi& bdi : sample.bdis) {
      const std::int64_t all = bdi.b_dirty + bdi.b_io + bdi.b_more_io;
      EXPECT_LE(all, 1);
      EXPECT_GE(all, bdi.reclaimable > Pages{0} ? 1 : 0);
      EXPECT_EQ(bdi.b_dirty_time, 0);
      b_dirty += bdi.b_dirty;
      at_work += bdi.b_io + bdi.b_more_io;
    }
  }
  EXPECT_GT(b_dirty, 0);  // before the background threshold
  EXPECT_GT(at_work, 0);  // once the flusher works
}

TEST(Sample, TellsWhereADeviceIsAboveItsLimits) {
  const std::vector<StateSample> samples = samples_of_two_disks();
  const bool exceeded = std::any_of(samples.begin(), samples.end(), [](const StateSample& sample) {
    return sample.bdis[0].dirty_exceeded || sample.bdis[1].dirty_exceeded;
  });
  EXPECT_FALSE(samples.front().bdis[0].dirty_exceeded);
  EXPECT_TRUE(exceeded);
}

}  // namespace
}  // namespace wbsim::system
