// What a buffered write did differently in v2.6.18 and v3.6, and who starts writeback for reclaim.
#include <gtest/gtest.h>

#include "sim/writeback/test_machine.hpp"

namespace wbsim::writeback {
namespace {

using pagecache::TestTask;
using Device = WritebackMachine::Device;

// A write of page 0 while it is under writeback, which ends after 5 ms.
SimDuration time_to_overwrite(bool waits) {
  WritebackOptions options;
  options.throttle.write_begin_waits = waits;
  WritebackMachine m{options};
  Device& d = m.add_device(milliseconds(5));
  m.dirty(d.file.inode.mapping, PageIndex{0}, Pages{1});
  TestTask flush{m.machine};
  flush.run([&d](pagecache::TaskContext& task) -> engine::Task<> {
    pagecache::WritebackControl wbc;
    co_await d.file.writepages(task, d.file.inode.mapping, wbc);
  });
  m.run_for(SimDuration{});
  TestTask writer{m.machine};
  SimTime end{};
  writer.run([&](pagecache::TaskContext& task) -> engine::Task<> {
    co_await write_pages(m, d, task, PageIndex{0}, Pages{2});
    end = task.thread().now();
  });
  m.run_for(milliseconds(100));
  EXPECT_TRUE(writer.done());
  return end - SimTime{};
}

TEST(OldWrite, WaitsForAPageUnderWritebackWhereTheKernelDoes) {
  EXPECT_EQ(time_to_overwrite(false), SimDuration{});
  EXPECT_EQ(time_to_overwrite(true), milliseconds(5));
}

Pages active_after_two_writes(bool marks) {
  WritebackOptions options;
  options.throttle.write_marks_accessed = marks;
  WritebackMachine m{options};
  Device& d = m.add_device();
  TestTask writer{m.machine};
  writer.run([&](pagecache::TaskContext& task) -> engine::Task<> {
    co_await write_pages(m, d, task, PageIndex{0}, Pages{10});
    co_await write_pages(m, d, task, PageIndex{0}, Pages{3});
  });
  m.run_for(milliseconds(1));
  return m.cache.stat().nr_active_file;
}

TEST(OldWrite, WritingAPageTwiceActivatesItWhereTheKernelSaysSo) {
  EXPECT_EQ(active_after_two_writes(false), Pages{0});
  EXPECT_EQ(active_after_two_writes(true), Pages{3});
}

// A task needs a page where `dirty` inactive pages give none.
std::size_t wakeups(ReclaimWakeup rule, std::int64_t dirty) {
  WritebackOptions options;
  options.memory = Pages{50'000};
  WritebackMachine m{options};
  Kswapd reclaim{m.machine, m.cache, {Pages{49'990}, Pages{0}, Pages{0}}, rule};
  struct Waker final : pagecache::FlusherWaker {
    void wakeup_flushers(engine::WbReason, std::int64_t nr_pages) override {
      asked.push_back(nr_pages);
    }
    std::vector<std::int64_t> asked;
  } waker;
  m.cache.set_flusher_waker(waker);
  Device& d = m.add_device();
  d.file.hold = true;
  m.dirty(d.file.inode.mapping, PageIndex{0}, Pages{dirty});
  TestTask task{m.machine};
  task.run([&reclaim](pagecache::TaskContext& context) -> engine::Task<> {
    co_await reclaim.direct_reclaim_once(context);
  });
  m.run_for(milliseconds(1));
  if (rule == ReclaimWakeup::kDirectScans && !waker.asked.empty()) {
    EXPECT_GE(waker.asked.front(), 64) << "as many as were looked at";
    EXPECT_LT(waker.asked.front(), pagecache::kAllPages);
  }
  return waker.asked.size();
}

TEST(OldReclaim, AsksForWritebackOnceHalfAsMuchAgainWasScannedInVain) {
  EXPECT_EQ(wakeups(ReclaimWakeup::kDirectScans, 20), 0U);
  EXPECT_EQ(wakeups(ReclaimWakeup::kDirectScans, 100), 1U);
  EXPECT_GT(wakeups(ReclaimWakeup::kDirtyBatches, 100), 1U);
}

}  // namespace
}  // namespace wbsim::writeback
