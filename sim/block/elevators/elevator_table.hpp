// The elevators by name. Adding one: its file and test, and a row here.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "sim/block/elevators/elevator.hpp"

namespace wbsim::block {

struct ElevatorType {
  std::string_view name;
  std::span<const Tunable> tunables;
  std::unique_ptr<Elevator> (*make)(const ElevatorContext& context);
  // The kernels that have it.
  ElevatorGeneration since = ElevatorGeneration::kV5_10;
  ElevatorGeneration until = kNewestElevators;

  [[nodiscard]] bool exists_in(ElevatorGeneration generation) const {
    return since <= generation && generation <= until;
  }
};

std::span<const ElevatorType> elevator_types();
// Null for `none` and for names that are not in the table.
const ElevatorType* find_elevator(std::string_view name);

// nr_requests of a queue that was given this elevator: twice the driver's tags, of which no more
// than BLKDEV_DEFAULT_RQ count (blk_mq_init_sched(), v5.10 and v6.1).
int default_nr_requests(int queue_depth);

}  // namespace wbsim::block
