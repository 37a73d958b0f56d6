// Random scenarios for the property test: small machines in odd corners, drawn from a seed.
#pragma once

#include <cstdint>
#include <string>

namespace wbsim::system::testing {

struct RandomScenario {
  std::string document;  // the configuration
  std::string fio;
};

// Whose machines: with blk-mq, or of 2.6.18 and 3.6, some with flushers and throttles of others.
enum class Era { kBlkMq, kSingleQueue };

// The same for a seed wherever it is drawn. Every scenario ends with sync(2) and a tail.
RandomScenario random_scenario(std::uint64_t seed, Era era = Era::kBlkMq);

}  // namespace wbsim::system::testing
