#include "sim/block/elevators/bfq/bfq_test_util.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {
constexpr SimDuration kPoll = milliseconds(1);  // the queue is run at least as often

ElevatorRigOptions rig_options(const BfqLoop::Options& options) {
  ElevatorRigOptions rig;
  rig.elevator = "bfq";
  rig.generation = options.generation;
  rig.tunables = options.tunables;
  rig.cgroups = options.cgroups;
  rig.nr_requests = rig.default_nr_requests = 256;
  rig.limits.rotational = options.rotational;
  rig.limits.nomerges = 2;
  return rig;
}
}  // namespace

ControlGroups groups_of(const std::vector<GroupOf>& groups) {
  ControlGroups made(1);
  for (const GroupOf& group : groups) {
    made.push_back({.parent = group.parent, .limits = {}, .bfq_weight = group.weight});
  }
  return made;
}

BfqLoop::BfqLoop(const Options& options, const std::vector<Source>& sources)
    : options_{options}, rig_{rig_options(options)} {
  for (const Source& source : sources) {
    runners_.push_back(
        {.source = source,
         .next = source.from,
         .due = std::vector<SimDuration>(static_cast<std::size_t>(source.depth), source.begins)});
  }
}

BfqLoop::Runner& BfqLoop::runner_of(int id) {
  return *std::find_if(runners_.begin(), runners_.end(),
                       [id](const Runner& runner) { return runner.source.id == id; });
}

std::int64_t BfqLoop::served(int id) const {
  return const_cast<BfqLoop*>(this)->runner_of(id).served;
}

SimDuration BfqLoop::longest_wait(int id) const {
  return const_cast<BfqLoop*>(this)->runner_of(id).longest;
}

void BfqLoop::clear() {
  order_.clear();
  busy_ = {};
  for (Runner& runner : runners_) {
    runner.served = 0;
    runner.longest = {};
  }
}

void BfqLoop::submit(Runner& runner) {
  const Source& source = runner.source;
  while (!runner.due.empty() && runner.due.back() <= now_) {
    runner.due.pop_back();
    if (now_ >= source.ends) {
      continue;
    }
    IoStep step{.flags = source.flags, .sector = runner.next, .sectors = source.sectors};
    runner.next += source.step == 0 ? source.sectors : source.step;
    Bio& bio = rig_.bio(step, source.priority,
                        {.id = source.id, .priority = source.priority, .cgroup = source.cgroup});
    Request& request = rig_.request(bio);
    rig_.queue().merge(bio);
    RequestChain absorbed;
    rig_.queue().insert(request, absorbed);
    waiting_.emplace_back(&request, now_);
  }
}

void BfqLoop::dispatch() {
  while (static_cast<int>(device_.size()) < options_.channels) {
    Request* request = rig_.queue().dispatch();
    if (request == nullptr) {
      return;
    }
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const auto& entry) { return entry.first == request; });
    const SimDuration service = options_.service + options_.per_sector * request->length.count();
    order_ += static_cast<char>('0' + request->context->id);
    busy_ += service;
    device_.push_back({request, now_ + service, found->second});
    waiting_.erase(found);
  }
}

void BfqLoop::complete() {
  for (std::size_t i = 0; i < device_.size();) {
    if (device_[i].end > now_) {
      ++i;
      continue;
    }
    const Served served = device_[i];
    device_.erase(device_.begin() + static_cast<std::ptrdiff_t>(i));
    Runner& runner = runner_of(served.request->context->id);
    runner.served += served.request->length.count();
    runner.longest = std::max(runner.longest, now_ - served.submitted);
    runner.due.push_back(now_ + runner.source.think);
    rig_.elevator().finish_request(*served.request);
  }
}

SimDuration BfqLoop::next_time(SimDuration end) const {
  SimDuration next = std::min(end, now_ + kPoll);
  for (const Served& served : device_) {
    next = std::min(next, served.end);
  }
  for (const Runner& runner : runners_) {
    for (const SimDuration due : runner.due) {
      next = due > now_ ? std::min(next, due) : next;
    }
  }
  return next;
}

void BfqLoop::run_until(SimDuration end) {
  while (now_ < end) {
    for (Runner& runner : runners_) {
      submit(runner);
    }
    dispatch();
    now_ = next_time(end);
    rig_.run_until(now_);
    complete();
  }
}

}  // namespace wbsim::block::bfq
