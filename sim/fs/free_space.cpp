#include "sim/fs/free_space.hpp"

#include <algorithm>
#include <iterator>

#include "sim/base/check.hpp"

namespace wbsim::fs {

FreeSpace::FreeSpace(FsBlock first, FsBlocks length) : free_{length}, next_{first} {
  runs_.emplace(first, length);
}

FreeSpace::Run FreeSpace::allocate(std::optional<FsBlock> goal, FsBlocks wanted) {
  SIM_CHECK(free_ > FsBlocks{0} && wanted > FsBlocks{0});
  const FsBlock from = goal.value_or(next_);
  const auto behind = runs_.upper_bound(from);
  if (behind != runs_.begin()) {
    const auto at = std::prev(behind);
    if (from < at->first + at->second) {
      return take(at, from, wanted);
    }
  }
  const auto chosen = choose(from, wanted);
  return take(chosen, chosen->first, wanted);
}

FreeSpace::Runs::iterator FreeSpace::choose(FsBlock goal, FsBlocks wanted) {
  auto it = runs_.upper_bound(goal);
  auto longest = runs_.end();
  for (int tried = 0; tried < kRunsTried && tried < static_cast<int>(runs_.size()); ++tried) {
    if (it == runs_.end()) {
      it = runs_.begin();
    }
    if (longest == runs_.end() || it->second > longest->second) {
      longest = it;
    }
    if (it->second >= wanted) {
      return it;
    }
    ++it;
  }
  return longest;
}

FreeSpace::Run FreeSpace::take(Runs::iterator from, FsBlock first, FsBlocks wanted) {
  const FsBlock start = from->first;
  const FsBlock end = start + from->second;
  const Run taken{first, std::min(wanted, end - first)};
  const FsBlock taken_end = first + taken.length;
  if (first > start) {
    from->second = first - start;
  } else {
    runs_.erase(from);
  }
  if (taken_end < end) {
    runs_.emplace(taken_end, end - taken_end);
  }
  free_ -= taken.length;
  next_ = taken_end;
  return taken;
}

void FreeSpace::release(FsBlock first, FsBlocks length) {
  const auto [it, fresh] = runs_.emplace(first, length);
  SIM_CHECK(fresh);
  free_ += length;
  const auto next = std::next(it);
  if (next != runs_.end()) {
    SIM_CHECK(first + length <= next->first);
    if (first + length == next->first) {
      it->second += next->second;
      runs_.erase(next);
    }
  }
  if (it != runs_.begin()) {
    const auto before = std::prev(it);
    SIM_CHECK(before->first + before->second <= first);
    if (before->first + before->second == first) {
      before->second += it->second;
      runs_.erase(it);
    }
  }
}

void FreeSpace::reserve(FsBlocks count) {
  SIM_CHECK(count <= available());
  reserved_ += count;
}

void FreeSpace::unreserve(FsBlocks count) {
  SIM_CHECK(count <= reserved_);
  reserved_ -= count;
}

}  // namespace wbsim::fs
