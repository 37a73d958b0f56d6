#include "sim/analysis/truth_case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "sim/analysis/input_file.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/system/catalog.hpp"

namespace wbsim::analysis {

namespace fs = std::filesystem;
using system::Json;

namespace {

// The rig's kernels are built with HZ=250 and its machines have one processor unless the case says
// otherwise (rig/README.md).
constexpr int kRigHz = 250;
constexpr std::int64_t kTickNs = 1'000'000'000 / kRigHz;

// t = 0 is a multiple of 10 ms of CLOCK_MONOTONIC (the resolution of /proc/uptime), ticks are at
// multiples of 4 ms, so a tick comes 0 or 2 ms after t = 0; what the case states is an estimate.
constexpr SimDuration kTickGrain = milliseconds(2);

// The rig loads its disk 3.2 s before t = 0: its init waits for 2 s and then samples for 1 s. Seen
// in a calibration case, whose flusher first looks for old data 5 s after that.
constexpr SimDuration kRigDeviceAge = milliseconds(3200);

// Our series is sampled ten times as often as the rig's (sample_ms), so that interpolating it to
// the rig's sample times adds no error of its own: observers do not change a simulation. What the
// rig's sampler costs is the component sample, which system charges by itself.
constexpr int kSampleRefinement = 10;
constexpr std::int64_t kSampleMsMax = 3'600'000;

constexpr std::array<std::string_view, 3> kTraceSets{"wb", "rq", "blk"};

std::string in_ns(std::int64_t ns) { return fmt::format("{}ns", ns); }
std::string in_pages(std::int64_t pages) { return fmt::format("{}pages", pages); }

class CaseReader {
 public:
  CaseReader(const fs::path& folder, Diagnostics& diagnostics)
      : folder_{folder}, diagnostics_{diagnostics} {}

  std::optional<TruthCase> read() {
    const auto case_json = read_json(folder_ / "case.json", diagnostics_);
    const auto state_json = read_json(folder_ / "initial-state.json", diagnostics_);
    const auto summary_json = read_json(folder_ / "summary.json", diagnostics_);
    if (!case_json || !state_json || !summary_json) {
      return std::nullopt;
    }
    JsonInput description{*case_json, (folder_ / "case.json").string(), diagnostics_};
    JsonInput state{*state_json, (folder_ / "initial-state.json").string(), diagnostics_};
    JsonInput reported{*summary_json, (folder_ / "summary.json").string(), diagnostics_};

    truth_.folder = folder_;
    truth_.name = description.text("/name").value_or("");
    read_machine(description);
    read_device(description);
    read_queue(description, reported);
    read_vm(reported);
    read_memory(state, reported);
    read_boot(state);
    read_actions(description);
    read_workload(description, state);
    read_replay();
    return std::move(truth_);
  }

 private:
  void read_machine(JsonInput& input) {
    const std::string release =
        input.has("/kernel") ? input.text("/kernel").value_or("") : std::string{"6.1"};
    truth_.kernel = release.substr(0, release.find('.', release.find('.') + 1));
    const system::CatalogEntry* entry = system::find_entry(system::kernel_catalog(), truth_.kernel);
    if (entry == nullptr || !entry->simulated) {
      input.diagnostics().refuse(
          input.where("/kernel"),
          fmt::format("kernel {}; simulated are {}", truth_.kernel,
                      fmt::join(system::simulated_names(system::kernel_catalog()), ", ")));
    }
    truth_.config["kernel"] = truth_.kernel;
    truth_.config["hz"] = kRigHz;
    truth_.config["cpus"] = input.integer_or("/smp", 1);
    truth_.config["cpu_costs"]["use"] = "rig-" + truth_.kernel;
    if (input.integer_or("/icount_shift", 0) != 0) {
      input.diagnostics().refuse(input.where("/icount_shift"),
                                 "a processor of another speed; only 1 ns an instruction (0) has "
                                 "CPU costs");
    }
    if (input.has("/cgroups")) {
      truth_.config["cgroups"] = input.at("/cgroups");
    }
    if (input.has("/pre")) {
      input.diagnostics().refuse(input.where("/pre"), "shell commands before the run");
    }
    const std::int64_t sample_ms = input.integer_or("/sample_ms", 100);
    if (sample_ms < 1 || sample_ms > kSampleMsMax) {
      input.diagnostics().error(
          input.where("/sample_ms"),
          fmt::format("{} is not a whole number from 1 to {}", sample_ms, kSampleMsMax));
    } else {
      const SimDuration sampled = milliseconds(sample_ms);
      truth_.config["output"]["interval"] = in_ns(sampled.count() / kSampleRefinement);
    }
    read_events(input);
  }

