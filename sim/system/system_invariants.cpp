// What must hold of a whole machine at any instant.
#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/system/system.hpp"

namespace wbsim::system {

void System::check_invariants() const {
  Pages dirty{0};
  Pages writeback{0};
  Pages cached{0};
  for (const Device& bdi : devices_) {
    Pages dirty_here{0};
    Pages writeback_here{0};
    for (const Device& device : devices_) {
      if (bdi.own_wb != nullptr && device.wb == bdi.wb) {
        const pagecache::PageTree& pages = device.file->inode().mapping.pages;
        dirty_here += pages.count_marked(pagecache::Mark::kDirty);
        writeback_here += pages.count_marked(pagecache::Mark::kWriteback);
        cached += pages.pages();
      }
    }
    for (std::size_t i = 0; i < file_systems_.size(); ++i) {
      if (bdi.own_wb != nullptr && &file_systems_[i]->super_block().wb == bdi.wb) {
        const fs::FileSystem::PageCounts counts = file_systems_[i]->check_invariants();
        dirty_here += counts.dirty;
        writeback_here += counts.writeback;
        cached += counts.cached;
      }
    }
    SIM_CHECK(bdi.own_wb == nullptr || bdi.wb->reclaimable.sum() == dirty_here.count());
    SIM_CHECK(bdi.own_wb == nullptr || bdi.wb->writeback.sum() == writeback_here.count());
    dirty += dirty_here;
    writeback += writeback_here;
  }
  const pagecache::VmStat& stat = cache_.stat();
  SIM_CHECK(stat.nr_file_dirty.sum() == dirty.count());
  SIM_CHECK(stat.nr_writeback.sum() == writeback.count());
  SIM_CHECK(stat.nr_active_file + stat.nr_inactive_file ==
            cached + config_.memory.active_file + config_.memory.inactive_file);
  SIM_CHECK(stat.nr_free >= Pages{0});
}

bool System::drained() const {
  return std::all_of(devices_.begin(), devices_.end(), [](const Device& device) {
    return device.wb->reclaimable.sum() == 0 && device.wb->writeback.sum() == 0 &&
           device.target().in_flight() == 0;
  });
}

}  // namespace wbsim::system
