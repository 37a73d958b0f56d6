// Requests in order of sectors, linked through themselves.
#pragma once

#include <boost/intrusive/set.hpp>

#include "sim/block/request.hpp"

namespace wbsim::block {

struct SectorOf {
  using type = Lba;
  const Lba& operator()(const Request& request) const { return request.sector; }
};

// Models: elv_rb_add(), elv_rb_del(), block/elevator.c: one that begins at the same sector as
// others goes behind them.
class SectorOrder {
 public:
  void add(Request& request) { tree_.insert(request); }
  void remove(Request& request) { tree_.erase(tree_.iterator_to(request)); }
  [[nodiscard]] bool empty() const { return tree_.empty(); }
  // The one with the lowest sector; null where there is none.
  [[nodiscard]] Request* first() { return tree_.empty() ? nullptr : &*tree_.begin(); }
  // elv_rb_find(): a request that begins at `sector`; the oldest of several, where the kernel
  // takes any.
  [[nodiscard]] Request* find(Lba sector) {
    const auto found = tree_.find(sector);
    return found == tree_.end() ? nullptr : &*found;
  }
  // The first that begins at `sector` or behind it.
  [[nodiscard]] Request* first_from(Lba sector) {
    const auto found = tree_.lower_bound(sector);
    return found == tree_.end() ? nullptr : &*found;
  }
  [[nodiscard]] Request* former(Request& request) {
    const auto it = tree_.iterator_to(request);
    return it == tree_.begin() ? nullptr : &*std::prev(it);
  }
  [[nodiscard]] Request* latter(Request& request) {
    const auto next = std::next(tree_.iterator_to(request));
    return next == tree_.end() ? nullptr : &*next;
  }

 private:
  boost::intrusive::multiset<
      Request, boost::intrusive::member_hook<Request, Request::SortHook, &Request::sort>,
      boost::intrusive::key_of_value<SectorOf>, boost::intrusive::constant_time_size<false>>
      tree_;
};

}  // namespace wbsim::block
