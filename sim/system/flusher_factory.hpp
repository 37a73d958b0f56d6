// Who writes back on the machine of a configuration.
#pragma once

#include <memory>

#include "sim/block/congestion.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/wb_domain.hpp"
#include "sim/system/config.hpp"
#include "sim/writeback/bdi_thread.hpp"
#include "sim/writeback/device_flusher.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/pdflush.hpp"

namespace wbsim::system {

// The options that follow from the kernel's switches.
writeback::ThrottleOptions throttle_options(const Config& config, const writeback::MemoryUse& use,
                                            SimDuration trace_writeback);

// The throttle that the options ask for.
std::unique_ptr<writeback::DirtyThrottle> make_throttle(
    engine::Machine& machine, const engine::Tracer& tracer, pagecache::PageCache& cache,
    pagecache::WbDomain& domain, const writeback::VmSysctl& vm,
    const writeback::ThrottleOptions& options, block::Congestion& congestion);

// Makes the flusher of each device; holds what they share.
class FlusherFactory {
 public:
  FlusherFactory(engine::Machine& machine, const engine::Tracer& tracer,
                 writeback::DirtyThrottle& throttle, pagecache::PageCache& cache,
                 block::Congestion& congestion, const Config& config);

  std::unique_ptr<writeback::DeviceFlusher> make(pagecache::BdiWriteback& wb);
  // A file of a device: where it enters when it becomes dirty.
  void adopt(pagecache::Inode& inode);

 private:
  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  writeback::DirtyThrottle& throttle_;
  pagecache::PageCache& cache_;
  KernelSwitches::Flusher kind_;
  std::unique_ptr<writeback::BdiForker> forker_;
  std::unique_ptr<writeback::Pdflush> pdflush_;
};

}  // namespace wbsim::system
