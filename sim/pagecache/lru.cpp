#include "sim/pagecache/lru.hpp"

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

void Lru::add(const LruRun& run) {
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
  const auto deactivated_first = [this] {
    return !deactivated_.empty() && deactivated_.oldest_place() == front_number();
  };
  // A run without pages holds its number as long as something stands before it.
  while (!inactive_.empty() && inactive_.front().bits == 0 && !deactivated_first()) {
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
  return taken;
}

void Lru::activate_for_reclaim(const LruRun& run) {
  active_.push(run);
  flagged_[run.key()] |= run.bits;
}

// Clears the flag of these pages; returns those that had it.
std::uint64_t Lru::take_flags(const LruRun& run) {
  const auto it = flagged_.find(run.key());
  if (it == flagged_.end()) {
    return 0;
  }
  const std::uint64_t had = it->second & run.bits;
  it->second &= ~had;
  if (it->second == 0) {
    flagged_.erase(it);
  }
  return had;
}

std::uint64_t Lru::end_writeback(const LruRun& run, std::uint64_t dirty) {
  const LruRun moved{run.mapping, run.leaf, take_flags(run) & ~dirty};
  if (moved.bits == 0) {
    return 0;
  }
  const std::uint64_t active = active_.take(moved);
  const std::uint64_t inactive = deactivated_.take(moved);
  SIM_CHECK((active ^ inactive) == moved.bits);
  // One page after the other goes to the very tail: the last one rotated is reclaimed first. A run
  // keeps its pages in ascending order, so each page is a run of its own.
  for (std::uint64_t rest = moved.bits; rest != 0; rest &= rest - 1) {
    make_room(inactive_);
    inactive_.push_front({run.mapping, run.leaf, lowest_bits(rest, 1)});
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
