#include "sim/pagecache/lru.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

namespace {

// Those of the pages that the map names; they leave it.
std::uint64_t take_from(std::pmr::unordered_map<std::uint64_t, std::uint64_t>& map,
                        const LruRun& run) {
  const auto it = map.find(run.key());
  if (it == map.end()) {
    return 0;
  }
  const std::uint64_t had = it->second & run.bits;
  it->second &= ~had;
  if (it->second == 0) {
    map.erase(it);
  }
  return had;
}

}  // namespace

std::uint64_t Lru::stale(const LruRun& run) const {
  const auto it = stale_.find(run.key());
  return it == stale_.end() ? 0 : it->second & run.bits;
}

// Forgets the pages of a run of inactive_ that are elsewhere by now.
void Lru::drop_stale(LruRun& run) {
  if (!stale_.empty()) {
    run.bits &= ~take_from(stale_, run);
  }
}

void Lru::add(const LruRun& run) {
  if (!stale_.empty() && stale(run) != 0) {
    // inactive_ names each page once. One after the other, for the order of all.
    for (std::uint64_t rest = run.bits; rest != 0; rest &= rest - 1) {
      const LruRun one{run.mapping, run.leaf, lowest_bits(rest, 1)};
      if (stale(one) != 0) {
        deactivated_.push(one, next_number_);
      } else {
        append(one);
      }
    }
    return;
  }
  append(run);
}

void Lru::append(const LruRun& run) {
  const bool deactivated_since =
      !deactivated_.empty() && deactivated_.newest_place() == next_number_;
  if (!inactive_.empty() && !deactivated_since && inactive_.back().can_append(run)) {
    inactive_.back().bits |= run.bits;
    return;
  }
  make_room(inactive_);
  inactive_.push_back(run);
  ++next_number_;
}

std::optional<LruRun> Lru::take_oldest(int wanted) {
  if (!rotated_.empty()) {
    const LruRun taken = rotated_.back();
    rotated_.pop_back();
    take_flags(taken);
    return taken;
  }
  const auto deactivated_first = [this] {
    return !deactivated_.empty() && deactivated_.oldest_place() == front_number();
  };
  // A run without pages holds its number as long as something stands before it.
  while (!inactive_.empty()) {
    drop_stale(inactive_.front());
    if (inactive_.front().bits != 0 || deactivated_first()) {
      break;
    }
    inactive_.pop_front();
  }
  if (deactivated_first()) {
    const std::optional<LruRun> taken = deactivated_.take_oldest(wanted);
    take_flags(*taken);
    return taken;
  }
  if (inactive_.empty()) {
    return std::nullopt;
  }
  LruRun& oldest = inactive_.front();
  LruRun taken = oldest;
  if (std::popcount(oldest.bits) > wanted) {
    taken.bits = lowest_bits(oldest.bits, wanted);
  }
  oldest.bits &= ~taken.bits;
  if (oldest.bits == 0) {
    inactive_.pop_front();
  }
  take_flags(taken);
  return taken;
}

void Lru::activate_for_reclaim(const LruRun& run) {
  active_.push(run);
  flagged_[run.key()] |= run.bits;
}

// Clears the flag of these pages; returns those that had it.
std::uint64_t Lru::take_flags(const LruRun& run) {
  return flagged_.empty() ? 0 : take_from(flagged_, run);
}

std::uint64_t Lru::take_rotated(const LruRun& run) {
  std::uint64_t taken = 0;
  std::erase_if(rotated_, [&](const LruRun& page) {
    const bool same = page.key() == run.key() && (page.bits & run.bits) != 0;
    taken |= same ? page.bits : 0;
    return same;
  });
  return taken;
}

// Takes pages off the inactive list, wherever they are in it.
void Lru::take_inactive(const LruRun& run) {
  LruRun rest = run;
  rest.bits &= ~deactivated_.take(rest);
  if (rest.bits != 0 && !rotated_.empty()) {
    rest.bits &= ~take_rotated(rest);
  }
  if (rest.bits != 0) {
    SIM_CHECK(stale(rest) == 0);
    stale_[rest.key()] |= rest.bits;
  }
}

// Forgets stale pages once they are most of the list: who drops and caches pages without memory
// ever running short would gather them without end. Places in deactivated_ are numbers of runs, so
// these stay while there are any.
void Lru::tidy_inactive() {
  if (stale_.size() < kInitialCapacity || stale_.size() < inactive_.size() / 2) {
    return;
  }
  for (LruRun& run : inactive_) {
    drop_stale(run);
  }
  if (deactivated_.empty()) {
    inactive_.erase(std::remove_if(inactive_.begin(), inactive_.end(),
                                   [](const LruRun& run) { return run.bits == 0; }),
                    inactive_.end());
  }
}

std::uint64_t Lru::remove(const LruRun& run) {
  take_flags(run);
  const std::uint64_t active = active_.empty() ? 0 : active_.take(run);
  const LruRun inactive{run.mapping, run.leaf, run.bits & ~active};
  if (inactive.bits != 0) {
    take_inactive(inactive);
    tidy_inactive();
  }
  return active;
}

std::uint64_t Lru::activate(const LruRun& run) {
  const LruRun moved{run.mapping, run.leaf, run.bits & ~active_.listed(run)};
  if (moved.bits != 0) {
    take_inactive(moved);
    active_.push(moved);
  }
  return moved.bits;
}

std::uint64_t Lru::end_writeback(const LruRun& run, std::uint64_t dirty) {
  const LruRun moved{run.mapping, run.leaf, take_flags(run) & ~dirty};
  if (moved.bits == 0) {
    return 0;
  }
  const std::uint64_t active = active_.take(moved);
  const LruRun inactive{run.mapping, run.leaf, moved.bits & ~active};
  if (inactive.bits != 0) {
    take_inactive(inactive);
  }
  // One page after the other goes to the very tail: the last one rotated is reclaimed first. A run
  // keeps its pages in ascending order, so each page is a run of its own.
  for (std::uint64_t rest = moved.bits; rest != 0; rest &= rest - 1) {
    rotated_.push_back({run.mapping, run.leaf, lowest_bits(rest, 1)});
  }
  return active;
}

Pages Lru::deactivate_oldest(Pages wanted) {
  Pages moved{0};
  while (moved < wanted) {
    const std::optional<LruRun> run =
        active_.take_oldest(static_cast<int>((wanted - moved).count()));
    if (!run) {
      break;
    }
    deactivated_.push(*run, next_number_);
    moved += Pages{std::popcount(run->bits)};
  }
  return moved;
}

}  // namespace wbsim::pagecache
