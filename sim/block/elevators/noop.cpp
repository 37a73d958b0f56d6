#include "sim/block/elevators/noop.hpp"

#include <iterator>

namespace wbsim::block {

void Noop::insert(Request& request) {
  request.in_elevator = true;
  fifo_.push_back(request);
}

int Noop::dispatch_to(DispatchList& list, bool /*forced*/) {
  if (fifo_.empty()) {
    return 0;
  }
  Request& request = fifo_.front();
  fifo_.pop_front();
  request.in_elevator = false;
  list.add_sorted(request);
  return 1;
}

void Noop::requests_merged(Request& /*request*/, Request& next) {
  if (next.in_elevator) {  // else it was merged instead of being inserted
    fifo_.erase(fifo_.iterator_to(next));
    next.in_elevator = false;
  }
}

Request* Noop::former_request(Request& request) {
  const auto it = fifo_.iterator_to(request);
  return it == fifo_.begin() ? nullptr : &*std::prev(it);
}

Request* Noop::latter_request(Request& request) {
  const auto next = std::next(fifo_.iterator_to(request));
  return next == fifo_.end() ? nullptr : &*next;
}

}  // namespace wbsim::block
