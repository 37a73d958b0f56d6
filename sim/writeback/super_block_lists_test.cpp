#include "sim/writeback/super_block_lists.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/writeback/old_test_machine.hpp"

namespace wbsim::writeback {
namespace {

using pagecache::TestTask;

class SuperBlockListsTest : public ::testing::Test {
 protected:
  // One call of writeback_inodes(), to its end.
  SuperBlockWork write(SuperBlockWork work) {
    TestTask task{m.machine};
    task.run([&](pagecache::TaskContext& context) {
      return m.pdflush.super_block().writeback_inodes(context, work);
    });
    m.run_for(milliseconds(10));
    EXPECT_TRUE(task.done());
    return work;
  }
  [[nodiscard]] static pagecache::WritebackControl chunk(std::int64_t pages = 1024) {
    return {.nr_to_write = pages, .range_cyclic = true};
  }
  // Devices in the order in which they were written to since the last call.
  std::vector<int> order() {
    std::vector<int> devices;
    for (const engine::SingleInode& inode : m.log.inodes) {
      devices.push_back(inode.device);
    }
    m.log.inodes.clear();
    return devices;
  }
  void pass_time() { m.run_for(milliseconds(20)); }

  OldMachine m;
  OldDevice& a = m.add_device();
  OldDevice& b = m.add_device();
};

TEST_F(SuperBlockListsTest, TheOldestInodeIsFirst) {
  m.dirty_file(a, 5);
  pass_time();
  m.dirty_file(b, 5);
  write({.wbc = chunk()});
  EXPECT_EQ(order(), (std::vector{0, 1}));
}

TEST_F(SuperBlockListsTest, StopsWhenItHasWrittenEnough) {
  m.dirty_file(a, 50);
  m.dirty_file(b, 5);
  write({.wbc = chunk(20)});
  EXPECT_EQ(order(), (std::vector{0}));
}

TEST_F(SuperBlockListsTest, WritesOnlyToTheDeviceThatIsWanted) {
  m.dirty_file(a, 5);
  m.dirty_file(b, 5);
  write({.wbc = chunk(), .bdi = &b.wb});
  EXPECT_EQ(order(), (std::vector{1}));
  EXPECT_EQ(b.file.written.size(), 5U);
}

TEST_F(SuperBlockListsTest, PassesOverACongestedDeviceUnlessItMayBlock) {
  m.dirty_file(a, 5);
  m.dirty_file(b, 5);
  a.queue.congested = true;
  SuperBlockWork work{.wbc = chunk()};
  work.wbc.nonblocking = true;
  EXPECT_TRUE(write(work).wbc.encountered_congestion);
  EXPECT_EQ(order(), (std::vector{1}));
  work.wbc.nonblocking = false;
  EXPECT_FALSE(write(work).wbc.encountered_congestion);
  EXPECT_EQ(order(), (std::vector{0}));
}

TEST_F(SuperBlockListsTest, AnInodeThatIsTooYoungEndsIt) {
  m.dirty_file(a, 5);
  pass_time();
  const std::uint64_t between = m.machine.jiffies_now();
  pass_time();
  m.dirty_file(b, 5);
  write({.wbc = chunk(), .older_than = between});
  EXPECT_EQ(order(), (std::vector{0}));
}

TEST_F(SuperBlockListsTest, ForKupdateSDirtyWaitsUntilSIoIsEmpty) {
  SuperBlockWork work{.wbc = chunk(), .older_than = m.machine.jiffies_now()};
  work.wbc.for_kupdate = true;
  pass_time();
  m.dirty_file(a, 5);
  write(work);  // too young: it stays on s_io
  m.dirty_file(b, 5);
  pass_time();
  work.older_than = m.machine.jiffies_now();
  write(work);
  EXPECT_EQ(order(), (std::vector{0}));
  write(work);
  EXPECT_EQ(order(), (std::vector{1}));
}

TEST_F(SuperBlockListsTest, WhatIsLeftForKupdateIsServedNext) {
  m.dirty_file(a, 50);
  pass_time();
  m.dirty_file(b, 50);
  pass_time();
  SuperBlockWork work{.wbc = chunk(20), .older_than = m.machine.jiffies_now()};
  work.wbc.for_kupdate = true;
  write(work);
  EXPECT_EQ(order(), (std::vector{0}));
  write(work);  // s_io is not empty: b, which is the last on it
  EXPECT_EQ(order(), (std::vector{1}));
  const std::uint64_t when = a.file.inode.dirtied_when;
  EXPECT_EQ(when, pagecache::kTestJiffies) << "it keeps its time";
}

TEST_F(SuperBlockListsTest, OtherwiseItGoesBehindTheOthersWithTheTimeOfNow) {
  m.dirty_file(a, 50);
  pass_time();
  m.dirty_file(b, 50);
  pass_time();
  write({.wbc = chunk(20)});
  EXPECT_EQ(order(), (std::vector{0}));
  EXPECT_EQ(a.file.inode.dirtied_when, pagecache::kTestJiffies + 10);
  write({.wbc = chunk(20)});
  EXPECT_EQ(order(), (std::vector{1}));
}

TEST_F(SuperBlockListsTest, WhatWasDirtiedMeanwhileKeepsItsTime) {
  m.dirty_file(a, 50);
  pass_time();
  a.file.on_write = [this](PageIndex) { m.dirty_file(a, 1, 1000); };
  write({.wbc = chunk(20)});
  EXPECT_EQ(a.file.inode.dirtied_when, pagecache::kTestJiffies);
  EXPECT_TRUE(a.file.inode.dirty_pages);
  a.file.on_write = {};
  write({.wbc = chunk()});
  EXPECT_EQ(a.file.written.size(), 51U);
}

TEST_F(SuperBlockListsTest, APdflushLeavesADeviceToTheOneThatWritesToIt) {
  m.dirty_file(a, 5);
  a.wb.writeback_running = true;
  write({.wbc = chunk(), .by_pdflush = true});
  EXPECT_TRUE(order().empty());
  write({.wbc = chunk()});
  EXPECT_EQ(order(), (std::vector{0})) << "tasks do not mind";
}

TEST_F(SuperBlockListsTest, AnInodeThatSomebodyWritesIsLeftAlone) {
  OldDevice& slow = m.add_device(seconds(1), 1);
  m.dirty_file(slow, 50);
  TestTask other{m.machine};
  SuperBlockWork blocked{.wbc = chunk()};
  other.run([&](pagecache::TaskContext& context) {
    return m.pdflush.super_block().writeback_inodes(context, blocked);
  });
  m.run_for(milliseconds(1));
  ASSERT_TRUE(slow.file.inode.sync);
  m.dirty_file(a, 5);
  write({.wbc = chunk()});
  EXPECT_EQ(order(), (std::vector{0}));
}

TEST_F(SuperBlockListsTest, WhatHasToBeOnDiskIsWaitedFor) {
  OldDevice& slow = m.add_device(milliseconds(10), 1);
  m.dirty_file(slow, 5);
  TestTask first{m.machine};
  SuperBlockWork blocked{.wbc = chunk()};
  first.run([&](pagecache::TaskContext& context) {
    return m.pdflush.super_block().writeback_inodes(context, blocked);
  });
  m.run_for(milliseconds(1));
  TestTask second{m.machine};
  SuperBlockWork waits{.wbc = {.sync_all = true}};
  second.run([&](pagecache::TaskContext& context) {
    return m.pdflush.super_block().writeback_inodes(context, waits);
  });
  m.run_for(milliseconds(48));
  EXPECT_FALSE(second.done());
  m.run_for(milliseconds(2));
  EXPECT_TRUE(second.done());
}

TEST_F(SuperBlockListsTest, HeldInodesAreFoundByThePassThatWaits) {
  OldDevice& slow = m.add_device(milliseconds(10), 64);
  m.dirty_file(slow, 5);
  write({.wbc = {.sync_all = true}, .hold = true});
  EXPECT_EQ(slow.file.written.size(), 5U);
  EXPECT_FALSE(slow.file.inode.dirty_pages);
  TestTask task{m.machine};
  SuperBlockWork waits{.wbc = {.sync_all = true}};
  task.run([&](pagecache::TaskContext& context) {
    return m.pdflush.super_block().writeback_inodes(context, waits);
  });
  m.run_for(milliseconds(39));
  EXPECT_FALSE(task.done());
  m.run_for(milliseconds(2));
  EXPECT_TRUE(task.done());
}

TEST_F(SuperBlockListsTest, AHeldInodeThatBecomesDirtyMovesToTheHead) {
  m.dirty_file(a, 5);
  write({.wbc = {.sync_all = true}, .hold = true});
  m.dirty_file(b, 5);
  pass_time();
  m.dirty_file(a, 5);
  order();
  write({.wbc = chunk()});
  EXPECT_EQ(order(), (std::vector{1, 0}));
}

}  // namespace
}  // namespace wbsim::writeback
