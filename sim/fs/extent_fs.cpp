#include "sim/fs/extent_fs.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::fs {

using engine::Task;
using pagecache::Mark;
using pagecache::TaskContext;

namespace {

std::int64_t inode_count(Bytes device, const ExtentFsOptions& options) {
  return std::max<std::int64_t>(device / options.inode_ratio, 1);
}

// Where data begins: behind the super block and the table of inodes.
FsBlock first_data_block(Bytes device, const ExtentFsOptions& options) {
  constexpr std::int64_t kPerBlock = ExtentFs::kInodesPerBlock;
  return FsBlock{1 + (inode_count(device, options) + kPerBlock - 1) / kPerBlock};
}

FsBlocks data_blocks(Bytes device, const ExtentFsOptions& options) {
  return FsBlock{pages_floor(device).count()} - first_data_block(device, options);
}

}  // namespace

ExtentFs::ExtentFs(BlockDevice& device, pagecache::BdiWriteback& wb, const ExtentFsOptions& options,
                   const pagecache::ReadaheadLimits& readahead)
    : device_{device},
      options_{options},
      readahead_{readahead.ra_pages, pages_floor(device.queue().limits().max_sectors),
                 readahead.rules},
      super_{wb, *this},
      space_{first_data_block(device.size(), options), data_blocks(device.size(), options)},
      inodes_{inode_count(device.size(), options)} {
  device.mounted(super_);
  super_.device = device.queue().device_index();
}

ExtentFs::~ExtentFs() = default;

Bytes ExtentFs::capacity(Bytes device, const ExtentFsOptions& options) {
  return to_bytes(to_pages(data_blocks(device, options)));
}

ExtentFile* ExtentFs::find(std::string_view name) {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

// Models: ext2_new_inode(), mark_inode_dirty().
ExtentFile* ExtentFs::create(TaskContext& task, const std::string& name) {
  std::int64_t number = next_number_;
  if (!free_numbers_.empty()) {
    number = free_numbers_.back();
    free_numbers_.pop_back();
  } else if (next_number_ < inodes_) {
    ++next_number_;
  } else {
    return nullptr;
  }
  auto& file = files_[number];
  file = std::make_unique<ExtentFile>(*this, number, name);
  names_.emplace(name, file.get());
  mark_inode_dirty(file->inode(), pagecache::InodeChange::kAll,
                   task.thread().machine().jiffies_now());
  return file.get();
}

Task<> ExtentFs::unlink(TaskContext& task, std::string_view name) {
  const auto found = names_.find(name);
  SIM_CHECK(found != names_.end());
  ExtentFile& file = *found->second;
  names_.erase(found);
  file.unlinked();
  // i_ctime and the link count (inode_dec_link_count()).
  mark_inode_dirty(file.inode(), pagecache::InodeChange::kAll,
                   task.thread().machine().jiffies_now());
  if (!file.is_open()) {
    co_await destroy(task, file);
  }
}

// The table tells that the inode is free.
Task<> ExtentFs::destroy(TaskContext& task, ExtentFile& file) {
  co_await file.evict(task);
  const std::int64_t number = file.number();
  co_await device_.read_block(task, table_block(number));
  device_.mark_block_dirty(task, table_block(number));
  files_.erase(number);
  free_numbers_.push_back(number);
}

// Models: ext2_write_inode() and ext4_write_inode() without a journal: the inode's block is read if
// it is not cached, and dirtied. Simplified: a read that failed changes nothing.
Task<int> ExtentFs::write_inode(TaskContext& task, pagecache::Inode& inode,
                                const pagecache::WritebackControl& wbc) {
  const PageIndex block = table_block(static_cast<ExtentFile&>(inode.mapping.ops).number());
  const int error = co_await device_.read_block(task, block);
  if (error != 0) {
    co_return error;
  }
  device_.mark_block_dirty(task, block);
  if (wbc.sync_all && !wbc.for_sync) {
    co_return co_await device_.sync_dirty_block(task, block);
  }
  co_return 0;
}

// Inodes are all that it keeps, and they are written as pages of the device.
Task<int> ExtentFs::sync_fs(TaskContext& /*task*/, bool /*wait*/) { co_return 0; }

void ExtentFs::drop_pagecache() {
  for (const auto& [number, file] : files_) {
    memory().cache.drop_clean(file->inode().mapping);
  }
}

FileSystem::PageCounts ExtentFs::check_invariants() const {
  PageCounts counts;
  FsBlocks used;
  FsBlocks reserved;
  for (const auto& [number, file] : files_) {
    const pagecache::Inode& inode = file->inode();
    const pagecache::PageTree& pages = inode.mapping.pages;
    const Pages dirty = pages.count_marked(Mark::kDirty);
    counts.cached += pages.pages();
    counts.dirty += dirty;
    counts.writeback += pages.count_marked(Mark::kWriteback);
    file->check_invariants();
    used += file->extents().blocks();
    reserved += file->reserved();
    SIM_CHECK(dirty == Pages{0} || inode.dirty_pages);
    SIM_CHECK(!inode.dirty_at_all() || inode.is_linked() || inode.sync || inode.freeing);
    SIM_CHECK(pages.any(Mark::kWriteback) == inode.wb_hook.is_linked());
  }
  SIM_CHECK(reserved == space_.reserved());
  SIM_CHECK(used + space_.free() == data_blocks(device_.size(), options_));
  return counts;
}

}  // namespace wbsim::fs
