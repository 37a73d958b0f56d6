// Random scenarios for the property test: small machines in odd corners, drawn from a seed.
#pragma once

#include <cstdint>
#include <string>

namespace wbsim::system::testing {

struct RandomScenario {
  std::string document;  // the configuration
  std::string fio;
};

//   kBlkMq        devices of kernels with blk-mq
//   kSingleQueue  devices of 2.6.18 and 3.6, some with flushers and throttles of others
//   kFiles        files below all elevators of 3.6 and later, some on devices with faults
enum class Kind { kBlkMq, kSingleQueue, kFiles };

// The same for a seed wherever it is drawn. Every scenario ends with sync(2) and a tail.
RandomScenario random_scenario(std::uint64_t seed, Kind kind);

}  // namespace wbsim::system::testing