  // The rig's set "blk" contains "rq"; the configuration names them separately. Of events that are
  // traced alone ("block:block_rq_issue") those of the block layer can be told apart.
  void read_events(JsonInput& input) {
    const Json asked = input.has("/events") ? input.at("/events") : Json::array({"wb"});
    if (!asked.is_array()) {
      input.diagnostics().error(input.where("/events"), "must be a list of names of trace events");
      return;
    }
    std::vector<std::string> categories;
    bool single = false;
    for (const Json& event : asked) {
      static constexpr std::string_view kBlockEvent = "block:";
      std::string name = event.is_string() ? event.get<std::string>() : event.dump();
      if (name.starts_with(kBlockEvent)) {
        name.erase(0, kBlockEvent.size());
      }
      single = single || name.find(':') != std::string::npos;
      if (name == "blk") {
        categories.emplace_back("rq");
      }
      const bool known = std::find(categories.begin(), categories.end(), name) != categories.end();
      if (!known) {
        categories.push_back(name);
      }
    }
    if (single) {
      input.diagnostics().refuse(
          input.where("/events"),
          fmt::format("single trace events other than block:*; only the sets {}",
                      fmt::join(kTraceSets, ", ")));
      return;
    }
    truth_.config["guest_tracing"] = categories;
  }

  void read_device(JsonInput& input) {
    Json& device = truth_.config["devices"][std::string{kCaseDevice}];
    const std::string model =
        input.has("/device/driver") ? input.text("/device/driver").value_or("") : "simdisk";
    const system::CatalogEntry* entry = system::find_entry(system::device_model_catalog(), model);
    if (entry != nullptr && entry->preliminary) {
      input.diagnostics().refuse(
          input.where("/device/driver"),
          fmt::format("{} is a preliminary model, which is not compared with recorded runs",
                      system::in_quotes(model)));
      return;
    }
    device["model"] = model;
    device["size"] = fmt::format("{}MiB", input.integer_or("/device/size_mb", 16384));
    device["channels"] = input.integer_or("/device/channels", 1);
    device["depth"] = input.integer_or("/device/depth", 32);
    device["read"] = in_ns(input.integer_or("/device/read_ns", 0));
    device["write"] = in_ns(input.integer_or("/device/write_ns", 0));
    device["flush"] = in_ns(input.integer_or("/device/flush_ns", 0));
    device["per_kib"] = in_ns(input.integer_or("/device/kib_ns", 0));
    device["seek"] = in_ns(input.integer_or("/device/seek_ns", 0));
    if (device["model"] != "simdisk") {
      return;  // its own parameters mean nothing here, and the configuration does not know it
    }
    // `backed` only keeps what was written, for file systems. Cache and rotation are reported by
    // the queue. Anything else would change the device.
    static const std::set<std::string> kKnown{
        "driver",     "size_mb", "channels", "depth",      "read_ns", "write_ns", "flush_ns",
        "discard_ns", "kib_ns",  "seek_ns",  "rotational", "wcache",  "backed"};
    if (!input.has("/device") || !input.at("/device").is_object()) {
      input.diagnostics().error(input.where("/device"), "must be an object: the rig's device");
      return;
    }
    for (const auto& [key, value] : input.at("/device").items()) {
      if (!kKnown.contains(key)) {
        input.diagnostics().refuse(input.where("/device/" + key), "this parameter of the device");
      }
    }
  }

  void read_queue(JsonInput& input, JsonInput& reported) {
    Json& queue = truth_.config["devices"][std::string{kCaseDevice}]["queue"];
    // "[none] mq-deadline": the chosen one is in brackets.
    const std::string choices = reported.text("/queue/scheduler").value_or("");
    const std::size_t open = choices.find('[');
    const std::size_t close = choices.find(']');
    queue["scheduler"] = open < close && close != std::string::npos
                             ? choices.substr(open + 1, close - open - 1)
                             : choices;
    for (const char* key : {"nr_requests", "max_sectors_kb", "max_segments", "max_segment_size",
                            "nomerges", "read_ahead_kb"}) {
      if (const auto value = reported.integer(fmt::format("/queue/{}", key))) {
        queue[key] = *value;
      }
    }
    // Under bfq the file shows the default, which there means off; where it cannot be read, the
    // kernel has no writeback throttling.
    queue["wbt_lat_usec"] = reported.integer_or("/queue/wbt_lat_usec", 0);
    queue["rotational"] = reported.flag_or("/queue/rotational", false);
    queue["write_cache"] = reported.text("/queue/write_cache").value_or("write through");
    queue["fua"] = reported.flag_or("/queue/fua", false);
    read_tunables(reported, queue);
    if (input.has("/fs")) {
      truth_.config["mounts"]["target"] = {{"device", std::string{kCaseDevice}},
                                           {"fs", input.text("/fs/type").value_or("")}};
    }
  }

