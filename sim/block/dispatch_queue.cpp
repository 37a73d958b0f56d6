#include "sim/block/dispatch_queue.hpp"

#include <iterator>
#include <utility>

namespace wbsim::block {

void DispatchQueue::add_tail(Request& request) {
  elevator_->forget(request);
  set_boundary(request);
  list_.push_back(request);
}

// Models: elv_dispatch_sort().
void DispatchQueue::add_sorted(Request& request) {
  elevator_->forget(request);
  const auto passes = [&](const Request& other) {
    const bool mixes =
        directions_ == SortedDirections::kMixed || !other.flags.write == !request.flags.write;
    if (!mixes || other.seen || other.soft_barrier) {
      return false;
    }
    const bool ahead = request.sector >= end_sector_;
    const bool other_ahead = other.sector >= end_sector_;
    return ahead != other_ahead ? ahead : request.sector < other.sector;
  };
  auto position = list_.end();
  while (position != list_.begin() && passes(*std::prev(position))) {
    --position;
  }
  list_.insert(position, request);
}

void DispatchQueue::push_front(Request& request) {
  request.soft_barrier = true;
  list_.push_front(request);
}

void DispatchQueue::push_back(Request& request) {
  request.soft_barrier = true;
  list_.push_back(request);
}

void DispatchQueue::insert_before(RequestChain::iterator position, Request& request) {
  request.soft_barrier = true;
  list_.insert(position, request);
}

void DispatchQueue::set_boundary(const Request& request) {
  end_sector_ = request.end();
  boundary_ = &request;
}

bool DispatchQueue::look_at_front() {
  Request& request = list_.front();
  if (boundary_ == nullptr || boundary_ == &request) {
    end_sector_ = request.end();
    boundary_ = nullptr;
  }
  return !std::exchange(request.seen, true);
}

}  // namespace wbsim::block
