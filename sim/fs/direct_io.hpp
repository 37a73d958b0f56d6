// Direct I/O on a raw block device: user memory becomes bios, past the page cache.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::fs {

// Told when an asynchronous direct I/O has ended, in softirq context. It may change state and wake
// threads; it must not submit.
class DirectIoClient {
 public:
  // Bytes transferred or a negative errno. The DirectIo may be used again.
  virtual void direct_io_done(std::int64_t bytes_or_error) = 0;

 protected:
  ~DirectIoClient() = default;
};

struct DirectRequest {
  bool write = false;
  bool dsync = false;  // O_DSYNC or O_SYNC: the bios of a write carry FUA
  FileOffset at;
  Bytes length;
  block::WriteIds writes{};
  Bytes memory{};  // of the task: where the data is
};

// One direct I/O under way. Models: blkdev_direct_IO() and what surrounds it in
// generic_file_direct_write() and generic_file_read_iter(), v5.10 and v6.1. Dirty pages of the
// range are written and waited for first, a write drops the range from the page cache; bios hold at
// most 256 pages (BIO_MAX_VECS). Dirty throttling plays no part. Simplified: pages of user memory
// are never contiguous; a page dirtied again by somebody else while it is being dropped stays
// cached.
class DirectIo final : public block::BioEndIo {
 public:
  // A synchronous kiocb: returns when the data is transferred, 0 or a negative errno. The cache of
  // the device is not flushed here (generic_write_sync()).
  engine::Task<int> run(pagecache::TaskContext& task, BlockDevice& device,
                        const DirectRequest& request);
  // An asynchronous one: returns 0 once all bios are submitted, and `client` is told when they have
  // ended, perhaps before that; or a negative errno, and nothing was started. May sleep for
  // requests. The object stays where it is until then.
  engine::Task<int> start(pagecache::TaskContext& task, BlockDevice& device,
                          const DirectRequest& request, DirectIoClient& client);

  void end_bio(block::Bio& bio, block::BlkStatus status) override;

 private:
  engine::Task<int> prepare(pagecache::TaskContext& task, BlockDevice& device,
                            const DirectRequest& request);
  engine::Task<> submit(pagecache::TaskContext& task, BlockDevice& device,
                        const DirectRequest& request);
  void finish();

  DirectIoClient* client_ = nullptr;  // asynchronous
  engine::Thread* waiter_ = nullptr;  // synchronous
  Bytes length_;
  std::int64_t pending_ = 0;  // bios, and the submission itself
  block::BlkStatus status_ = block::BlkStatus::kOk;
};

}  // namespace wbsim::fs
