#include "sim/system/random_scenario.hpp"

#include <fmt/format.h>

#include <initializer_list>

#include "sim/base/rng.hpp"
#include "sim/engine/cpu_costs.hpp"

namespace wbsim::system::testing {

namespace {

class Generator {
 public:
  Generator(std::uint64_t seed, Kind kind)
      : rng_{Rng::stream(seed, "random scenario")},
        more_rng_{Rng::stream(
            seed, kind == Kind::kFiles ? "random file scenario" : "random old scenario")},
        kind_{kind} {}

  RandomScenario make() {
    free_cpu_ = one_in(6);
    devices_ = one_in(3) ? 2 : 1;
    if (kind_ == Kind::kSingleQueue) {
      v2_6_18_ = more_rng_.uniform(2) == 0;
      // What v2.6.18 has not: bytes as limits.
      bytes_ = !v2_6_18_;
    }
    single_queue_ =
        kind_ == Kind::kSingleQueue || (kind_ == Kind::kFiles && more_rng_.uniform(5) == 0);
    RandomScenario made;
    const std::string machine_text = machine();
    const std::string vm_text = vm();
    std::string devices = device("sda");
    if (devices_ == 2) {
      devices.append(",").append(device("sdb"));
    }
    made.document = fmt::format(
        R"({{{},{},"devices":{{{}}},{}"actions":[{}{{"after":"workload","syscall":"sync"}}],)"
        R"("workload":{{"tail":"2s"}}}})",
        machine_text, vm_text, devices, kind_ == Kind::kFiles ? mounts() : "", action());
    const std::uint64_t jobs = 1 + rng_.uniform(3);
    for (std::uint64_t i = 0; i < jobs; ++i) {
      made.fio += kind_ == Kind::kFiles ? file_job(i) : job(i);
    }
    return made;
  }

 private:
  template <class T>
  T any(std::initializer_list<T> values) {
    return *(values.begin() + rng_.uniform(values.size()));
  }
  bool one_in(std::uint64_t n) { return rng_.uniform(n) == 0; }

  std::string machine() {
    std::string text = fmt::format(
        R"("kernel":"{}","cpus":{},"hz":{},"memory":{{"total":"{}","anon":"{}"}})",
        kernel(any({"5.10", "6.1", "6.6", "6.12"})), any({1, 1, 2, 4}), any({100, 250, 300, 1000}),
        any({"64MiB", "64MiB", "128MiB", "512MiB"}), any({"0", "0", "16MiB"}));
    if (free_cpu_) {
      std::string costs;
      for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
        costs += fmt::format("{}\"{}\":0", costs.empty() ? "" : ",", component.name);
      }
      text += fmt::format(R"(,"cpu_costs":{{{}}})", costs);
    }
    const bool throttling = !one_in(10);
    if (kind_ == Kind::kSingleQueue) {
      text += old_profile(throttling);
    } else if (!throttling) {
      text += R"(,"profile":{"throttling":false})";
    }
    return text;
  }

  [[nodiscard]] const char* kernel(const char* drawn) const {
    return !single_queue_ ? drawn : v2_6_18_ ? "2.6.18" : "3.6";
  }

  std::string old_profile(bool throttling) {
    std::string switches = throttling ? "" : R"("throttling":false)";
    const auto add = [&switches](const std::string& text) {
      switches += (switches.empty() ? "" : ",") + text;
    };
    if (more_rng_.uniform(4) == 0) {
      add(std::string{R"("flusher":")"} + any_more({"pdflush", "bdi-threads", "work-queue"}) +
          "\"");
    }
    if (more_rng_.uniform(4) == 0) {
      add(std::string{R"("throttle_action":")"} +
          any_more({"write-back", "write-back-per-device", "pause"}) + "\"");
    }
    if (more_rng_.uniform(6) == 0) {
      add(std::string{R"("writepages":")"} + any_more({"2.6.18", "3.6", "5.10"}) + "\"");
    }
    return switches.empty() ? "" : R"(,"profile":{)" + switches + "}";
  }

  const char* any_more(std::initializer_list<const char*> values) {
    return *(values.begin() + more_rng_.uniform(values.size()));
  }

