// Options and switches that the kernel does not have: errors, refusals and notes by full text.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::read;
using testing::Reading;

Reading read_for(const std::string& kernel, const std::string& members,
                 const std::string& device = "") {
  return read(R"({"kernel":")" + kernel + R"(","devices":{"sda":{)" + device + "}}" +
              (members.empty() ? "" : "," + members) + "}");
}

std::string note(const std::string& pointer, const std::string& text) {
  return "note: a.json: " + pointer + ": " + text + "\n";
}

TEST(KernelChecks, NothingIsSaidOfDefaults) {
  for (const char* kernel : {"2.6.18", "3.6", "5.10", "6.1"}) {
    EXPECT_EQ(
        read_for(kernel, R"("vm":{"dirty_ratio":30},"profile":{"throttling":false})").findings, "");
    EXPECT_EQ(read_for(kernel, R"("actions":[{"at":"1s","syscall":"sync"}])").findings, "");
  }
}

TEST(KernelChecks, ATraceIsThatOfAKernelWhoseFormatsAreKnown) {
  for (const char* kernel : {"2.6.18", "3.6"}) {
    const Reading reading = read_for(kernel, R"("output":{"trace":true})");
    EXPECT_EQ(reading.findings, "not simulated: a.json: /output/trace: trace.txt of Linux " +
                                    std::string{kernel} + "\n");
    EXPECT_EQ(reading.exit_code, 3);
  }
  EXPECT_EQ(read_for("5.10", R"("output":{"trace":true})").findings, "");
}

TEST(KernelChecks, DirtyRatioIsWhatItWas) {
  EXPECT_EQ(read_for("2.6.18", "").config->vm.dirty_ratio, 40);
  EXPECT_EQ(read_for("3.6", "").config->vm.dirty_ratio, 20);
  EXPECT_EQ(read_for("2.6.18", R"("vm":{"dirty_ratio":30})").config->vm.dirty_ratio, 30);
}

TEST(KernelChecks, OldLimitsKnowNoBytes) {
  const std::string none = ": dirty_limits 2.6.18 know no bytes; leave it out, or set the ratio\n";
  const Reading vm = read_for("2.6.18", R"("vm":{"dirty_bytes":8192})");
  EXPECT_EQ(vm.exit_code, 2);
  EXPECT_EQ(vm.findings, "a.json: /vm/dirty_bytes" + none);
  EXPECT_EQ(read_for("2.6.18", R"("vm":{"dirty_background_bytes":8192})").findings,
            "a.json: /vm/dirty_background_bytes" + none);
  EXPECT_EQ(read_for("2.6.18", R"("actions":[{"at":"1s","set":{"vm.dirty_bytes":8192}}])").findings,
            "a.json: /actions/0/set/vm.dirty_bytes" + none);
  EXPECT_EQ(
      read_for("2.6.18", R"("vm":{"dirty_bytes":8192},"profile":{"dirty_limits":"3.6"})").findings,
      "");
}

TEST(KernelChecks, LawsOfPausesHaveNoEffectWhereNobodyPauses) {
  const std::string why = "has no effect: with this throttle_action nobody pauses";
  EXPECT_EQ(read_for("2.6.18", R"("profile":{"control_laws":"5.10"})").findings,
            note("/profile/control_laws", why));
  EXPECT_EQ(read_for("6.1", R"("profile":{"throttle_action":"write-back-per-device",)"
                            R"("background_start":"on-exit"})")
                .findings,
            note("/profile/background_start", why));
  EXPECT_EQ(read_for("3.6", R"("profile":{"control_laws":"5.10"})").findings, "");
}

TEST(KernelChecks, WhatAKernelIsMadeForCannotBeExchanged) {
  EXPECT_EQ(
      read_for("3.6", R"("profile":{"block_layer":"blk-mq","elevators":"6.1"})").findings,
      "a.json: /profile/block_layer: \"blk-mq\" is not what Linux 3.6 has (single-queue), and "
      "cannot be exchanged alone; leave it out, or take another kernel\n");
}

TEST(KernelChecks, FlushersAndThrottlesCanBeExchanged) {
  for (const char* kernel : {"2.6.18", "3.6", "6.1"}) {
    for (const char* flusher : {"pdflush", "bdi-threads", "work-queue"}) {
      for (const char* action : {"write-back", "write-back-per-device", "pause"}) {
        EXPECT_EQ(read_for(kernel, std::string{R"("profile":{"flusher":")"} + flusher +
                                       R"(","throttle_action":")" + action + "\"}")
                      .findings,
                  "");
      }
    }
  }
}

TEST(KernelChecks, SwitchesThatNobodyAsksForHaveNoEffect) {
  EXPECT_EQ(read_for("3.6", R"("profile":{"plug_merge":"newest-only"})").findings,
            note("/profile/plug_merge", "has no effect: Linux 3.6 has a single queue"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"cache_flush":"barriers"})").findings,
            note("/profile/cache_flush", "has no effect: Linux 6.1 has blk-mq"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"throttling":false})").findings, "");
  EXPECT_EQ(read_for("6.1", R"("profile":{"stripe_visit":"by-block"})").findings,
            note("/profile/stripe_visit", "has no effect without /stack"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"plug_merge":"all-requests"})").findings, "");
}

}  // namespace
}  // namespace wbsim::system
