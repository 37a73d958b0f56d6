// Who writes a device back, as the rest of the machine knows it.
#pragma once

#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::writeback {

class Flusher;  // flusher.hpp

// sync(2) where those who write back know no devices but superblocks (pdflush.hpp).
class SyncPasses {
 public:
  virtual engine::Task<> sync(pagecache::TaskContext& task) = 0;

 protected:
  ~SyncPasses() = default;
};

// The flusher of one device; or its part in one that all devices share.
class DeviceFlusher : public pagecache::WbListener {
 public:
  DeviceFlusher() = default;
  DeviceFlusher(const DeviceFlusher&) = delete;
  DeviceFlusher& operator=(const DeviceFlusher&) = delete;
  virtual ~DeviceFlusher() = default;

  // Asks for everything to be written: sync(2).
  virtual void start_all(engine::WbReason reason) = 0;
  // After dirty_writeback_centisecs changed.
  virtual void interval_changed() = 0;
  // What does sync(2) for all devices, where there is such a thing; otherwise null.
  [[nodiscard]] virtual SyncPasses* sync_passes() { return nullptr; }
  // The flusher that carries out pieces of work of its own device; null where there is none.
  [[nodiscard]] virtual Flusher* takes_work() { return nullptr; }
};

}  // namespace wbsim::writeback
