// System calls on files of a file system.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/fs/extent_test_machine.hpp"
#include "sim/vfs/syscalls.hpp"

namespace wbsim::vfs {
namespace {

using pagecache::TaskContext;

constexpr OpenFlags kCreate{.create = true};

class FileCalls : public testing::Test {
 protected:
  template <class Call>
  std::int64_t call(Call made) {
    const auto result = m.call(made);
    EXPECT_TRUE(result.has_value()) << "did not return";
    return result.value_or(1);
  }
  int open(std::string_view path, OpenFlags flags = kCreate) {
    return static_cast<int>(call([=, this](TaskContext& t) { return calls.open(t, path, flags); }));
  }
  std::int64_t close(int fd) {
    return call([=, this](TaskContext& t) { return calls.close(t, fd); });
  }
  std::int64_t write(int fd, std::int64_t length) {
    return call([=, this](TaskContext& t) { return calls.write(t, fd, Bytes{length}, 1); });
  }
  std::int64_t pwrite(int fd, std::int64_t at, std::int64_t length) {
    return call([=, this](TaskContext& t) {
      return calls.pwrite(t, fd, FileOffset{at}, Bytes{length}, 1);
    });
  }
  std::int64_t read(int fd, std::int64_t length) {
    return call([=, this](TaskContext& t) { return calls.read(t, fd, Bytes{length}); });
  }
  std::int64_t ftruncate(int fd, std::int64_t length) {
    return call([=, this](TaskContext& t) { return calls.ftruncate(t, fd, Bytes{length}); });
  }
  std::int64_t fallocate(int fd, std::int64_t at, std::int64_t length) {
    return call([=, this](TaskContext& t) {
      return calls.fallocate(t, fd, FileOffset{at}, Bytes{length}, false);
    });
  }
  std::int64_t unlink(std::string_view path) {
    return call([=, this](TaskContext& t) { return calls.unlink(t, path); });
  }
  std::int64_t sync_file_range(int fd, std::int64_t at, std::int64_t length, SyncRange flags) {
    return call([=, this](TaskContext& t) {
      return calls.sync_file_range(t, fd, FileOffset{at}, Bytes{length}, flags);
    });
  }

