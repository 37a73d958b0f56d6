// Several inodes and several file systems behind one flusher.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/pagecache/super_block.hpp"
#include "sim/pagecache/truncate.hpp"
#include "sim/writeback/inode_writeback.hpp"
#include "sim/writeback/sync_inodes.hpp"
#include "sim/writeback/test_machine.hpp"

namespace wbsim::writeback {
namespace {

using engine::Task;
using pagecache::Inode;
using pagecache::InodeChange;
using pagecache::SuperBlock;
using pagecache::TaskContext;
using pagecache::TestFile;
using pagecache::TestTask;
using pagecache::WritebackControl;
using Device = WritebackMachine::Device;

// A file system that notes whose inodes are written.
class InodeLog final : public pagecache::SuperOps {
 public:
  Task<int> write_inode(TaskContext&, Inode& inode, const WritebackControl& wbc) override {
    written.push_back(&inode);
    waits.push_back(wbc.sync_all && !wbc.for_sync);
    co_return 0;
  }
  Task<int> sync_fs(TaskContext&, bool) override { co_return 0; }

  std::vector<const Inode*> written;
  std::vector<bool> waits;
};

class SbWriteback : public testing::Test {
 protected:
  TestFile& file_of(SuperBlock* sb) {
    files_.push_back(std::make_unique<TestFile>(m, d.wb, SimDuration{}, 1'000'000, sb));
    TestFile& file = *files_.back();
    file.on_write = [this, index = static_cast<int>(files_.size()) - 1](PageIndex) {
      order.push_back(index);
    };
    return file;
  }
  // Dirtied one jiffy after the other.
  void dirty(TestFile& file, std::int64_t pages = 1) {
    m.dirty(file.inode.mapping, PageIndex{0}, Pages{pages});
    m.run_for(milliseconds(4));
  }
  void start_all() {
    d.flusher.start_all(engine::WbReason::kSync);
    m.run_for(milliseconds(100));
  }
  void mark(Inode& inode, InodeChange change) {
    mark_inode_dirty(inode, change, m.machine.jiffies_now());
  }
  template <class Call>
  bool finishes(Call call, SimDuration time = seconds(1)) {
    tasks_.push_back(std::make_unique<TestTask>(m.machine));
    tasks_.back()->run(call);
    m.run_for(time);
    return tasks_.back()->done();
  }

  WritebackMachine m;
  Device& d = m.add_device();
  InodeLog log_a;
  InodeLog log_b;
  SuperBlock a{d.wb, log_a};
  SuperBlock b{d.wb, log_b};
  std::vector<int> order;  // numbers of the files, as they are written

