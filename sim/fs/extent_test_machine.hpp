// For tests: an extent file system on a disk of a test machine, and tasks that use it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/fs/extent_fs.hpp"
#include "sim/fs/test_machine.hpp"

namespace wbsim::fs {

// Bios as they are queued.
class QueuedBios final : public engine::Observer {
 public:
  struct Entry {
    std::int64_t block;  // 4 KiB
    std::int64_t blocks;
    bool write;
    bool sync;
    bool background;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  void on_bio(engine::BioStep step, const engine::BioTrace& bio) override {
    if (step == engine::BioStep::kQueue && bio.length > Sectors{0}) {
      for (std::int64_t i = 0; i < bio.count; ++i) {
        entries.push_back({(bio.sector + bio.length * i).value() / 8, bio.length.count() / 8,
                           bio.rwbs.write, bio.rwbs.sync, bio.rwbs.background});
      }
    }
  }
  std::vector<Entry> entries;
};

struct ExtentMachine : DiskMachine {
  explicit ExtentMachine(const ExtentFsOptions& fs_options = {},
                         const writeback::WritebackOptions& options = {})
      : DiskMachine{options}, disk{add_disk("sda")}, fs{disk.device, disk.wb, fs_options, {}} {
    tracer.attach(bios);
  }
  ~ExtentMachine() { simulator.destroy_processes(); }

  ExtentFile& create(const std::string& name) {
    ExtentFile* const file = fs.create(setup.context(), name);
    SIM_CHECK(file != nullptr);
    file->opened();
    return *file;
  }
  // What calls return; none where one has not returned within the time.
  std::optional<std::int64_t> write(ExtentFile& file, std::int64_t at, std::int64_t length,
                                    WriteRequest request = {}) {
    request.at = FileOffset{at};
    request.length = Bytes{length};
    return call(
        [&file, request](pagecache::TaskContext& t) { return file.write(t, request, nullptr); });
  }
  std::optional<std::int64_t> fsync(ExtentFile& file, bool datasync = false) {
    seen = file.inode().mapping.wb_err.sample();
    return call([this, &file, datasync](pagecache::TaskContext& t) {
      return file.fsync(t, PageIndex{0}, PageIndex::max(), datasync, &seen);
    });
  }
  template <class Call>
  std::optional<std::int64_t> call(Call made, SimDuration time = milliseconds(200)) {
    std::optional<std::int64_t> result;
    pagecache::TestTask task{machine};
    task.run([&](pagecache::TaskContext& t) { return keep(made(t), result); });
    run_for(time);
    return result;
  }
  template <class Call>
  bool finished(Call made, SimDuration time = seconds(2)) {
    pagecache::TestTask task{machine};
    task.run(made);
    run_for(time);
    return task.done();
  }
  template <class Value>
  static engine::Task<> keep(engine::Task<Value> made, std::optional<std::int64_t>& result) {
    result = co_await std::move(made);
  }
  void check() const {
    const FileSystem::PageCounts counts = fs.check_invariants();
    const pagecache::PageTree& own = disk.device.inode().mapping.pages;
    SIM_CHECK(cache.stat().nr_file_dirty.sum() ==
              (counts.dirty + own.count_marked(pagecache::Mark::kDirty)).count());
    SIM_CHECK(cache.stat().nr_writeback.sum() ==
              (counts.writeback + own.count_marked(pagecache::Mark::kWriteback)).count());
    SIM_CHECK(cache.stat().nr_inactive_file + cache.stat().nr_active_file ==
              counts.cached + own.pages());
  }

  QueuedBios bios;
  Disk& disk;
  ExtentFs fs;
  std::uint64_t seen = 0;
};

}  // namespace wbsim::fs
