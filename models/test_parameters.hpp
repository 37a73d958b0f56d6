// Shared by the tests of device models: small devices with round numbers.
#pragma once

#include "models/hdd.hpp"
#include "models/ssd.hpp"

namespace wbsim::models {

// 6000 rpm: a turn takes 10 ms, and a sector of the outer zone (100 to the track) 100 us. Two
// heads, 64 + 32 cylinders, 16,000 sectors. No overhead, and 1 us for a sector on the link.
inline HddParameters small_hdd() {
  HddParameters p;
  p.depth = 4;
  p.rpm = 6000;
  p.heads = 2;
  p.zones = {{.cylinders = 64, .track = Sectors{100}}, {.cylinders = 32, .track = Sectors{50}}};
  p.read_seek = {milliseconds(1), milliseconds(3), milliseconds(7)};
  p.write_seek = p.read_seek;
  p.head_switch = microseconds(500);
  p.link_per_second = Bytes{512'000'000};
  p.write_cache = kibibytes(256);
  p.write_extents = 16;
  p.read_segments = 4;
  p.read_segment = kibibytes(64);
  p.age_limit = seconds(1);
  p.volatile_cache = true;
  p.track_durability = true;
  for (ZoneParameters& zone : p.zones) {
    zone.track_skew = skew_covering(p.head_switch, zone.track, p.rpm);
    zone.cylinder_skew = skew_covering(p.read_seek.single, zone.track, p.rpm);
  }
  return p;
}

// Two channels of two dies, pages of 16 KiB. Reading takes 50 us, programming 500 us; a page takes
// 16.384 us on its channel, 4 KiB 4.096 us on a channel and 4.096 us on the link.
inline SsdParameters small_ssd() {
  SsdParameters p;
  p.depth = 8;
  p.read_command = microseconds(1);
  p.write_command = microseconds(2);
  p.read_link_per_second = Bytes{1'000'000'000};
  p.write_link_per_second = Bytes{1'000'000'000};
  p.read_latency = microseconds(10);
  p.write_latency = microseconds(20);
  p.flush_latency = microseconds(100);
  p.channels = 2;
  p.dies = 2;
  p.channel_per_second = Bytes{1'000'000'000};
  p.page = kibibytes(16);
  p.page_read = microseconds(50);
  p.page_program = microseconds(500);
  p.buffer = kibibytes(128);
  p.volatile_cache = true;
  p.track_durability = true;
  return p;
}

}  // namespace wbsim::models
