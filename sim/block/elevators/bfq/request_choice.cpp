#include "sim/block/elevators/bfq/request_choice.hpp"

#include <optional>

namespace wbsim::block::bfq {

namespace {

// Distance from `last`; none where the request is too far behind.
std::optional<Sectors> distance_to(const Tuning& tuning, const Request& request, Lba last) {
  if (request.sector >= last) {
    return request.sector - last;
  }
  if (request.sector + tuning.back_seek_max >= last) {
    return (last - request.sector) * tuning.back_seek_penalty;
  }
  return std::nullopt;
}

// Models: bfq_check_fifo().
Request* expired_request(const State& state, Queue& queue, const Request& last) {
  if (queue.fifo_checked) {
    return nullptr;
  }
  queue.fifo_checked = true;
  Request& oldest = queue.fifo.front();
  const auto now = static_cast<std::uint64_t>(state.clock.now().time_since_epoch().count());
  return &oldest == &last || now < oldest.fifo_time ? nullptr : &oldest;
}

}  // namespace

Request* choose_request(const Tuning& tuning, Request* a, Request* b, Lba last) {
  if (a == nullptr || a == b) {
    return b;
  }
  if (b == nullptr) {
    return a;
  }
  const bool a_is_sync = is_sync(a->flags);
  if (a_is_sync != is_sync(b->flags)) {
    return a_is_sync ? a : b;
  }
  const std::optional<Sectors> to_a = distance_to(tuning, *a, last);
  const std::optional<Sectors> to_b = distance_to(tuning, *b, last);
  if (to_a && to_b) {
    if (*to_a != *to_b) {
      return *to_a < *to_b ? a : b;
    }
    return a->sector >= b->sector ? a : b;
  }
  if (to_a || to_b) {
    return to_a ? a : b;
  }
  return a->sector <= b->sector ? a : b;
}

Request* find_next_request(const State& state, Queue& queue, Request& last) {
  if (Request* expired = expired_request(state, queue, last)) {
    return expired;
  }
  Request* latter = queue.sorted.latter(last);
  if (latter == nullptr) {
    Request& lowest = *queue.sorted.first();
    latter = &lowest == &last ? nullptr : &lowest;
  }
  return choose_request(state.tuning, latter, queue.sorted.former(last), last.sector);
}

}  // namespace wbsim::block::bfq
