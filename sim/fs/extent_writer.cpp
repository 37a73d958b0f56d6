#include "sim/fs/extent_writer.hpp"

#include <algorithm>

namespace wbsim::fs {

using block::Bio;
using engine::Task;
using pagecache::AddressSpace;
using pagecache::PageTree;
using pagecache::TaskContext;
using pagecache::WritebackControl;

FileBio& FileBio::add(PageIndex first, Pages count) {
  if (first == first_ + count_) {
    count_ += count;
    return *this;
  }
  next_ = &fs_.bios().acquire(fs_, file_, first, count);
  return *next_;
}

void FileBio::end_bio(Bio& bio, block::BlkStatus status) {
  AddressSpace& mapping = file_.inode().mapping;
  pagecache::PageCache& cache = fs_.memory().cache;
  SlabPool<FileBio>& pool = fs_.bios();
  const bool failed = status != block::BlkStatus::kOk;
  if (failed && bio.flags.write) {
    mapping.wb_err.set(kEio);  // mapping_set_error()
    fs_.super_block().wb_err.set(kEio);
  }
  for (FileBio* run = this; run != nullptr;) {
    if (bio.flags.write) {
      cache.end_writeback(bio.cpu, mapping, run->first_, run->count_);
    } else {
      cache.end_read(mapping, run->first_, run->count_, failed);
    }
    FileBio* const ended = run;
    run = run->next_;
    pool.release(*ended);
  }
}

bool ExtentWriter::takes(Lba at) const {
  return bio_ != nullptr && bio_->end() == at && room() > Pages{0};
}

Pages ExtentWriter::room() const {
  const Pages most = pages_floor(fs_.device().queue().bio_sectors_max(bio_->sector));
  return std::max(most, Pages{1}) - pages_floor(bio_->unit);
}

Bio* ExtentWriter::new_bio(Lba at, const WritebackControl& wbc) const {
  Bio& bio = fs_.device().queue().new_bio();
  bio.sector = at;
  bio.unit = Sectors{0};
  bio.segment = kSectorsPerPage;
  // Models: wbc_to_write_flags().
  bio.flags = {.write = true,
               .sync = wbc.sync_all && fs_.memory().throttle.options().sync_writes,
               .background = !wbc.sync_all && (wbc.for_kupdate || wbc.for_background)};
  bio.end_cost = SimDuration{};
  return &bio;
}

// The pages are under writeback before anything sleeps: nothing holds them but their state.
Task<Pages> ExtentWriter::write_run(TaskContext& task, AddressSpace& mapping, PageIndex first,
                                    Pages count, const WritebackControl& wbc) {
  engine::Thread& thread = task.thread();
  pagecache::PageCache& cache = fs_.memory().cache;
  const Pages within = file_.pages_within(first);
  if (within < Pages{1}) {
    cache.cancel_dirty(task.cpu(), mapping, first, PageTree::mask(first, Pages{1}));
    co_return Pages{1};
  }
  count = std::min(count, within);
  const ExtentMap::Piece piece = file_.map_for_writeback(first, count);
  const Lba at = lba_of(piece.block);
  Bio* const before = takes(at) ? nullptr : bio_;
  if (!takes(at)) {
    bio_ = new_bio(at, wbc);
  }
  const SimDuration cost = task.costs().wb_page;
  const Pages most = std::min({count, piece.length, room()});
  const Pages pages{before == nullptr ? thread.steps_ahead(cost, most.count()) : 1};
  const block::WriteIds writes =
      cache.start_writeback(task.cpu(), mapping, first, PageTree::mask(first, pages));
  if (bio_->unit == Sectors{0}) {
    pages_ = &fs_.bios().acquire(fs_, file_, first, pages);
    bio_->end_io = pages_;
  } else {
    pages_ = &pages_->add(first, pages);
  }
  bio_->unit += to_sectors(pages);
  bio_->end_cost += task.costs().page_complete * pages.count();
  block::WriteIds& all = bio_->writes;
  all.first = all.first == 0 ? writes.first : std::min(all.first, writes.first);
  all.last = std::max(all.last, writes.last);
  if (before != nullptr) {
    co_await fs_.device().queue().submit_bio(task.io(), *before);
  }
  co_await thread.run(cost * pages.count());
  co_return pages;
}

Task<> ExtentWriter::submit(TaskContext& task) {
  if (bio_ != nullptr) {
    Bio& bio = *bio_;
    bio_ = nullptr;
    co_await fs_.device().queue().submit_bio(task.io(), bio);
  }
}

}  // namespace wbsim::fs