  std::string vm() {
    std::string text =
        fmt::format(R"("vm":{{"dirty_writeback_centisecs":{},"dirty_expire_centisecs":{})",
                    any({0, 1, 50, 500}), any({0, 50, 3000}));
    switch (rng_.uniform(5)) {
      case 0:
        text += limit(fmt::format(R"(,"dirty_bytes":{})", any({8192, 65'536, 4'194'304})));
        break;
      case 1:
        text += fmt::format(R"(,"dirty_ratio":{})", any({0, 1, 60}));
        break;
      case 2:
        text += limit(fmt::format(R"(,"dirty_background_bytes":{},"dirty_ratio":{})",
                                  any({4096, 1'048'576, 1'073'741'824}), any({1, 20})));
        break;
      case 3:
        text += fmt::format(R"(,"dirty_background_ratio":{},"dirty_ratio":{})", any({0, 5, 50}),
                            any({5, 40}));
        break;
      default:
        break;
    }
    return text + "}";
  }

  [[nodiscard]] std::string limit(const std::string& bytes) const {
    return bytes_ ? bytes : R"(,"dirty_ratio":7)";
  }

  std::string device(const char* name) {
    const int depth = any({1, 2, 32});
    std::string queue = fmt::format(
        R"("scheduler":"none","wbt_lat_usec":{},"max_sectors_kb":{},"max_segments":{},)"
        R"("nomerges":{})",
        any({0, 100, 2000}), any({4, 64, 1280, 1280}), any({1, 3, 128, 65'535}), any({0, 0, 1, 2}));
    if (depth > 4 && one_in(2)) {
      queue += R"(,"nr_requests":4)";
    }
    if (single_queue_) {
      queue = fmt::format(R"("scheduler":"{}","max_sectors_kb":{},"nomerges":{})",
                          any_more({"noop", "deadline", "cfq"}),
                          more_rng_.uniform(2) == 0 ? 64 : 512, more_rng_.uniform(3));
    } else if (kind_ == Kind::kFiles) {
      queue = fmt::format(R"("scheduler":"{}","max_sectors_kb":{})",
                          any_more({"none", "mq-deadline", "kyber", "bfq"}),
                          more_rng_.uniform(2) == 0 ? 64 : 1280);
    }
    if (one_in(2)) {
      queue += R"(,"write_cache":"write back")";
      queue += one_in(2) ? R"(,"fua":true)" : "";
    }
    return fmt::format(
        R"("{}":{{"size":"{}","channels":{},"depth":{},"per_kib":"{}","seek":"{}","write":"{}",)"
        R"("flush":"{}",{}"queue":{{{}}}}})",
        name, size(any({"64MiB", "1GiB"})), any({1, 3}), depth, any({"100ns", "1024ns", "10240ns"}),
        any({"0", "0", "300us"}), any({"0", "100us"}), any({"0", "2ms"}), faults(), queue);
  }

  // Room for all files: what happens when there is none is not for these invariants.
  [[nodiscard]] const char* size(const char* drawn) const {
    return kind_ == Kind::kFiles ? "4GiB" : drawn;
  }

  std::string faults() {
    if (kind_ != Kind::kFiles || more_rng_.uniform(4) != 0) {
      return "";
    }
    return fmt::format(R"("driver":"scsi","faults":[{{"on":"{}","one_in":{},"{}"}}],)",
                       any_more({"read", "write", "flush"}), 3 + more_rng_.uniform(50),
                       any_more({R"(error":"medium)", R"(error":"busy)", R"(late":"300ms)"}));
  }

  std::string mounts() {
    return fmt::format(
        R"("mounts":{{"data":{{"device":"sda","fs":"extent","options":{{"lazytime":{},)"
        R"("relatime":{}}}}}}},)",
        !single_queue_ && more_rng_.uniform(2) == 0, more_rng_.uniform(2) == 0);
  }

  // Where CPU time costs nothing, rewriting dirty pages for some time would be an endless instant.
  std::string file_job(std::uint64_t number) {
    const bool small = more_rng_.uniform(2) == 0;
    std::string text = fmt::format("[job{}]\nrw={}\n", number,
                                   any_more({"write", "randwrite", "read", "randrw", "write"}));
    if (devices_ == 2 && more_rng_.uniform(3) == 0) {
      text += "filename=/dev/sdb\nsize=16m\n";
    } else {
      text += "directory=/data\n";
      text += small ? any_more({"size=4m\nnrfiles=40\n", "size=8m\nnrfiles=300\n"})
                    : any_more({"size=16m\n", "size=24m\nnrfiles=3\n"});
      text += any_more({"", "", "file_service_type=random\n", "file_service_type=sequential\n"});
      text += any_more({"", "", "unlink=1\n", "overwrite=1\n"});
      text += any_more({"", "", "fallocate=none\n", "fallocate=truncate\n"});
    }
    text += small ? any_more({"bs=4k\n", "bs=12k\n", "bs=2k\n"})
                  : any_more({"bs=4k\n", "bs=64k\n", "bs=1m\n", "bs=6k\n"});
    text += any_more({"runtime=200ms\n", "runtime=700ms\n"});
    text += free_cpu_ ? "" : any_more({"", "time_based=1\n", "loops=2\n"});
    text += any_more({"", "", "fsync=8\n", "fdatasync=3\n", "end_fsync=1\n", "sync=1\n",
                      "sync=dsync\n", "sync_file_range=write:16\n",
                      "sync_file_range=wait_before,write,wait_after:8\n"});
    text += any_more({"", "", "numjobs=3\n", "stonewall\n", "rate=5m\n"});
    return text;
  }

  std::string action() {
    switch (rng_.uniform(4)) {
      case 0:
        return fmt::format(R"({{"at":"{}","set":{{"vm.dirty_{}":{}}}}},)",
                           any({"0s", "3ms", "200ms"}), bytes_ ? "bytes" : "ratio",
                           bytes_ ? any({8192, 1'048'576}) : 3);
      case 1:
        return R"({"at":"150ms","set":{"vm.dirty_writeback_centisecs":20}},)";
      case 2:
        return R"({"at":"100ms","syscall":"sync"},)";
      default:
        return "";
    }
  }

  std::string job(std::uint64_t number) {
    const bool sequential = one_in(2);
    const char* kind = any({"write", "write", "write", "read", "rw"});
    kind = v2_6_18_ ? "write" : kind;
    std::string text = fmt::format("[job{}]\nfilename=/dev/sd{}\nrw={}{}\nbs={}\n", number,
                                   devices_ == 2 && one_in(2) ? "b" : "a", sequential ? "" : "rand",
                                   kind, any({"4k", "4k", "12k", "64k", "1m", "16m", "2k", "6k"}));
    text += fmt::format("runtime={}\n", any({"100ms", "400ms", "900ms"}));
    text += any({"size=16m\n", "size=32m\n", "offset=16m\nsize=48m\n"});
    // Where CPU time costs nothing, rewriting dirty pages for some time would be an endless
    // instant.
    text += !free_cpu_ && one_in(2) ? "time_based=1\n" : any({"", "loops=2\n", "io_size=64m\n"});
    text += any(
        {"", "", "", "fsync=8\n", "fdatasync=3\n", "end_fsync=1\n", "sync=1\n", "sync=dsync\n"});
    text +=
        any({"", "", "", "rate=5m\n", "rate_iops=300\n", "thinktime=3000\nthinktime_blocks=2\n"});
    text += any({"", "", "numjobs=3\n", "stonewall\n", "startdelay=1\n"});
    text += !sequential && one_in(3) ? "norandommap=1\n" : "";
    text += one_in(5) ? "invalidate=0\n" : "";
    text += any({"", "", "fadvise_hint=0\n", "fadvise_hint=random\n"});
    return text;
  }

  Rng rng_;
  Rng more_rng_;  // of its own, so that scenarios of the other kinds stay as they are
  Kind kind_;
  bool single_queue_ = false;
  bool v2_6_18_ = false;
  bool bytes_ = true;
  bool free_cpu_ = false;
  int devices_ = 1;
};

}  // namespace

RandomScenario random_scenario(std::uint64_t seed, Kind kind) {
  return Generator{seed, kind}.make();
}

}  // namespace wbsim::system::testing
