#include "sim/base/diagnostics.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wbsim {
namespace {

TEST(DiagnosticsTest, TextSaysWhereAndWhatAndHowSerious) {
  Diagnostics diagnostics;
  diagnostics.error("job.fio:12", "unknown option \"blocksize\"");
  diagnostics.refuse("job.fio:13", "ioengine=rbd");
  diagnostics.note("job.fio", "one job");
  ASSERT_EQ(diagnostics.all().size(), 3U);
  EXPECT_EQ(to_string(diagnostics.all()[0]), "job.fio:12: unknown option \"blocksize\"");
  EXPECT_EQ(to_string(diagnostics.all()[1]), "not simulated: job.fio:13: ioengine=rbd");
  EXPECT_EQ(to_string(diagnostics.all()[2]), "note: job.fio: one job");
}

TEST(DiagnosticsTest, ExitCodeIsThatOfTheMostSerious) {
  Diagnostics diagnostics;
  EXPECT_EQ(diagnostics.exit_code(), 0);
  diagnostics.note("a", "b");
  EXPECT_EQ(diagnostics.exit_code(), 0);
  EXPECT_FALSE(diagnostics.has_refusals());
  diagnostics.refuse("a", "b");
  EXPECT_EQ(diagnostics.exit_code(), 3);
  EXPECT_TRUE(diagnostics.has_refusals());
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.error("a", "b");
  EXPECT_EQ(diagnostics.exit_code(), 2);
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(DiagnosticsTest, AppendAddsFindingsOfEveryKindInTheirOrder) {
  Diagnostics findings;
  findings.note("b", "1");
  findings.refuse("c", "2");
  findings.error("d", "3");
  Diagnostics diagnostics;
  diagnostics.error("a", "0");
  diagnostics.append(findings);
  std::string text;
  for (const Diagnostic& finding : diagnostics.all()) {
    text += to_string(finding) + "\n";
  }
  EXPECT_EQ(text, "a: 0\nnote: b: 1\nnot simulated: c: 2\nd: 3\n");
}

TEST(DiagnosticsTest, DropNotesKeepsErrorsAndRefusals) {
  Diagnostics diagnostics;
  diagnostics.note("a", "1");
  diagnostics.error("b", "2");
  diagnostics.note("c", "3");
  diagnostics.refuse("d", "4");
  diagnostics.drop_notes();
  ASSERT_EQ(diagnostics.all().size(), 2U);
  EXPECT_EQ(diagnostics.all()[0].where, "b");
  EXPECT_EQ(diagnostics.all()[1].where, "d");
}

TEST(DidYouMeanTest, FindsTheClosestCandidate) {
  const std::vector<std::string> elevators{"none", "mq-deadline", "kyber", "bfq"};
  EXPECT_EQ(did_you_mean("mq-dedline", elevators), "mq-deadline");
  EXPECT_EQ(did_you_mean("kybr", elevators), "kyber");
  EXPECT_EQ(did_you_mean("bqf", elevators), "") << "two letters of three differ";
  EXPECT_EQ(did_you_mean("bf", elevators), "bfq");
}

TEST(DidYouMeanTest, StaysSilentWhereNothingIsClose) {
  EXPECT_EQ(did_you_mean("cfq-iosched", {"none", "kyber"}), "");
  EXPECT_EQ(did_you_mean("", {"a"}), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
  EXPECT_EQ(did_you_mean(std::string(257, 'a'), {std::string(256, 'a')}), "") << "no typing error";
}

// Allowed distance: 1 + length / 4.
TEST(DidYouMeanTest, AllowsMoreErrorsInLongerWords) {
  EXPECT_EQ(did_you_mean("abc", {"abX"}), "abX");
  EXPECT_EQ(did_you_mean("abc", {"aXX"}), "");
  EXPECT_EQ(did_you_mean("abcd", {"abXX"}), "abXX");
  EXPECT_EQ(did_you_mean("abcd", {"aXXX"}), "");
  EXPECT_EQ(did_you_mean("abcdefgh", {"abcdeXXX"}), "abcdeXXX");
}

TEST(DidYouMeanTest, FirstOfEquallyCloseCandidatesWins) {
  EXPECT_EQ(did_you_mean("bet", {"bat", "bit"}), "bat");
}

}  // namespace
}  // namespace wbsim
