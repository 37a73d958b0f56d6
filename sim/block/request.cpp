#include "sim/block/request.hpp"

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

Request::Request(RequestQueue& owner, int tag_number)
    : queue{owner},
      tag{tag_number},
      hard_irq{&RequestQueue::hard_irq_thunk, this},
      soft_irq{&RequestQueue::soft_irq_thunk, this} {}

}  // namespace wbsim::block
