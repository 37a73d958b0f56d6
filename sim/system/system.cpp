#include "sim/system/system.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/stacking/stack_limits.hpp"
#include "sim/system/config_cgroups.hpp"
#include "sim/system/config_faults.hpp"
#include "sim/system/config_hw_queues.hpp"
#include "sim/system/config_models.hpp"
#include "sim/system/config_mounts.hpp"
#include "sim/system/device_factory.hpp"
#include "sim/system/device_graph.hpp"
#include "sim/system/stack_factory.hpp"
#include "sim/writeback/bandwidth.hpp"

namespace wbsim::system {

using engine::Task;

namespace {

constexpr int kGuestSamplerPid = 200;
constexpr SimDuration kGuestSamplerPeriod = milliseconds(100);
constexpr SimDuration kGuestSamplerPhase = milliseconds(5);  // 3.8 to 6.9 ms in calibration cases
engine::CpuCosts cpu_costs(const Config& config) {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    const auto it = config.cpu_costs.find(std::string{component.name});
    if (it != config.cpu_costs.end()) {
      costs.*component.value = it->second;
    }
  }
  return costs;
}

engine::Jiffies jiffies(const Config& config) {
  const bool given = config.boot.jiffies != BootConfig{}.jiffies;
  const std::uint64_t start = given ? config.boot.jiffies : engine::Jiffies::initial(config.hz);
  return {config.hz, start, config.boot.next_tick, config.switches.timer_wheel};
}

bool traced(const Config& config, const char* category) {
  return std::find(config.guest_tracing.begin(), config.guest_tracing.end(), category) !=
         config.guest_tracing.end();
}

SimDuration trace_cost(const Config& config, const engine::CpuCosts& costs,
                       std::initializer_list<const char*> categories) {
  const bool on = std::any_of(categories.begin(), categories.end(),
                              [&config](const char* category) { return traced(config, category); });
  return on ? costs.trace_event : SimDuration{};
}

std::optional<block::WbtOptions> wbt_options(const DeviceConfig& device,
                                             const pagecache::BdiWriteback& wb) {
  const std::optional<SimDuration> latency = wbt_latency(device.queue);
  if (!latency) {
    return std::nullopt;
  }
  return block::WbtOptions{.min_lat = *latency,
                           .queue_depth = registered_queue_depth(device),
                           .write_cache = device.queue.write_cache,
                           .dirty_sleep = &wb.dirty_sleep};
}

block::BlockTraceCosts block_trace_costs(const Config& config, const engine::CpuCosts& costs) {
  const auto cost = [&](std::initializer_list<const char*> names) {
    return trace_cost(config, costs, names);
  };
  return {.bio_queue = cost({"blk", "block_bio_queue"}),
          .bio_merge = cost({"blk", "block_bio_backmerge", "block_bio_frontmerge"}),
          .getrq = cost({"blk", "block_getrq"}),
          .plug = cost({"blk", "block_plug"}),
          .unplug = cost({"blk", "block_unplug"}),
          .split = cost({"blk", "block_split"}),
          .rq_insert = cost({"blk", "rq", "block_rq_insert"}),
          .rq_merge = cost({"blk", "block_rq_merge"}),
          .rq_issue = cost({"blk", "rq", "block_rq_issue"}),
          .rq_complete = cost({"blk", "rq", "block_rq_complete"})};
}

writeback::VmSysctl vm_sysctl(const VmConfig& vm) {
  return {vm.dirty_ratio,
          vm.dirty_background_ratio,
          vm.dirty_bytes,
          vm.dirty_background_bytes,
          vm.dirty_writeback_centisecs,
          vm.dirty_expire_centisecs};
}

block::StackTraceCosts stack_trace_costs(const Config& config, const engine::CpuCosts& costs) {
  return {.bio_queue = trace_cost(config, costs, {"blk", "block_bio_queue"}),
          .bio_remap = trace_cost(config, costs, {"blk"}),
          .split = trace_cost(config, costs, {"blk", "block_split"})};
}

pagecache::ReadaheadLimits readahead_limits(Pages ra_pages, const KernelSwitches& switches) {
  using Read = KernelSwitches::BufferedRead;
  return {.ra_pages = ra_pages,
          .rules = switches.buffered_read == Read::kPageByPage ? pagecache::ReadaheadRules::kV5_10
                                                               : pagecache::ReadaheadRules::kV6_1};
}

block::QueueLimits queue_limits(const QueueConfig& queue) {
  const std::int64_t mask = queue.virt_boundary_mask.value_or(0);
  const Bytes block{queue.physical_block_size.value_or(static_cast<int>(kSectorSize.count()))};
  return {.max_sectors = sectors_floor(kibibytes(queue.max_sectors_kb)),
          .max_segments = queue.max_segments,
          .max_segment_size = queue.max_segment_size,
          .nomerges = queue.nomerges,
          .write_cache = queue.write_cache,
          .fua = queue.fua,
          .rotational = queue.rotational,
          .physical_block = block,
          .io_min = queue.minimum_io_size ? Bytes{*queue.minimum_io_size} : block,
          .io_opt = Bytes{queue.optimal_io_size.value_or(0)},
          .chunk_sectors = Sectors{queue.chunk_sectors.value_or(0)},
          .virt_boundary = Bytes{mask == 0 ? 0 : mask + 1}};
}

block::ErrorRules error_rules(const KernelSwitches& switches) {
  if (switches.block_layer == KernelSwitches::BlockLayer::kMultiQueue) {
    return block::ErrorRules::kV5_10;
  }
  return switches.queue_plugging == block::QueuePlugging::kPerQueue ? block::ErrorRules::kV2_6_18
                                                                    : block::ErrorRules::kV3_6;
}

block::DriverOptions driver_options(const KernelSwitches& switches, const DeviceConfig& device,
                                    block::FallibleDevice* fallible) {
  const block::DriverOptions usual;
  const auto timeout = device.queue.io_timeout;
  return {.driver = driver_of(device, switches),
          .rules = error_rules(switches),
          .fallible = fallible,
          .timeout = timeout ? milliseconds(*timeout) : usual.timeout};
}

block::SingleQueueOptions single_queue_options(const Config& config, const DeviceConfig& device,
                                               int index, const engine::CpuCosts& costs) {
  const KernelSwitches& switches = config.switches;
  const QueueConfig& queue = device.queue;
  const bool nvme = device.model == "ssd" && device.ssd.interface == SsdConfig::Interface::kNvme;
  const bool sata = device.model == "hdd" || (device.model == "ssd" && !nvme);
  return {.device = index,
          .limits = queue_limits(queue),
          .elevator = block::find_elevator(queue.scheduler),
          .elevator_generation = switches.elevators,
          .iosched = queue.iosched,
          .nr_requests = queue.nr_requests.value(),
          .plugging = switches.queue_plugging,
          .cache_flush = switches.cache_flush,
          .request_classes = switches.request_classes,
          .sorted_directions = switches.sorted_directions,
          .plug_requests_max = static_cast<std::size_t>(switches.plug_max_requests),
          .disk_stats = switches.disk_stats,
          .flush_queueable = !sata,  // ata_scsi_dev_config()
          .plug_merging = switches.plug_merging,
          .bio_runs = config.optimisation.bio_runs,
          .trace = block_trace_costs(config, costs),
          .data_steps = queue.data_steps};
}

block::RequestQueueOptions request_queue_options(const Config& config, const DeviceConfig& device,
                                                 int index, const engine::CpuCosts& costs,
                                                 const pagecache::BdiWriteback& wb) {
  const KernelSwitches& switches = config.switches;
  const QueueConfig& queue = device.queue;
  return {.device = index,
          .limits = queue_limits(queue),
          .elevator = block::find_elevator(queue.scheduler),
          .elevator_generation = switches.elevators,
          .iosched = queue.iosched,
          .nr_requests = queue.nr_requests.value(),
          .plug_merge = switches.plug_merge,
          .plug_issue_order = switches.plug_issue_order,
          .elevator_pull = switches.elevator_pull,
          .fua_issue = switches.fua_issue,
          .plug_size_limit = switches.plug_size_limit,
          .plugs_each_bio = switches.plugs_each_bio,
          .tag_wake = switches.tag_wake,
          .bio_priority = switches.bio_priority,
          .disk_stats = switches.disk_stats,
          .cgroups = control_groups(config, device.name),
          .split_charge = switches.throttle_splits,
          .plug_requests_max = static_cast<std::size_t>(switches.plug_max_requests),
          .wbt = wbt_options(device, wb),
          .plug_merging = switches.plug_merging,
          .bio_runs = config.optimisation.bio_runs,
          .trace = block_trace_costs(config, costs),
          .data_steps = queue.data_steps};
}

std::int64_t length(const pagecache::InodeList& inodes) {
  return static_cast<std::int64_t>(inodes.size());
}

// total_pages: nr_free_pagecache_pages(), v2.6.18.
writeback::MemoryUse memory_use(const Config& config, const MemoryLayout& layout) {
  return {layout.total - layout.watermarks.high, pages_ceil(config.memory.anon)};
}

// global_wb_domain.dirty_limit right after boot: the threshold of all memory that was free then.
Pages boot_dirty_limit(const Config& config, const MemoryLayout& layout) {
  if (config.boot.dirty_limit) {
    return *config.boot.dirty_limit;
  }
  const writeback::VmSysctl vm = vm_sysctl(config.vm);
  const Pages files = config.memory.inactive_file + config.memory.active_file + Pages{1};
  switch (config.switches.dirty_limits) {
    case writeback::LimitRules::kV2_6_18:
      return writeback::get_dirty_limits(vm, memory_use(config, layout), false).thresh;
    case writeback::LimitRules::kV3_6: {
      const Pages avail = std::max(layout.free - layout.totalreserve + files, Pages{0});
      return writeback::global_dirty_limits(vm, avail, false).thresh;
    }
    case writeback::LimitRules::kV5_10: {
      const Pages avail = layout.free - std::min(layout.free, layout.totalreserve) + files;
      return writeback::domain_dirty_limits(vm, avail, Pages{0}, false).thresh;
    }
  }
  SIM_UNREACHABLE();
}

}  // namespace

