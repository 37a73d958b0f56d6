#include "sim/pagecache/provenance.hpp"

#include <algorithm>
#include <iterator>

namespace wbsim::pagecache {

// Makes `at` the first page of a run if it lies inside one.
void Provenance::cut(PageIndex at) {
  auto it = runs_.upper_bound(at);
  if (it == runs_.begin()) {
    return;
  }
  --it;
  const Pages head = at - it->first;
  if (head == Pages{0} || head >= it->second.length) {
    return;
  }
  runs_.emplace(at, Value{it->second.length - head, it->second.origin});
  it->second.length = head;
}

void Provenance::dirtied(PageIndex first, Pages length, const DirtyOrigin& origin) {
  if (!enabled_) {
    return;
  }
  const PageIndex end = first + length;
  cut(first);
  cut(end);
  runs_.erase(runs_.lower_bound(first), runs_.lower_bound(end));
  auto it = runs_.emplace(first, Value{length, origin}).first;
  if (it != runs_.begin()) {
    const auto before = std::prev(it);
    if (before->first + before->second.length == first && before->second.origin == origin) {
      before->second.length += length;
      runs_.erase(it);
      it = before;
    }
  }
  const auto after = std::next(it);
  if (after != runs_.end() && after->first == end && after->second.origin == origin) {
    it->second.length += after->second.length;
    runs_.erase(after);
  }
}

block::WriteIds Provenance::take(PageIndex first, Pages length) {
  if (!enabled_) {
    return {};
  }
  const PageIndex end = first + length;
  cut(first);
  cut(end);
  block::WriteIds ids;
  auto it = runs_.lower_bound(first);
  while (it != runs_.end() && it->first < end) {
    const std::uint64_t id = it->second.origin.write_id;
    ids.first = ids.first == 0 ? id : std::min(ids.first, id);
    ids.last = std::max(ids.last, id);
    it = runs_.erase(it);
  }
  return ids;
}

Provenance::Run Provenance::find(PageIndex page) const {
  auto it = runs_.upper_bound(page);
  if (it == runs_.begin()) {
    return {};
  }
  --it;
  if (it->first + it->second.length <= page) {
    return {};
  }
  return {it->first, it->second.length, it->second.origin};
}

}  // namespace wbsim::pagecache
