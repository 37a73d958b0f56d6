// Inodes and the writeback state of a device.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/engine/wait_queue.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/percpu_counter.hpp"
#include "sim/pagecache/proportions.hpp"

namespace wbsim::pagecache {

class BdiWriteback;
class Inode;

class SuperBlock;  // super_block.hpp

using InodeHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using InodeMemberHook =
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

using InodeList = boost::intrusive::list<Inode, boost::intrusive::constant_time_size<false>>;

// Models: the part of struct inode that writeback uses, v5.10.
class Inode : public InodeHook {
 public:
  // `super`: of the file system that the file is in; null for a block device.
  Inode(BdiWriteback& owner, AddressSpaceOps& ops, SuperBlock* super = nullptr)
      : wb{owner}, sb{super}, mapping{*this, ops} {}

  BdiWriteback& wb;
  SuperBlock* const sb;
  AddressSpace mapping;
  std::uint64_t dirtied_when = 0;       // jiffies
  std::uint64_t dirtied_time_when = 0;  // the same of its time stamps (lazytime)
  bool dirty_pages = false;             // I_DIRTY_PAGES
  bool dirty_sync = false;         // I_DIRTY_SYNC: what fsync(2) writes and fdatasync(2) leaves
  bool dirty_datasync = false;     // I_DIRTY_DATASYNC: what both write
  bool dirty_time = false;         // I_DIRTY_TIME: time stamps that nobody hurries to write
  bool sync = false;               // I_SYNC: somebody writes it back
  bool sync_queued = false;        // I_SYNC_QUEUED: the flusher has it on its lists
  bool freeing = false;            // I_FREEING
  std::int64_t number = 0;         // i_ino; of a block device: its index
  int pins = 0;                    // who waits for its pages without having it open (i_count)
  engine::WaitQueue sync_waiters;  // for the end of I_SYNC
  InodeMemberHook wb_hook;         // i_wb_list
  // Where it goes when it becomes dirty, if not to its wb: its superblock's list (v2.6.18).
  InodeList* s_dirty = nullptr;

  [[nodiscard]] bool dirty_inode() const { return dirty_sync || dirty_datasync; }
  [[nodiscard]] bool dirty() const { return dirty_pages || dirty_inode(); }  // I_DIRTY
  [[nodiscard]] bool dirty_at_all() const { return dirty() || dirty_time; }  // I_DIRTY_ALL
};

using InodeWritebackList =
    boost::intrusive::list<Inode,
                           boost::intrusive::member_hook<Inode, InodeMemberHook, &Inode::wb_hook>,
                           boost::intrusive::constant_time_size<false>>;

// What a wb tells the code that writes it back. Called synchronously; implementations schedule,
// they do not write.
class WbListener {
 public:
  // The first dirty inode appeared: wake the flusher in dirty_writeback_interval.
  virtual void first_dirty_inode(BdiWriteback& wb) = 0;
  // Dirty memory is above the background threshold, says `caller`
  // (wb_start_background_writeback()).
  virtual void start_background_writeback(BdiWriteback& wb, engine::TaskName caller) = 0;
  // So many dirty pages are to be written, or all (wb_start_writeback(), bdi_start_writeback()).
  virtual void start_writeback(BdiWriteback& wb, engine::WbReason reason,
                               std::int64_t nr_pages) = 0;
  // The first inode of which only time stamps are dirty appeared.
  virtual void first_dirty_time(BdiWriteback& wb) = 0;
  // A mapping of this wb got its first page under writeback, or lost its last.
  virtual void inode_writeback_start(BdiWriteback& wb) = 0;
  virtual void inode_writeback_end(BdiWriteback& wb) = 0;
  // The exception: writes up to so many pages in the thread of the caller, a task that is throttled
  // (writeback_inodes(), v2.6.18; writeback_inodes_wb(), v2.6.32). Returns how many.
  virtual engine::Task<std::int64_t> write_for(TaskContext& task, BdiWriteback& wb,
                                               std::int64_t nr_pages) = 0;

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
  InodeList b_dirty_time;
  WbListener* listener = nullptr;
  const block::BioTarget* queue = nullptr;  // whose congestion is the device's

  [[nodiscard]] bool write_congested() const {  // bdi_write_congested()
    return queue != nullptr && queue->write_congested();
  }
  // b_dirty_time does not count: nobody wakes a flusher for it.
  [[nodiscard]] bool has_dirty_io() const {
    return !b_dirty.empty() || !b_io.empty() || !b_more_io.empty();
  }
};

// What about an inode changed.
//   kPages       I_DIRTY_PAGES: a page of it became dirty
//   kTimes       I_DIRTY_TIME: time stamps, where the file system is mounted with lazytime
//   kAttributes  I_DIRTY_SYNC: what a reader of the data can do without, such as time stamps
//   kAll         I_DIRTY: its size, or where its data is
enum class InodeChange { kPages, kTimes, kAttributes, kAll };

// Models: __mark_inode_dirty(). A clean inode enters b_dirty at the head with the time of now, or
// b_dirty_time where only time stamps are dirty; one that the flusher has on its lists or that is
// dirty already is not moved. Simplified: file systems are not told (->dirty_inode()).
void mark_inode_dirty(Inode& inode, InodeChange change, std::uint64_t jiffies_now);
inline void mark_inode_dirty(Inode& inode, std::uint64_t jiffies_now) {
  mark_inode_dirty(inode, InodeChange::kPages, jiffies_now);
}

// Models: inode_sync_complete(), wake_up_inode(): nobody writes the inode any more.
void end_inode_sync(Inode& inode);
// Models: inode_sleep_on_writeback(): sleeps once for that. The inode may be gone afterwards.
engine::Task<> sleep_on_inode_sync(engine::Thread& thread, Inode& inode);
// Models: inode_wait_for_writeback(), v2.6.18's wait for I_LOCK: sleeps until that is so.
engine::Task<> wait_on_inode_sync(engine::Thread& thread, Inode& inode);

// Models: inode_io_list_move_locked(): to the head of `list`.
void move_to_head(Inode& inode, InodeList& list);
// Models: inode_io_list_del_locked().
void remove_from_lists(Inode& inode);
// Models: redirty_tail(): to the head of b_dirty, as young as the youngest there.
void redirty_tail(Inode& inode, std::uint64_t jiffies_now);

}  // namespace wbsim::pagecache