System::System(const Config& config, const workload::WorkloadSpec& workload,
               const std::vector<engine::Observer*>& observers)
    : config_{config},
      layout_{memory_layout(config.memory, config.switches.watermarks)},
      machine_{simulator_, config.cpus, jiffies(config), cpu_costs(config),
               config.switches.cpu_scheduler},
      domain_{machine_, boot_dirty_limit(config, layout_)},
      cache_{machine_, domain_, layout_.total},
      own_throttle_{make_throttle(machine_, tracer_, cache_, domain_, vm_sysctl(config.vm),
                                  throttle_options(config, memory_use(config, layout_),
                                                   trace_cost(config, machine_.costs(), {"wb"})),
                                  congestion_)},
      throttle_{*own_throttle_},
      kswapd_{machine_, cache_, layout_.watermarks, config.switches.reclaim_wakeup},
      kblockd_{machine_},
      flushers_{machine_, tracer_, throttle_, cache_, congestion_, config},
      guest_sampler_{machine_, "probe", kGuestSamplerPid, engine::Nice::kHighest},
      sample_{engine::event_calling<&System::take_sample>(*this, "sample")} {
  for (engine::Observer* observer : observers) {
    tracer_.attach(*observer);
  }
  simulator_.set_run_ahead(config.optimisation.batching);
  pagecache::VmStat& stat = cache_.stat();
  stat.nr_free = layout_.free;
  stat.nr_active_file = config.memory.active_file;
  stat.nr_inactive_file = config.memory.inactive_file;
  stat.totalreserve = layout_.totalreserve;
  int min_ratio_sum = 0;
  devices_.resize(config.devices.size() + config.stack.size());
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    add_device(config.devices[i], static_cast<int>(i));
    min_ratio_sum += config.devices[i].bdi_min_ratio;
  }
  for (const std::size_t i : build_order(config)) {
    add_stacked_device(config.stack[i], static_cast<int>(config.devices.size() + i));
  }
  throttle_.set_min_ratio_sum(min_ratio_sum);
  for (const Device& device : devices_) {
    mounted_.devices.push_back({*device.file, *device.flusher});
  }
  for (const MountConfig& each : config.mounts) {
    mount(each);
  }
  control_ = std::make_unique<WorkloadControl>(machine_, mounted_, throttle_, config);
  for (const workload::JobSpec& spec : workload.jobs) {
    add_job(spec);
  }
  if (machine_.costs().sample > SimDuration::zero()) {
    simulator_.spawn("guest sampler", run_sampler());
  }
  if (tracer_.active()) {
    simulator_.schedule(sample_, SimTime{});
  }
}

