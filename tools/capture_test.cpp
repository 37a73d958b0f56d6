// tools/capture on made-up machines: what it prints has to be accepted by `wbsim check`, with what
// is not simulated as notes. Run by dash, the strictest shell at hand.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream stream{path};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

int run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Capture : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path{::testing::TempDir()} /
              (std::string{"wbsim_capture_"} +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "root");
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A file of the machine.
  void put(const std::string& path, const std::string& text) {
    const fs::path file = folder_ / "root" / path;
    fs::create_directories(file.parent_path());
    std::ofstream{file} << text << "\n";
  }
  void put_memory(const std::string& total_kib) {
    put("proc/meminfo", "MemTotal:  " + total_kib +
                            " kB\nMemFree:  100000 kB\nActive(file):  20000 kB\n"
                            "Inactive(file):  30000 kB\nAnonPages:  8000 kB\nShmem:  400 kB");
  }
  void put_sysctl(const std::string& name, const std::string& value) {
    put("proc/sys/vm/" + name, value);
  }
  // A block device with its usual queue files.
  void put_device(const std::string& name, const std::string& sectors, bool rotational,
                  const std::string& scheduler, const std::string& nr_requests) {
    const std::string at = "sys/block/" + name + "/";
    put(at + "size", sectors);
    put(at + "queue/rotational", rotational ? "1" : "0");
    put(at + "queue/scheduler", scheduler);
    put(at + "queue/nr_requests", nr_requests);
    put(at + "queue/max_sectors_kb", "1280");
    put(at + "queue/max_segments", "168");
    put(at + "queue/max_segment_size", "65536");
    put(at + "queue/nomerges", "0");
    put(at + "queue/wbt_lat_usec", rotational ? "75000" : "2000");
    put(at + "queue/write_cache", "write back");
    put(at + "queue/fua", "0");
  }

  // Runs the tool and checks its output; both have to succeed.
  void capture() {
    const std::string file = (folder_ / "machine.json").string();
    ASSERT_EQ(run("dash tools/capture --root " + (folder_ / "root").string() + " >" + file + " 2>" +
                  (folder_ / "err").string()),
              0);
    EXPECT_EQ(text_of(folder_ / "err"), "");
    captured_ = text_of(file);
    EXPECT_EQ(run("WBSIM_CONFIGS=configs " WBSIM_PROGRAM " check " + file + " >" +
                  (folder_ / "out").string() + " 2>" + (folder_ / "notes").string()),
              0)
        << captured_ << text_of(folder_ / "notes");
    notes_ = text_of(folder_ / "notes");
  }
  void expect_has(const std::string& text) const {
    EXPECT_NE(captured_.find(text), std::string::npos) << text << "\n" << captured_;
  }
  void expect_note(const std::string& text) const {
    EXPECT_NE(notes_.find("/_unsimulated: " + text + "\n"), std::string::npos) << text << "\n"
                                                                               << notes_;
  }

  fs::path folder_;
  std::string captured_;
  std::string notes_;
};

