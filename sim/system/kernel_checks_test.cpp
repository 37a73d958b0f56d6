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

std::string no_page_cache(const std::string& pointer, const std::string& kernel = "3.6") {
  return note(pointer, "has no effect: the page cache and writeback of Linux " + kernel +
                           " are not simulated, all I/O is direct");
}

TEST(KernelChecks, NothingIsSaidOfDefaults) {
  for (const char* kernel : {"2.6.18", "3.6", "5.10", "6.1"}) {
    EXPECT_EQ(read_for(kernel, R"("vm":{"dirty_ratio":20},"profile":{"throttling":true})").findings,
              "");
  }
}

TEST(KernelChecks, OptionsOfThePageCacheHaveNoEffectBeforeIt) {
  EXPECT_EQ(read_for("3.6", R"("vm":{"dirty_ratio":30})").findings, no_page_cache("/vm"));
  EXPECT_EQ(read_for("2.6.18", R"("vm":{"dirty_ratio":30})").findings,
            no_page_cache("/vm", "2.6.18"));
  EXPECT_EQ(read_for("6.1", R"("vm":{"dirty_ratio":30})").findings, "");
  EXPECT_EQ(read_for("3.6", R"("boot":{"dirty_limit":5})").findings,
            no_page_cache("/boot/dirty_limit"));
  EXPECT_EQ(read_for("3.6", R"("boot":{"write_bandwidth":"10MiB/s"})").findings,
            no_page_cache("/boot/write_bandwidth"));
  EXPECT_EQ(read_for("3.6", "", R"("bdi":{"min_ratio":5})").findings,
            no_page_cache("/devices/sda/bdi/min_ratio"));
  EXPECT_EQ(read_for("3.6", "", R"("bdi":{"max_ratio":5})").findings,
            no_page_cache("/devices/sda/bdi/max_ratio"));
  EXPECT_EQ(read_for("3.6", "", R"("queue":{"read_ahead_kb":256})").findings,
            no_page_cache("/devices/sda/queue/read_ahead_kb"));
  EXPECT_EQ(
      read_for("3.6", R"("stack":{"p":{"kind":"partition","members":["sda"],"read_ahead_kb":256}})")
          .findings,
      no_page_cache("/stack/p/read_ahead_kb"));
}

TEST(KernelChecks, SyncIsRefusedBeforeWritebackIsSimulated) {
  const Reading sync = read_for("3.6", R"("actions":[{"at":"1s","syscall":"sync"}])");
  EXPECT_EQ(sync.exit_code, 3);
  EXPECT_EQ(sync.findings,
            "not simulated: a.json: /actions/0/syscall: \"sync\" of Linux 3.6, whose page cache "
            "and writeback are not\n");
  EXPECT_EQ(read_for("6.1", R"("actions":[{"at":"1s","syscall":"sync"}])").findings, "");
  EXPECT_EQ(read_for("3.6", R"("actions":[{"at":"1s","set":{"vm.dirty_ratio":30}}])").findings,
            no_page_cache("/actions/0/set"));
}

TEST(KernelChecks, WhatAKernelIsMadeForCannotBeExchanged) {
  const Reading flusher = read_for("3.6", R"("profile":{"flusher":"work-queue"})");
  EXPECT_EQ(flusher.exit_code, 2);
  EXPECT_EQ(flusher.findings,
            "a.json: /profile/flusher: \"work-queue\" is not what Linux 3.6 has (bdi-threads), and "
            "cannot be exchanged alone; leave it out, or take another kernel\n");
  EXPECT_EQ(read_for("6.1", R"("profile":{"flusher":"pdflush"})").findings,
            "a.json: /profile/flusher: \"pdflush\" is not what Linux 6.1 has (work-queue), and "
            "cannot be exchanged alone; leave it out, or take another kernel\n");
  EXPECT_EQ(
      read_for("3.6", R"("profile":{"block_layer":"blk-mq","elevators":"6.1"})").findings,
      "a.json: /profile/block_layer: \"blk-mq\" is not what Linux 3.6 has (single-queue), and "
      "cannot be exchanged alone; leave it out, or take another kernel\n");
}

TEST(KernelChecks, SwitchesThatNobodyAsksForHaveNoEffect) {
  EXPECT_EQ(read_for("3.6", R"("profile":{"plug_merge":"newest-only"})").findings,
            note("/profile/plug_merge", "has no effect: Linux 3.6 has a single queue"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"cache_flush":"barriers"})").findings,
            note("/profile/cache_flush", "has no effect: Linux 6.1 has blk-mq"));
  EXPECT_EQ(read_for("3.6", R"("profile":{"throttling":false})").findings,
            no_page_cache("/profile/throttling"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"throttling":false})").findings, "");
  EXPECT_EQ(read_for("6.1", R"("profile":{"stripe_visit":"by-block"})").findings,
            note("/profile/stripe_visit", "has no effect without /stack"));
  EXPECT_EQ(read_for("6.1", R"("profile":{"plug_merge":"all-requests"})").findings, "");
}

}  // namespace
}  // namespace wbsim::system
