// The cached pages of one file.
#pragma once

#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/errseq.hpp"
#include "sim/pagecache/page_tree.hpp"
#include "sim/pagecache/provenance.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"

namespace wbsim::pagecache {

struct AddressSpace;
class Inode;

// Why pages are read.
//   kReadahead  ->readahead(): what is asked for and what may be asked for next
//   kPage       ->read_folio(), ->readpage(): one page that somebody waits for
//   kBuffer     ll_rw_block(): the block around a write of a part of it
enum class ReadKind { kReadahead, kPage, kBuffer };

// The way from the page cache up into the file system that owns the file.
class AddressSpaceOps {
 public:
  // Writes dirty pages of `mapping` as `wbc` says (->writepages()). Runs in the caller's thread,
  // may sleep for requests; never waits for pages under writeback unless wbc asks for it.
  virtual engine::Task<> writepages(TaskContext& task, AddressSpace& mapping,
                                    WritebackControl& wbc) = 0;
  // Starts to read `count` consecutive locked pages; each ends with PageCache::end_read(). Runs in
  // the reader's thread, may sleep for requests; does not wait for the data.
  virtual engine::Task<> read_pages(TaskContext& task, AddressSpace& mapping, PageIndex first,
                                    Pages count, ReadKind kind) = 0;
  // Both only of mappings with prepares_writes, at the instant at which the pages are written:
  // ->write_begin(): how many of `count` pages from `first` on, all in one leaf, may be written: at
  // least 1, or a negative errno.
  virtual std::int64_t write_begin(AddressSpace& /*mapping*/, PageIndex /*first*/, Pages count) {
    return count.count();
  }
  // ->write_end(): the file has been written up to `end`.
  virtual void write_end(AddressSpace& /*mapping*/, FileOffset /*end*/) {}
  // Asked by who is about to wait for a page: starts what a plug of the queue itself holds back
  // (->sync_page(), v2.6.18). True where there is such a plug.
  [[nodiscard]] virtual bool is_plugged() const { return false; }
  virtual engine::Task<> sync_page(TaskContext& task);

 protected:
  ~AddressSpaceOps() = default;
};

inline engine::Task<> AddressSpaceOps::sync_page(TaskContext&) { co_return; }

// A thread that waits until one page is no longer under writeback, or locked.
struct PageWaiter {
  PageIndex page;
  engine::Thread* thread;
};

// Slab memory behind the pages of a block device, or of all files of a file system: whole pages are
// taken for objects of all of them.
struct SlabUse {
  std::int64_t buffer_heads = 0;
  std::int64_t nodes = 0;
  Pages charged{0};
};

// Models: struct address_space, v5.10.
struct AddressSpace {
  AddressSpace(Inode& inode, AddressSpaceOps& operations) : host{inode}, ops{operations} {}

  Inode& host;
  AddressSpaceOps& ops;
  PageTree pages;
  int lru_id = -1;  // names this mapping in the LRU lists
  SlabUse own_slab;
  SlabUse* slab = &own_slab;  // where its tree and buffer heads are charged
  std::int64_t heads_charged = 0;
  std::int64_t nodes_charged = 0;
  bool prepares_writes = false;  // ops has write_begin() and write_end()
  PageIndex writeback_index;     // where range_cyclic writeback goes on
  ErrSeq wb_err;
  std::vector<PageWaiter> waiters;
  Provenance provenance;
};

}  // namespace wbsim::pagecache
