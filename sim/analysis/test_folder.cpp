#include "sim/analysis/test_folder.hpp"

#include <fmt/format.h>
#include <lzma.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sim/base/check.hpp"

namespace wbsim::analysis {

namespace fs = std::filesystem;

TestFolder::TestFolder() {
  std::string name = (fs::temp_directory_path() / "wbsim-analysis-XXXXXX").string();
  SIM_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TestFolder::write(const std::string& name, std::string_view text) const {
  fs::create_directories((path_ / name).parent_path());
  std::ofstream out{path_ / name, std::ios::binary};
  out << (name.ends_with(".xz") ? compress_xz(text) : std::string{text});
}

std::string TestFolder::shortened(std::string message) const {
  for (std::size_t i = message.find(path_.string()); i != std::string::npos;
       i = message.find(path_.string())) {
    message.replace(i, path_.string().size(), "DIR");
  }
  return message;
}

std::string compress_xz(std::string_view text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  const lzma_ret ret = lzma_easy_buffer_encode(
      0, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
      reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  SIM_CHECK(ret == LZMA_OK);
  packed.resize(size);
  return packed;
}

void write_small_case(const TestFolder& folder, const std::string& name) {
  folder.write("configs/machines/rig-6.1.json",
               R"({"about": "for a test", "source": "none", "costs": {"syscall_write": "400ns"}})");
  folder.write(name + "/case.json", fmt::format(R"({{
    "name": "{}", "about": "for a test", "smp": 1, "icount_shift": 0,
    "device": {{"driver": "simdisk", "size_mb": 1024, "channels": 1, "depth": 32, "write_ns": 50000,
               "kib_ns": 10240, "flush_ns": 500000, "wcache": true}},
    "queue": {{"scheduler": "none"}}, "vm": {{}}, "fs": null, "events": ["wb", "blk"],
    "tail_s": 1, "sample_ms": 50,
    "fio": "[global]\nfilename=@TARGET@\nioengine=psync\nbs=64k\nrw=write\nsize=8m\n[w]\n",
    "post": "sync",
    "actions": [{{"after": "fio", "syscall": "sync"}},
                {{"at_s": 0.5, "set": {{"vm.dirty_bytes": 20000000}}}}]}})",
                                                name));
  folder.write(name + "/initial-state.json", R"({
    "name": "x", "first_fio_event_us": 181367.762,
    "limits_pages": {"background_thresh": 1, "dirty_thresh": 2, "dirty_limit": 10280},
    "first_rate_estimates_kibps": {"write_bw": 1},
    "jiffies_at_t0": {"jiffies": 4294893297, "next_tick_us": 2160.2, "uncertainty_us": 354.5},
    "pages": {"nr_free_pages": 217030, "nr_active_file": 3, "nr_inactive_file": 4, "nr_dirty": 0,
              "nr_writeback": 0},
    "write_bandwidth_kibps": 102400, "dirtyable_pages": 199228})");
  folder.write(name + "/summary.json", R"({
    "name": "x",
    "mem_kb": {"MemTotal": 983720}, "mem_kb_at_run": {"MemTotal": 983720},
    "vm": {"dirty_background_bytes": "0", "dirty_background_ratio": "10", "dirty_bytes": "40000000",
           "dirty_ratio": "0", "dirty_expire_centisecs": "3000",
           "dirty_writeback_centisecs": "500"},
    "queue": {"scheduler": "[none] mq-deadline ", "nr_requests": "32", "max_sectors_kb": "1280",
              "max_segments": "65535", "max_segment_size": "4294967295", "nomerges": "0",
              "wbt_lat_usec": "0", "read_ahead_kb": "128",
              "rotational": "0", "write_cache": "write back", "fua": "1"},
    "fio": {"jobs": [{"name": "w", "runtime_ms": 100, "write": {"total_ios": 128,
      "io_bytes": 8388608, "runtime_ms": 100, "clat_ns": {"N": 128, "percentile":
        {"50.0": 80000, "99.0": 90000, "99.9": 95000}}},
      "sync": {"lat_ns": {"N": 2, "percentile": {"50.0": 2000000, "99.0": 3000000}}}}]},
    "disk": {"wr_merges": 638}})");
  folder.write(name + "/dirty.csv",
               "t_ms,nr_dirty,nr_writeback,nr_dirtied,nr_dirty_threshold,"
               "nr_dirty_background_threshold\n"
               "-5.5,0,0,0,4000,2000\n"
               "100.125,0,0,0,4000,2000\n"
               "200.125,1000,0,0,4000,2000\n"
               "300.125,3000,1000,0,4000,2000\n");
  folder.write(name + "/issue.csv",
               "time_us,event,rwbs,sector,nr_sectors\n"
               "-3.000,rq_issue,R,0,8\n"
               "182000.500,rq_issue,W,0,2560\n"
               "183000.000,rq_complete,W,0,2560\n"
               "184000.000,rq_issue,WFS,2560,2560\n"
               "184100.000,rq_issue,FF,0,0\n"
               "184200.000,rq_complete,FF,18446744073709551615,0\n"
               "184300.000,rq_complete,WFS,2560,0\n");
  folder.write(name + "/trace.txt.xz",
               "# us since run start | comm-pid | event | fields\n"
               "-9.000 fio-3 balance_dirty_pages bdi=254:0 paused=0 pause=8 period=0\n"
               "250000.250 fio-3 balance_dirty_pages bdi=254:0 paused=0 pause=12 period=16\n"
               "251000.000 fio-3 balance_dirty_pages bdi=254:0 paused=12 pause=0 period=16\n"
               "252000.000 fio-3 balance_dirty_pages bdi=254:0 paused=12 pause=-4 period=16\n"
               "260000.000 kworker/u2:0-7 writeback_start name=254:0 for_kupdate=0 reason=0\n"
               "270000.000 kworker/u2:0-7 writeback_start name=254:0 for_kupdate=1 reason=3\n");
}

}  // namespace wbsim::analysis
