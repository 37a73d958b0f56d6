#include "sim/block/software_queues.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

void SoftwareQueues::take_all(RequestChain& taken) {
  for (const int cpu : cpus_) {
    taken.splice(taken.end(), of(cpu));
  }
  queued_ = 0;
}

Request& SoftwareQueues::take_next() {
  SIM_CHECK(!empty());
  while (true) {
    RequestChain& list = of(cpus_[next_]);
    next_ = next_ + 1 == cpus_.size() ? 0 : next_ + 1;
    if (!list.empty()) {
      Request& request = list.front();
      list.pop_front();
      --queued_;
      return request;
    }
  }
}

}  // namespace wbsim::block
