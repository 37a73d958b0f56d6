#include "sim/system/catalog.hpp"

#include <algorithm>
#include <array>

#include "sim/base/check.hpp"

namespace wbsim::system {
namespace {

constexpr std::array<CatalogEntry, 7> kKernels{{
    {"2.6.18", true, "single queue plugged by itself, barriers; pdflush, writers write back"},
    {"3.6", true, "single queue plugged by tasks, flush sequences; bdi threads"},
    {"5.10", true, "per-wb throttling, blk-mq, all-requests plug merge"},
    {"5.15", false, "between 5.10 and 6.1"},
    {"6.1", true, "newest-only plug merge, LIFO issue, bandwidth at do_writepages"},
    {"6.6", true,
     "as 6.1, mq-deadline by position, checks before each page; not compared with runs"},
    {"6.12", true, "plugs each bio, FIFO issue, tag limits of all tags"},
}};

constexpr std::array<CatalogEntry, 8> kElevators{{
    {"none", true, "no elevator: requests go to the driver in plug order"},
    {"mq-deadline", true, "sector order in batches, bounded by expiry times"},
    {"kyber", true, "token buckets per domain, steered by latency targets"},
    {.name = "bfq",
     .simulated = true,
     .summary = "budget fair queueing between processes",
     .disables_wbt = true},
    {"noop", true, "single queue: order of arrival, merges"},
    {"deadline", true, "single queue: sector order in batches, bounded by expiry times"},
    {"cfq", true, "single queue: each process has slices of time and is waited for"},
    {"anticipatory", true, "single queue of 2.6.18: batches, waits for a process's next read"},
}};

constexpr std::array<CatalogEntry, 4> kDeviceModels{{
    {"simdisk", true, "identical servers behind one FIFO, exactly stated service times"},
    {"hdd", true, "a disk: seeks, rotation, zones, command queueing, write cache", true},
    {"ssd", true, "flash dies behind channels, a write buffer and a link; SATA or NVMe", true},
    {"null_blk", true, "the kernel's null block driver", true},
}};

constexpr std::array<CatalogEntry, 14> kStackKinds{{
    {"partition", true, "a range of a device"},
    {"linear", true, "dm-linear: devices one behind the other"},
    {"striped", true, "dm-stripe: chunks in turn"},
    {"raid0", true, "md: chunks in turn, members of any size"},
    {"raid1", true, "md: mirrors"},
    {"raid5", true, "md: one parity"},
    {"raid6", true, "md: two parities"},
    {"raid4", false, "md: parity on one member"},
    {"raid10", false, "md: mirrors in chunks"},
    {"mirror", false, "dm-mirror"},
    {"thin", false, "dm-thin"},
    {"snapshot", false, "dm-snapshot"},
    {"crypt", false, "dm-crypt"},
    {"cache", false, "dm-cache"},
}};

constexpr std::array<CatalogEntry, 9> kStackLayouts{{
    {"original", true, "raid0: chunks are numbered from the beginning of the array"},
    {"alternate", true, "raid0: chunks are numbered from the beginning of their zone"},
    {"left-symmetric", true, "raid5, raid6: parity walks down, data begins behind it"},
    {"left-asymmetric", false, ""},
    {"right-asymmetric", false, ""},
    {"right-symmetric", false, ""},
    {"parity-first", false, ""},
    {"parity-last", false, ""},
    {"ddf-zero-restart", false, ""},
}};

constexpr std::array<CatalogEntry, 5> kFileSystems{{
    {"raw", true, "the block device itself, opened as /dev/NAME"},
    {"extent", true, "extents and delayed allocation without a journal; no file system of Linux"},
    {"ext4", false, "delayed allocation and jbd2"},
    {"xfs", false, "delayed allocation and a metadata log"},
    {"ext3", false, "ordered data and kjournald"},
}};

constexpr std::array<CatalogEntry, 5> kActions{{
    {"sync", true, "sync(2): write back everything and wait"},
    {"syncfs", false, "syncfs(2)"},
    {"fsync", false, "fsync(2) outside a job"},
    {"fdatasync", false, "fdatasync(2) outside a job"},
    {"sync_file_range", false, "sync_file_range(2) outside a job"},
}};

constexpr std::array<CatalogEntry, 17> kTraceCategories{{
    {"wb", true, "writeback:* events"},
    {"rq", true, "block_rq_insert, block_rq_issue and block_rq_complete"},
    {"blk", true, "all block:* events"},
    {"block_bio_queue", true, "this event alone, as all that follow"},
    {"block_bio_backmerge", true, "with block_bio_frontmerge"},
    {"block_bio_frontmerge", true, "with block_bio_backmerge"},
    {"block_getrq", true, ""},
    {"block_plug", true, ""},
    {"block_unplug", true, ""},
    {"block_split", true, ""},
    {"block_rq_insert", true, ""},
    {"block_rq_merge", true, ""},
    {"block_rq_issue", true, ""},
    {"block_rq_complete", true, ""},
    {"wbt", true, "wbt:* events, whose few cost nothing"},
    {"jbd2", false, "jbd2:* events"},
    {"ext4", false, "ext4:* events"},
}};

}  // namespace

std::span<const CatalogEntry> kernel_catalog() { return kKernels; }
std::span<const CatalogEntry> elevator_catalog() { return kElevators; }
std::span<const CatalogEntry> device_model_catalog() { return kDeviceModels; }
std::span<const CatalogEntry> stack_kind_catalog() { return kStackKinds; }
std::span<const CatalogEntry> stack_layout_catalog() { return kStackLayouts; }
std::span<const CatalogEntry> file_system_catalog() { return kFileSystems; }
std::span<const CatalogEntry> action_catalog() { return kActions; }
std::span<const CatalogEntry> trace_category_catalog() { return kTraceCategories; }

const CatalogEntry* find_entry(std::span<const CatalogEntry> catalog, std::string_view name) {
  const auto found = std::find_if(catalog.begin(), catalog.end(),
                                  [name](const CatalogEntry& entry) { return entry.name == name; });
  return found == catalog.end() ? nullptr : &*found;
}

std::vector<std::string> all_names(std::span<const CatalogEntry> catalog) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog) {
    names.emplace_back(entry.name);
  }
  return names;
}

std::vector<std::string> simulated_names(std::span<const CatalogEntry> catalog) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog) {
    if (entry.simulated) {
      names.emplace_back(entry.name);
    }
  }
  return names;
}

std::string_view kernel_name(KernelVersion version) {
  switch (version) {
    case KernelVersion::k2_6_18:
      return "2.6.18";
    case KernelVersion::k3_6:
      return "3.6";
    case KernelVersion::k5_10:
      return "5.10";
    case KernelVersion::k6_1:
      return "6.1";
    case KernelVersion::k6_6:
      return "6.6";
    case KernelVersion::k6_12:
      return "6.12";
  }
  SIM_UNREACHABLE();
}

KernelVersion kernel_version(std::string_view name) {
  for (const KernelVersion version :
       {KernelVersion::k2_6_18, KernelVersion::k3_6, KernelVersion::k5_10, KernelVersion::k6_1,
        KernelVersion::k6_6, KernelVersion::k6_12}) {
    if (kernel_name(version) == name) {
      return version;
    }
  }
  SIM_UNREACHABLE();
}

}  // namespace wbsim::system
