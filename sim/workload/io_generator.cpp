#include "sim/workload/io_generator.hpp"

namespace wbsim::workload {

namespace {
constexpr std::uint64_t kPercent = 100;
}

IoGenerator::IoGenerator(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed)
    : job_{job},
      addresses_{job, extent, run_seed},
      first_directions_{job_stream(job, run_seed, "directions")},
      first_lengths_{job_stream(job, run_seed, "lengths")},
      directions_{first_directions_},
      lengths_{first_lengths_} {}

Direction IoGenerator::next_direction() {
  if (!job_.replay.empty()) {
    return job_.replay[replayed_ % job_.replay.size()].direction;
  }
  if (!job_.mixed()) {
    return job_.reads ? Direction::kRead : Direction::kWrite;
  }
  const auto reads = static_cast<std::uint64_t>(job_.mix_read_percent);
  return directions_.bernoulli(reads, kPercent) ? Direction::kRead : Direction::kWrite;
}

// Given I/Os are one pass, where a job has passes: not without a map.
bool IoGenerator::used_up(Direction direction) const {
  return job_.replay.empty() ? addresses_.used_up(direction)
                             : job_.random_map && replayed_ == job_.replay.size();
}

// Models: get_next_buflen(), fio 3.33: a length that does not fit is drawn again.
Io IoGenerator::next(Direction direction) {
  if (!job_.replay.empty()) {
    replayed_ %= job_.replay.size();
    return job_.replay[replayed_++];
  }
  Bytes length = next_length(job_.blocks[direction]);
  while (!addresses_.fits(direction, length)) {
    length = next_length(job_.blocks[direction]);
  }
  return addresses_.next(direction, length);
}

void IoGenerator::restart() {
  replayed_ = 0;
  addresses_.restart();
  if (job_.repeats_order) {
    directions_ = first_directions_;
    lengths_ = first_lengths_;
  }
}

Bytes IoGenerator::next_length(const BlockSizes& blocks) {
  if (blocks.min == blocks.max) {
    return blocks.min;
  }
  if (blocks.shares.empty()) {
    const auto choices = static_cast<std::uint64_t>(blocks.max / blocks.min);
    return blocks.min * static_cast<std::int64_t>(lengths_.uniform(choices) + 1);
  }
  auto drawn = static_cast<int>(lengths_.uniform(kPercent));
  for (const BlockShare& share : blocks.shares) {
    if (drawn < share.percent) {
      return share.size;
    }
    drawn -= share.percent;
  }
  return blocks.shares.back().size;
}

}  // namespace wbsim::workload
