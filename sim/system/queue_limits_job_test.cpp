// Jobs before a queue with a virtual boundary, or with steps that their data takes.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using engine::MergeRefusal;
using testing::disk;
using testing::scenario;

// A job that submits sixteen adjacent writes at once, each from a buffer of its own.
engine::MergeCounts merges_of(const std::string& block_size, const std::string& queue) {
  const std::string fio =
      "[j]\nfilename=/dev/sda\nrw=write\ndirect=1\nioengine=libaio\niodepth=16\n"
      "iodepth_batch_submit=16\niodepth_batch_complete_min=16\nnumber_ios=160\nsize=16m\nbs=" +
      block_size + "\n";
  return testing::run_logged(scenario(fio, "", disk("", queue))).totals.at(0).bios;
}

// fio's buffers lie back to back: those of less than a page share pages, and the first I/O has the
// last one.
TEST(VirtBoundaryJob, BuffersOfLessThanAPageLeaveGaps) {
  EXPECT_GE(
      merges_of("512", R"("virt_boundary_mask":4095)").refused_by(MergeRefusal::kVirtualBoundary),
      15);
  EXPECT_EQ(merges_of("512", "").refused_by(MergeRefusal::kVirtualBoundary), 0);
  EXPECT_GT(merges_of("512", "").merged, merges_of("512", R"("virt_boundary_mask":4095)").merged);
}

TEST(VirtBoundaryJob, BuffersOfWholePagesLeaveNone) {
  const engine::MergeCounts bounded = merges_of("4k", R"("virt_boundary_mask":4095)");
  EXPECT_EQ(bounded.refused_by(MergeRefusal::kVirtualBoundary), 0);
  EXPECT_EQ(bounded.merged, merges_of("4k", "").merged);
  EXPECT_GT(bounded.merged, 0);
}

// Nothing but these steps takes CPU time, and each page of 64 KiB has each of them once.
TEST(DataStepsJob, TakeTheirTimeOfEveryWriteAndRead) {
  const auto duration = [](const std::string& rw, const std::string& queue) {
    const testing::JobRecord record = testing::run_logged(scenario(
        "[j]\nfilename=/dev/sda\ndirect=1\nnumber_ios=1\nsize=64k\nbs=64k\nrw=" + rw + "\n",
        testing::free_cpu(), disk("", queue)));
    const engine::SyscallTrace& call = record.calls.at(0);
    return call.end - call.start;
  };
  const std::string steps = R"("data_steps":{"bounce":"1us","integrity":"2us","crypto":"4us"})";
  for (const std::string rw : {"write", "read"}) {
    EXPECT_EQ(duration(rw, steps) - duration(rw, ""), microseconds(7 * 16)) << rw;
  }
}

}  // namespace
}  // namespace wbsim::system
