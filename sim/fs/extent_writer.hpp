// Writing back the pages of a file in bios as long as they lie in a row.
#pragma once

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/extent_fs.hpp"
#include "sim/pagecache/write_cache_pages.hpp"

namespace wbsim::fs {

// Models: __mpage_writepage() and its struct mpage_data, fs/mpage.c, v5.10 and v6.1, for blocks as
// large as pages. One lives as long as a pass over the file; the bio that it has begun is submitted
// when a page does not follow on the device, when it is full (256 pages, or what the device takes
// where bios are not split), and at the end. A page that lies beyond the end of the file, which is
// being truncated, is not written.
class ExtentWriter final : public pagecache::PageWriter {
 public:
  ExtentWriter(ExtentFs& fs, ExtentFile& file) : fs_{fs}, file_{file} {}

  engine::Task<Pages> write_run(pagecache::TaskContext& task, pagecache::AddressSpace& mapping,
                                PageIndex first, Pages count,
                                const pagecache::WritebackControl& wbc) override;
  // The end of the pass.
  engine::Task<> submit(pagecache::TaskContext& task);

 private:
  [[nodiscard]] bool takes(Lba at) const;
  [[nodiscard]] Pages room() const;  // in the bio
  [[nodiscard]] block::Bio* new_bio(Lba at, const pagecache::WritebackControl& wbc) const;

  ExtentFs& fs_;
  ExtentFile& file_;
  block::Bio* bio_ = nullptr;
  FileBio* pages_ = nullptr;  // its last run
};

}  // namespace wbsim::fs
