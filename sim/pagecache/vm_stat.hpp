// The machine-wide page counters.
#pragma once

#include <algorithm>

#include "sim/base/units.hpp"
#include "sim/pagecache/percpu_counter.hpp"

namespace wbsim::pagecache {

// Models: the node counters of mm/vmstat.c that the write path uses, v5.10, in pages. The four
// dirty counters are batched per CPU; memory counts are kept exact.
struct VmStat {
  VmStat(int cpus, Pages memory)
      : nr_file_dirty{cpus, batch(cpus, memory)},
        nr_writeback{cpus, batch(cpus, memory)},
        nr_dirtied{cpus, batch(cpus, memory)},
        nr_written{cpus, batch(cpus, memory)} {}

  PercpuCounter nr_file_dirty;
  PercpuCounter nr_writeback;
  PercpuCounter nr_dirtied;
  PercpuCounter nr_written;
  Pages nr_free{0};
  Pages nr_inactive_file{0};
  Pages nr_active_file{0};
  Pages totalreserve{0};  // totalreserve_pages: never dirtyable

  // What global_node_page_state() shows: the folded value, never negative.
  [[nodiscard]] static Pages read(const PercpuCounter& counter) {
    return Pages{counter.read_positive()};
  }

  // Models: global_dirtyable_memory().
  [[nodiscard]] Pages dirtyable() const {
    return nr_free - std::min(nr_free, totalreserve) + nr_inactive_file + nr_active_file + Pages{1};
  }

 private:
  // A node counter folds when it exceeds the threshold, one step above a percpu_counter's rule.
  static std::int64_t batch(int cpus, Pages memory) {
    return vm_stat_threshold(cpus, memory.count()) + 1;
  }
};

}  // namespace wbsim::pagecache
