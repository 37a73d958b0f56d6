// Each bio that was not merged is counted once, by the reason that was closest to a merge.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using engine::MergeCounts;
using engine::MergeRefusal;

// In order of arrival, and no bio may join anything.
class Stubborn final : public Elevator {
 public:
  void insert(Request& request) override { list_.push_back(request); }
  Request* dispatch() override {
    if (list_.empty()) {
      return nullptr;
    }
    Request& request = list_.front();
    list_.pop_front();
    return &request;
  }
  [[nodiscard]] bool has_work() const override { return !list_.empty(); }
  [[nodiscard]] bool allow_merge(const Request& /*request*/, const Bio& /*bio*/) override {
    return false;
  }

 private:
  RequestChain list_;
};

const ElevatorType& stubborn() {
  static const ElevatorType type{
      "stubborn", {}, [](const ElevatorContext&) -> std::unique_ptr<Elevator> {
        return std::make_unique<Stubborn>();
      }};
  return type;
}

engine::QueueTotals totals(const IoScript& script, const RequestQueueOptions& queue = {}) {
  RigOptions options;
  options.queue = queue;
  QueueRig rig{options};
  rig.task(script);
  rig.run();
  EXPECT_TRUE(rig.drained());
  return rig.queue.totals();
}

MergeCounts in_plug(const IoScript& script, const RequestQueueOptions& queue = {}) {
  return totals(IoScript{plug()} + script + IoScript{unplug()}, queue).bios;
}

MergeCounts counts(std::int64_t merged,
                   const std::vector<std::pair<MergeRefusal, std::int64_t>>& refused) {
  MergeCounts counts{.attempts = merged, .merged = merged};
  for (const auto& [refusal, count] : refused) {
    counts.attempts += count;
    counts.refuse(refusal, count);
  }
  return counts;
}

RequestQueueOptions queue_with(const QueueLimits& limits) { return {.limits = limits}; }

RequestQueueOptions with_deadline(const QueueLimits& limits = {}) {
  return {.limits = limits, .elevator = find_elevator("mq-deadline")};
}

TEST(MergeRefusal, NotAdjacent) {
  EXPECT_EQ(in_plug({write(0), write(8), write(100)}),
            counts(1, {{MergeRefusal::kNotAdjacent, 2}}));
}

TEST(MergeRefusal, ASettingOfTheQueue) {
  EXPECT_EQ(in_plug({write(0), write(8)}, queue_with({.nomerges = 2})),
            counts(0, {{MergeRefusal::kNomerges, 2}}));
}

TEST(MergeRefusal, ABioThatMustNotBeMerged) {
  const RequestQueueOptions queue = queue_with({.max_sectors = Sectors{16}, .write_cache = true});
  EXPECT_EQ(totals({flush(), fua(0)}, queue).bios, counts(0, {{MergeRefusal::kNoMergeBio, 2}}));
  EXPECT_EQ(in_plug({write(0, 24)}, queue),
            counts(0, {{MergeRefusal::kNoMergeBio, 1}, {MergeRefusal::kNoMergeRequest, 1}}))
      << "the part, and what is left after it";
}

TEST(MergeRefusal, AnotherOperation) {
  EXPECT_EQ(in_plug({write(0), read(8)}),
            counts(0, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kOtherOperation, 1}}));
}

TEST(MergeRefusal, AnotherPriority) {
  IoStep urgent = write(8);
  urgent.priority = {IoClass::kRealTime, 0};
  EXPECT_EQ(in_plug({write(0), urgent}),
            counts(0, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kOtherPriority, 1}}));
}

TEST(MergeRefusal, TheSizeAndThenThatItIsKnown) {
  EXPECT_EQ(in_plug({write(100, 16), write(116, 16), write(92)},
                    queue_with({.max_sectors = Sectors{24}})),
            counts(0, {{MergeRefusal::kNotAdjacent, 1},
                       {MergeRefusal::kMaxSectors, 1},
                       {MergeRefusal::kNoMergeRequest, 1}}));
}

TEST(MergeRefusal, TheSegments) {
  EXPECT_EQ(in_plug({write(0), write(8), write(16)}, queue_with({.max_segments = 2})),
            counts(1, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kMaxSegments, 1}}));
}

TEST(MergeRefusal, TheElevator) {
  RequestQueueOptions queue;
  queue.elevator = &stubborn();
  EXPECT_EQ(totals({write(0), write(8)}, queue).bios,
            counts(0, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kElevator, 1}}));
}

// The write at 8 is next to a read and behind a write that is full: the latter is closer.
TEST(MergeRefusal, OfSeveralTheClosestCounts) {
  const RequestQueueOptions queue = queue_with({.max_sectors = Sectors{8}});
  const MergeCounts expected =
      counts(0, {{MergeRefusal::kNotAdjacent, 2}, {MergeRefusal::kMaxSectors, 1}});
  EXPECT_EQ(in_plug({read(16), write(0), write(8)}, queue), expected);
  EXPECT_EQ(in_plug({write(0), read(16), write(8)}, queue), expected);
}

TEST(MergeRefusal, AllOfARunCounts) {
  EXPECT_EQ(in_plug({write(0), write(8), write(16), write(24)}),
            counts(3, {{MergeRefusal::kNotAdjacent, 1}}));
}

// 116 is tried with 100 when it is inserted; then 108 closes the gap, and they are tried again.
IoScript gap() { return {write(100), write(116), write(108)}; }

TEST(RequestMergeRefusal, NoneWhereTheyFit) {
  EXPECT_EQ(totals(gap(), with_deadline()).requests, counts(1, {{MergeRefusal::kNotAdjacent, 1}}));
}

TEST(RequestMergeRefusal, TheSize) {
  EXPECT_EQ(totals(gap(), with_deadline({.max_sectors = Sectors{16}})).requests,
            counts(0, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kMaxSectors, 1}}));
}

TEST(RequestMergeRefusal, TheSegments) {
  EXPECT_EQ(totals(gap(), with_deadline({.max_segments = 2})).requests,
            counts(0, {{MergeRefusal::kNotAdjacent, 1}, {MergeRefusal::kMaxSegments, 1}}));
}

// Both with the last one, and with the one that ends where it begins.
TEST(RequestMergeRefusal, AnotherOperation) {
  EXPECT_EQ(totals({write(100), read(108)}, with_deadline()).requests,
            counts(0, {{MergeRefusal::kOtherOperation, 2}}));
}

TEST(RequestMergeRefusal, AnotherPriority) {
  IoStep urgent = write(108);
  urgent.priority = {IoClass::kRealTime, 0};
  EXPECT_EQ(totals({write(100), urgent}, with_deadline()).requests,
            counts(0, {{MergeRefusal::kOtherPriority, 2}}));
}

// The second bio makes it known that the first request is full, and becomes a request behind it.
TEST(RequestMergeRefusal, OneThatIsFull) {
  const RequestQueueOptions queue = with_deadline({.max_sectors = Sectors{16}});
  EXPECT_EQ(totals({write(100, 16), write(116)}, queue).requests,
            counts(0, {{MergeRefusal::kNoMergeRequest, 1}}));
}

}  // namespace
}  // namespace wbsim::block
