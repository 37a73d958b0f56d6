#include "sim/fs/fadvise.hpp"

#include "sim/writeback/filemap.hpp"

namespace wbsim::fs {

using engine::Task;
using pagecache::TaskContext;

namespace {

// Models: POSIX_FADV_DONTNEED: starts to write what is dirty, waits for nothing, and drops what is
// clean of the pages that lie in the range as a whole; the last page of the file counts as one.
Task<> drop_range(TaskContext& task, const Memory& memory, AdvisedRange range) {
  pagecache::WritebackControl wbc{.range_start = page_containing(range.at),
                                  .range_end = page_containing(range.end - Bytes{1})};
  if (range.mapping.pages.any(pagecache::Mark::kDirty)) {
    co_await writeback::do_writepages(task, memory.throttle, range.mapping, wbc);
  }
  const PageIndex first = page_containing(range.at + kPageSize - Bytes{1});
  const bool to_the_end = range.end >= FileOffset{range.file_size.count()};
  const PageIndex behind =
      page_containing(to_the_end ? range.end + kPageSize - Bytes{1} : range.end);
  if (first < behind) {
    memory.cache.drop_clean(range.mapping, first, behind - Pages{1});
  }
}

}  // namespace

Task<int> generic_fadvise(TaskContext& task, const Memory& memory, AdvisedRange range,
                          pagecache::FileReadahead& ra, Advice advice) {
  switch (advice) {
    case Advice::kNormal:
    case Advice::kSequential:
      ra.ra_pages = range.reader.limits().ra_pages * (advice == Advice::kSequential ? 2 : 1);
      ra.random = false;
      break;
    case Advice::kRandom:
      ra.random = true;
      break;
    case Advice::kWillNeed:
      if (range.at < range.end) {
        const PageIndex first = page_containing(range.at);
        const PageIndex last = page_containing(range.end - Bytes{1});
        co_await range.reader.force_readahead(task, ra, first, last - first + Pages{1});
      }
      break;
    case Advice::kDontNeed:
      if (range.at < range.end) {
        co_await drop_range(task, memory, range);
      }
      break;
  }
  co_return 0;
}

}  // namespace wbsim::fs