TEST_F(Capture, AVirtualMachineInFull) {
  put("proc/sys/kernel/osrelease", "5.10.0-28-amd64");
  put("sys/devices/system/cpu/online", "0-3,6");
  put("boot/config-5.10.0-28-amd64", "# CONFIG_HZ_100 is not set\nCONFIG_HZ=250");
  put_memory("2000000");
  put("proc/zoneinfo",
      "Node 0, zone      DMA\n  pages free     3840\n        min      67\n        low      83\n"
      "        high     100\n        managed  3840\n        protection: (0, 1000, 1000)\n"
      "  pagesets\n    cpu: 0\n              high:  0\n"
      "Node 0, zone    DMA32\n        high     5000\n        managed  490000\n"
      "        protection: (0, 0, 0)");
  put_sysctl("dirty_ratio", "20");
  put_sysctl("dirty_bytes", "0");
  put_sysctl("dirty_background_ratio", "10");
  put_sysctl("dirty_background_bytes", "0");
  put_sysctl("dirty_writeback_centisecs", "500");
  put_sysctl("dirty_expire_centisecs", "3000");
  put_device("vda", "41943040", true, "[none] mq-deadline", "256");
  put("sys/block/vda/queue/wbt_lat_usec", "0");
  put("sys/block/vda/dev", "254:0");
  put("sys/class/bdi/254:0/min_ratio", "0");
  put("sys/class/bdi/254:0/max_ratio", "50");
  put("proc/mounts", "proc /proc proc rw 0 0");
  capture();
  EXPECT_EQ(
      captured_,
      "{\n"
      "  \"about\": \"Captured from a machine with Linux 5.10.0-28-amd64\",\n"
      "  \"kernel\": \"5.10\",\n"
      "  \"cpus\": 5,\n"
      "  \"hz\": 250,\n"
      "  \"memory\": {\"total\": \"2000000KiB\", \"anon\": \"8400KiB\", \"free\": \"100000KiB\", "
      "\"active_file\": \"20000KiB\", \"inactive_file\": \"30000KiB\", "
      "\"totalreserve\": \"6100pages\"},\n"
      "  \"vm\": {\"dirty_ratio\": 20, \"dirty_background_ratio\": 10, "
      "\"dirty_writeback_centisecs\": 500, \"dirty_expire_centisecs\": 3000},\n"
      "  \"devices\": {\n"
      "    \"vda\": {\"use\": \"devices/hdd-7200.json\", \"size\": \"5242880pages\", "
      "\"depth\": 256, \"bdi\": {\"max_ratio\": 50},\n"
      "      \"queue\": {\"scheduler\": \"none\", \"max_sectors_kb\": 1280, "
      "\"max_segments\": 168, \"max_segment_size\": 65536, \"nomerges\": 0, \"wbt_lat_usec\": 0, "
      "\"rotational\": true, \"write_cache\": \"write back\", \"fua\": false}}\n"
      "  }\n"
      "}\n");
  EXPECT_EQ(notes_.find("_unsimulated"), std::string::npos) << notes_;
}

TEST_F(Capture, AServerWithDisks) {
  put("proc/sys/kernel/osrelease", "6.1.0-18-amd64");
  put("proc/cpuinfo", "processor\t: 0\nmodel name\t: x\nprocessor\t: 1");
  put("boot/config-6.1.0-18-amd64", "CONFIG_HZ=250");
  put_memory("264000000");
  put_sysctl("dirty_bytes", "1073741824");
  put_sysctl("dirty_ratio", "0");
  put_sysctl("dirty_background_bytes", "268435456");
  put_device("sda", "3907029168", true, "none [mq-deadline] bfq", "64");
  put("sys/block/sda/device/queue_depth", "32");
  put_device("sdb", "35156656128", true, "[mq-deadline] none", "64");
  put_device("loop0", "2048000", false, "[none]", "128");
  put_device("sr0", "2097151", true, "[mq-deadline] none", "2");
  put("sys/block/md0/size", "3907029168");
  put("sys/block/md0/slaves/sda1/x", "");
  put("sys/block/md0/slaves/sdb1/x", "");
  put("proc/mounts",
      "/dev/md0 /srv xfs rw,noatime 0 0\n/dev/loop0 /snap squashfs ro 0 0\ntmpfs /run tmpfs rw 0 "
      "0");
  put("sys/block/sda/queue/read_ahead_kb", "8192");
  put("sys/block/sda/queue/iosched/read_expire", "250");
  put("sys/block/sda/queue/iosched/prio_aging_expire", "9000");
  put("sys/block/sda/queue/iosched/writes_starved", "-1");
  put("sys/block/sda/queue/iosched/new_knob", "7");
  capture();
  expect_has("\"kernel\": \"6.1\"");
  expect_has("\"cpus\": 2");
  expect_has(
      "\"scheduler\": \"mq-deadline\", \"nr_requests\": 64, \"iosched\": "
      "{\"prio_aging_expire\": 9000, \"read_expire\": 250}, \"read_ahead_kb\": 8192,");
  expect_note("/devices/sda/queue/iosched/new_knob: 7; not taken");
  expect_note("/devices/sda/queue/iosched/writes_starved: -1; not taken");
  expect_has("\"vm\": {\"dirty_bytes\": 1073741824, \"dirty_background_bytes\": 268435456}");
  expect_has(
      "\"sda\": {\"use\": \"devices/hdd-7200.json\", \"size\": \"488378646pages\", "
      "\"depth\": 32,");
  expect_has("\"scheduler\": \"mq-deadline\"");
  expect_has("\"wbt_lat_usec\": 75000");
  expect_note("/devices/sdb/size: 4394582016 pages; the disk of hdd-7200.json has 1465130646");
  expect_note("/stack/md0: over sda1 sdb1");
  expect_note("/mounts//srv: xfs on /dev/md0, rw,noatime");
  EXPECT_EQ(captured_.find("loop0"), std::string::npos);
  EXPECT_EQ(captured_.find("sr0"), std::string::npos);
}

