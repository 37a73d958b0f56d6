#include "sim/pagecache/indexed_list.hpp"

#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

bool LruRun::can_append(const LruRun& later) const {
  return mapping == later.mapping && leaf == later.leaf &&
         static_cast<int>(std::bit_width(bits)) <= std::countr_zero(later.bits);
}

std::uint64_t lowest_bits(std::uint64_t bits, int count) {
  std::uint64_t taken = 0;
  for (; count > 0 && bits != 0; --count) {
    const std::uint64_t lowest = bits & (~bits + 1);
    taken |= lowest;
    bits &= ~lowest;
  }
  return taken;
}

void IndexedList::push(const LruRun& run, std::int64_t place) {
  const auto [it, fresh] = leaves_.try_emplace(run.key(), Leaf{0, kNone});
  Leaf& leaf = it->second;
  SIM_CHECK((leaf.listed & run.bits) == 0);
  leaf.listed |= run.bits;
  if (!runs_.empty()) {
    Run& newest = runs_.back();
    SIM_CHECK(newest.place <= place);
    if (newest.place == place && newest.pages.bits != 0 && newest.pages.can_append(run)) {
      newest.pages.bits |= run.bits;
      return;
    }
  }
  make_room(runs_);
  const std::uint64_t number = first_ + runs_.size();
  runs_.push_back({run, leaf.newest, place});
  leaf.newest = number;
}

void IndexedList::forget(const LruRun& run) {
  const auto it = leaves_.find(run.key());
  SIM_CHECK(it != leaves_.end() && (it->second.listed & run.bits) == run.bits);
  it->second.listed &= ~run.bits;
  if (it->second.listed == 0) {
    leaves_.erase(it);
  }
}

void IndexedList::remove_from(Run& run, std::uint64_t bits) {
  run.pages.bits &= ~bits;
  if (run.pages.bits == 0) {
    ++empty_;
  }
}

// Drops empty runs at the old end, and all of them once they are most of the list.
void IndexedList::tidy() {
  while (!runs_.empty() && runs_.front().pages.bits == 0) {
    runs_.pop_front();
    ++first_;
    --empty_;
  }
  if (empty_ > kInitialCapacity && empty_ > runs_.size() / 2) {
    compact();
  }
}

void IndexedList::compact() {
  std::size_t kept = 0;
  for (Run& run : runs_) {
    if (run.pages.bits != 0) {
      leaves_.find(run.pages.key())->second.newest = kNone;
    }
  }
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const LruRun pages = runs_[i].pages;
    if (pages.bits == 0) {
      continue;
    }
    Leaf& leaf = leaves_.find(pages.key())->second;
    runs_[kept] = {pages, leaf.newest, runs_[i].place};
    leaf.newest = first_ + kept;
    ++kept;
  }
  runs_.erase_end(runs_.size() - kept);
  empty_ = 0;
}

std::uint64_t IndexedList::listed(const LruRun& run) const {
  const auto it = leaves_.find(run.key());
  return it == leaves_.end() ? 0 : it->second.listed & run.bits;
}

std::uint64_t IndexedList::take(const LruRun& run) {
  const auto it = leaves_.find(run.key());
  if (it == leaves_.end()) {
    return 0;
  }
  const std::uint64_t taken = run.bits & it->second.listed;
  // A number below first_ names a run that is gone, and so are all before it.
  std::uint64_t left = taken;
  for (std::uint64_t number = it->second.newest; left != 0;) {
    SIM_CHECK(number != kNone && number >= first_);
    Run& holder = runs_[number - first_];
    const std::uint64_t here = holder.pages.bits & left;
    if (here != 0) {
      remove_from(holder, here);
      left &= ~here;
    }
    number = holder.older;
  }
  if (taken != 0) {
    forget({run.mapping, run.leaf, taken});
    tidy();
  }
  return taken;
}

std::optional<LruRun> IndexedList::take_oldest(int wanted) {
  if (runs_.empty()) {
    return std::nullopt;
  }
  Run& oldest = runs_.front();
  const LruRun taken{oldest.pages.mapping, oldest.pages.leaf,
                     lowest_bits(oldest.pages.bits, wanted)};
  forget(taken);
  remove_from(oldest, taken.bits);
  tidy();
  return taken;
}

}  // namespace wbsim::pagecache