  // What the elevator has in this kernel is what the kernel reports ("iosched/fifo_batch").
  static void read_tunables(JsonInput& reported, Json& queue) {
    for (const block::ElevatorType& type : block::elevator_types()) {
      for (const block::Tunable& tunable : type.tunables) {
        // A name with a slash in it: ~1 in a JSON pointer.
        const std::string place = fmt::format("/queue/iosched~1{}", tunable.name);
        if (queue["scheduler"] == type.name && reported.has(place)) {
          queue["iosched"][std::string{tunable.name}] = reported.integer(place).value_or(0);
        }
      }
    }
  }

  // Of a ratio and its bytes twin the kernel reports 0 for the one not in force.
  void read_vm(JsonInput& reported) {
    Json& vm = truth_.config["vm"];
    for (const char* name : {"dirty", "dirty_background"}) {
      const std::string bytes = fmt::format("{}_bytes", name);
      const std::string ratio = fmt::format("{}_ratio", name);
      const std::int64_t in_bytes = reported.integer("/vm/" + bytes).value_or(0);
      const std::int64_t in_percent = reported.integer("/vm/" + ratio).value_or(0);
      if (in_bytes != 0) {
        vm[bytes] = in_bytes;
      } else {
        vm[ratio] = in_percent;
      }
    }
    for (const char* key : {"dirty_writeback_centisecs", "dirty_expire_centisecs"}) {
      vm[key] = reported.integer(fmt::format("/vm/{}", key)).value_or(0);
    }
  }

  // Dirtyable memory is free + file pages less the kernel's reserves, so the reserves follow from
  // it. Without it (limits in bytes, where it does not enter) the configuration's default holds.
  void read_memory(JsonInput& state, JsonInput& reported) {
    Json& memory = truth_.config["memory"];
    memory["total"] = fmt::format("{}KiB", reported.integer("/mem_kb/MemTotal").value_or(0));
    const std::int64_t free = state.integer("/pages/nr_free_pages").value_or(0);
    const std::int64_t active = state.integer("/pages/nr_active_file").value_or(0);
    const std::int64_t inactive = state.integer("/pages/nr_inactive_file").value_or(0);
    memory["free"] = in_pages(free);
    memory["active_file"] = in_pages(active);
    memory["inactive_file"] = in_pages(inactive);
    if (state.has("/dirtyable_pages")) {
      const std::int64_t dirtyable = state.integer("/dirtyable_pages").value_or(0);
      if (dirtyable > free + active + inactive) {
        diagnostics_.error(state.where("/dirtyable_pages"),
                           fmt::format("{} pages, more than the {} free and file pages", dirtyable,
                                       free + active + inactive));
      }
      memory["totalreserve"] = in_pages(free + active + inactive - dirtyable);
    }
  }

  void read_boot(JsonInput& state) {
    Json& boot = truth_.config["boot"];
    if (state.has("/jiffies_at_t0")) {
      boot["jiffies"] = state.integer("/jiffies_at_t0/jiffies").value_or(0);
      const auto next = state.duration("/jiffies_at_t0/next_tick_us", 1e3).value_or(SimDuration{});
      const std::int64_t grains = (next + kTickGrain / 2) / kTickGrain;
      boot["next_tick"] = in_ns((kTickGrain * grains).count());
    } else {
      // No event of the run shows the phase of the clock, so nothing in it can depend much on it:
      // the tick is put in the middle, INITIAL_JIFFIES holds.
      boot["next_tick"] = in_ns(kTickNs / 2);
    }
    if (state.has("/limits_pages/dirty_limit")) {
      boot["dirty_limit"] = state.integer("/limits_pages/dirty_limit").value_or(0);
    }
    boot["device_age"] = in_ns(kRigDeviceAge.count());
    const std::int64_t kib_per_s = state.integer_or("/write_bandwidth_kibps", 0);
    if (kib_per_s > 0) {
      boot["write_bandwidth"] = fmt::format("{}KiB/s", kib_per_s / 4 * 4);  // whole pages
    }
  }

