// A whole machine, wired from a configuration: owns every layer, built bottom up.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/faulty_device.hpp"
#include "sim/block/congestion.hpp"
#include "sim/block/device.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/block/single_queue.hpp"
#include "sim/block/tag_host.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/extent_fs.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/wb_domain.hpp"
#include "sim/system/config.hpp"
#include "sim/system/flusher_factory.hpp"
#include "sim/system/memory_layout.hpp"
#include "sim/system/workload_control.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/fio_job_file.hpp"
#include "sim/writeback/device_flusher.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/reclaim.hpp"

namespace wbsim::system {

class System {
 public:
  System(const Config& config, const workload::WorkloadSpec& workload,
         const std::vector<engine::Observer*>& observers);
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  ~System();

  engine::Simulator& simulator() { return simulator_; }
  WorkloadControl& control() { return *control_; }
  // Invariants that hold at any instant: counters equal the marks of all trees, memory adds up.
  // Aborts where one does not.
  void check_invariants() const;
  // True when nothing is dirty, under writeback or in flight.
  [[nodiscard]] bool drained() const;
  [[nodiscard]] const pagecache::VmStat& vm_stat() const { return cache_.stat(); }
  // Those of `stack` behind the others.
  [[nodiscard]] std::size_t devices() const { return devices_.size(); }
  [[nodiscard]] const block::RequestQueueStats& queue_stats(std::size_t device) const {
    return devices_[device].queue->stats();
  }
  // Tells the observers what the devices counted.
  void tell_totals() const;

 private:
  // One block device from model to flusher. Those of `stack` have no model and no queue but
  // something on top of others; a partition shares the flusher of its disk.
  struct Device {
    std::unique_ptr<block::DeviceModel> model;
    std::unique_ptr<models::FaultyDevice> faulty;     // around it, where it has faults
    std::unique_ptr<pagecache::BdiWriteback> own_wb;  // the queue looks at it
    std::unique_ptr<block::BlockQueue> queue;
    std::unique_ptr<block::BioTarget> on_top;
    std::unique_ptr<fs::BlockDevice> file;
    std::unique_ptr<writeback::DeviceFlusher> own_flusher;
    pagecache::BdiWriteback* wb = nullptr;
    writeback::DeviceFlusher* flusher = nullptr;
    Pages ra_pages{0};

    [[nodiscard]] block::BioTarget& target() const {
      return queue != nullptr ? static_cast<block::BioTarget&>(*queue) : *on_top;
    }
  };

  void add_device(const DeviceConfig& config, int index);
  void add_stacked_device(const StackConfig& config, int index);
  [[nodiscard]] block::TagHost* host_of(const DeviceConfig& config);
  void add_bdi(Device& device, int index) const;
  void add_file(Device& device, const std::string& name, Bytes size);
  [[nodiscard]] Device& device_named(const std::string& name);
  void mount(const MountConfig& config);
  void add_job(const workload::JobSpec& spec);
  void take_sample();
  engine::Task<> run_sampler();

  const Config& config_;
  engine::Simulator simulator_;
  engine::Tracer tracer_;
  MemoryLayout layout_;
  engine::Machine machine_;
  pagecache::WbDomain domain_;
  pagecache::PageCache cache_;
  block::Congestion congestion_;
  std::unique_ptr<writeback::DirtyThrottle> own_throttle_;
  writeback::DirtyThrottle& throttle_;
  writeback::Kswapd kswapd_;
  block::Kblockd kblockd_;
  FlusherFactory flushers_;
  std::map<std::string, std::unique_ptr<block::TagHost>> hosts_;  // by name
  std::vector<Device> devices_;
  std::vector<std::unique_ptr<fs::ExtentFs>> file_systems_;
  vfs::MountTable mounted_;
  std::unique_ptr<WorkloadControl> control_;
  engine::Thread guest_sampler_;
  engine::Event sample_;
};

}  // namespace wbsim::system
