// What kernel and application code costs in CPU time, by component. The cost of a stage is the
// sum of its components. Values come from the configuration (configs/machines/*.json, each with
// its source); the defaults below are a generic 3 GHz server core.
#pragma once

#include <span>
#include <string_view>

#include "sim/base/units.hpp"

namespace wbsim::engine {

struct CpuCosts {
  SimDuration context_switch = nanoseconds(1500);
  SimDuration tick = nanoseconds(1000);
  SimDuration fio_start = nanoseconds(0);
  SimDuration fio_io = nanoseconds(300);
  SimDuration rate_io = nanoseconds(3000);
  SimDuration write_call = nanoseconds(400);
  SimDuration write_page_new = nanoseconds(700);
  SimDuration write_page_clean = nanoseconds(500);
  SimDuration write_page_dirty = nanoseconds(400);
  SimDuration write_page_full = nanoseconds(50);
  SimDuration cache_slot_new = nanoseconds(100);
  SimDuration dio_bio = nanoseconds(500);
  SimDuration dio_page = nanoseconds(60);
  SimDuration dio_end = nanoseconds(150);
  SimDuration aio_call = nanoseconds(300);
  SimDuration aio_iocb = nanoseconds(300);
  SimDuration aio_end = nanoseconds(200);
  SimDuration fio_prepare = nanoseconds(300);
  SimDuration fio_reap = nanoseconds(150);
  SimDuration read_page = nanoseconds(400);
  SimDuration readahead = nanoseconds(500);
  SimDuration readahead_page = nanoseconds(400);
  SimDuration read_page_end = nanoseconds(100);
  SimDuration bdp_freerun = nanoseconds(100);
  SimDuration bdp_throttle = nanoseconds(300);
  SimDuration pause_wake = nanoseconds(1500);
  SimDuration flusher_wake = nanoseconds(1500);
  SimDuration flusher_turn = nanoseconds(300);
  SimDuration flusher_end = nanoseconds(300);
  SimDuration flusher_inode = nanoseconds(700);
  SimDuration wb_page = nanoseconds(500);
  SimDuration wb_page_scattered = nanoseconds(100);
  SimDuration bio_merge = nanoseconds(80);
  SimDuration bio_remap = nanoseconds(200);
  SimDuration stripe_add = nanoseconds(300);
  SimDuration stripe_handle = nanoseconds(500);
  SimDuration stripe_copy = nanoseconds(300);
  SimDuration stripe_xor = nanoseconds(150);
  SimDuration request_get = nanoseconds(200);
  SimDuration plug_scan = nanoseconds(20);
  SimDuration request_issue = nanoseconds(300);
  SimDuration request_insert = nanoseconds(20);
  SimDuration tag_wait = nanoseconds(300);
  SimDuration kblockd_hop = nanoseconds(1500);
  SimDuration kblockd_return = nanoseconds(1000);
  SimDuration irq_complete = nanoseconds(1500);
  SimDuration request_complete = nanoseconds(500);
  SimDuration page_complete = nanoseconds(100);
  SimDuration sleeper_wake = nanoseconds(1500);
  SimDuration fsync_call = nanoseconds(300);
  SimDuration fsync_wait = nanoseconds(500);
  SimDuration flush_submit = nanoseconds(300);
  SimDuration flush_hop = nanoseconds(1500);
  SimDuration flush_done = nanoseconds(300);
  SimDuration kswapd_page = nanoseconds(300);
  SimDuration sample = nanoseconds(0);
  SimDuration trace_event = nanoseconds(250);
};

struct CpuCostComponent {
  std::string_view name;
  std::string_view summary;  // what one unit of it is
  SimDuration CpuCosts::*value;
};

// All components, in the order of the struct. Their defaults are those of CpuCosts{}.
std::span<const CpuCostComponent> cpu_cost_components();

}  // namespace wbsim::engine
