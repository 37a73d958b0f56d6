#include "sim/writeback/reclaim.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "sim/writeback/test_machine.hpp"

namespace wbsim::writeback {
namespace {

using pagecache::AddressSpace;
using pagecache::PageTree;
using pagecache::TestTask;
using Device = WritebackMachine::Device;

WritebackOptions small_machine() {
  WritebackOptions options;
  options.memory = Pages{10'000};
  options.watermarks = {Pages{200}, Pages{250}, Pages{300}};
  return options;
}

void read_pages(WritebackMachine& m, AddressSpace& mapping, std::int64_t first,
                std::int64_t count) {
  for (std::int64_t page = first; page < first + count; ++page) {
    m.cache.add_pages(mapping, PageIndex{page}, PageTree::mask(PageIndex{page}, Pages{1}));
  }
}

// Writes as a system call would; the task must end within `time` if `ends`.
void write(WritebackMachine& m, Device& d, TestTask& task, std::int64_t first, std::int64_t pages) {
  task.run([&m, &d, first, pages](pagecache::TaskContext& context) {
    return write_pages(m, d, context, PageIndex{first}, Pages{pages});
  });
}

TEST(Kswapd, WakesBelowTheLowWatermarkAndFreesUpToTheHighOne) {
  for (const std::int64_t free : {250, 249}) {
    WritebackMachine m{small_machine()};
    Device& d = m.add_device();
    AddressSpace& mapping = d.file.inode.mapping;
    std::int64_t page = 0;
    while (m.cache.stat().nr_free > Pages{260}) {
      read_pages(m, mapping, page++, 1);
    }
    m.run_for(SimDuration{});
    EXPECT_FALSE(m.kswapd.active());
    m.cache.stat().nr_free = Pages{free + 1};
    read_pages(m, mapping, page, 1);
    m.cache.stat().nr_free = Pages{free};  // without what the page took in slab memory
    m.kswapd.pages_allocated();
    m.run_for(milliseconds(1));
    EXPECT_EQ(m.cache.stat().nr_free >= Pages{300}, free == 249) << free;
    EXPECT_LT(m.cache.stat().nr_free, Pages{300 + 40});
    EXPECT_FALSE(m.kswapd.active());
  }
}

TEST(Kswapd, FreesTheOldestPagesFirst) {
  WritebackMachine m{small_machine()};
  Device& d = m.add_device();
  AddressSpace& mapping = d.file.inode.mapping;
  read_pages(m, mapping, 5000, 64);
  read_pages(m, mapping, 0, 3000);
  m.cache.stat().nr_free = Pages{240};
  m.kswapd.pages_allocated();
  m.run_for(milliseconds(1));
  EXPECT_EQ(mapping.pages.find(PageIndex{5000}), nullptr);
  EXPECT_NE(mapping.pages.find(PageIndex{2999}), nullptr);
}

TEST(Kswapd, WakesTheFlushersWhenItMeetsNothingButDirtyPages) {
  WritebackMachine m{small_machine()};
  Device& d = m.add_device(microseconds(100));
  d.wb.listener = nullptr;
  m.dirty(d.file.inode.mapping, PageIndex{0}, Pages{3000});
  d.wb.listener = &d.flusher;
  m.cache.stat().nr_free = Pages{240};
  m.kswapd.pages_allocated();
  m.run_for(seconds(1));
  EXPECT_EQ(d.file.written.size(), 3000U);
  EXPECT_EQ(m.log.starts.front().reason, engine::WbReason::kVmscan);
  EXPECT_GE(m.cache.stat().nr_free, Pages{300});
  EXPECT_FALSE(m.kswapd.active());
}

TEST(Kswapd, LooksAgainAfter100MsWhenNothingCanBeFreed) {
  WritebackMachine m{small_machine()};
  Device& d = m.add_device();
  d.file.hold = true;  // written, but not completed
  m.dirty(d.file.inode.mapping, PageIndex{0}, Pages{3000});
  m.cache.stat().nr_free = Pages{240};
  m.kswapd.pages_allocated();
  m.run_for(seconds(1));
  EXPECT_TRUE(m.kswapd.active());
  d.file.release();
  m.run_for(milliseconds(110));
  EXPECT_FALSE(m.kswapd.active());
  EXPECT_GE(m.cache.stat().nr_free, Pages{300});
}

TEST(DirectReclaim, TheAllocatingTaskFreesPagesBelowTheMinimum) {
  WritebackMachine m{small_machine()};
  Device& d = m.add_device();
  read_pages(m, d.file.inode.mapping, 0, 3000);
  m.cache.stat().nr_free = Pages{100};
  TestTask task{m.machine};
  write(m, d, task, 9000, 1);
  m.run_for(SimDuration{});
  EXPECT_TRUE(task.done());
  EXPECT_EQ(d.file.inode.mapping.pages.find(PageIndex{0}), nullptr);
}

// Two writers of one file on two CPUs: while one reclaims, the other may cache its page.
TEST(DirectReclaim, AnotherWriterMayCacheThePageMeanwhile) {
  WritebackOptions options = small_machine();
  options.cpus = 2;
  WritebackMachine m{options};
  Device& d = m.add_device();
  d.file.hold = true;
  m.dirty(d.file.inode.mapping, PageIndex{0}, Pages{1000});
  m.cache.stat().nr_free = Pages{100};
  TestTask a{m.machine};
  TestTask b{m.machine};
  write(m, d, a, 5000, 4);
  write(m, d, b, 5000, 4);
  m.run_for(milliseconds(250));
  EXPECT_FALSE(a.done());
  m.cache.stat().nr_free = Pages{5000};
  d.file.release();
  m.run_for(seconds(1));
  EXPECT_TRUE(a.done());
  EXPECT_TRUE(b.done());
}

// dirty_bytes beyond all memory: reclaim alone keeps the machine alive.
TEST(Memory, SmallerThanTheDirtyLimitsStillWritesEverything) {
  WritebackOptions options = small_machine();
  options.vm.dirty_bytes = gibibytes(1);
  options.vm.dirty_background_bytes = gibibytes(1);
  for (const int cpus : {1, 2}) {
    options.cpus = cpus;
    WritebackMachine m{options};
    Device& d = m.add_device(microseconds(20));
    TestTask task{m.machine};
    TestTask other{m.machine};
    write(m, d, task, 0, 40'000);
    write(m, d, other, 100'000, 20'000);
    m.run_for(seconds(60));
    EXPECT_TRUE(task.done());
    EXPECT_TRUE(other.done());
    EXPECT_EQ(m.cache.stat().nr_dirtied.sum(), 60'000);
    EXPECT_GE(m.cache.stat().nr_free, Pages{0});
    EXPECT_EQ(m.cache.stat().nr_inactive_file + m.cache.stat().nr_active_file,
              d.file.inode.mapping.pages.pages());
  }
}

TEST(DirectReclaim, EndsTheRunWhereNoPageWillEverBeFree) {
  WritebackMachine m{small_machine()};
  Device& d = m.add_device();
  m.cache.stat().nr_free = Pages{0};
  TestTask task{m.machine};
  write(m, d, task, 0, 1);
  EXPECT_NO_THROW(m.run_for(milliseconds(1600)));
  EXPECT_THROW(m.run_for(seconds(1)), OutOfMemory);
}

}  // namespace
}  // namespace wbsim::writeback
