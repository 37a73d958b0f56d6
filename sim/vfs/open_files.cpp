#include "sim/vfs/open_files.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::vfs {

void OpenFiles::install(int fd, OpenFile& file) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= files_.size()) {
    files_.resize(index + 1, nullptr);
  }
  SIM_CHECK(files_[index] == nullptr);
  files_[index] = &file;
  ++file.references;
  while (find(lowest_free_) != nullptr) {
    ++lowest_free_;
  }
}

engine::Task<> OpenFiles::close(pagecache::TaskContext& task, int fd) {
  OpenFile& file = *files_[static_cast<std::size_t>(fd)];
  files_[static_cast<std::size_t>(fd)] = nullptr;
  lowest_free_ = std::min(lowest_free_, fd);
  if (--file.references > 0) {
    co_return;
  }
  fs::RegularFile* regular = file.regular;
  pool_.release(file);
  if (regular != nullptr) {
    co_await regular->closed(task);
  }
}

}  // namespace wbsim::vfs
