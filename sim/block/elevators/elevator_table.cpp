#include "sim/block/elevators/elevator_table.hpp"

#include <algorithm>
#include <array>

#include "sim/block/elevators/anticipatory/anticipatory.hpp"
#include "sim/block/elevators/bfq/bfq.hpp"
#include "sim/block/elevators/cfq/cfq.hpp"
#include "sim/block/elevators/cfq/cfq_rounds.hpp"
#include "sim/block/elevators/deadline.hpp"
#include "sim/block/elevators/kyber.hpp"
#include "sim/block/elevators/mq_deadline.hpp"
#include "sim/block/elevators/noop.hpp"

namespace wbsim::block {

namespace {

template <class E>
std::unique_ptr<Elevator> make(const ElevatorContext& context) {
  return std::make_unique<E>(context);
}

// cfq of v2.6.18 and of v3.6 have little in common but the name.
std::unique_ptr<Elevator> make_cfq(const ElevatorContext& context) {
  if (context.generation == ElevatorGeneration::kV2_6_18) {
    return std::make_unique<CfqRounds>(context);
  }
  return std::make_unique<Cfq>(context);
}

constexpr ElevatorGeneration kV2_6_18 = ElevatorGeneration::kV2_6_18;
constexpr ElevatorGeneration kV3_6 = ElevatorGeneration::kV3_6;

const std::array<ElevatorType, 7> kTypes{
    {{"mq-deadline", MqDeadline::tunables(), &make<MqDeadline>},
     {"kyber", Kyber::tunables(), &make<Kyber>},
     {"bfq", bfq::Bfq::tunables(), &make<bfq::Bfq>},
     {"noop", Noop::tunables(), &make<Noop>, kV2_6_18, kV3_6},
     {"deadline", Deadline::tunables(), &make<Deadline>, kV2_6_18, kV3_6},
     {"cfq", CfqTunables::table(), &make_cfq, kV2_6_18, kV3_6},
     {"anticipatory", Anticipatory::tunables(), &make<Anticipatory>, kV2_6_18, kV2_6_18}}};

}  // namespace

std::span<const ElevatorType> elevator_types() { return kTypes; }

const ElevatorType* find_elevator(std::string_view name) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [name](const ElevatorType& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : &*found;
}

int default_nr_requests(int queue_depth) {
  constexpr int kBlkdevDefaultRequests = 128;  // BLKDEV_DEFAULT_RQ, BLKDEV_MAX_RQ in v5.10
  return 2 * std::min(queue_depth, kBlkdevDefaultRequests);
}

}  // namespace wbsim::block
