// Which of two requests lies better for the head.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/block/elevators/sector_order.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

// Models: as_choose_req() and as_find_next_arq(), v2.6.18; cfq_choose_req() and cfq_find_next_rq(),
// v2.6.18 and v3.6. One way up through the sectors, but for short ways back:
//  1. What lies at the head or beyond is as far as it is; what lies up to `back_max` behind is
//     `back_penalty` times as far as it is; what lies further behind is out of reach.
//  2. The nearer one is better, of equally near ones that ahead of the head.
//  3. Out of reach is worse than within; if both are, the lower sector is better, since there is
//     one way back then and the rest lies ahead.
class HeadOrder {
 public:
  HeadOrder(Sectors back_max, std::int64_t back_penalty)
      : back_max_{back_max}, back_penalty_{back_penalty} {}

  // Either may be null; the other one is better then.
  [[nodiscard]] Request* better(Request* a, Request* b, Lba head) const {
    if (a == nullptr || b == nullptr) {
      return a == nullptr ? b : a;
    }
    const std::optional<std::int64_t> way_a = way(a->sector, head);
    const std::optional<std::int64_t> way_b = way(b->sector, head);
    if (way_a.has_value() != way_b.has_value()) {
      return way_a ? a : b;
    }
    if (!way_a) {
      return a->sector <= b->sector ? a : b;
    }
    if (*way_a != *way_b) {
      return *way_a < *way_b ? a : b;
    }
    return a->sector >= b->sector ? a : b;
  }

  // Which neighbour of `request` is to be served after it: the next one, or at the end the first,
  // or the one before.
  struct Neighbours {
    Request* next;
    Request* former;
  };
  static Neighbours neighbours(SectorOrder& sorted, Request& request) {
    Request* next = sorted.latter(request);
    if (next == nullptr && sorted.first() != &request) {
      next = sorted.first();
    }
    return {next, sorted.former(request)};
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> way(Lba sector, Lba head) const {
    if (sector >= head) {
      return (sector - head).count();
    }
    if (sector + back_max_ >= head) {
      return (head - sector).count() * back_penalty_;
    }
    return std::nullopt;
  }

  Sectors back_max_;
  std::int64_t back_penalty_;
};

}  // namespace wbsim::block
