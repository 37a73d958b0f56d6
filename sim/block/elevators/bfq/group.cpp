#include "sim/block/elevators/bfq/group.hpp"

namespace wbsim::block::bfq {

// Models: bfq_pd_init(), bfq_link_bfqg(). A new group has last served its idle class at jiffy 0,
// which is long ago at any time: jiffies begin five minutes before they wrap.
Groups::Groups(std::span<const ControlGroup> groups, const Clock& clock) {
  Group& root = groups_.emplace_back();
  root.children = &root.members;
  root.members.idle_class_served = clock.jiffies();
  for (std::size_t i = 1; i < groups.size(); ++i) {
    Group& above = groups_[static_cast<std::size_t>(groups[i].parent)];
    Group& group = groups_.emplace_back();
    group.weight = group.own_weight = group.new_weight = groups[i].bfq_weight;
    group.parent = &above == &root ? nullptr : &above;
    group.level = &above.members;
    group.children = &group.members;
    group.members.group = &group;
    group.members.idle_class_served = clock.long_ago();
  }
}

void enter(Queue& queue, Group& group) {
  queue.group = &group;
  queue.parent = group.members.group;
  queue.level = &group.members;
}

}  // namespace wbsim::block::bfq
