#include "sim/vfs/syscalls.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

#include "sim/fs/test_machine.hpp"

namespace wbsim::vfs {
namespace {

using engine::Task;
using pagecache::TaskContext;
using pagecache::TestTask;

constexpr FileOffset kStart{0};

class SyscallsTest : public testing::Test {
 protected:
  int open(std::string_view path, OpenFlags flags) {
    return static_cast<int>(call([=, this](TaskContext& t) { return calls.open(t, path, flags); }));
  }
  int close(int fd) {
    return static_cast<int>(call([=, this](TaskContext& t) { return calls.close(t, fd); }));
  }
  std::int64_t pwrite(int fd, FileOffset at, Bytes length) {
    return call([=, this](TaskContext& t) { return calls.pwrite(t, fd, at, length, 1); });
  }
  std::int64_t fsync(int fd) {
    return call([=, this](TaskContext& t) { return calls.fsync(t, fd); });
  }
  std::int64_t sync() {
    return call([this](TaskContext& t) { return calls.sync(t); });
  }

  template <class Call>
  std::int64_t call(Call made) {
    std::int64_t result = 1;
    TestTask task{machine.machine};
    task.run([&](TaskContext& t) { return keep_result(made(t), result); });
    machine.run_for(seconds(2));
    EXPECT_TRUE(task.done());
    return result;
  }
  template <class Value>
  Task<> keep_result(Task<Value> made, std::int64_t& result) {
    result = co_await std::move(made);
    const pagecache::VmStat& stat = machine.cache.stat();
    left_at_return = stat.nr_file_dirty.sum() + stat.nr_writeback.sum();
  }

