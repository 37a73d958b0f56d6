#include "sim/workload/io_generator.hpp"

#include <algorithm>

namespace wbsim::workload {

namespace {
constexpr std::uint64_t kPercent = 100;
}

IoGenerator::IoGenerator(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed)
    : job_{job},
      files_left_{std::max<std::size_t>(extent.files.size(), 1)},
      first_directions_{job_stream(job, run_seed, "directions")},
      first_lengths_{job_stream(job, run_seed, "lengths")},
      first_files_{job_stream(job, run_seed, "files")},
      files_{first_files_},
      directions_{first_directions_},
      lengths_{first_lengths_} {
  if (extent.files.empty()) {
    addresses_.emplace_back(job, extent, run_seed);
  }
  for (std::size_t i = 0; i < extent.files.size(); ++i) {
    addresses_.emplace_back(job, extent.files[i], run_seed, i);
  }
  finished_.resize(addresses_.size());
}

// Models: get_next_file_rr() and get_next_file_rand(), fio 3.33.
std::size_t IoGenerator::next_file() {
  const std::size_t count = addresses_.size();
  if (count == 1) {
    return 0;
  }
  const bool stays = job_.file_service == FileService::kSequential || file_streak_left_ > 0;
  if (stays && !finished_[file_] && began_) {
    --file_streak_left_;
    return file_;
  }
  if (job_.file_service == FileService::kRandom) {
    do {
      file_ = static_cast<std::size_t>(files_.uniform(count));
    } while (finished_[file_] && files_left_ > 0);
  } else {
    std::size_t next = began_ ? (file_ + 1) % count : 0;
    while (finished_[next] && files_left_ > 0) {
      next = (next + 1) % count;
    }
    file_ = next;
  }
  began_ = true;
  file_streak_left_ = job_.file_service_streak - 1;
  return file_;
}

bool IoGenerator::finish(std::size_t file) {
  if (!finished_[file]) {
    finished_[file] = true;
    --files_left_;
  }
  return files_left_ == 0;
}

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
bool IoGenerator::used_up(std::size_t file, Direction direction) const {
  return job_.replay.empty() ? addresses_[file].used_up(direction)
                             : job_.random_map && replayed_ == job_.replay.size();
}

// Models: get_next_buflen(), fio 3.33: a length that does not fit is drawn again.
Io IoGenerator::next(std::size_t file, Direction direction) {
  if (!job_.replay.empty()) {
    replayed_ %= job_.replay.size();
    return job_.replay[replayed_++];
  }
  AddressPattern& addresses = addresses_[file];
  Bytes length = next_length(job_.blocks[direction]);
  while (!addresses.fits(direction, length)) {
    length = next_length(job_.blocks[direction]);
  }
  Io io = addresses.next(direction, length);
  io.file = file;
  return io;
}

void IoGenerator::restart() {
  replayed_ = 0;
  for (AddressPattern& addresses : addresses_) {
    addresses.restart();
  }
  finished_.assign(finished_.size(), false);
  files_left_ = finished_.size();
  began_ = false;
  if (job_.repeats_order) {
    files_ = first_files_;
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
