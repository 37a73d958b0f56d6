// What a request queue is made of: hardware queues, tags and an elevator.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::block {

namespace {

BlockQueueOptions common_options(const RequestQueueOptions& options) {
  return {.device = options.device,
          .limits = options.limits,
          .bio_priority = options.bio_priority,
          .disk_stats = options.disk_stats,
          .plug_issue_order = options.plug_issue_order,
          .completes_in_irq = options.hw_queues > 1,
          .plug_merging = options.plug_merging,
          .bio_runs = options.bio_runs,
          .trace = options.trace,
          .data_steps = options.data_steps,
          .driver = options.driver};
}

// What the tags are told when they are made. Those that were resized keep the words of their first
// size (blk_mq_tag_update_depth()): without an elevator they are the driver's.
std::unique_ptr<TagHost> make_tags(const engine::Machine& machine, const DeviceModel& device,
                                   const RequestQueueOptions& options) {
  const int made_for = options.queue_depth.value_or(device.queue_depth());
  const bool none = options.elevator == nullptr;
  const int depth = none ? options.nr_requests : options.driver_tags.value_or(made_for);
  return std::make_unique<TagHost>(
      TagHostOptions{.depth = depth,
                     .tags = {.wake = options.tag_wake,
                              .allocated = none ? std::max(made_for, depth) : depth,
                              .cpus = machine.cpus()},
                     .hw_queues = options.hw_queues,
                     .host_wide = options.host_wide_tags});
}

}  // namespace

RequestQueue::RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
                           DeviceModel& device, const RequestQueueOptions& options)
    : BlockQueue{machine, tracer, kblockd, device, common_options(options)},
      options_{options},
      own_tags_{options.tag_host == nullptr ? make_tags(machine, device, options) : nullptr},
      tag_host_{options.tag_host == nullptr ? *own_tags_ : *options.tag_host},
      requeue_kick_{engine::event_calling<&RequestQueue::on_requeue_kick>(*this, "requeue")},
      activity_event_{engine::event_calling<&RequestQueue::on_activity_timer>(*this, "idle queue")},
      activity_timer_{machine, options.driver.rules, activity_event_} {
  SIM_CHECK(options.plug_requests_max > 0);
  tag_host_.add_queue();
  add_hardware_queues();
  if (options.elevator != nullptr) {
    add_elevator(*options.elevator);
  }
  if (options.wbt) {
    wbt_.emplace(machine, tracer, options.device, *options.wbt);
  }
  if (options.driver.driver == Driver::kScsi) {
    budget_.emplace(device.queue_depth(), machine.jiffies().hz());
  }
  if (!options.cgroups.empty()) {
    ThrottleHost& host = *this;  // a private base: make_unique() may not convert to it
    throttle_ = std::make_unique<IoThrottle>(machine, host, options.cgroups, options.split_charge);
  }
  device.attach(*this);
}

RequestQueue::~RequestQueue() {
  machine_.simulator().cancel(requeue_kick_);
  machine_.simulator().cancel(activity_event_);
  for (const auto& hctx : hctxs_) {
    for (const auto& request : hctx->requests()) {
      cancel_interrupts(*request);
    }
    cancel_interrupts(hctx->flush().flush_request());
  }
}

std::size_t RequestQueue::in_flight() const {
  return static_cast<std::size_t>(allocated_) + bios_.in_use();
}

void RequestQueue::add_hardware_queues() {
  const TagHostOptions& host = tag_host_.options();
  const auto count = static_cast<std::size_t>(options_.hw_queues);
  const int depth = options_.queue_depth.value_or(device_.queue_depth());
  const bool none = options_.elevator == nullptr;
  SIM_CHECK(host.hw_queues == options_.hw_queues && host.host_wide == options_.host_wide_tags);
  SIM_CHECK(!none || host.depth == options_.nr_requests);
  shares_.resize(host.host_wide ? 1 : count);
  in_driver_.resize(static_cast<std::size_t>(tag_host_.tags()));
  const bool one_set = host.host_wide && options_.multi_queue == MultiQueueRules::kV6_1;
  for (std::size_t set = 0; !none && set < (one_set ? 1 : count); ++set) {
    elevator_tags_.push_back(std::make_unique<TagSet>(
        options_.nr_requests,
        TagSetOptions{.wake = options_.tag_wake,
                      .allocated = std::max(default_nr_requests(depth), options_.nr_requests),
                      .cpus = machine_.cpus(),
                      .limits = shallow_depth_of(options_.elevator_generation)}));
  }
  // Private bases: make_unique() may not convert to them.
  HardwareQueueHost& host_of_queue = *this;
  FlushHost& flush_host = *this;
  const std::vector<int> map = map_queues(machine_.cpus(), options_.hw_queues, options_.cpu_spread);
  for (int index = 0; index < options_.hw_queues; ++index) {
    std::vector<int> cpus;
    for (int cpu = 0; cpu < machine_.cpus(); ++cpu) {
      if (map[static_cast<std::size_t>(cpu)] == index) {
        cpus.push_back(cpu);
      }
    }
    const auto own = static_cast<std::size_t>(index);
    DriverTags& driver_tags = tag_host_.of(index);
    hctxs_.push_back(std::make_unique<HardwareQueue>(
        *this, host_of_queue, flush_host, machine_, kblockd_,
        HardwareQueueOptions{
            .index = index,
            .hw_queues = options_.hw_queues,
            .cpus = std::move(cpus),
            .requests = options_.nr_requests,
            .allocation_tags = none ? driver_tags.tags() : *elevator_tags_[one_set ? 0 : own],
            .driver_tags = driver_tags,
            .first_tag = tag_host_.first_tag(index),
            .elevator = !none,
            .share = shares_[host.host_wide ? 0 : own],
            .host = tag_host_}));
  }
  for (const int hw_queue : map) {
    hctx_of_cpu_.push_back(hctxs_[static_cast<std::size_t>(hw_queue)].get());
  }
}

void RequestQueue::add_elevator(const ElevatorType& type) {
  const int depth = options_.queue_depth.value_or(device_.queue_depth());
  const int default_requests = default_nr_requests(depth);
  const ElevatorContext context{
      .machine = machine_,
      .host = this,
      .generation = options_.elevator_generation,
      .nr_requests = options_.nr_requests,
      .default_nr_requests = default_requests,
      .bits_per_word = elevator_tags_.front()->bits_per_word(),
      .default_bits_per_word = Sbitmap::bits_per_word_for(default_requests),
      .tag_wake = options_.tag_wake,
      .rotational = options_.limits.rotational,
      .tunables = options_.iosched,
      .hw_queue_of_cpu = map_queues(machine_.cpus(), options_.hw_queues, options_.cpu_spread),
      .cgroups = options_.cgroups};
  elevator_.emplace(type.make(context), merger_, options_.limits,
                    options_.nr_requests * static_cast<int>(elevator_tags_.size()));
  for (const auto& tags : elevator_tags_) {
    tags->set_min_word_depth(elevator_->elevator().min_word_depth());
  }
}

}  // namespace wbsim::block
