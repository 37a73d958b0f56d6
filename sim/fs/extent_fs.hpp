// A plain file system of extents, without a journal.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/extent_file.hpp"
#include "sim/fs/file_bio.hpp"
#include "sim/fs/file_system.hpp"
#include "sim/fs/free_space.hpp"
#include "sim/pagecache/super_block.hpp"

namespace wbsim::fs {

struct ExtentFsOptions {
  bool lazytime = false;         // MS_LAZYTIME
  bool relatime = true;          // else noatime
  Bytes inode_ratio{16 * 1024};  // of the device for each inode there can be (mke2fs -i)
  friend bool operator==(const ExtentFsOptions&, const ExtentFsOptions&) = default;
};

// No file system of Linux: as ext2 writes its data and inodes, with the extents and the delayed
// allocation of younger ones. Block 0 is the super block's, then comes the table of inodes, 16 in a
// block, then data. What is written beside data is the block of the table that an inode is in:
// cached and dirtied as a page of the device, it is written with the device's pages, and at once
// for a data-integrity sync of one file (__writeback_single_inode()). Simplified: the map of free
// space, directories and extents beyond the inode cost no I/O; a file system starts empty.
class ExtentFs final : public FileSystem, public pagecache::SuperOps {
 public:
  static constexpr std::int64_t kInodesPerBlock = 16;  // of 256 bytes, as mke2fs makes them

  ExtentFs(BlockDevice& device, pagecache::BdiWriteback& wb, const ExtentFsOptions& options,
           const pagecache::ReadaheadLimits& readahead);
  ~ExtentFs() override;
  ExtentFs(const ExtentFs&) = delete;
  ExtentFs& operator=(const ExtentFs&) = delete;

  // What files may hold: the device less the table of inodes.
  static Bytes capacity(Bytes device, const ExtentFsOptions& options);

  // FileSystem.
  [[nodiscard]] pagecache::SuperBlock& super_block() override { return super_; }
  [[nodiscard]] BlockDevice& device() override { return device_; }
  [[nodiscard]] ExtentFile* find(std::string_view name) override;
  ExtentFile* create(pagecache::TaskContext& task, const std::string& name) override;
  engine::Task<> unlink(pagecache::TaskContext& task, std::string_view name) override;
  void drop_pagecache() override;
  [[nodiscard]] PageCounts check_invariants() const override;

  // SuperOps.
  engine::Task<int> write_inode(pagecache::TaskContext& task, pagecache::Inode& inode,
                                const pagecache::WritebackControl& wbc) override;
  engine::Task<int> sync_fs(pagecache::TaskContext& task, bool wait) override;

  // For its files.
  [[nodiscard]] const Memory& memory() const { return device_.memory(); }
  [[nodiscard]] FreeSpace& space() { return space_; }
  [[nodiscard]] const FreeSpace& space() const { return space_; }
  [[nodiscard]] const ExtentFsOptions& options() const { return options_; }
  [[nodiscard]] const pagecache::ReadaheadLimits& readahead() const { return readahead_; }
  [[nodiscard]] pagecache::SlabUse& slab() { return slab_; }
  [[nodiscard]] SlabPool<FileBio>& bios() { return bios_; }
  // A file that was evicted ends here.
  engine::Task<> destroy(pagecache::TaskContext& task, ExtentFile& file);
  [[nodiscard]] std::size_t files() const { return files_.size(); }
  [[nodiscard]] std::size_t bios_in_flight() const { return bios_.in_use(); }

 private:
  [[nodiscard]] PageIndex table_block(std::int64_t number) const {
    return PageIndex{1 + number / kInodesPerBlock};
  }

  BlockDevice& device_;
  ExtentFsOptions options_;
  pagecache::ReadaheadLimits readahead_;
  pagecache::SuperBlock super_;
  pagecache::SlabUse slab_;
  FreeSpace space_;
  SlabPool<FileBio> bios_;
  std::int64_t inodes_;                     // that there can be
  std::vector<std::int64_t> free_numbers_;  // given back; used again last in, first out
  std::int64_t next_number_ = 0;
  std::map<std::int64_t, std::unique_ptr<ExtentFile>> files_;  // by number
  std::map<std::string, ExtentFile*, std::less<>> names_;
};

}  // namespace wbsim::fs