TEST_F(Capture, ALaptopWithNvme) {
  put("proc/sys/kernel/osrelease", "6.8.0-45-generic");
  put("sys/devices/system/cpu/online", "0-15");
  put("proc/config", "CONFIG_HZ=1000");
  ASSERT_EQ(run("gzip -c " + (folder_ / "root/proc/config").string() + " >" +
                (folder_ / "root/proc/config.gz").string()),
            0);
  put_memory("32000000");
  put_device("nvme0n1", "1953525168", false, "[none] mq-deadline", "1023");
  put("sys/block/nvme0n1/queue/max_sectors_kb", "128");
  put("sys/block/nvme0n1/queue/fua", "1");
  put("sys/block/dm-0/size", "1900000000");
  put("sys/block/dm-0/slaves/nvme0n1p2/x", "");
  put("proc/mounts", "/dev/mapper/luks / btrfs rw,compress=zstd:1 0 0");
  capture();
  expect_has("\"hz\": 1000");
  expect_has(
      "\"nvme0n1\": {\"use\": \"devices/ssd-nvme.json\", \"size\": \"244190646pages\", "
      "\"depth\": 1023,");
  expect_has("\"max_sectors_kb\": 128");
  expect_has("\"fua\": true");
  expect_note("/kernel: 6.8.0-45-generic; 6.6 is the nearest profile");
  expect_note("/stack/dm-0: over nvme0n1p2");
  expect_note("/mounts//: btrfs on /dev/mapper/luks, rw,compress=zstd:1");
}

TEST_F(Capture, HardwareQueues) {
  put("proc/sys/kernel/osrelease", "6.1.0");
  put("sys/devices/system/cpu/online", "0-3");
  put_memory("32000000");
  put_device("nvme0n1", "1953525168", false, "[none] mq-deadline", "1023");
  put_device("nvme1n1", "1953525168", false, "[none] mq-deadline", "1023");
  for (int queue = 0; queue < 6; ++queue) {
    const std::string cpus = "/mq/" + std::to_string(queue) + "/cpu_list";
    put("sys/block/nvme1n1" + cpus, "0");
    if (queue < 2) {
      put("sys/block/nvme0n1" + cpus, "0");
    }
  }
  capture();
  expect_has("\"hw_queues\": 2");
  expect_note("/devices/nvme1n1/queue/hw_queues: 6; the default holds");
}

TEST_F(Capture, OtherElevators) {
  put("proc/sys/kernel/osrelease", "5.10.226");
  put_memory("8000000");
  put_device("sda", "1000215216", false, "none mq-deadline kyber [bfq]", "64");
  put_device("nvme0n1", "1000215216", false, "none [kyber] mq-deadline", "1024");
  put_device("mmcblk0", "61071360", false, "[mq-deadline] none", "64");
  put("sys/block/mmcblk0/queue/write_cache", "write through");
  put("sys/block/mmcblk0/queue/iosched/fifo_batch", "8");
  put("sys/block/mmcblk0/queue/iosched/async_depth", "48");
  put("sys/block/sda/queue/iosched/slice_idle", "8");
  capture();
  expect_has("\"sda\": {\"use\": \"devices/ssd-sata.json\"");
  expect_has("\"mmcblk0\": {\"use\": \"devices/ssd-sata.json\"");
  expect_has("\"iosched\": {\"fifo_batch\": 8}");  // of 5.10
  expect_note("/devices/mmcblk0/queue/iosched/async_depth: 48; not taken");
  expect_has("\"scheduler\": \"bfq\", \"nr_requests\": 64, \"iosched\": {\"slice_idle\": 8}");
  expect_has("\"scheduler\": \"kyber\"");
}

