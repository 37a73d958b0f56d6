// A file of the extent file system.
#pragma once

#include <cstdint>
#include <string>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/extent_map.hpp"
#include "sim/fs/file.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/sleeping_lock.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/file_read.hpp"

namespace wbsim::fs {

class ExtentFs;

// Models: a file as generic code of the kernel handles it, v5.10 and v6.1:
// generic_file_write_iter(), block_write_begin() and generic_write_end(), __generic_file_fsync(),
// simple_setsize() in the order of ext2_setsize(), mpage_writepages() and mpage_readahead().
// Delayed allocation: a page that is written has a block reserved, and gets it with its neighbours
// when it is written back (kAllocationMax at once). Simplified: pages cost the CPU time of those of
// a block device; extents that were allocated ahead count as written once their bio is submitted.
class ExtentFile final : public RegularFile, public pagecache::AddressSpaceOps {
 public:
  // EXT4_MAX_FILE_SIZE of 4 KiB blocks: 2^32 of them, less one (s_maxbytes).
  static constexpr Bytes kSizeMax{((std::int64_t{1} << 32) - 1) * kPageSize.count()};

  ExtentFile(ExtentFs& fs, std::int64_t number, std::string name);
  ExtentFile(const ExtentFile&) = delete;
  ExtentFile& operator=(const ExtentFile&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::int64_t number() const { return number_; }
  [[nodiscard]] const ExtentMap& extents() const { return extents_; }
  [[nodiscard]] bool is_open() const { return opens_ > 0; }
  [[nodiscard]] FsBlocks reserved() const { return reserved_; }
  // Its name is gone.
  void unlinked() { unlinked_ = true; }
  // ->evict_inode(): nobody can reach it any more. Waits for what is under way and frees all.
  engine::Task<> evict(pagecache::TaskContext& task);
  // Aborts where what it keeps does not fit together.
  void check_invariants() const;

  // RegularFile.
  [[nodiscard]] pagecache::Inode& inode() override { return inode_; }
  [[nodiscard]] Bytes size() const override { return size_; }
  engine::Task<std::int64_t> write(pagecache::TaskContext& task, WriteRequest request,
                                   std::uint64_t* error_seen) override;
  engine::Task<std::int64_t> read(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                  pagecache::FileReadahead& ra) override;
  engine::Task<int> fsync(pagecache::TaskContext& task, PageIndex first, PageIndex last,
                          bool datasync, std::uint64_t* error_seen) override;
  engine::Task<int> fadvise(pagecache::TaskContext& task, pagecache::FileReadahead& ra,
                            FileOffset at, Bytes length, Advice advice) override;
  [[nodiscard]] pagecache::FileReadahead new_readahead() const override {
    return pagecache::FileReadahead{reader_.limits().ra_pages};
  }
  engine::Task<int> truncate(pagecache::TaskContext& task, Bytes length) override;
  engine::Task<int> fallocate(pagecache::TaskContext& task, FileOffset at, Bytes length,
                              bool keep_size) override;
  void opened() override { ++opens_; }
  engine::Task<> closed(pagecache::TaskContext& task) override;
  [[nodiscard]] pagecache::SuperBlock& super_block() override;

  // AddressSpaceOps.
  engine::Task<> writepages(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                            pagecache::WritebackControl& wbc) override;
  engine::Task<> read_pages(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                            PageIndex first, Pages count, pagecache::ReadKind kind) override;
  std::int64_t write_begin(pagecache::AddressSpace& mapping, PageIndex first, Pages count) override;
  void write_end(pagecache::AddressSpace& mapping, FileOffset end) override;

  // For writeback (extent_writer.hpp): the blocks of dirty pages from `page` on, allocated where
  // that was delayed; at least one page, all written pages of one extent.
  ExtentMap::Piece map_for_writeback(PageIndex page, Pages count);
  // Pages from `first` on that the file reaches to; fewer than 1 beyond its end.
  [[nodiscard]] Pages pages_within(PageIndex first) const { return end_page() - first; }

 private:
  static constexpr Pages kAllocationMax{2048};  // 8 MiB

  [[nodiscard]] PageIndex end_page() const { return PageIndex{pages_ceil(size_).count()}; }
  [[nodiscard]] std::uint64_t jiffies_now() const;
  std::int64_t write_checks(const WriteRequest& request, FileOffset& at) const;
  void allocate(PageIndex page, Pages count, bool unwritten);
  [[nodiscard]] Pages delayed_run(PageIndex page, Pages most) const;
  [[nodiscard]] FsBlocks delayed_from(PageIndex first) const;
  void unreserve(FsBlocks count);
  void free_blocks_from(PageIndex first);
  void update_mtime();
  // A time stamp changed (file_update_time(), touch_atime()).
  void mark_times_dirty();

  ExtentFs& fs_;
  std::int64_t number_;
  std::string name_;
  pagecache::Inode inode_;
  pagecache::SleepingLock lock_;  // i_rwsem
  ExtentMap extents_;
  FsBlocks reserved_;  // of pages that are dirty in a hole
  Bytes size_;
  writeback::FileReader reader_;
  std::uint64_t mtime_ = 0;  // jiffies: current_time() is as coarse
  std::uint64_t atime_ = 0;
  int opens_ = 0;
  bool unlinked_ = false;
};

}  // namespace wbsim::fs