  fs::ExtentMachine m;
  MountTable mounted{{{m.disk.device, m.disk.flusher}}, {{"/data", m.fs, m.disk.flusher}}};
  Syscalls calls{mounted, m.throttle, {.file_size = kibibytes(64), .open_files = 4}};
};

TEST_F(FileCalls, OpenChecksInTheKernelsOrder) {
  EXPECT_EQ(open("/data/a", {}), kEnoent);
  EXPECT_EQ(open("/elsewhere/a"), kEnoent);
  EXPECT_EQ(open("/data/a"), 0);
  EXPECT_EQ(open("/data/a", {.create = true, .exclusive = true}), kEexist);
  EXPECT_EQ(open("/data/a", {.direct = true}), kEinval);
  EXPECT_EQ(open("/data/b"), 1);
  EXPECT_EQ(open("/data/c"), 2);
  EXPECT_EQ(open("/data/d"), 3);
  EXPECT_EQ(open("/data/missing", {}), kEmfile) << "before the name is looked up";
  EXPECT_EQ(close(2), 0);
  EXPECT_EQ(open("/dev/sda", {}), 2) << "the lowest free descriptor";
}

TEST_F(FileCalls, WriteMovesThePositionAndReadStopsAtTheEnd) {
  const int fd = open("/data/a");
  EXPECT_EQ(write(fd, 5000), 5000);
  EXPECT_EQ(write(fd, 3000), 3000);
  EXPECT_EQ(calls.size_of(fd), 8000);
  EXPECT_EQ(read(fd, 100), 0);
  EXPECT_EQ(calls.lseek(fd, FileOffset{7000}), 7000);
  EXPECT_EQ(read(fd, 4000), 1000);
  EXPECT_EQ(pwrite(fd, 0, 10), 10);
  EXPECT_EQ(read(fd, 1), 0) << "pwrite moves nothing";
}

TEST_F(FileCalls, AccessIsCheckedBeforeTheRange) {
  const int fd = open("/data/a");
  const int reads = open("/data/a", {.access = Access::kReadOnly});
  const int writes = open("/data/a", {.access = Access::kWriteOnly});
  EXPECT_EQ(write(reads, -1), kEbadf);
  EXPECT_EQ(read(writes, -1), kEbadf);
  EXPECT_EQ(write(fd, -1), kEinval);
  EXPECT_EQ(pwrite(99, -1, 1), kEinval);
  EXPECT_EQ(pwrite(fd, FileOffset::max().value(), 1), kEinval);
  EXPECT_EQ(write(99, 1), kEbadf);
  EXPECT_EQ(write(fd, 0), 0);
}

TEST_F(FileCalls, RlimitFsizeCutsWritesShortAndForbidsGrowing) {
  const int fd = open("/data/a");
  EXPECT_EQ(pwrite(fd, 60 * 1024, 10'000), 4096);
  EXPECT_EQ(pwrite(fd, 64 * 1024, 1), kEfbig);
  EXPECT_EQ(ftruncate(fd, 64 * 1024 + 1), kEfbig);
  EXPECT_EQ(fallocate(fd, 64 * 1024, 1), kEfbig);
  const int device = open("/dev/sda", {});
  EXPECT_EQ(pwrite(device, 1 << 20, 4096), 4096) << "a device knows no limit";
}

TEST_F(FileCalls, AppendingFollowsWhatOthersWrote) {
  const int fd = open("/data/a", {.append = true, .create = true});
  const int other = open("/data/a");
  EXPECT_EQ(write(fd, 100), 100);
  EXPECT_EQ(pwrite(other, 1000, 100), 100);
  EXPECT_EQ(write(fd, 100), 100);
  EXPECT_EQ(calls.size_of(fd), 1200);
  EXPECT_EQ(pwrite(fd, 0, 100), 100) << "pwrite appends as well";
  EXPECT_EQ(calls.size_of(fd), 1300);
}

TEST_F(FileCalls, WritevIsOneWrite) {
  const int fd = open("/data/a");
  const std::array<Bytes, 3> parts{Bytes{100}, Bytes{0}, Bytes{5000}};
  const std::array<Bytes, 2> bad{Bytes{100}, Bytes{-1}};
  const auto writev = [&](int to, std::span<const Bytes> all) {
    return call([&, to, all](TaskContext& t) { return calls.writev(t, to, all, 1); });
  };
  EXPECT_EQ(writev(fd, parts), 5100);
  EXPECT_EQ(calls.size_of(fd), 5100);
  EXPECT_EQ(writev(fd, bad), kEinval);
  EXPECT_EQ(writev(99, bad), kEbadf);
}

TEST_F(FileCalls, DescriptorsOfDupShareThePosition) {
  const int fd = open("/data/a");
  EXPECT_EQ(calls.dup(99), kEbadf);
  const int copy = calls.dup(fd);
  EXPECT_EQ(copy, 1);
  write(fd, 100);
  write(copy, 100);
  EXPECT_EQ(calls.size_of(fd), 200);
  EXPECT_EQ(close(fd), 0);
  EXPECT_EQ(write(copy, 100), 100);
  const auto dup2 = [&](int from, int to) {
    return call([&, from, to](TaskContext& t) { return calls.dup2(t, from, to); });
  };
  EXPECT_EQ(dup2(copy, 4), kEbadf) << "RLIMIT_NOFILE";
  EXPECT_EQ(dup2(99, 2), kEbadf);
  EXPECT_EQ(dup2(copy, copy), copy);
  EXPECT_EQ(dup2(copy, 3), 3);
  EXPECT_EQ(calls.dup(copy), 0);
  EXPECT_EQ(calls.dup(copy), 2);
  EXPECT_EQ(calls.dup(copy), kEmfile);
}

TEST_F(FileCalls, TruncateAndFallocateChecksInTheKernelsOrder) {
  const int fd = open("/data/a");
  const int reads = open("/data/a", {.access = Access::kReadOnly});
  const int device = open("/dev/sda", {});
  EXPECT_EQ(ftruncate(99, -1), kEinval);
  EXPECT_EQ(ftruncate(99, 0), kEbadf);
  EXPECT_EQ(ftruncate(reads, 0), kEinval);
  EXPECT_EQ(ftruncate(device, 0), kEinval);
  EXPECT_EQ(ftruncate(fd, 5000), 0);
  EXPECT_EQ(calls.size_of(fd), 5000);
  EXPECT_EQ(fallocate(99, -1, 0), kEbadf);
  EXPECT_EQ(fallocate(reads, 0, 0), kEinval);
  EXPECT_EQ(fallocate(reads, 0, 1), kEbadf);
  EXPECT_EQ(fallocate(device, 0, 4096), kEopnotsupp);
  EXPECT_EQ(fallocate(fd, 0, 10'000), 0);
  EXPECT_EQ(calls.size_of(fd), 10'000);
  EXPECT_EQ(close(fd), 0);
  const int cut = open("/data/a", {.truncate = true, .access = Access::kReadOnly});
  EXPECT_EQ(calls.size_of(cut), 0) << "Linux truncates what is opened for reading, too";
}

TEST_F(FileCalls, RlimitFsizeLetsAFileThatIsLongerKeepItsSize) {
  Syscalls unlimited{mounted, m.throttle};
  const int fd =
      static_cast<int>(call([&](TaskContext& t) { return unlimited.open(t, "/data/a", kCreate); }));
  EXPECT_EQ(call([&](TaskContext& t) { return unlimited.ftruncate(t, fd, mebibytes(1)); }), 0);
  const int limited = open("/data/a");
  EXPECT_EQ(fallocate(limited, 0, 1 << 20), 0);
  EXPECT_EQ(fallocate(limited, 0, (1 << 20) + 1), kEfbig);
  EXPECT_EQ(ftruncate(limited, 100 * 1024), 0);
}

TEST_F(FileCalls, UnlinkTakesTheNameAndTheLastCloseTheFile) {
  const int fd = open("/data/a");
  write(fd, 5000);
  EXPECT_EQ(unlink("/data/b"), kEnoent);
  EXPECT_EQ(unlink("/dev/sda"), kEperm);
  EXPECT_EQ(unlink("/data/a"), 0);
  EXPECT_EQ(open("/data/a", {}), kEnoent);
  EXPECT_EQ(write(fd, 5000), 5000);
  EXPECT_EQ(m.fs.files(), 1U);
  EXPECT_EQ(close(fd), 0);
  EXPECT_EQ(m.fs.files(), 0U);
  m.check();
}

TEST_F(FileCalls, OSyncAndODsyncWritesAreDurableWhenTheyReturn) {
  for (const OpenFlags flags :
       {OpenFlags{.sync = true, .create = true}, OpenFlags{.dsync = true, .create = true}}) {
    const int fd = open("/data/a", flags);
    EXPECT_EQ(pwrite(fd, fd * 8192, 8192), 8192);
    EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
    EXPECT_GE(m.disk.model.flushes, fd + 1);
  }
}

// --- sync_file_range, syncfs, sync --------------------------------------------------------------

TEST_F(FileCalls, SyncFileRangeStartsWaitsOrBothForThatRangeAlone) {
  const int fd = open("/data/a");
  pwrite(fd, 0, 40'960);
  EXPECT_EQ(sync_file_range(99, -1, 0, {}), kEbadf);
  EXPECT_EQ(sync_file_range(fd, -1, 0, {}), kEinval);
  EXPECT_EQ(sync_file_range(fd, 0, -1, {}), kEinval);
  EXPECT_EQ(sync_file_range(fd, 0, 8192, {}), 0);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 10);
  EXPECT_EQ(sync_file_range(fd, 0, 8192, {.write = true, .wait_after = true}), 0);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 8);
  EXPECT_FALSE(m.bios.entries.back().sync) << "WB_SYNC_NONE";
  EXPECT_EQ(sync_file_range(fd, 8192, 0, {.wait_before = true, .write = true, .wait_after = true}),
            0);
  EXPECT_TRUE(m.bios.entries.back().sync);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(m.disk.model.flushes, 0);
}

TEST_F(FileCalls, SyncFileRangeReportsAnErrorOnce) {
  const int fd = open("/data/a");
  write(fd, 4096);
  m.disk.model.failures = 1;
  EXPECT_EQ(sync_file_range(fd, 0, 0, {.write = true, .wait_after = true}), -5);
  EXPECT_EQ(sync_file_range(fd, 0, 0, {.wait_before = true}), 0);
}

TEST_F(FileCalls, SyncfsWritesDataAndInodesAndReportsErrorsOncePerFile) {
  const int fd = open("/data/a");
  const int other = open("/data/b");
  const auto syncfs = [this](int file) {
    return call([=, this](TaskContext& t) { return calls.syncfs(t, file); });
  };
  write(fd, 40'960);
  EXPECT_EQ(syncfs(99), kEbadf);
  EXPECT_EQ(syncfs(other), 0);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(m.bios.entries.back(), (fs::QueuedBios::Entry{1, 1, true, true, false}));
  pwrite(fd, 0, 4096);
  m.disk.model.failures = 1;
  EXPECT_EQ(syncfs(other), -5) << "of any file of the file system";
  EXPECT_EQ(syncfs(other), 0);
  EXPECT_EQ(syncfs(fd), -5);
}

TEST_F(FileCalls, SyncfsReportsAFailedWriteOfAnInode) {
  const int fd = open("/data/a");
  m.disk.model.failures = 1;  // there is nothing else to write
  EXPECT_EQ(call([=, this](TaskContext& t) { return calls.syncfs(t, fd); }), -5);
}

TEST_F(FileCalls, SyncWritesFilesThenTheDeviceWithTheirInodes) {
  const int fd = open("/data/a");
  write(fd, 40'960);
  EXPECT_EQ(call([this](TaskContext& t) { return calls.sync(t); }), 0);
  EXPECT_EQ(m.cache.stat().nr_file_dirty.sum(), 0);
  EXPECT_EQ(m.cache.stat().nr_writeback.sum(), 0);
  EXPECT_EQ(m.bios.entries.back().block, 1);
  EXPECT_TRUE(m.bios.entries.back().write);
  EXPECT_EQ(m.disk.model.flushes, 0);
}

}  // namespace
}  // namespace wbsim::vfs
