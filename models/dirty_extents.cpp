#include "models/dirty_extents.hpp"

#include <algorithm>
#include <iterator>

namespace wbsim::models {

DirtyExtents::~DirtyExtents() {
  tree_.clear_and_dispose([this](Extent* extent) { pool_.release(*extent); });
}

void DirtyExtents::insert(Lba first, Lba end) {
  Extent& extent = pool_.acquire();
  extent.first = first;
  extent.length = end - first;
  extent.place = geometry_.place(first);
  tree_.insert(extent);
  ++count_;
  sectors_ += extent.length;
}

void DirtyExtents::remove(Extent& extent) {
  --count_;
  sectors_ -= extent.length;
  tree_.erase(tree_.iterator_to(extent));
  pool_.release(extent);
}

DirtyExtents::Tree::iterator DirtyExtents::first_ending_behind(Lba at) {
  auto it = tree_.upper_bound(at, ByFirst{});
  if (it != tree_.begin() && std::prev(it)->end() > at) {
    --it;
  }
  return it;
}

void DirtyExtents::add(Lba first, Sectors length, Sectors longest) {
  Lba end = first + length;
  auto it = first_ending_behind(first);
  if (it != tree_.begin()) {
    Extent& before = *std::prev(it);
    if (before.end() == first && end - before.first <= longest) {
      first = before.first;
      remove(before);
    }
  }
  while (it != tree_.end() && it->first < end) {
    Extent& overlapping = *it++;
    first = std::min(first, overlapping.first);
    end = std::max(end, overlapping.end());
    remove(overlapping);
  }
  if (it != tree_.end() && it->first == end && it->end() - first <= longest) {
    end = it->end();
    remove(*it);
  }
  insert(first, end);
}

void DirtyExtents::cut(Lba first, Sectors length) {
  const Lba end = first + length;
  for (auto it = first_ending_behind(first); it != tree_.end() && it->first < end;) {
    Extent& overlapping = *it++;
    const Lba start = overlapping.first;
    const Lba stop = overlapping.end();
    remove(overlapping);
    if (start < first) {
      insert(start, first);
    }
    if (stop > end) {
      insert(end, stop);
    }
  }
}

bool DirtyExtents::contains(Lba first, Sectors length) const {
  const auto it = tree_.upper_bound(first, ByFirst{});
  return it != tree_.begin() && std::prev(it)->end() >= first + length;
}

}  // namespace wbsim::models
