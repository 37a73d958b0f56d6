// What of a file the page cache asks for: room for pages, reads, writeback.
#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"
#include "sim/fs/extent_file.hpp"
#include "sim/fs/extent_fs.hpp"
#include "sim/fs/extent_writer.hpp"

namespace wbsim::fs {

using engine::Task;
using pagecache::AddressSpace;
using pagecache::InodeChange;
using pagecache::Mark;
using pagecache::PageTree;
using pagecache::TaskContext;

std::int64_t ExtentFile::write_begin(AddressSpace& mapping, PageIndex first, Pages count) {
  const ExtentMap::Piece piece = extents_.find(first);
  Pages allowed = std::min(count, piece.length);
  const PageTree::Leaf* leaf = mapping.pages.find(first);
  const bool dirty =
      leaf != nullptr && (leaf->marked(Mark::kDirty) & PageTree::mask(first, Pages{1})) != 0;
  if (!piece.hole || dirty) {
    return allowed.count();  // all pages are as the first one
  }
  allowed = std::min(allowed, to_pages(fs_.space().available()));
  if (allowed == Pages{0}) {
    return kEnospc;
  }
  fs_.space().reserve(to_blocks(allowed));
  reserved_ += to_blocks(allowed);
  return allowed.count();
}

void ExtentFile::write_end(AddressSpace& /*mapping*/, FileOffset end) {
  if (Bytes{end.value()} > size_) {
    size_ = Bytes{end.value()};
    mark_inode_dirty(inode_, InodeChange::kAll, jiffies_now());
  }
}

void ExtentFile::unreserve(FsBlocks count) {
  SIM_CHECK(count <= reserved_);
  reserved_ -= count;
  fs_.space().unreserve(count);
}

// Pages in a row from `page` on that are dirty, at most `most`: in a hole their blocks are delayed.
Pages ExtentFile::delayed_run(PageIndex page, Pages most) const {
  Pages run{0};
  while (run < most) {
    const PageIndex at = page + run;
    const PageTree::Leaf* leaf = inode_.mapping.pages.find(at);
    const std::uint64_t dirty = leaf == nullptr ? 0 : leaf->marked(Mark::kDirty);
    const Pages here{std::countr_one(dirty >> PageTree::slot(at))};
    run += std::min(here, most - run);
    if (here < Pages{PageTree::kFanOut - PageTree::slot(at)}) {
      break;
    }
  }
  return run;
}

// Blocks that are reserved for pages from `first` on.
FsBlocks ExtentFile::delayed_from(PageIndex first) const {
  FsBlocks delayed;
  if (reserved_ == FsBlocks{0}) {
    return delayed;
  }
  for (auto page = inode_.mapping.pages.next(Mark::kDirty, first); page;) {
    const ExtentMap::Piece piece = extents_.find(*page);
    if (piece.hole) {
      const Pages run = delayed_run(*page, piece.length);
      delayed += to_blocks(run);
      page = inode_.mapping.pages.next(Mark::kDirty, *page + run);
    } else {
      page = inode_.mapping.pages.next(Mark::kDirty, *page + piece.length);
    }
  }
  return delayed;
}

// Gives blocks to pages that lie in a hole. What was reserved for them is used up.
void ExtentFile::allocate(PageIndex page, Pages count, bool unwritten) {
  while (count > Pages{0}) {
    const FreeSpace::Run run = fs_.space().allocate(extents_.goal(page), to_blocks(count));
    const Pages length = to_pages(run.length);
    FsBlocks delayed;
    for (PageIndex at = page; at < page + length;) {
      const std::uint64_t bits = PageTree::mask(at, page + length - at);
      const PageTree::Leaf* leaf = inode_.mapping.pages.find(at);
      delayed += FsBlocks{leaf == nullptr ? 0 : std::popcount(leaf->marked(Mark::kDirty) & bits)};
      at += Pages{std::popcount(bits)};
    }
    extents_.insert(page, run.first, length, unwritten);
    unreserve(delayed);
    page += length;
    count -= length;
  }
  mark_inode_dirty(inode_, InodeChange::kAll, jiffies_now());
}

ExtentMap::Piece ExtentFile::map_for_writeback(PageIndex page, Pages count) {
  ExtentMap::Piece piece = extents_.find(page);
  if (piece.hole) {
    allocate(page, delayed_run(page, std::min(piece.length, kAllocationMax)), false);
    piece = extents_.find(page);
  } else if (piece.unwritten) {
    extents_.mark_written(page, std::min(count, piece.length));
    mark_inode_dirty(inode_, InodeChange::kAll, jiffies_now());
    piece = extents_.find(page);
  }
  return piece;
}

Task<> ExtentFile::writepages(TaskContext& task, AddressSpace& mapping,
                              pagecache::WritebackControl& wbc) {
  ExtentWriter writer{fs_, *this};
  task.io().start_plug();
  co_await pagecache::go_through_pages(task, mapping, wbc, writer,
                                       fs_.memory().throttle.options().writepages);
  co_await writer.submit(task);
  co_await task.io().finish_plug();
}

// Models: mpage_readahead(), whose bios hold 256 pages at most, do_mpage_readpage() and the read of
// a block that is written in part. What has no data on the device is zeroed without I/O.
Task<> ExtentFile::read_pages(TaskContext& task, AddressSpace& mapping, PageIndex first,
                              Pages count, pagecache::ReadKind kind) {
  const bool ahead = kind == pagecache::ReadKind::kReadahead;
  pagecache::PageCache& cache = fs_.memory().cache;
  block::BioTarget& queue = fs_.device().queue();
  if (ahead) {
    task.io().start_plug();
  } else if (kind == pagecache::ReadKind::kBuffer) {
    cache.create_buffers(mapping, first, PageTree::mask(first, Pages{1}));
  }
  while (count > Pages{0}) {
    const ExtentMap::Piece piece = extents_.find(first);
    Pages taken = std::min(count, piece.length);
    if (piece.hole || piece.unwritten) {
      cache.end_read(mapping, first, taken, false);
    } else {
      const Pages most = pages_floor(queue.bio_sectors_max(lba_of(piece.block)));
      taken = std::min(taken, std::max(most, Pages{1}));
      block::Bio& bio = queue.new_bio();
      bio.sector = lba_of(piece.block);
      bio.unit = to_sectors(taken);
      bio.segment = kSectorsPerPage;
      bio.flags = {.ahead = ahead};
      bio.end_io = &fs_.bios().acquire(fs_, *this, first, taken);
      bio.end_cost = task.costs().read_page_end * taken.count();
      co_await queue.submit_bio(task.io(), bio);
    }
    first += taken;
    count -= taken;
  }
  if (ahead) {
    co_await task.io().finish_plug();
  }
}

}  // namespace wbsim::fs
