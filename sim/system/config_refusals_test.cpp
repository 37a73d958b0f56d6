// Valid requests for what is not simulated: refused by name, exit code 3.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

struct Refusal {
  const char* name;
  std::string text;
  std::string finding;
};

void PrintTo(const Refusal& refusal, std::ostream* stream) { *stream << refusal.text; }

class ConfigRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefusal, NamesWhatIsNotSimulated) {
  const testing::Reading reading = read(GetParam().text);
  EXPECT_EQ(reading.findings, "not simulated: a.json: " + GetParam().finding + "\n");
  EXPECT_EQ(reading.exit_code, 3);
  EXPECT_FALSE(reading.config);
}

std::string with_queue(const std::string& queue) {
  return R"({"devices":{"sda":{"queue":{)" + queue + "}}}}";
}

INSTANTIATE_TEST_SUITE_P(
    All, ConfigRefusal,
    ::testing::Values(
        Refusal{"NewKernel", document(R"("kernel":"5.15")"),
                "/kernel: \"5.15\"; simulated are 2.6.18, 3.6, 5.10, 6.1, 6.6, 6.12"},
        Refusal{"Mounts", document(R"("mounts":{"data":{"device":"sda","fs":"ext4"}})"),
                "/mounts/data/fs: \"ext4\"; simulated are raw, extent"},
        Refusal{"Fsync", document(R"("actions":[{"at":"1s","syscall":"fsync"}])"),
                "/actions/0/syscall: \"fsync\"; simulated are sync"},
        Refusal{"Anon", document(R"("actions":[{"at":"1s","anon":{"grow":"1GiB"}}])"),
                "/actions/0/anon: must be absent or empty"},
        Refusal{"Tracing", document(R"("guest_tracing":["wb","jbd2"])"),
                "/guest_tracing/1: \"jbd2\"; simulated are wb, rq, blk, block_bio_queue, "
                "block_bio_backmerge, block_bio_frontmerge, block_getrq, block_plug, "
                "block_unplug, block_split, block_rq_insert, block_rq_merge, block_rq_issue, "
                "block_rq_complete, wbt"}),
    [](const auto& param) { return std::string{param.param.name}; });

TEST(ConfigRefusals, YieldToErrors) {
  EXPECT_EQ(read(document(R"("kernel":"5.15","cpus":0)")).exit_code, 2);
}

TEST(ConfigNotes, TellWhenTheBackgroundLimitIsNotBelowTheLimit) {
  EXPECT_EQ(read(document(R"("vm":{"dirty_ratio":10})")).findings,
            "note: a.json: /vm: the background limit is not below the dirty limit; the kernel uses "
            "half of the dirty limit instead\n");
  EXPECT_EQ(read(document(R"("vm":{"dirty_ratio":11})")).findings, "");
}

TEST(ConfigNotes, TellWhatACapturedMachineHasBeyondWhatIsSimulated) {
  const testing::Reading reading =
      read(document(R"("_unsimulated":{"/mounts//":"ext4 on /dev/sda1","/stack/md0":"raid1"})"));
  EXPECT_EQ(reading.findings,
            "note: a.json: /_unsimulated: /mounts//: ext4 on /dev/sda1\n"
            "note: a.json: /_unsimulated: /stack/md0: raid1\n");
  EXPECT_EQ(reading.exit_code, 0);
  EXPECT_EQ(read(document(R"("_unsimulated":{"/a":1},"seed":1)")).findings,
            "a.json: /_unsimulated/~1a: 1 is not a string\n");
  EXPECT_EQ(read(document(R"("_unsimulated":[])")).findings,
            "a.json: /_unsimulated: an array is not an object\n");
}

TEST(ConfigNotes, TellThatFuaNeedsAVolatileCache) {
  EXPECT_EQ(read(with_queue(R"("scheduler":"none","wbt_lat_usec":0,"fua":true)")).findings,
            "note: a.json: /devices/sda/queue/fua: has no effect with write_cache \"write "
            "through\"\n");
}

}  // namespace
}  // namespace wbsim::system