  fs::DiskMachine machine;
  fs::DiskMachine::Disk& a = machine.add_disk("sda");
  fs::DiskMachine::Disk& b = machine.add_disk("sdb");
  MountTable mounted{{{a.device, a.flusher}, {b.device, b.flusher}}};
  Syscalls calls{mounted, machine.throttle};
  std::int64_t left_at_return = 0;  // pages dirty or under writeback
};

TEST_F(SyscallsTest, OpenFindsDevicesAndReusesTheLowestFreeDescriptor) {
  EXPECT_EQ(open("/dev/sdc", {}), kEnoent);
  EXPECT_EQ(open("sda", {}), kEnoent);
  EXPECT_EQ(open("/dev/sda", {}), 0);
  EXPECT_EQ(open("/dev/sdb", {}), 1);
  EXPECT_EQ(close(0), 0);
  EXPECT_EQ(close(0), kEbadf);
  EXPECT_EQ(open("/dev/sdb", {}), 0);
  EXPECT_EQ(pwrite(0, kStart, kPageSize), kPageSize.count());
  EXPECT_EQ(b.device.inode().mapping.pages.pages(), Pages{1});
}

// The first of several mistakes decides: offset, descriptor, length, then the device's end.
TEST_F(SyscallsTest, PwriteChecksInTheKernelsOrder) {
  const int fd = open("/dev/sda", {});
  const FileOffset end{mebibytes(64).count()};
  EXPECT_EQ(pwrite(7, FileOffset{-4096}, Bytes{-1}), kEinval);
  EXPECT_EQ(pwrite(7, kStart, Bytes{-1}), kEbadf);
  EXPECT_EQ(pwrite(fd, kStart, Bytes{-1}), kEinval);
  EXPECT_EQ(pwrite(fd, end, Bytes{0}), 0);
  EXPECT_EQ(pwrite(fd, end, Bytes{4096}), kEnospc);
  EXPECT_EQ(pwrite(fd, FileOffset{end.value() - 4096}, Bytes{8192}), 4096);
  EXPECT_EQ(pwrite(fd, kStart, Bytes{8192}), 8192);
}

TEST_F(SyscallsTest, SyncingCallsCheckTheDescriptor) {
  EXPECT_EQ(fsync(0), kEbadf);
  EXPECT_EQ(call([this](TaskContext& t) { return calls.fdatasync(t, -1); }), kEbadf);
  EXPECT_EQ(call([this](TaskContext& t) { return calls.flush_buffers(t, 3); }), kEbadf);
}

TEST_F(SyscallsTest, OSyncAndODsyncWritesAreDurableWhenTheyReturn) {
  for (const OpenFlags flags : {OpenFlags{.sync = true}, OpenFlags{.dsync = true}}) {
    const int fd = open("/dev/sda", flags);
    const FileOffset at{fd * 1'048'576};
    EXPECT_EQ(pwrite(fd, at, Bytes{16'384}), 16'384);
    EXPECT_TRUE(machine.durable(a, page_containing(at), Pages{4}));
  }
}

TEST_F(SyscallsTest, SyncWritesEveryDeviceAndKeepsErrorsForFsync) {
  const int on_a = open("/dev/sda", {});
  const int on_b = open("/dev/sdb", {});
  pwrite(on_a, kStart, Bytes{40'960});
  pwrite(on_b, kStart, Bytes{40'960});
  b.model.failures = 1;
  EXPECT_EQ(sync(), 0);
  EXPECT_EQ(left_at_return, 0);
  EXPECT_EQ(machine.cache.stat().nr_written.sum(), 20);
  EXPECT_EQ(machine.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(a.model.flushes + b.model.flushes, 0);
  EXPECT_EQ(fsync(on_a), 0);
  EXPECT_EQ(fsync(on_b), -5);
  EXPECT_EQ(fsync(on_b), 0);
}

TEST_F(SyscallsTest, AnErrorIsReportedOncePerOpenFile) {
  const int first = open("/dev/sda", {});
  const int second = open("/dev/sda", {});
  pwrite(first, kStart, Bytes{4096});
  a.model.failures = 1;
  machine.run_for(seconds(40));  // written by the flusher: nobody looked yet
  const int later = open("/dev/sda", {});
  EXPECT_EQ(fsync(later), -5);
  EXPECT_EQ(fsync(first), -5);
  EXPECT_EQ(fsync(second), -5);
  EXPECT_EQ(fsync(open("/dev/sda", {})), 0);
  EXPECT_EQ(fsync(first), 0);
}

TEST_F(SyscallsTest, ODirectGoesPastThePageCache) {
  const int fd = open("/dev/sda", {.direct = true});
  EXPECT_EQ(pwrite(fd, FileOffset{512}, Bytes{1024}), 1024);
  EXPECT_EQ(a.model.writes, 1);
  EXPECT_EQ(a.model.flushes, 0);
  EXPECT_EQ(a.device.inode().mapping.pages.pages(), Pages{0});
  EXPECT_EQ(call([=, this](TaskContext& t) { return calls.pread(t, fd, kStart, Bytes{8192}); }),
            8192);
  EXPECT_EQ(pwrite(fd, FileOffset{100}, Bytes{512}), kEinval);
}

TEST_F(SyscallsTest, PreadEndsWhereTheDeviceEnds) {
  const int fd = open("/dev/sda", {.direct = true});
  const std::int64_t end = mebibytes(64).count();
  const auto pread = [this](int file, std::int64_t at, std::int64_t length) {
    return call(
        [=, this](TaskContext& t) { return calls.pread(t, file, FileOffset{at}, Bytes{length}); });
  };
  EXPECT_EQ(pread(fd, end - 4096, 8192), 4096);
  EXPECT_EQ(pread(fd, end, 4096), 0);
  EXPECT_EQ(pread(7, 0, 4096), kEbadf);
  EXPECT_EQ(pread(fd, -1, 4096), kEinval);
}

// A write with O_DIRECT and O_DSYNC asks for FUA and flushes as well.
TEST_F(SyscallsTest, ODirectWithODsyncFlushes) {
  const int fd = open("/dev/sda", {.dsync = true, .direct = true});
  EXPECT_EQ(pwrite(fd, kStart, Bytes{4096}), 4096);
  EXPECT_GE(a.model.flushes, 1);
  EXPECT_TRUE(machine.durable(a, PageIndex{0}, Pages{1}));
}

}  // namespace
}  // namespace wbsim::vfs