TEST_F(Capture, AKernelThatDoesNotTellItsTicks) {
  put("proc/sys/kernel/osrelease", "4.18.0-513.el8.x86_64");
  put_memory("8000000");
  put_device("sda", "1000215216", false, "[none]", "32");
  capture();
  expect_has("\"kernel\": \"5.10\"");
  expect_has("\"hz\": 250");
  expect_note("/kernel: 4.18.0-513.el8.x86_64; 5.10 is the nearest profile");
  expect_note("/hz: no kernel configuration to read CONFIG_HZ from; 250 is assumed");
  expect_note("/cpus: number of processors unknown; 1 is assumed");
}

TEST_F(Capture, TakesTheNearestProfile) {
  const std::array<std::array<const char*, 2>, 6> releases{{{"5.15.0-91-generic", "5.10"},
                                                            {"5.16.1", "6.1"},
                                                            {"6.4.16", "6.1"},
                                                            {"6.5.0-35-generic", "6.6"},
                                                            {"6.9.3", "6.12"},
                                                            {"7.0.1", "6.12"}}};
  for (const auto& [release, kernel] : releases) {
    put("proc/sys/kernel/osrelease", release);
    capture();
    expect_note(std::string{"/kernel: "} + release + "; " + kernel + " is the nearest profile");
  }
}

TEST_F(Capture, AMachineThatTellsNothing) {
  capture();
  expect_has("\"memory\": {\"total\": \"1GiB\"}");
  expect_has("\"sda\": {\"use\": \"devices/ssd-sata.json\"");
  expect_note("/kernel: version unknown; 6.1 is assumed");
  expect_note("/memory/total: memory unknown or below 64 MiB; 1 GiB is assumed");
  expect_note("/devices: no block device found; a SATA SSD is assumed");
}

TEST_F(Capture, StrangeNamesAndValues) {
  put("proc/sys/kernel/osrelease", "6.1.\"0\\");
  put("boot/config-6.1.\"0\\", "CONFIG_HZ=512");
  put("proc/meminfo", "MemTotal: 4000003 kB\nMemFree: 9999999 kB");
  put_device("cciss!c0d0", "1000215216", true, "[none]", "32");
  put_device("sda", "1000215216", false, "[none]", "2");
  put("sys/block/sda/queue/max_segments", "0");
  put("sys/block/sda/queue/max_sectors_kb", "many");
  put("proc/mounts", "/dev/sda1 /my\\040disk\"s ext4 rw 0 0");
  capture();
  expect_has("\"memory\": {\"total\": \"4000000KiB\"}");
  expect_has("\"depth\": 2");
  expect_note("/hz: 512; 250 is assumed");
  expect_note("/devices/cciss!c0d0: no name of a device that wbsim takes");
  expect_note("/devices/sda/queue/max_segments: 0; the default holds");
  expect_note("/mounts//my\\040disk\"s: ext4 on /dev/sda1, rw");
}

TEST_F(Capture, ThisMachine) {
  const std::string file = (folder_ / "machine.json").string();
  ASSERT_EQ(run("dash tools/capture >" + file), 0);
  EXPECT_EQ(run("WBSIM_CONFIGS=configs " WBSIM_PROGRAM " check " + file + " >" +
                (folder_ / "out").string() + " 2>" + (folder_ / "notes").string()),
            0)
      << text_of(file) << text_of(folder_ / "notes");
}

TEST_F(Capture, ExplainsItself) {
  const std::string err = (folder_ / "err").string();
  EXPECT_EQ(run("dash tools/capture --rot x 2>" + err), 2);
  EXPECT_EQ(text_of(err), "usage: tools/capture [--root DIR]\n");
  EXPECT_EQ(run("dash tools/capture --root " + err + " 2>" + err), 2);
  EXPECT_EQ(text_of(err), "tools/capture: --root needs a folder\n");
  EXPECT_EQ(run("dash tools/capture --help >" + err), 0);
  EXPECT_EQ(text_of(err).rfind("Prints the configuration of this machine for wbsim", 0), 0U);
}

}  // namespace
}  // namespace wbsim::cli