System::~System() {
  simulator_.destroy_processes();
  simulator_.cancel(sample_);
}

void System::add_job(const workload::JobSpec& spec) {
  std::string problem;
  const workload::JobExtent extent = extent_of(config_, spec, problem);
  SIM_CHECK(problem.empty());
  auto job = std::make_unique<workload::JobProcess>(machine_, tracer_, mounted_, throttle_, spec,
                                                    extent, config_.seed, *control_);
  job->join_cgroup(control_group_number(config_, spec.cgroup));
  control_->add_job(std::move(job));
}

void System::mount(const MountConfig& config) {
  const Device& device = device_named(config.device);
  file_systems_.push_back(
      std::make_unique<fs::ExtentFs>(*device.file, *device.wb, config.options,
                                     readahead_limits(device.ra_pages, config_.switches)));
  writeback::Flusher* const flusher = device.flusher->takes_work();
  SIM_CHECK(flusher != nullptr);  // check_mounts()
  mounted_.mounts.push_back({mount_point(config), *file_systems_.back(), *flusher});
}

void System::add_device(const DeviceConfig& config, int index) {
  Device& device = devices_[static_cast<std::size_t>(index)];
  device.model = make_device_model(simulator_, config);
  block::DeviceModel* front = device.model.get();
  if (!config.faults.empty()) {
    device.faulty = std::make_unique<models::FaultyDevice>(
        simulator_, *device.model, faults_of(config),
        Rng::stream(config_.seed, "faults of " + config.name));
    front = device.faulty.get();
  }
  const KernelSwitches& switches = config_.switches;
  const block::DriverOptions driver = driver_options(switches, config, device.faulty.get());
  add_bdi(device, index);
  device.wb->min_ratio = config.bdi_min_ratio;
  device.wb->max_ratio = config.bdi_max_ratio;
  if (switches.block_layer == KernelSwitches::BlockLayer::kSingleQueue) {
    block::SingleQueueOptions options =
        single_queue_options(config_, config, index, machine_.costs());
    options.driver = driver;
    options.congestion = &congestion_;
    device.queue =
        std::make_unique<block::SingleQueue>(machine_, tracer_, kblockd_, *front, options);
  } else {
    block::RequestQueueOptions options =
        request_queue_options(config_, config, index, machine_.costs(), *device.wb);
    options.driver = driver;
    set_hw_queue_options(config, switches, options);
    options.tag_host = host_of(config);
    device.queue =
        std::make_unique<block::RequestQueue>(machine_, tracer_, kblockd_, *front, options);
  }
  device.ra_pages = pages_floor(kibibytes(config.queue.read_ahead_kb));
  add_file(device, config.name, config.size);
}

