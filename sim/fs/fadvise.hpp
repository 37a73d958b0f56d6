// posix_fadvise(2) of what has pages.
#pragma once

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/file.hpp"
#include "sim/fs/memory.hpp"
#include "sim/pagecache/address_space.hpp"
#include "sim/pagecache/readahead.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/file_read.hpp"

namespace wbsim::fs {

// The part of a file whose use is advised. The end of the range is exclusive.
struct AdvisedRange {
  pagecache::AddressSpace& mapping;
  writeback::FileReader& reader;
  Bytes file_size;
  FileOffset at;
  FileOffset end;
};

// Models: generic_fadvise(), mm/fadvise.c, v5.10 and v6.1. Always 0.
engine::Task<int> generic_fadvise(pagecache::TaskContext& task, const Memory& memory,
                                  AdvisedRange range, pagecache::FileReadahead& ra, Advice advice);

}  // namespace wbsim::fs
