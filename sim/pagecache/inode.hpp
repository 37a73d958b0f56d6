// Inodes and the writeback state of a device.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/percpu_counter.hpp"
#include "sim/pagecache/proportions.hpp"

namespace wbsim::pagecache {

class BdiWriteback;

using InodeHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Models: the part of struct inode that writeback uses, v5.10.
class Inode : public InodeHook {
 public:
  Inode(BdiWriteback& owner, AddressSpaceOps& ops) : wb{owner}, mapping{*this, ops} {}

  BdiWriteback& wb;
  AddressSpace mapping;
  std::uint64_t dirtied_when = 0;  // jiffies
  bool dirty_pages = false;        // I_DIRTY_PAGES
  bool sync = false;               // I_SYNC: a flusher works on it
  bool queued = false;             // on a list of its wb
};

using InodeList = boost::intrusive::list<Inode, boost::intrusive::constant_time_size<false>>;

// What a wb tells the code that writes it back. Called synchronously; implementations schedule,
// they do not write.
class WbListener {
 public:
  // The first dirty inode appeared: wake the flusher in dirty_writeback_interval.
  virtual void first_dirty_inode(BdiWriteback& wb) = 0;
  // Dirty memory is above the background threshold (wb_start_background_writeback()).
  virtual void start_background_writeback(BdiWriteback& wb) = 0;
  // Everything dirty is to be written (wb_start_writeback()).
  virtual void start_writeback(BdiWriteback& wb, engine::WbReason reason) = 0;
  // A mapping of this wb got its first page under writeback, or lost its last.
  virtual void inode_writeback_start(BdiWriteback& wb) = 0;
  virtual void inode_writeback_end(BdiWriteback& wb) = 0;

 protected:
  ~WbListener() = default;
};

// Models: struct bdi_writeback and the bdi's ratios, v5.10. Rates in pages per second, times in
// jiffies. New inodes enter b_dirty at the head; I/O takes from the tail of b_io.
class BdiWriteback {
 public:
  BdiWriteback(int device_index, int cpus, Pages initial_bandwidth)
      : device{device_index},
        reclaimable{cpus, wb_stat_batch(cpus)},
        writeback{cpus, wb_stat_batch(cpus)},
        dirtied{cpus, wb_stat_batch(cpus)},
        written{cpus, wb_stat_batch(cpus)},
        completions{cpus},
        write_bandwidth{initial_bandwidth},
        avg_write_bandwidth{initial_bandwidth},
        dirty_ratelimit{initial_bandwidth},
        balanced_dirty_ratelimit{initial_bandwidth} {}

  int device;
  int min_ratio = 0;    // percent
  int max_ratio = 100;  // percent

  PercpuCounter reclaimable;  // WB_RECLAIMABLE
  PercpuCounter writeback;    // WB_WRITEBACK
  PercpuCounter dirtied;      // WB_DIRTIED
  PercpuCounter written;      // WB_WRITTEN
  LocalProportion completions;

  std::uint64_t bw_time_stamp = 0;
  Pages dirtied_stamp{0};
  Pages written_stamp{0};
  Pages write_bandwidth;
  Pages avg_write_bandwidth;
  Pages dirty_ratelimit;
  Pages balanced_dirty_ratelimit;
  std::int64_t pos_ratio = 1024;  // last computed, for observers
  Pages thresh{0};                // wb_thresh last computed, for observers

  bool dirty_exceeded = false;
  std::uint64_t dirty_sleep = 0;  // when a task last slept in balance_dirty_pages()
  std::uint64_t last_old_flush = 0;
  bool writeback_running = false;  // WB_writeback_running
  bool start_all = false;          // WB_start_all
  int writeback_inodes = 0;        // inodes with pages under writeback

  InodeList b_dirty;
  InodeList b_io;
  InodeList b_more_io;
  WbListener* listener = nullptr;

  [[nodiscard]] bool has_dirty_io() const {
    return !b_dirty.empty() || !b_io.empty() || !b_more_io.empty();
  }
};

// Models: __mark_inode_dirty(I_DIRTY_PAGES). A clean inode enters b_dirty at the head with the
// time of now; one that is queued or dirty already is not moved.
void mark_inode_dirty(Inode& inode, std::uint64_t jiffies_now);

// Models: inode_io_list_move_locked(): to the head of `list`.
void move_to_head(Inode& inode, InodeList& list);
void remove_from_lists(Inode& inode);

}  // namespace wbsim::pagecache