  // `during` and `post` are the shell text of the same actions.
  void read_actions(JsonInput& input) {
    for (const char* key : {"/during", "/post"}) {
      if (input.has(key) && !input.has("/actions")) {
        input.diagnostics().refuse(input.where(key),
                                   "shell commands that the case does not describe as actions");
      }
    }
    if (!input.has("/actions")) {
      return;
    }
    const Json& listed = input.at("/actions");
    if (!listed.is_array() || !std::all_of(listed.begin(), listed.end(),
                                           [](const Json& each) { return each.is_object(); })) {
      input.diagnostics().error(input.where("/actions"), "must be a list of objects");
      return;
    }
    Json actions = Json::array();
    for (std::size_t i = 0; i < listed.size(); ++i) {
      const std::string place = fmt::format("/actions/{}", i);
      Json action;
      if (input.has(place + "/at_s")) {
        const auto at = input.duration(place + "/at_s", 1e9).value_or(SimDuration{});
        action["at"] = in_ns(at.count());
      } else {
        const std::string after = input.text(place + "/after").value_or("fio");
        if (after != "fio") {
          input.diagnostics().error(input.where(place + "/after"),
                                    fmt::format("unknown \"{}\"; only \"fio\" is known", after));
        }
        action["after"] = "workload";
      }
      for (const char* what : {"set", "syscall"}) {
        if (input.has(place + "/" + what)) {
          action[what] = input.at(place + "/" + what);
        }
      }
      actions.push_back(std::move(action));
    }
    truth_.config["actions"] = std::move(actions);
  }

  void read_workload(JsonInput& input, JsonInput& state) {
    std::string text = input.text("/fio").value_or("");
    static constexpr std::string_view kTarget = "@TARGET@";
    const std::string device = fmt::format("/dev/{}", kCaseDevice);
    for (std::size_t i = text.find(kTarget); i != std::string::npos;
         i = text.find(kTarget, i + device.size())) {
      text.replace(i, kTarget.size(), device);
    }
    truth_.first_event = state.duration("/first_fio_event_us", 1e3).value_or(SimDuration{});
    // An empty tail_s is none: tracing ends with fio.
    const bool has_tail = input.has("/tail_s") && input.at("/tail_s") != "";
    const SimDuration tail =
        has_tail ? input.duration("/tail_s", 1e9).value_or(SimDuration{}) : SimDuration{};
    Json& workload = truth_.config["workload"];
    workload["fio"] = std::move(text);
    workload["tail"] = in_ns(tail.count());
  }

  // io-JOB.csv.xz: op,offset,length. fio logs an I/O a second time when its engine was busy and it
  // is queued again, which happens to all but the first with iodepth above 1.
  void read_replay() {
    static constexpr std::string_view kPrefix = "io-";
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator{folder_}) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(kPrefix) && name.find(".csv") != std::string::npos) {
        paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      const std::string name = path.filename().string();
      read_ios(path, name.substr(kPrefix.size(), name.find(".csv") - kPrefix.size()));
    }
  }

  void read_ios(const fs::path& path, const std::string& job) {
    const auto text = read_text(path, diagnostics_);
    if (!text) {
      return;
    }
    const auto table =
        CsvTable::parse(*text, path.string(), {"op", "offset", "length"}, diagnostics_);
    if (!table) {
      return;
    }
    std::vector<workload::Io>& ios = truth_.replay[job];
    bool requeued = false;
    for (std::size_t row = 0; row < table->rows(); ++row) {
      const std::string_view op = table->cell(row, table->column("op"));
      if (op != "R" && op != "W") {
        diagnostics_.error(table->where(row), fmt::format("op is \"{}\"; R or W expected", op));
        return;
      }
      const auto offset = read_bytes(*table, row, "offset", 0);
      const auto length = read_bytes(*table, row, "length", 1);
      if (!offset || !length) {
        return;
      }
      const workload::Io io{op == "R" ? workload::Direction::kRead : workload::Direction::kWrite,
                            FileOffset{*offset}, Bytes{*length}};
      requeued = !requeued && !ios.empty() && ios.back() == io;
      if (!requeued) {
        ios.push_back(io);
      }
    }
  }

  std::optional<std::int64_t> read_bytes(const CsvTable& table, std::size_t row,
                                         std::string_view column, std::int64_t least) {
    const std::string_view cell = table.cell(row, table.column(column));
    const auto value = parse_integer(cell);
    if (value && *value >= least) {
      return value;
    }
    diagnostics_.error(table.where(row), fmt::format("{} is \"{}\"; a whole number >= {} expected",
                                                     column, cell, least));
    return std::nullopt;
  }

  fs::path folder_;
  Diagnostics& diagnostics_;
  TruthCase truth_;
};

}  // namespace

std::optional<TruthCase> read_truth_case(const fs::path& folder, Diagnostics& diagnostics) {
  Diagnostics findings;
  std::optional<TruthCase> truth = CaseReader{folder, findings}.read();
  diagnostics.append(findings);
  return findings.has_errors() ? std::nullopt : std::move(truth);
}

}  // namespace wbsim::analysis
