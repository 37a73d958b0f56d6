// In its steady state a simulation allocates nothing: no event, page, bio or request costs a visit
// to the heap. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "sim/report/metrics.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"

namespace {

std::uint64_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace wbsim::system {
namespace {

struct Steady {
  const char* name;
  const char* fio;
  const char* members;
};

void PrintTo(const Steady& steady, std::ostream* stream) { *stream << steady.name; }

class SteadyState : public ::testing::TestWithParam<Steady> {};

TEST_P(SteadyState, AllocatesNothing) {
  const std::string devices =
      R"({"sda":{"size":"256MiB","per_kib":"10240ns","flush":"200us",)"
      R"("queue":{"scheduler":"none","wbt_lat_usec":0,"write_cache":"write back"}}})";
  const testing::Scenario s = testing::scenario(GetParam().fio, GetParam().members, devices);
  const report::RunInfo info = describe_run(s.config, s.workload, "test");
  report::Metrics metrics{info};
  System system{s.config, s.workload, {&metrics}};
  system.control().start();
  // Long enough that all memory is in use, was once reclaimed, old data was written
  // periodically, and lists have met their longest.
  system.simulator().run(at(seconds(60)));
  const std::uint64_t events_before = system.simulator().events_run();
  const std::uint64_t before = allocations;
  system.simulator().run(at(seconds(70)));
  // Pools may still meet their peak, when one task more than ever is in the middle of writeback:
  // that is an allocation for each of its calls, where one for each request or event would be
  // thousands.
  EXPECT_LE(allocations - before, 16U);
  EXPECT_GT(system.simulator().events_run() - events_before, 1000U);
  EXPECT_FALSE(system.control().finished());
}

// One sample a day: the list of devices in a sample is no part of the claim.
constexpr const char* kTiny = R"("memory":{"total":"96MiB"},"output":{"interval":"3600s"})";
constexpr const char* kTiny61 =
    R"("kernel":"6.1","cpus":4,"memory":{"total":"96MiB"},"output":{"interval":"3600s"})";

const auto kSteadyStates = ::testing::Values(
    Steady{"Stream", "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\ntime_based=1\nruntime=100\n",
           kTiny},
    Steady{"Stream61", "[w]\nfilename=/dev/sda\nrw=write\nbs=1m\ntime_based=1\nruntime=100\n",
           kTiny61},
    Steady{"Random", "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=4k\ntime_based=1\nruntime=100\n",
           kTiny},
    Steady{"Writers61",
           "[w]\nfilename=/dev/sda\nrw=write\nbs=16k\nsize=32m\noffset_increment=32m\nnumjobs=6\n"
           "time_based=1\nruntime=100\n",
           kTiny61},
    Steady{"Fsync",
           "[w]\nfilename=/dev/sda\nrw=write\nbs=4k\nfsync=16\ntime_based=1\nruntime=100\n", kTiny},
    Steady{"Reader", "[r]\nfilename=/dev/sda\nrw=read\nbs=64k\ntime_based=1\nruntime=100\n", kTiny},
    Steady{"RandomReader61",
           "[r]\nfilename=/dev/sda\nrw=randread\nbs=4k\ntime_based=1\nruntime=100\n", kTiny61},
    Steady{"PartialWrites",
           "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=2k\ntime_based=1\nruntime=100\n", kTiny},
    Steady{"Osync61",
           "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=8k\nsync=1\ntime_based=1\nruntime=100\n",
           kTiny61});

INSTANTIATE_TEST_SUITE_P(Kinds, SteadyState, kSteadyStates,
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace wbsim::system