 private:
  std::vector<std::unique_ptr<TestFile>> files_;
  std::vector<std::unique_ptr<TestTask>> tasks_;
};

// --- order --------------------------------------------------------------------------------------

TEST_F(SbWriteback, InodesOfOneFileSystemBecomeNeighboursOldestFirst) {
  for (SuperBlock* sb : {&a, &b, &a, &b}) {
    dirty(file_of(sb));
  }
  start_all();
  EXPECT_EQ(order, (std::vector<int>{0, 2, 1, 3}));
}

TEST_F(SbWriteback, InodesOfBlockDevicesKeepTheirPlaceBesideOneFileSystem) {
  for (SuperBlock* sb : {&a, static_cast<SuperBlock*>(nullptr), &a}) {
    dirty(file_of(sb));
  }
  start_all();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

// b_more_io is served before what expired since.
TEST_F(SbWriteback, InterruptedInodesComeBeforeNewOnes) {
  TestFile& first = file_of(&a);
  TestFile& second = file_of(&a);
  TestFile& third = file_of(&a);
  dirty(first);
  dirty(second);
  dirty(third);
  pagecache::BdiWriteback& wb = d.wb;
  move_to_head(first.inode, wb.b_more_io);
  move_to_head(second.inode, wb.b_more_io);
  EXPECT_EQ(queue_io(wb, m.machine.jiffies_now(), 0), 1);
  std::vector<const Inode*> service;
  for (auto it = wb.b_io.rbegin(); it != wb.b_io.rend(); ++it) {
    service.push_back(&*it);
  }
  EXPECT_EQ(service, (std::vector<const Inode*>{&first.inode, &second.inode, &third.inode}));
}

// --- what else than pages is dirty --------------------------------------------------------------

TEST_F(SbWriteback, OnlyInodesOfWhichMoreThanPagesIsDirtyAreWritten) {
  TestFile& pages_only = file_of(&a);
  TestFile& with_size = file_of(&a);
  dirty(pages_only);
  dirty(with_size);
  mark(with_size.inode, InodeChange::kAll);
  start_all();
  EXPECT_EQ(log_a.written, (std::vector<const Inode*>{&with_size.inode}));
  EXPECT_FALSE(with_size.inode.dirty_at_all());
  EXPECT_FALSE(with_size.inode.is_linked());
}

TEST_F(SbWriteback, AnInodeDirtiedWhileItIsWrittenIsDirtyAfterwards) {
  TestFile& file = file_of(&a);
  dirty(file);
  file.on_write = [&](PageIndex) { mark(file.inode, InodeChange::kAttributes); };
  start_all();
  EXPECT_EQ(log_a.written.size(), 1U) << "the flags are cleared after the pages";
  file.on_write = {};
  mark(file.inode, InodeChange::kAttributes);
  EXPECT_TRUE(file.inode.is_linked());
}

TEST_F(SbWriteback, TimeStampsAloneWakeNobody) {
  TestFile& file = file_of(&a);
  mark(file.inode, InodeChange::kTimes);
  EXPECT_FALSE(d.wb.has_dirty_io());
  EXPECT_FALSE(d.wb.b_dirty_time.empty());
  dirty(file);
  EXPECT_TRUE(d.wb.b_dirty_time.empty()) << "with a page it goes to b_dirty";
  start_all();
  EXPECT_TRUE(log_a.written.empty());
  EXPECT_FALSE(d.wb.b_dirty_time.empty()) << "and back";
  EXPECT_TRUE(file.inode.dirty_time);
}

TEST_F(SbWriteback, ASyncOfTheFileSystemWritesTimeStampsToo) {
  TestFile& file = file_of(&a);
  mark(file.inode, InodeChange::kTimes);
  m.run_for(milliseconds(8));
  EXPECT_TRUE(finishes([&](TaskContext& t) { return sync_inodes_sb(t, d.flusher, a); }));
  EXPECT_EQ(log_a.written.size(), 1U);
  EXPECT_FALSE(log_a.waits.front()) << "sync_fs() comes after it";
  EXPECT_FALSE(file.inode.dirty_at_all());
}

// --- work for one file system -------------------------------------------------------------------

TEST_F(SbWriteback, WorkForOneFileSystemPutsTheOthersBack) {
  TestFile& other = file_of(&b);
  TestFile& mine = file_of(&a);
  dirty(other);
  dirty(mine);
  EXPECT_TRUE(finishes([&](TaskContext& t) { return sync_inodes_sb(t, d.flusher, a); }));
  EXPECT_EQ(order, (std::vector<int>{1}));
  EXPECT_TRUE(other.inode.dirty_pages);
  EXPECT_TRUE(other.inode.is_linked());
  EXPECT_FALSE(other.inode.sync_queued);
}

TEST_F(SbWriteback, SyncWaitsForPagesThatWereUnderWritebackBefore) {
  TestFile& file = file_of(&a);
  file.hold = true;
  dirty(file, 3);
  start_all();
  EXPECT_FALSE(file.inode.dirty_pages);
  EXPECT_FALSE(a.inodes_wb.empty());
  EXPECT_FALSE(finishes([&](TaskContext& t) { return sync_inodes_sb(t, d.flusher, a); }));
  file.release();
  m.run_for(milliseconds(1));
  EXPECT_TRUE(a.inodes_wb.empty());
  EXPECT_TRUE(finishes([&](TaskContext& t) { return sync_inodes_sb(t, d.flusher, a); }));
}

TEST_F(SbWriteback, AskingForWritebackWaitsForNoPage) {
  TestFile& file = file_of(&a);
  file.hold = true;
  dirty(file, 3);
  EXPECT_TRUE(finishes([&](TaskContext& t) { return writeback_inodes_sb(t, d.flusher, a); }));
  EXPECT_EQ(order.size(), 1U);
  EXPECT_FALSE(a.inodes_wb.empty());
}

// --- I_SYNC -------------------------------------------------------------------------------------

TEST_F(SbWriteback, TheFlusherPassesOverAnInodeThatSomebodyElseWrites) {
  TestFile& busy = file_of(&a);
  TestFile& idle = file_of(&a);
  dirty(busy);
  dirty(idle);
  busy.inode.sync = true;
  start_all();
  EXPECT_EQ(order, (std::vector<int>{1}));
  EXPECT_EQ(&d.wb.b_more_io.front(), &busy.inode);
  pagecache::end_inode_sync(busy.inode);
  m.run_for(milliseconds(1));
  EXPECT_EQ(order, (std::vector<int>{1, 0})) << "it waited for that";
}

TEST_F(SbWriteback, ASyncWaitsForWhoWritesTheInode) {
  TestFile& busy = file_of(&a);
  dirty(busy);
  busy.inode.sync = true;
  EXPECT_FALSE(finishes([&](TaskContext& t) { return sync_inodes_sb(t, d.flusher, a); }));
  EXPECT_TRUE(order.empty());
  pagecache::end_inode_sync(busy.inode);
  m.run_for(milliseconds(1));
  EXPECT_EQ(order.size(), 1U);
}

Task<> sync_metadata(TaskContext& task, WritebackMachine& m, Inode& inode) {
  co_await sync_inode_metadata(task, m.throttle, inode);
}

TEST_F(SbWriteback, SyncingMetadataLeavesDirtyPagesAndWaitsForThoseUnderWriteback) {
  TestFile& file = file_of(&a);
  file.hold = true;
  dirty(file);
  start_all();
  m.dirty(file.inode.mapping, PageIndex{9}, Pages{1});
  mark(file.inode, InodeChange::kAll);
  EXPECT_FALSE(finishes([&](TaskContext& t) { return sync_metadata(t, m, file.inode); }));
  file.release();
  m.run_for(milliseconds(1));
  EXPECT_EQ(log_a.written.size(), 1U);
  EXPECT_TRUE(log_a.waits.front());
  EXPECT_TRUE(file.inode.dirty_pages);
  EXPECT_TRUE(file.inode.is_linked());
  EXPECT_EQ(order.size(), 1U);
}

// --- truncate -----------------------------------------------------------------------------------

TEST_F(SbWriteback, TruncatedPagesLeaveAllCountersAndThoseUnderWritebackAreWaitedFor) {
  TestFile& file = file_of(&a);
  file.hold = true;
  dirty(file, 4);
  start_all();
  m.dirty(file.inode.mapping, PageIndex{2}, Pages{200});
  const auto truncate = [&](TaskContext& t) {
    return truncate_inode_pages(t, m.cache, file.inode.mapping, PageIndex{1});
  };
  EXPECT_FALSE(finishes(truncate));
  EXPECT_EQ(file.inode.mapping.pages.pages(), Pages{4});
  EXPECT_EQ(d.wb.reclaimable.sum(), 2) << "pages 2 and 3 are dirty and under writeback";
  file.release();
  m.run_for(milliseconds(1));
  EXPECT_EQ(file.inode.mapping.pages.pages(), Pages{1});
  EXPECT_EQ(d.wb.reclaimable.sum(), 0);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(m.cache.stat().nr_inactive_file, Pages{1});
}

// --- locks --------------------------------------------------------------------------------------

struct Lockers {
  pagecache::SleepingLock lock;
  std::string order;
};

Task<> hold_for(TaskContext& task, Lockers& lockers, char name, SimDuration before,
                SimDuration held, int times) {
  co_await task.thread().nanosleep(task.thread().now() + before);
  for (int i = 0; i < times; ++i) {
    co_await lockers.lock.lock(task);
    lockers.order += name;
    co_await task.thread().nanosleep(task.thread().now() + held);
    lockers.lock.unlock();
  }
}

// Who lets go and asks again at once is faster than who has to wake up, until a jiffy (of 4 ms) has
// begun and passed.
TEST_F(SbWriteback, ALockIsHandedOverToWhoWasPassedOverForAJiffy) {
  Lockers lockers;
  EXPECT_FALSE(finishes(
      [&](TaskContext& t) { return hold_for(t, lockers, 'a', SimDuration{}, milliseconds(1), 20); },
      SimDuration{}));
  EXPECT_TRUE(finishes([&](TaskContext& t) {
    return hold_for(t, lockers, 'b', microseconds(500), milliseconds(1), 1);
  }));
  EXPECT_EQ(lockers.order, "aaaaaaaaabaaaaaaaaaaa");
}

}  // namespace
}  // namespace wbsim::writeback
