// For tests: real block devices on the rig's disk, under the page cache of a test machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/simdisk.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/writeback/test_machine.hpp"

namespace wbsim::fs {

// A disk that can be told to fail what it is given.
class FailingDisk final : public block::DeviceModel, private block::DeviceClient {
 public:
  FailingDisk(engine::Simulator& simulator, const models::SimdiskParameters& parameters)
      : disk_{simulator, parameters} {
    disk_.attach(*this);
  }
  block::SubmitResult submit(block::DeviceCommand& command) override {
    if (command.op == block::DeviceOp::kRead) {
      reads.push_back({command.sector, command.length});
    }
    return disk_.submit(command);
  }
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return disk_.queue_depth(); }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override {
    return disk_.is_durable(first, length);
  }

  struct Read {
    Lba sector;
    Sectors length;
  };
  std::vector<Read> reads;  // in order of submission
  int failures = 0;         // how many of the next writes fail
  int read_failures = 0;    // how many of the next reads fail
  int writes = 0;
  int flushes = 0;

 private:
  void complete(block::DeviceCommand& command, block::BlkStatus status) override {
    if (command.op == block::DeviceOp::kRead) {
      if (read_failures > 0) {
        --read_failures;
        status = block::BlkStatus::kIoError;
      }
      client_->complete(command, status);
      return;
    }
    ++(command.op == block::DeviceOp::kFlush ? flushes : writes);
    if (command.op == block::DeviceOp::kWrite && failures > 0) {
      --failures;
      status = block::BlkStatus::kIoError;
    }
    client_->complete(command, status);
  }

  models::Simdisk disk_;
  block::DeviceClient* client_ = nullptr;
};

struct DiskMachine : writeback::WritebackMachine {
  explicit DiskMachine(const writeback::WritebackOptions& options = {})
      : WritebackMachine{options}, kblockd{machine} {}
  ~DiskMachine() { simulator.destroy_processes(); }

  struct Disk {
    Disk(DiskMachine& owner, int index, const std::string& name,
         const pagecache::ReadaheadLimits& readahead)
        : model{owner.simulator,
                {.read = microseconds(100),
                 .write = microseconds(100),
                 .flush = milliseconds(1),
                 .volatile_cache = true,
                 .track_durability = true}},
          queue{owner.machine, owner.tracer, owner.kblockd, model, queue_options(index)},
          wb{index, owner.machine.cpus(), writeback::kInitialBandwidth},
          device{name,     mebibytes(64), queue, wb, {owner.cache, owner.throttle, owner.kswapd},
                 readahead},
          flusher{owner.machine, owner.tracer, owner.throttle,
                  owner.cache,   wb,           owner.inodes_in_use} {
      wb.bw_time_stamp = owner.machine.jiffies_now();
      wb.last_old_flush = owner.machine.jiffies_now();
    }
    static block::RequestQueueOptions queue_options(int index) {
      block::RequestQueueOptions options;
      options.device = index;
      options.limits.write_cache = true;
      return options;
    }

    FailingDisk model;
    block::RequestQueue queue;
    pagecache::BdiWriteback wb;
    BlockDevice device;
    writeback::WorkQueueFlusher flusher;
  };

  Disk& add_disk(const std::string& name, const pagecache::ReadaheadLimits& readahead = {}) {
    disks.push_back(std::make_unique<Disk>(*this, static_cast<int>(disks.size()), name, readahead));
    run_for(SimDuration{});
    return *disks.back();
  }
  [[nodiscard]] bool durable(Disk& disk, PageIndex first, Pages count) const {
    return disk.model.is_durable(lba_of(first), to_sectors(count));
  }

  block::Kblockd kblockd;
  std::vector<std::unique_ptr<Disk>> disks;
};

}  // namespace wbsim::fs