// Null for a device with tags of its own.
block::TagHost* System::host_of(const DeviceConfig& config) {
  if (config.host.empty()) {
    return nullptr;
  }
  std::unique_ptr<block::TagHost>& host = hosts_[config.host];
  if (host == nullptr) {
    host = std::make_unique<block::TagHost>(tag_host_options(config, config_));
  }
  return host.get();
}

void System::add_bdi(Device& device, int index) const {
  device.own_wb = std::make_unique<pagecache::BdiWriteback>(
      index, config_.cpus, config_.boot.write_bandwidth.value_or(writeback::kInitialBandwidth));
  device.wb = device.own_wb.get();
  const std::uint64_t set_up = machine_.jiffies().at(SimTime{-config_.boot.device_age});
  device.wb->bw_time_stamp = set_up;  // wb_init()
  device.wb->last_old_flush = set_up;
  device.wb->dirty_sleep = set_up;
}

// The file of the device, and where it has a bdi of its own, the flusher of that.
void System::add_file(Device& device, const std::string& name, Bytes size) {
  device.file = std::make_unique<fs::BlockDevice>(
      name, size, device.target(), *device.wb, fs::Memory{cache_, throttle_, kswapd_},
      readahead_limits(device.ra_pages, config_.switches), config_.switches.direct_io);
  flushers_.adopt(device.file->inode());
  if (device.own_wb != nullptr) {
    device.wb->queue = &device.target();
    device.own_flusher = flushers_.make(*device.wb);
    device.flusher = device.own_flusher.get();
  }
}

System::Device& System::device_named(const std::string& name) {
  const std::vector<std::string> names = device_names(config_);
  const auto found = std::find(names.begin(), names.end(), name);
  SIM_CHECK(found != names.end());
  return devices_[static_cast<std::size_t>(found - names.begin())];
}

// Its members are there already. Partitions are files of their disk's bdi.
void System::add_stacked_device(const StackConfig& config, int index) {
  Device& device = devices_[static_cast<std::size_t>(index)];
  std::vector<block::BioTarget*> members;
  for (const std::string& member : config.members) {
    members.push_back(&device_named(member).target());
  }
  device.on_top = make_stacked_device(machine_, tracer_, config_, config, index, members,
                                      stack_trace_costs(config_, machine_.costs()));
  if (stack_kind(config) == StackKind::kPartition) {
    const Device& whole = device_named(config.members.front());
    device.wb = whole.wb;
    device.flusher = whole.flusher;
    device.ra_pages = whole.ra_pages;
  } else {
    add_bdi(device, index);
    device.ra_pages = block::stacked_readahead(device.on_top->limits());
  }
  if (config.read_ahead_kb) {
    device.ra_pages = pages_floor(kibibytes(*config.read_ahead_kb));
  }
  add_file(device, config.name, config.capacity);
}

