// The options of the device models, and the descriptions under configs/devices.
#include "sim/system/config_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "sim/system/config_files.hpp"
#include "sim/system/config_test_util.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::system {
namespace {

using testing::read;

// A document with one device that has these members.
testing::Reading read_device(const std::string& members, const std::string& queue = "") {
  return read(R"({"devices":{"sda":{)" + members +
              R"(,"queue":{"scheduler":"none","wbt_lat_usec":0)" + queue + "}}}}");
}

DeviceConfig device(const std::string& members, const std::string& queue = "") {
  const testing::Reading reading = read_device(members, queue);
  EXPECT_TRUE(reading.config) << reading.findings;
  return reading.config ? reading.config->devices.at(0) : DeviceConfig{};
}

std::string preliminary(const std::string& model) {
  return "note: a.json: /devices/sda/model: \"" + model +
         "\" is a preliminary model: nothing has been compared with it yet\n";
}

constexpr const char* kDisk =
    R"("model":"hdd","size":"4MiB","rpm":7200,"heads":2,"link":"600MB/s",)"
    R"("zones":[{"cylinders":100,"sectors_per_track":50}],)"
    R"("read_seek":{"single":"1ms","average":"5ms","full":"10ms"},)"
    R"("write_seek":{"single":"1ms","average":"5ms","full":"10ms"})";

TEST(DeviceModels, ReadADisk) {
  const DeviceConfig d = device(std::string{kDisk} + R"(,"head_switch":"1ms","cache":"16MiB")");
  EXPECT_EQ(d.hdd.rpm, 7200);
  EXPECT_EQ(d.hdd.zones.at(0).sectors_per_track, Sectors{50});
  EXPECT_EQ(d.hdd.zones.at(0).track_skew, std::nullopt);
  EXPECT_EQ(d.hdd.read_seek.average, milliseconds(5));
  EXPECT_EQ(d.hdd.link, Bytes{600'000'000});
  EXPECT_EQ(d.hdd.cache, mebibytes(16));
  EXPECT_EQ(queue_depth(d), 32);
  EXPECT_EQ(d.queue.nr_requests, 32);
}

TEST(DeviceModels, SayThatTheyArePreliminary) {
  EXPECT_EQ(read_device(kDisk).findings, preliminary("hdd"));
  EXPECT_EQ(read_device(kDisk).exit_code, 0);
  EXPECT_EQ(read_device(R"("model":"null_blk")").findings, preliminary("null_blk"));
  EXPECT_EQ(read_device(R"("model":"simdisk")").findings, "");
}

TEST(DeviceModels, DecideWhatTheKernelLearns) {
  const QueueConfig disk = device(kDisk).queue;
  EXPECT_TRUE(disk.rotational);
  EXPECT_TRUE(disk.write_cache);
  EXPECT_FALSE(disk.fua);
  EXPECT_EQ(disk.max_segments, 168);
  EXPECT_EQ(disk.max_sectors_kb, 1280);
  const QueueConfig nvme = device(R"("use":"devices/ssd-nvme.json")").queue;
  EXPECT_FALSE(nvme.rotational);
  EXPECT_TRUE(nvme.write_cache);
  EXPECT_TRUE(nvme.fua);
  EXPECT_EQ(nvme.max_segments, 127);
  const QueueConfig null_blk = device(R"("model":"null_blk")").queue;
  EXPECT_FALSE(null_blk.write_cache);
  EXPECT_EQ(null_blk.max_segments, 128);
  EXPECT_EQ(null_blk.max_segment_size, kibibytes(64));
  const QueueConfig simdisk = device(R"("model":"simdisk")").queue;
  EXPECT_FALSE(simdisk.write_cache);
  EXPECT_EQ(simdisk.max_segments, 65535);
}

TEST(DeviceModels, AreOverriddenByTheQueueOfTheDocument) {
  EXPECT_FALSE(device(kDisk, R"(,"write_cache":"write through")").queue.write_cache);
  EXPECT_FALSE(device(R"("use":"devices/hdd-7200.json")", R"(,"write_cache":"write through")")
                   .queue.write_cache);
}

TEST(DeviceModels, TheInterfaceOfAnSsdDecidesItsDepth) {
  EXPECT_EQ(queue_depth(device(R"("use":"devices/ssd-sata.json")")), 32);
  EXPECT_EQ(queue_depth(device(R"("use":"devices/ssd-nvme.json")")), 1023);
  const DeviceConfig d =
      device(R"("model":"ssd","interface":"nvme","channels":8,"dies":2,"page":"16KiB",)"
             R"("channel_rate":"1GB/s","read_link":"3GB/s","write_link":"3GB/s","buffer":"1MiB")");
  EXPECT_EQ(queue_depth(d), 1023);
  EXPECT_TRUE(d.queue.fua);
}

TEST(DeviceModels, AnotherModelStartsFromItsOwnDefaults) {
  const DeviceConfig d = device(R"("use":"devices/hdd-7200.json","model":"null_blk")");
  EXPECT_FALSE(d.queue.rotational);
  EXPECT_FALSE(d.queue.write_cache);
  EXPECT_EQ(queue_depth(d), 64);
}

TEST(DeviceModels, RefuseOptionsOfOtherModels) {
  EXPECT_EQ(read_device(R"("rpm":7200)").findings,
            "a.json: /devices/sda/rpm: is an option of model hdd, and this device is of model "
            "simdisk\n");
  EXPECT_EQ(read_device(R"("model":"null_blk","channels":2)").findings,
            "a.json: /devices/sda/channels: is an option of model simdisk and ssd, and this device "
            "is of model null_blk\n");
}

TEST(DeviceModels, AnUnknownModelIsTheOnlyMistakeReported) {
  EXPECT_EQ(read_device(R"("model":"hd","rpm":7200)").findings,
            "a.json: /devices/sda/model: unknown \"hd\"; one of simdisk, hdd, ssd, null_blk. Did "
            "you mean \"hdd\"?\n");
}

TEST(DeviceModels, SayWhatADescriptionLacks) {
  EXPECT_EQ(read_device(R"("model":"hdd")").findings,
            "a.json: /devices/sda: a disk needs rpm, heads, zones, seek times and link; start from "
            "one that has them: \"use\": \"devices/hdd-7200.json\"\n");
  EXPECT_EQ(read_device(R"("model":"ssd","interface":"sata")").findings,
            "a.json: /devices/sda: an SSD needs channels, dies, page, channel_rate, read_link and "
            "write_link; start from one that has them: \"use\": \"devices/ssd-sata.json\" or "
            "\"devices/ssd-nvme.json\"\n");
}

TEST(DeviceModels, CheckThatTheZonesHoldTheDisk) {
  EXPECT_EQ(read_device(std::string{R"("use":"devices/hdd-7200.json","size":"8TB")"}).findings,
            "a.json: /devices/sda/size: 7812500000KiB is more than the zones hold "
            "(5723190MiB)\n");
}

TEST(DeviceModels, CheckThatThereIsSuchASeekCurve) {
  EXPECT_EQ(read_device(R"("use":"devices/hdd-7200.json","read_seek":{"average":"15ms"})").findings,
            "a.json: /devices/sda/read_seek: no seek curve over 446688 cylinders has single 230us, "
            "average 15ms and full 14ms; the average is usually about half of full\n");
}

TEST(DeviceModels, CheckThatABufferHoldsAPage) {
  EXPECT_EQ(read_device(R"("use":"devices/ssd-sata.json","buffer":"16KiB")").findings,
            "a.json: /devices/sda/buffer: 16KiB is less than a page (32KiB)\n");
}

TEST(DeviceModels, CheckZones) {
  EXPECT_EQ(read_device(R"("use":"devices/hdd-7200.json","zones":[])").findings,
            "a.json: /devices/sda/zones: 0 zones; a disk has 1 to 1000\n");
  EXPECT_EQ(read_device(R"("use":"devices/hdd-7200.json","size":"1MiB",)"
                        R"("zones":[{"cylinders":1000000,"heads":3}])")
                .findings,
            "a.json: /devices/sda/zones/0/heads: unknown key \"heads\"; one of cylinders, "
            "sectors_per_track, track_skew, cylinder_skew\n"
            "a.json: /devices/sda/zones/0: \"sectors_per_track\" is missing\n"
            "a.json: /devices/sda/size: 1MiB is more than the zones hold (0)\n");
}

TEST(DeviceModels, PrintTheirOwnOptionsOnly) {
  const testing::Reading reading = read_device(kDisk);
  ASSERT_TRUE(reading.config);
  const Json printed = print_config(*reading.config)["devices"]["sda"];
  EXPECT_EQ(printed["rpm"], 7200);
  EXPECT_EQ(printed["zones"][0]["sectors_per_track"], 50);
  EXPECT_FALSE(printed.contains("channels"));
  EXPECT_FALSE(printed.contains("irqmode"));
}

TEST(DeviceModels, PrintedConfigurationsReadBackTheSame) {
  for (const char* file : {"hdd-7200", "ssd-sata", "ssd-nvme", "null_blk", "simdisk-seek"}) {
    const testing::Reading first =
        read_device(std::string{R"("use":"devices/)"} + file + R"(.json")");
    ASSERT_TRUE(first.config) << first.findings;
    const testing::Reading second = read(print_config(*first.config).dump());
    ASSERT_TRUE(second.config) << second.findings;
    EXPECT_EQ(*second.config, *first.config) << file;
  }
}

// Every number of a default device states where it is from: under its own key, or for the members
// of an object under "key.member".
TEST(DeviceFiles, StateTheSourceOfEveryNumber) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"configs/devices"}) {
    std::string problem;
    const std::optional<TextFile> file = read_text_file(entry.path(), problem);
    ASSERT_TRUE(file) << problem;
    Diagnostics diagnostics;
    const std::optional<Json> document = parse_json(file->name, file->text, diagnostics);
    ASSERT_TRUE(document);
    ASSERT_TRUE(document->contains("source")) << entry.path();
    const Json& source = (*document)["source"];
    if (source.is_string()) {
      continue;  // one for all: a disk by definition
    }
    ++files;
    const std::set<std::string> described{"about", "source", "model"};
    for (const auto& [key, value] : document->items()) {
      if (described.contains(key)) {
        continue;
      }
      const auto states = [&source](const std::string& name) {
        return source.contains(name) && source[name].is_string() &&
               !source[name].get<std::string>().empty();
      };
      bool all = value.is_object() && !value.empty();
      if (value.is_object()) {
        for (const auto& [member, ignored] : value.items()) {
          all = all && states(key + "." + member);
        }
      }
      EXPECT_TRUE(all || states(key)) << entry.path() << ": " << key;
    }
  }
  EXPECT_EQ(files, 4);
}

}  // namespace
}  // namespace wbsim::system
