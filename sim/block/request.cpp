#include "sim/block/request.hpp"

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

Request::Request(RequestQueue& owner, int own_number)
    : queue{owner},
      number{own_number},
      hard_irq{&RequestQueue::hard_irq_thunk, this},
      soft_irq{&RequestQueue::soft_irq_thunk, this} {}

}  // namespace wbsim::block
