// Structure of job files: sections, includes, limits.
#include "sim/workload/fio_lexer.hpp"

#include <gtest/gtest.h>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

using Messages = std::vector<std::string>;

constexpr char kJob[] = "filename=/dev/sda\nrw=write\n";

FioOptions with_files(std::map<std::string, std::string> files) {
  FioOptions options;
  options.read_include = [files = std::move(files)](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional<std::string>{found->second};
  };
  return options;
}

TEST(FioSections, MistakesAreReportedInFull) {
  EXPECT_EQ(parse_text(std::string("[w\n") + kJob).messages,
            Messages{"job.fio:1: \"]\" is missing at the end of the section's name\n"
                     "  [w\n    ^ near here"});
  EXPECT_EQ(parse_text(std::string("[w] x\n") + kJob).messages,
            Messages{"job.fio:1: nothing but a comment may follow \"]\"\n"
                     "  [w] x\n     ^ near here"});
  EXPECT_EQ(parse_text(std::string("[]\n") + kJob).messages,
            Messages{"job.fio:1: the section has no name\n  []\n  ^ near here"});
  EXPECT_EQ(
      parse_text("bs=4k\n[w]\n" + std::string(kJob)).messages,
      Messages{"job.fio:1: this option stands before the first section; begin one with [name]\n"
               "  bs=4k\n  ^ near here"});
  EXPECT_EQ(parse_text("").messages,
            Messages{"job.fio: no job; a job begins with its name in brackets, such as [writer]"});
  EXPECT_EQ(parse_text("[global]\nbs=4k\n").messages,
            Messages{"job.fio: no job; a job begins with its name in brackets, such as [writer]"});
  EXPECT_EQ(parse_inputs({}).messages,
            Messages{"workload: no job; a job begins with its name in brackets, such as [writer]"});
}

TEST(FioSections, NameMayHaveBrackets) {
  const FioOutcome outcome = parse_text(std::string("[a [b]]\n") + kJob);
  ASSERT_EQ(outcome.workload.jobs.size(), 1U);
  EXPECT_EQ(outcome.workload.jobs.front().name, "a [b]");
}

TEST(FioInclude, IsReadRelativeToItsIncluder) {
  const FioOptions options = with_files(
      {{"dir/common.inc", "bs=8k\ninclude deep/more.inc\n"}, {"dir/deep/more.inc", "fsync=4\n"}});
  const FioOutcome outcome = parse_inputs(
      {{"dir/job.fio", std::string("[w]\n") + kJob + "include common.inc\n"}}, options);
  EXPECT_EQ(outcome.messages, Messages{});
  ASSERT_EQ(outcome.workload.jobs.size(), 1U);
  EXPECT_EQ(outcome.workload.jobs.front().block_size(), kibibytes(8));
  EXPECT_EQ(outcome.workload.jobs.front().fsync_every, 4);
}

TEST(FioInclude, MistakesNameTheIncludedFile) {
  const std::string job = std::string("[w]\n") + kJob + "include a.inc\n";
  EXPECT_EQ(
      parse_text(job, with_files({{"a.inc", "bs=4kk\n"}})).messages,
      Messages{"a.inc:1: bs=4kk: \"4kk\" is no number; write a whole number, then nothing, k, "
               "m, g, t or p (kb, kib ...)\n  bs=4kk\n     ^ near here"});
  EXPECT_EQ(parse_text(job, with_files({{"a.inc", "[x]\n"}})).messages.front(),
            "a.inc:1: an included file cannot begin a section\n  [x]\n  ^ near here");
  EXPECT_EQ(parse_text("include a.inc\n").messages.front(),
            "job.fio:1: include stands before the first section; begin one with [name]\n"
            "  include a.inc\n          ^ near here");
}

TEST(FioInclude, CyclesAndFansEnd) {
  const std::string job = std::string("[w]\n") + kJob + "include a.inc\n";
  EXPECT_EQ(parse_text(job, with_files({{"a.inc", "include a.inc\n"}})).messages,
            Messages{"a.inc:1: includes are nested deeper than 16; does a file include itself?"});
  std::map<std::string, std::string> fan;
  for (int i = 0; i < 12; ++i) {
    const std::string next = "include f" + std::to_string(i + 1) + "\n";
    fan["f" + std::to_string(i)] = next + next;
  }
  fan["f12"] = "bs=4k\n";
  EXPECT_EQ(parse_text(std::string("[w]\n") + kJob + "include f0\n", with_files(fan)).messages,
            Messages{"f11:2: more than 256 includes"});
}

TEST(FioLimits, AreErrorsThatNameThemselves) {
  EXPECT_EQ(parse_lines("bs=" + std::string(1 << 20, '4')).messages,
            Messages{"job.fio:4: the line has 1048579 bytes, more than 8192"});
  EXPECT_EQ(parse_lines(std::string("bs=4k\0junk", 10)).messages,
            Messages{"job.fio:4: the line has a NUL byte; this is no text file"});
  EXPECT_EQ(parse_text(std::string(17 << 20, '\n')).messages,
            Messages{"job.fio: job files of more than 16 MiB"});
  EXPECT_EQ(parse_text("[" + std::string(256, 'n') + "]\n" + kJob).messages.front().substr(0, 56),
            "job.fio:1: the section's name is longer than 255 bytes\n ");
  std::string many = std::string("[global]\n") + kJob;
  for (int i = 0; i < 4200; ++i) {
    many += "[w]\n";
  }
  EXPECT_EQ(parse_text(many).messages, Messages{"job.fio:4099: more than 4096 sections"});
  EXPECT_EQ(parse_text("[global]\nnumjobs=4000\n" + std::string(kJob) + "[a]\n[b]\n[c]\n").messages,
            Messages{"job.fio:6: more than 4096 jobs, clones counted\n  [b]\n  ^ near here"});
}

TEST(FioLimits, HoldForOptionsAndErrors) {
  std::string options;
  std::string errors;
  for (int i = 0; i < 70000; ++i) {
    options += "bs=4k\n";
    errors += "nonsense\n";
  }
  EXPECT_EQ(parse_lines(options).messages, Messages{"job.fio:65538: more than 65536 options"});
  EXPECT_EQ(parse_lines(errors.substr(0, 9000)).messages.back(),
            "job.fio:103: more than 100 errors; the rest is not shown");
  EXPECT_EQ(parse_text(errors).messages.back(),
            "job.fio:100: more than 100 errors; the rest is not read");
}

TEST(FioLimits, HoldForDeepExpressions) {
  const std::string deep(4000, '(');
  const FioOutcome outcome = parse_lines("bs=" + deep + "1");
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_NE(outcome.messages.front().find("is nested deeper than 64 levels"), std::string::npos);
  EXPECT_EQ(parse_lines("bs=(" + std::string(4000, '-') + "4k)").messages.size(), 1U);
  std::string power = "bs=(1";
  for (int i = 0; i < 2000; ++i) {
    power += "^1";
  }
  EXPECT_EQ(parse_lines(power + ")").messages.size(), 1U);
}

}  // namespace
}  // namespace wbsim::workload
