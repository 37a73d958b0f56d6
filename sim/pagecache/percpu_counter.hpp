// Counters that are exact per CPU and folded into a shared value in batches.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

// Models: percpu_counter_add_batch(), lib/percpu_counter.c, and the node counters of mm/vmstat.c,
// v5.10: a CPU's part moves into the shared value when it reaches +-batch. What the kernel reads
// cheaply is the shared value, which lags by less than cpus * batch.
class PercpuCounter {
 public:
  PercpuCounter(int cpus, std::int64_t batch, std::int64_t initial = 0)
      : batch_{batch}, shared_{initial}, exact_{initial}, local_(static_cast<std::size_t>(cpus)) {
    SIM_CHECK(batch > 0);
  }

  // `n` steps of +1 (or of -1 when negative), one after the other, on one CPU.
  void add(int cpu, std::int64_t n) {
    std::int64_t& local = local_[static_cast<std::size_t>(cpu)];
    const std::int64_t sign = n < 0 ? -1 : 1;
    // Seen along the direction of the steps: from `from` the first fold happens at +batch.
    std::int64_t from = local * sign;
    std::int64_t left = n * sign;
    exact_ += n;
    if (from + left >= batch_) {
      left -= batch_ - from;
      shared_ += sign * (batch_ + left / batch_ * batch_);
      from = 0;
      left %= batch_;
    }
    local = sign * (from + left);
  }

  // One step of any size.
  void add_once(int cpu, std::int64_t n) {
    std::int64_t& local = local_[static_cast<std::size_t>(cpu)];
    exact_ += n;
    local += n;
    if (local >= batch_ || local <= -batch_) {
      shared_ += local;
      local = 0;
    }
  }

  // percpu_counter_set(): every CPU's part is dropped.
  void set(std::int64_t value) {
    shared_ = value;
    exact_ = value;
    local_.assign(local_.size(), 0);
  }

  [[nodiscard]] std::int64_t sum() const { return exact_; }
  [[nodiscard]] std::int64_t read() const { return shared_; }
  [[nodiscard]] std::int64_t read_positive() const { return shared_ > 0 ? shared_ : 0; }

 private:
  std::int64_t batch_;
  std::int64_t shared_;
  std::int64_t exact_;
  std::vector<std::int64_t> local_;
};

// WB_STAT_BATCH and PROP_BATCH: 8 * (1 + ilog2(nr_cpu_ids)).
constexpr std::int64_t wb_stat_batch(int cpus) {
  return 8 * static_cast<std::int64_t>(std::bit_width(static_cast<unsigned>(cpus)));
}

// Models: calculate_normal_threshold(), mm/vmstat.c. A node counter folds when it exceeds this.
constexpr std::int64_t vm_stat_threshold(int cpus, std::int64_t memory_pages) {
  constexpr int kMemoryUnitShift = 15;  // 128 MiB in pages
  constexpr std::int64_t kThresholdMax = 125;
  const auto fls = [](std::int64_t x) {
    return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(x)));
  };
  const std::int64_t threshold = 2 * fls(cpus) * (1 + fls(memory_pages >> kMemoryUnitShift));
  return threshold < kThresholdMax ? threshold : kThresholdMax;
}

}  // namespace wbsim::pagecache
