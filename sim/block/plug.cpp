#include "sim/block/plug.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/block_queue.hpp"

namespace wbsim::block {

TaskIo::TaskIo(engine::Thread& thread) : thread_{thread}, context_{thread.name().pid} {
  thread.set_sleep_hook({&TaskIo::on_sleep, this});
}

TaskIo::~TaskIo() { thread_.set_sleep_hook({}); }

void TaskIo::start_plug() {
  if (depth_++ == 0) {
    plug_ = &storage_;
  }
}

engine::Task<> TaskIo::finish_plug() {
  SIM_CHECK(depth_ > 0);
  return finish_empty_plug() ? engine::Task<>{} : finish_filled_plug();
}

engine::Task<> TaskIo::finish_filled_plug() {
  do {
    co_await flush_plug();
  } while (!finish_empty_plug());
}

// The kernel orders devices by the addresses of their software queues, this by their numbers.
void Plug::sort_if_shared() {
  constexpr std::size_t kUnsortedMax = 2;
  if (!multiple_queues) {
    return;
  }
  const PlugIssueOrder order = requests.front().queue.plug_issue_order();
  if (order == PlugIssueOrder::kByDevice) {
    requests.sort([](const Request& a, const Request& b) {
      return a.queue.device_index() < b.queue.device_index();
    });
  }
  if (order != PlugIssueOrder::kFifo || count <= kUnsortedMax) {
    return;
  }
  requests.sort([](const Request& a, const Request& b) {
    return std::pair{a.queue.device_index(), a.sector} <
           std::pair{b.queue.device_index(), b.sector};
  });
}

engine::Task<> TaskIo::flush_plug() {
  if (plug_ != nullptr && plug_->callbacks != nullptr) {
    return flush_plug_callbacks();
  }
  if (plug_ == nullptr || plug_->empty()) {
    return {};
  }
  return plug_->multiple_queues ? flush_shared_plug() : next_queue().flush_plug(*this);
}

// Models: flush_plug_callbacks(), before the requests: what the callbacks submit is among them.
engine::Task<> TaskIo::flush_plug_callbacks() {
  while (plug_->callbacks != nullptr) {
    PlugCallback& callback = *plug_->callbacks;
    plug_->callbacks = callback.next;
    co_await callback.unplug(*this);
  }
  co_await flush_plug();
}

engine::Task<> TaskIo::flush_shared_plug() {
  plug_->sort_if_shared();
  while (plug_ != nullptr && !plug_->empty()) {
    co_await next_queue().flush_plug(*this);
  }
}

// The queue whose requests leave a plug of several next: that of its first request, in the order in
// which the plug is kept (blk_mq_flush_plug_list()).
BlockQueue& TaskIo::next_queue() {
  BlockQueue& newest = plug_->newest().queue;
  return newest.plug_issue_order() == PlugIssueOrder::kLifo ? newest
                                                            : plug_->requests.front().queue;
}

SimDuration TaskIo::on_sleep(void* self) {
  TaskIo& io = *static_cast<TaskIo*>(self);
  SimDuration cost{};
  if (io.plug_ != nullptr) {
    while (io.plug_->callbacks != nullptr) {
      PlugCallback& callback = *io.plug_->callbacks;
      io.plug_->callbacks = callback.next;
      cost += callback.unplug_from_schedule(io);
    }
    io.plug_->sort_if_shared();
  }
  while (io.plug_ != nullptr && !io.plug_->empty()) {
    cost += io.next_queue().flush_plug_from_schedule(io);
  }
  return cost;
}

}  // namespace wbsim::block
