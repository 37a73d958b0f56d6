#include "sim/sweep/worker_pool.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "sim/base/check.hpp"

namespace wbsim::sweep {

void run_pool(std::size_t count, int workers, const std::atomic<bool>& stop,
              const std::function<void(std::size_t)>& task) {
  SIM_CHECK(workers >= 1 && workers <= kWorkersMax);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) {
        return;
      }
      task(i);
    }
  };
  std::vector<std::jthread> threads;
  const std::size_t needed = std::min(count, static_cast<std::size_t>(workers));
  threads.reserve(needed);
  for (std::size_t i = 0; i < needed; ++i) {
    threads.emplace_back(work);
  }
}  // joins

}  // namespace wbsim::sweep
