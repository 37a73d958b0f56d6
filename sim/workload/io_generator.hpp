// What a job does next: direction, length and offset of each I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/address_pattern.hpp"
#include "sim/workload/job_extent.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// Draws the I/Os of one job, or gives those of JobSpec::replay. Directions, lengths and offsets
// have streams of their own: another rwmixread does not move the offsets.
class IoGenerator {
 public:
  // The job outlives the generator.
  IoGenerator(const JobSpec& job, const JobExtent& extent, std::uint64_t run_seed);
  IoGenerator(JobSpec&&, const JobExtent&, std::uint64_t) = delete;

  // The file that is next, of those that are not finished.
  std::size_t next_file();
  // The direction that the job would take next; a rate may decide otherwise.
  Direction next_direction();
  // No I/O of `direction` is left in this pass over the region of a file; next() would begin
  // another one.
  [[nodiscard]] bool used_up(std::size_t file, Direction direction) const;
  // Nothing more of the file in this pass. True where that was the last one.
  bool finish(std::size_t file);
  Io next(std::size_t file, Direction direction);
  // A new loop of the job, with the same numbers again where the job repeats its order.
  void restart();

 private:
  [[nodiscard]] Bytes next_length(const BlockSizes& blocks);

  const JobSpec& job_;
  std::vector<AddressPattern> addresses_;  // of each file
  std::vector<bool> finished_;             // files
  std::size_t files_left_;
  std::size_t file_ = 0;  // that is being served
  std::int64_t file_streak_left_ = 0;
  bool began_ = false;          // with the first file
  const Rng first_directions_;  // of the first loop
  const Rng first_lengths_;
  const Rng first_files_;
  Rng files_;
  Rng directions_;
  Rng lengths_;
  std::size_t replayed_ = 0;
};

}  // namespace wbsim::workload
