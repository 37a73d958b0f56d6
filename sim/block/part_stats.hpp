// The lines of /proc/diskstats of a disk and of its partitions, as the kernel keeps them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/disk_stats.hpp"

namespace wbsim::block {

// The kernel whose counters these are. In which line I/O on a partition counts, beside the disk's:
//   kV2_6_18  in that of the partition it was submitted to, by bio and when it is submitted,
//   without
//             times and merges (blk_partition_remap())
//   kV3_6, kV5_10  in that of the partition where it begins, whoever it was submitted to
//             (disk_map_sector_rcu())
//   kV6_1     in that of the partition it was submitted to (since v5.12: bio->bi_bdev)
// How the time with I/O under way is found (13.2):
//   kV2_6_18, kV3_6  what is under way is counted, and the time between two changes of its number:
//             time_in_queue is the integral of that number (part_round_stats(), before v5.0)
//   kV5_10, kV6_1  io_ticks grows by one jiffy where something begins in a jiffy in which nothing
//             was counted yet, and by the time since the last count where something ends
//             (update_io_ticks(), since v5.0); time_in_queue is the sum of all times
enum class DiskStatsRules { kV2_6_18, kV3_6, kV5_10, kV6_1 };

// What requests (IoAccounting) and devices without requests (BioAccounting) count with.
class PartStats {
 public:
  // struct disk_stats: of reads, writes or flushes.
  struct Group {
    std::int64_t ios = 0;
    std::int64_t merges = 0;
    Sectors sectors;
    SimDuration time{};         // sampled
    std::uint64_t jiffies = 0;  // integrated
  };
  struct Line {
    Lba start;  // of the partition
    Sectors length;
    std::array<Group, 2> groups;  // reads, writes
    Group flushes;
    std::int64_t in_flight = 0;
    SimTime stamp_ends{};             // of the jiffy `stamp`: until then nothing is to be counted
    std::uint64_t stamp = 0;          // jiffies: when it was counted last
    std::uint64_t io_ticks = 0;       // jiffies
    std::uint64_t time_in_queue = 0;  // jiffies; integrated

    [[nodiscard]] Group& group(bool write) { return groups[write ? 1 : 0]; }
  };

  // `machine` outlives it.
  PartStats(const engine::Machine& machine, DiskStatsRules rules)
      : machine_{machine}, rules_{rules}, lines_(1) {}

  [[nodiscard]] const engine::Machine& machine() const { return machine_; }
  [[nodiscard]] DiskStatsRules rules() const { return rules_; }
  // The time with I/O is integrated, not sampled.
  [[nodiscard]] bool integrates() const { return rules_ <= DiskStatsRules::kV3_6; }

  // Returns the number of the partition; that of the disk as a whole is 0.
  int add_partition(Lba start, Sectors length);
  // In whose line a bio counts that the disk gets.
  [[nodiscard]] int part_of(const Bio& bio) const;

  [[nodiscard]] Line& line(int part) { return lines_[static_cast<std::size_t>(part)]; }
  // part_stat_add(): what counts for a partition counts for the disk.
  template <class Change>
  void change(int part, Change&& change_line) {
    change_line(line(part));
    if (part != 0) {
      change_line(line(0));
    }
  }
  // Models: update_io_ticks() and part_round_stats(): the time up to now, of the disk as well,
  // before something begins or ends.
  void count_time(int part, bool end);

  // Models: diskstats_show(): the fields of one line, now.
  [[nodiscard]] engine::DiskStats told(int part) const;

 private:
  void sample(Line& line, bool end) const;
  static void integrate(Line& line, std::uint64_t now);
  [[nodiscard]] engine::DiskStatsGroup told(const Group& group) const;

  const engine::Machine& machine_;
  DiskStatsRules rules_;
  std::vector<Line> lines_;  // the disk, its partitions
};

}  // namespace wbsim::block
