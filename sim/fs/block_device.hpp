// The raw block device as a file: one inode, one page cache, written back page by page.
#pragma once

#include <cstdint>
#include <string>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/file.hpp"
#include "sim/fs/memory.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/readahead.hpp"
#include "sim/pagecache/super_block.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/file_read.hpp"
#include "sim/writeback/filemap.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::fs {

// How direct I/O differs between kernels.
struct DirectIoRules {
  bool plugs_asynchronous = true;        // v5.10: also around the one bio of a small request
  bool marks_waited_reads_sync = false;  // since v6.0: submit_bio_wait() makes a read REQ_SYNC
  bool plugs_all = false;                // v3.6: do_blockdev_direct_IO() plugs whatever its size
  bool forces_synchronous = true;        // O_DSYNC makes FUA of a write; not before v4.10
  int async_plug_above = 2;              // AIO_PLUG_THRESHOLD: I/Os of one call that get no plug
  bool fsync_flushes = true;             // blkdev_fsync() ends with a flush; not in v2.6.18
  friend bool operator==(const DirectIoRules&, const DirectIoRules&) = default;
};

// Models: fs/block_dev.c (v5.10), block/fops.c (v6.1) and __block_write_full_page(): each dirty
// page becomes a bio of 4 KiB, merged in the plug of whoever writes. Block size 4 KiB.
class BlockDevice final : public File,
                          public pagecache::AddressSpaceOps,
                          public pagecache::PageWriter,
                          public block::BioEndIo {
 public:
  // `readahead` without its io_pages, which follow from the queue.
  BlockDevice(std::string name, Bytes size, block::BioTarget& queue, pagecache::BdiWriteback& wb,
              const Memory& memory, const pagecache::ReadaheadLimits& readahead = {},
              const DirectIoRules& direct = {});

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Bytes size() const override { return size_; }
  [[nodiscard]] pagecache::Inode& inode() override { return inode_; }
  [[nodiscard]] block::BioTarget& queue() { return queue_; }
  [[nodiscard]] const Memory& memory() const { return memory_; }
  [[nodiscard]] const DirectIoRules& direct_rules() const { return direct_; }

  // blkdev_write_iter(): a buffered write; with `sync` the data is on stable
  // storage when it returns. Returns bytes written or a negative errno.
  engine::Task<std::int64_t> write(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                   bool sync, std::uint64_t write_id, std::uint64_t* error_seen);
  // The same as a system call makes it: O_APPEND and RLIMIT_FSIZE mean nothing to a device, and
  // what goes beyond its end is cut off (ENOSPC where it begins there).
  engine::Task<std::int64_t> write(pagecache::TaskContext& task, WriteRequest request,
                                   std::uint64_t* error_seen) override;
  // blkdev_read_iter(): a buffered read that does not go beyond the end of the device. Returns
  // bytes read, fewer than asked for before a page that cannot be read, or a negative errno.
  engine::Task<std::int64_t> read(pagecache::TaskContext& task, FileOffset at, Bytes length,
                                  pagecache::FileReadahead& ra) override {
    return reader_.read(task, at, length, ra);
  }
  // file_ra_state_init(): of a file that is opened now.
  [[nodiscard]] pagecache::FileReadahead new_readahead() const override {
    return pagecache::FileReadahead{reader_.limits().ra_pages};
  }
  engine::Task<int> fadvise(pagecache::TaskContext& task, pagecache::FileReadahead& ra,
                            FileOffset at, Bytes length, Advice advice) override;
  // blkdev_fsync(): writes and waits for the range, then flushes the device's cache unless a
  // write failed.
  engine::Task<int> fsync(pagecache::TaskContext& task, PageIndex first, PageIndex last,
                          std::uint64_t* error_seen);
  // There is nothing else that fdatasync could leave out.
  engine::Task<int> fsync(pagecache::TaskContext& task, PageIndex first, PageIndex last,
                          bool /*datasync*/, std::uint64_t* error_seen) override {
    return fsync(task, first, last, error_seen);
  }
  // blkdev_issue_flush(): makes what is written durable. Returns 0 or a negative errno.
  engine::Task<int> issue_flush(pagecache::TaskContext& task);

  // For a file system on the device, whose blocks are pages of it:
  // bd_super: told of failed writes too (mark_buffer_write_io_error()).
  void mounted(pagecache::SuperBlock& super) { super_ = &super; }
  // sb_bread(): brings a block into the cache. Returns 0 or a negative errno.
  engine::Task<int> read_block(pagecache::TaskContext& task, PageIndex block);
  // mark_buffer_dirty() of a block that is cached. Simplified: it may have been reclaimed after
  // read_block(), which pins it in the kernel; then it is cached anew.
  void mark_block_dirty(pagecache::TaskContext& task, PageIndex block);
  // sync_dirty_buffer(): writes a block and waits. Returns 0 or a negative errno. Simplified: as a
  // page of writeback; the kernel leaves the page dirty, and writeback finds nothing to write.
  engine::Task<int> sync_dirty_block(pagecache::TaskContext& task, PageIndex block);
  // sync_blockdev_nowait(), sync_blockdev(). Errors are kept for fsync.
  engine::Task<> write_dirty(pagecache::TaskContext& task);
  engine::Task<> wait_for_writeback(pagecache::TaskContext& task);

  // sync_blockdev() and invalidate_bdev(): writes dirty pages, waits, drops what is clean.
  engine::Task<> flush_buffers(pagecache::TaskContext& task);

  // drop_pagecache_sb(): drops what is clean, at once.
  void drop_pagecache() { memory_.cache.drop_clean(inode_.mapping); }

  // AddressSpaceOps, PageWriter, BioEndIo.
  engine::Task<> writepages(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                            pagecache::WritebackControl& wbc) override;
  engine::Task<Pages> write_run(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                                PageIndex first, Pages count,
                                const pagecache::WritebackControl& wbc) override;
  engine::Task<> read_pages(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                            PageIndex first, Pages count, pagecache::ReadKind kind) override;
  [[nodiscard]] bool is_plugged() const override { return queue_.is_plugged(); }
  engine::Task<> sync_page(pagecache::TaskContext& task) override;
  void end_bio(block::Bio& bio, block::BlkStatus status) override;

 private:
  engine::Task<std::int64_t> write_and_sync(pagecache::TaskContext& task, FileOffset at,
                                            Bytes length, std::uint64_t write_id,
                                            std::uint64_t* error_seen);
  block::Bio& page_bio(PageIndex first, std::int64_t count, const pagecache::WritebackControl& wbc,
                       block::WriteIds writes);

  std::string name_;
  Bytes size_;
  block::BioTarget& queue_;
  Memory memory_;
  DirectIoRules direct_;
  pagecache::Inode inode_;
  writeback::FileReader reader_;
  pagecache::SuperBlock* super_ = nullptr;  // of the file system on it
};

}  // namespace wbsim::fs
