#include "sim/pagecache/lru.hpp"

namespace wbsim::pagecache {

void Lru::add(const LruRun& run) {
  if (!inactive_.empty() && inactive_.back().can_append(run)) {
    inactive_.back().bits |= run.bits;
    return;
  }
  make_room(inactive_);
  inactive_.push_back(run);
}

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

std::uint64_t Lru::rotate_reclaimable(const LruRun& run) {
  const std::uint64_t moved = active_.take(run);
  // One page after the other goes to the very tail: the last one rotated is reclaimed first. A run
  // keeps its pages in ascending order, so each page is a run of its own.
  for (std::uint64_t rest = moved; rest != 0;) {
    const std::uint64_t lowest = rest & (~rest + 1);
    rest &= ~lowest;
    make_room(inactive_);
    inactive_.push_front({run.mapping, run.leaf, lowest});
  }
  return moved;
}

Pages Lru::deactivate_oldest(Pages wanted) {
  Pages moved{0};
  while (moved < wanted) {
    const std::optional<LruRun> run =
        active_.take_oldest(static_cast<int>((wanted - moved).count()));
    if (!run) {
      break;
    }
    add(*run);
    moved += Pages{std::popcount(run->bits)};
  }
  return moved;
}

}  // namespace wbsim::pagecache
