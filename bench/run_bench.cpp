// Whole runs: what a simulated write costs from system call to device, with all figures counted.
//   run_bench --benchmark_repetitions=5
// Goals (seconds for 100 GiB): 1 MiB writes 0.5, 64 KiB 1, 4 KiB 3.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "sim/report/metrics.hpp"
#include "sim/report/timeseries.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/system.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::bench {
namespace {

struct Experiment {
  system::Config config;
  workload::WorkloadSpec workload;
};

// A machine of 16 GiB with the default CPU costs and a disk of 500 MB/s (2048 ns for each KiB).
Experiment experiment(const std::string& job) {
  constexpr const char* kMachine = R"({
    "memory": {"total": "16GiB"},
    "devices": {"sda": {"size": "100GiB", "per_kib": "2048ns", "queue": {"scheduler": "none"}}}
  })";
  Diagnostics diagnostics;
  std::optional<system::Config> config =
      system::read_config({"machine", kMachine, "configs/experiments"}, {}, diagnostics);
  const std::vector<workload::FioInput> input{
      {"job.fio", "[w]\nfilename=/dev/sda\ninvalidate=0\n" + job}};
  workload::WorkloadSpec jobs = workload::parse_fio_jobs(input, {}, diagnostics);
  if (diagnostics.exit_code() != 0) {
    fmt::print(stderr, "{}\n", to_string(diagnostics.all().front()));
    std::abort();
  }
  return {*std::move(config), std::move(jobs)};
}

// Runs it with metrics and time series, as `wbsim run` does.
void whole_run(benchmark::State& state, const std::string& job) {
  const Experiment what = experiment(job);
  const report::RunInfo info = system::describe_run(what.config, what.workload, "bench");
  std::int64_t writes = 0;
  std::uint64_t events = 0;
  Bytes bytes{0};
  for (auto unused : state) {
    (void)unused;
    report::Metrics metrics{info};
    report::TimeSeries series{info, nullptr, report::TimeSeries::Keep::kSamples};
    system::RunOptions options;
    options.observers = {&metrics, &series};
    const system::RunOutcome outcome = system::run_system(what.config, what.workload, options);
    const report::RunMetrics run = metrics.finish(outcome.end);
    writes += run.jobs[0].write.ios();
    bytes += run.jobs[0].write.bytes;
    events += outcome.events;
  }
  const auto per = [](std::int64_t n) {
    return benchmark::Counter(static_cast<double>(n),
                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  };
  state.counters["per_write"] = per(writes);
  state.counters["per_page"] = per(bytes / kPageSize);
  state.counters["events_per_MiB"] =
      static_cast<double>(events) / static_cast<double>(bytes / mebibytes(1));
}

void buffered_sequential(benchmark::State& state) {
  whole_run(state, fmt::format("rw=write\nsize=100g\nbs={}k\n", state.range(0)));
}
void buffered_random(benchmark::State& state) {
  whole_run(state, fmt::format("rw=randwrite\nsize=100g\nio_size=8g\nbs={}k\n", state.range(0)));
}
BENCHMARK(buffered_sequential)->Arg(1024)->Arg(64)->Arg(4)->Unit(benchmark::kMillisecond);
BENCHMARK(buffered_random)->Arg(4)->Unit(benchmark::kMillisecond);

// Heap bytes for each cached page of a machine whose memory is full of clean and dirty pages.
void memory_per_cached_page(benchmark::State& state, const std::string& job) {
  const Experiment what = experiment(job);
  double bytes_per_page = 0;
  for (auto unused : state) {
    (void)unused;
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    system::System machine{what.config, what.workload, {}};
    machine.control().start();
    machine.simulator().run(at(seconds(30)));
    const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    const pagecache::VmStat& stat = machine.vm_stat();
    const Pages cached = stat.nr_active_file + stat.nr_inactive_file;
    bytes_per_page = static_cast<double>(after - before) / static_cast<double>(cached.count());
    state.counters["cached_pages"] = static_cast<double>(cached.count());
  }
  state.counters["bytes_per_page"] = bytes_per_page;
}

void memory_sequential(benchmark::State& state) {
  memory_per_cached_page(state, "rw=write\nsize=100g\nbs=64k\n");
}
void memory_random(benchmark::State& state) {
  memory_per_cached_page(state, "rw=randwrite\nsize=100g\nbs=4k\n");
}
BENCHMARK(memory_sequential)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(memory_random)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
