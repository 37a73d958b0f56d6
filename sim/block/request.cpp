#include "sim/block/request.hpp"

#include "sim/block/block_queue.hpp"

namespace wbsim::block {

Request::Request(BlockQueue& owner, int own_number)
    : queue{owner},
      number{own_number},
      hard_irq{&BlockQueue::hard_irq_thunk, this},
      soft_irq{&BlockQueue::soft_irq_thunk, this} {}

}  // namespace wbsim::block