void System::tell_totals() const {
  for (const Device& device : devices_) {
    const engine::QueueTotals totals = device.queue != nullptr
                                           ? device.queue->totals()
                                           : engine::QueueTotals{device.on_top->device_index(),
                                                                 {},
                                                                 {},
                                                                 device.on_top->disk_stats(0),
                                                                 std::nullopt};
    tracer_.emit(&engine::Observer::on_queue_totals, totals);
  }
}

// The monitoring program of the truth rig. It takes CPU time from whoever runs, and reading a bdi's
// statistics has a side effect: bdi_debug_stats_show() computes the device's share, which brings
// its count of completions up to date period by period.
Task<> System::run_sampler() {
  co_await guest_sampler_.begin();
  for (SimTime next{kGuestSamplerPhase};; next += kGuestSamplerPeriod) {
    co_await guest_sampler_.nanosleep(next);
    co_await guest_sampler_.run(machine_.costs().sample);
    for (const Device& device : devices_) {
      if (device.own_wb != nullptr) {
        device.wb->thresh = throttle_.wb_thresh_now(*device.wb);
      }
    }
  }
}

void System::take_sample() {
  const pagecache::VmStat& stat = cache_.stat();
  const writeback::DirtyLimits limits = throttle_.limits_now();
  engine::StateSample sample;
  sample.time = simulator_.now();
  sample.nr_dirty = pagecache::VmStat::read(stat.nr_file_dirty);
  sample.nr_writeback = pagecache::VmStat::read(stat.nr_writeback);
  sample.nr_dirtied = pagecache::VmStat::read(stat.nr_dirtied);
  sample.nr_written = pagecache::VmStat::read(stat.nr_written);
  sample.dirty_thresh = limits.thresh;
  sample.background_thresh = limits.bg_thresh;
  sample.dirty_limit = domain_.dirty_limit;
  sample.setpoint = (writeback::dirty_freerun_ceiling(limits.thresh, limits.bg_thresh) +
                     writeback::hard_dirty_limit(domain_.dirty_limit, limits.thresh)) /
                    2;
  sample.nr_free = stat.nr_free;
  sample.nr_active_file = stat.nr_active_file;
  sample.nr_inactive_file = stat.nr_inactive_file;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    const pagecache::BdiWriteback& wb = *device.wb;
    const pagecache::Fraction share = domain_.peek(wb.completions);
    const std::int64_t thresh = limits.thresh.count();
    const std::int64_t wb_thresh = wb.thresh.count();
    sample.bdis.push_back(
        {.device = static_cast<int>(i),
         .reclaimable = Pages{wb.reclaimable.sum()},
         .writeback = Pages{wb.writeback.sum()},
         .wb_thresh = wb.thresh,
         .written = Pages{wb.written.sum()},
         .write_bandwidth = wb.write_bandwidth,
         .avg_write_bandwidth = wb.avg_write_bandwidth,
         .dirty_ratelimit = wb.dirty_ratelimit,
         .balanced_dirty_ratelimit = wb.balanced_dirty_ratelimit,
         .pos_ratio = wb.pos_ratio,
         .queue_depth = device.target().in_device(),
         .busy = device.target().device_busy(),
         // As wb_dirty_limits() and the trace event balance_dirty_pages have
         // them, from the limits of now.
         .wb_bg_thresh = Pages{thresh > 0 ? wb_thresh * limits.bg_thresh.count() / thresh : 0},
         .wb_setpoint = Pages{sample.setpoint.count() * wb_thresh / (thresh + 1)},
         .dirtied = Pages{wb.dirtied.sum()},
         .completions_numerator = share.numerator,
         .completions_denominator = share.denominator,
         .b_dirty = length(wb.b_dirty),
         .b_io = length(wb.b_io),
         .b_more_io = length(wb.b_more_io),
         .b_dirty_time = length(wb.b_dirty_time),
         .dirty_exceeded = wb.dirty_exceeded});
  }
  tracer_.emit(&engine::Observer::on_sample, sample);
  simulator_.schedule_after(sample_, config_.output.interval);
}

}  // namespace wbsim::system
