// A bio of pages of a file, on the way.
#pragma once

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"

namespace wbsim::fs {

class ExtentFs;
class ExtentFile;

// Knows which pages of which file a bio holds, and ends them. Models: mpage_end_io(). Pages in a
// row on the device need not be so in the file: each further run of pages is one more of these.
class FileBio final : public block::BioEndIo {
 public:
  FileBio(ExtentFs& fs, ExtentFile& file, PageIndex first, Pages count)
      : fs_{fs}, file_{file}, first_{first}, count_{count} {}
  void end_bio(block::Bio& bio, block::BlkStatus status) override;
  // Adds pages behind those that it has; returns where more are to be added.
  FileBio& add(PageIndex first, Pages count);

 private:
  ExtentFs& fs_;
  ExtentFile& file_;
  PageIndex first_;
  Pages count_;
  FileBio* next_ = nullptr;
};

}  // namespace wbsim::fs
