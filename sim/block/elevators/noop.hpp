// noop: in order of arrival, and what merging makes of that.
#pragma once

#include <span>

#include "sim/block/elevators/elevator.hpp"

namespace wbsim::block {

// Models: block/noop-iosched.c, v2.6.18 and v3.6. Properties:
//  1. Requests leave in order of arrival, one at a time, and are sorted into the dispatch list.
//  2. Bios merge with the request merged with last, in v3.6 also behind any other; nothing finds a
//     request before which a bio would fit.
//  3. After a merge the neighbours in order of arrival are tried, not those on the disk.
class Noop final : public Elevator {
 public:
  explicit Noop(const ElevatorContext& context)
      : uses_merge_hash_{context.generation != ElevatorGeneration::kV2_6_18} {}

  static std::span<const Tunable> tunables() { return {}; }

  void insert(Request& request) override;
  int dispatch_to(DispatchList& list, bool forced) override;
  [[nodiscard]] bool has_work() const override { return !fifo_.empty(); }
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;
  [[nodiscard]] bool uses_merge_hash() const override { return uses_merge_hash_; }

 private:
  bool uses_merge_hash_;
  RequestChain fifo_;
};

}  // namespace wbsim::block
