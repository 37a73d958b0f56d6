#include "sim/pagecache/lru.hpp"

#include <bit>

namespace wbsim::pagecache {

namespace {

// The lowest `count` set bits.
std::uint64_t lowest_bits(std::uint64_t bits, int count) {
  std::uint64_t taken = 0;
  for (; count > 0 && bits != 0; --count) {
    const std::uint64_t lowest = bits & (~bits + 1);
    taken |= lowest;
    bits &= ~lowest;
  }
  return taken;
}

}  // namespace

void Lru::push_head(List& list, const LruRun& run) {
  if (!list.empty()) {
    LruRun& newest = list.back();
    // Only pages above the newest one keep the order when they join its run.
    const bool follows =
        static_cast<int>(std::bit_width(newest.bits)) <= std::countr_zero(run.bits);
    if (newest.mapping == run.mapping && newest.leaf == run.leaf && follows) {
      newest.bits |= run.bits;
      return;
    }
  }
  if (list.full()) {
    list.set_capacity(list.capacity() * 2);
  }
  list.push_back(run);
}

void Lru::add(const LruRun& run) { push_head(inactive_, run); }

std::optional<LruRun> Lru::take_oldest(int wanted) {
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
  return taken;
}

void Lru::activate_for_reclaim(const LruRun& run) {
  Flags& flags = flags_[key(run)];
  flags.active |= run.bits;
  flags.reclaim |= run.bits;
  push_head(active_, run);
}

std::uint64_t Lru::active_bits(const LruRun& run) const {
  const auto it = flags_.find(key(run));
  return it == flags_.end() ? 0 : run.bits & it->second.active;
}

void Lru::forget(const LruRun& run) {
  const auto it = flags_.find(key(run));
  if (it == flags_.end()) {
    return;
  }
  it->second.active &= ~run.bits;
  it->second.reclaim &= ~run.bits;
  if ((it->second.active | it->second.reclaim) == 0) {
    flags_.erase(it);
  }
}

std::uint64_t Lru::rotate_reclaimable(const LruRun& run) {
  if (flags_.empty()) {
    return 0;
  }
  const auto it = flags_.find(key(run));
  if (it == flags_.end()) {
    return 0;
  }
  const std::uint64_t moved = run.bits & it->second.reclaim & it->second.active;
  if (moved == 0) {
    return 0;
  }
  const LruRun rotated{run.mapping, run.leaf, moved};
  forget(rotated);
  // One page after the other goes to the very tail: the last one rotated is reclaimed first. A run
  // keeps its pages in ascending order, so each page is a run of its own.
  for (std::uint64_t rest = moved; rest != 0;) {
    const std::uint64_t lowest = rest & (~rest + 1);
    rest &= ~lowest;
    if (inactive_.full()) {
      inactive_.set_capacity(inactive_.capacity() * 2);
    }
    inactive_.push_front({run.mapping, run.leaf, lowest});
  }
  return moved;
}

Pages Lru::deactivate_oldest(Pages wanted) {
  Pages moved{0};
  while (moved < wanted && !active_.empty()) {
    LruRun& oldest = active_.front();
    const std::uint64_t valid = active_bits(oldest);
    const auto left = static_cast<int>((wanted - moved).count());
    const std::uint64_t taken = lowest_bits(valid, left);
    oldest.bits = valid & ~taken;
    const LruRun run{oldest.mapping, oldest.leaf, taken};
    if (oldest.bits == 0) {
      active_.pop_front();
    }
    if (taken != 0) {
      forget(run);
      add(run);
      moved += Pages{std::popcount(taken)};
    }
  }
  return moved;
}

}  // namespace wbsim::pagecache
