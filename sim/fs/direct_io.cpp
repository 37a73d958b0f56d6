#include "sim/fs/direct_io.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/block/driver.hpp"
#include "sim/writeback/filemap.hpp"

namespace wbsim::fs {

using block::Bio;
using block::BlkStatus;
using engine::Task;
using pagecache::TaskContext;

namespace {

constexpr int kInvalid = -22;        // EINVAL
constexpr Bytes kLogicalBlock{512};  // what offsets and lengths are multiples of

Lba lba_containing(FileOffset at) { return Lba{at.value() / kSectorSize.count()}; }

PageIndex last_page(const DirectRequest& request) {
  return page_containing(request.at + request.length - Bytes{1});
}

}  // namespace

// Models: filemap_write_and_wait_range() and invalidate_inode_pages2_range() before the transfer,
// then the test of blkdev_direct_IO() for aligned requests.
Task<int> DirectIo::prepare(TaskContext& task, BlockDevice& device, const DirectRequest& request) {
  pagecache::AddressSpace& mapping = device.inode().mapping;
  if (mapping.pages.pages() > Pages{0}) {
    const PageIndex first = page_containing(request.at);
    co_await writeback::fdatawrite_range(task, device.memory().throttle, mapping, first,
                                         last_page(request));
    co_await pagecache::fdatawait_range(task, mapping, first, last_page(request));
    if (request.write) {
      device.memory().cache.drop_clean(mapping, first, last_page(request));
    }
  }
  const bool aligned =
      request.at.value() % kLogicalBlock.count() == 0 && request.length % kLogicalBlock == Bytes{0};
  co_return aligned ? 0 : kInvalid;
}

Task<> DirectIo::submit(TaskContext& task, BlockDevice& device, const DirectRequest& request) {
  block::BioTarget& queue = device.queue();
  const engine::CpuCosts& costs = task.costs();
  const DirectIoRules& rules = device.direct_rules();
  const bool one_bio =
      request.length <= to_bytes(queue.bio_sectors_max(lba_containing(request.at)));
  // __blkdev_direct_IO(); inside the plug of a write it is ignored.
  const bool plugged =
      rules.plugs_all || !one_bio || (client_ != nullptr && rules.plugs_asynchronous);
  length_ = request.length;
  pending_ = 1;
  status_ = BlkStatus::kOk;
  if (plugged) {
    task.io().start_plug();
  }
  FileOffset at = request.at;
  for (Bytes left = request.length; left > Bytes{0};) {
    const Bytes length = std::min(left, to_bytes(queue.bio_sectors_max(lba_containing(at))));
    co_await task.thread().run(costs.dio_bio + costs.dio_page * pages_ceil(length).count());
    Bio& bio = queue.new_bio();
    bio.sector = lba_containing(at);
    bio.unit = sectors_floor(length);
    bio.segment = kSectorsPerPage;
    bio.memory = request.memory + (at - request.at);
    bio.flags.write = request.write;
    bio.flags.idle = request.write;
    bio.flags.fua = request.write && request.dsync && rules.forces_synchronous;
    bio.flags.sync =
        request.write || (one_bio && client_ == nullptr && rules.marks_waited_reads_sync);
    bio.priority = task.io().priority();  // ki_ioprio
    bio.writes = request.writes;
    bio.end_io = this;
    bio.end_cost = costs.dio_end;
    ++pending_;
    co_await queue.submit_bio(task.io(), bio);
    at = at + length;
    left -= length;
  }
  if (plugged && !task.io().finish_empty_plug()) {
    co_await task.io().finish_plug();
  }
  if (queue.is_plugged()) {
    co_await queue.unplug(task.io());  // blk_run_address_space(), v2.6.18
  }
  finish();
}

Task<int> DirectIo::run(TaskContext& task, BlockDevice& device, const DirectRequest& request) {
  client_ = nullptr;
  waiter_ = &task.thread();
  const int error = co_await prepare(task, device, request);
  if (error != 0) {
    co_return error;
  }
  // blkdev_write_iter() plugs the whole of a write: what it submitted last leaves with its sleep.
  if (request.write) {
    task.io().start_plug();
  }
  co_await submit(task, device, request);
  if (pending_ > 0) {
    while (pending_ > 0) {
      co_await task.thread().block();
    }
    co_await task.thread().run(task.costs().sleeper_wake);
  }
  if (request.write && !task.io().finish_empty_plug()) {
    co_await task.io().finish_plug();
  }
  pagecache::AddressSpace& mapping = device.inode().mapping;
  if (request.write && mapping.pages.pages() > Pages{0}) {
    // Somebody may have read the old data meanwhile.
    device.memory().cache.drop_clean(mapping, page_containing(request.at), last_page(request));
  }
  co_return block::errno_of(status_);
}

Task<int> DirectIo::start(TaskContext& task, BlockDevice& device, const DirectRequest& request,
                          DirectIoClient& client) {
  client_ = &client;
  waiter_ = nullptr;
  const int error = co_await prepare(task, device, request);
  if (error != 0) {
    co_return error;
  }
  if (request.write) {
    task.io().start_plug();
  }
  co_await submit(task, device, request);
  if (request.write && !task.io().finish_empty_plug()) {
    co_await task.io().finish_plug();
  }
  co_return 0;
}

void DirectIo::end_bio(Bio&, BlkStatus status) {
  if (status != BlkStatus::kOk && status_ == BlkStatus::kOk) {
    status_ = status;
  }
  finish();
}

void DirectIo::finish() {
  SIM_CHECK(pending_ > 0);
  if (--pending_ > 0) {
    return;
  }
  if (client_ != nullptr) {
    client_->direct_io_done(status_ == BlkStatus::kOk ? length_.count() : block::errno_of(status_));
  } else {
    waiter_->wake();
  }
}

}  // namespace wbsim::fs
