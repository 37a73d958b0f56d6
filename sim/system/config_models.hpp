// The options of the device models: the members of a device that depend on its model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// Those of the device's own model, bound to it.
std::vector<Field> model_fields(DeviceConfig& device);
// Those of all models, each key once: for the schema and for lists.
std::vector<Field> all_model_fields(DeviceConfig& device);
// Names of the models that have an option of this name.
std::vector<std::string> models_with(std::string_view key);

// What the kernel learns from such a device: rotational, cache, FUA and the limits of its driver.
void set_queue_defaults(DeviceConfig& device);

// Says what the description of the device lacks, and sets the defaults that follow from the rest.
void check_and_complete_model(ReadContext& context, const std::string& pointer,
                              DeviceConfig& device);

// Commands it holds at once. Its model must be known and complete.
int queue_depth(const DeviceConfig& device);

// blk_queue_depth() when the kernel registers the disk, before anybody sets its queue: the depth
// that a SCSI driver told (scsi_change_queue_depth()), or else nr_requests: of mq-deadline, which
// is the default with one hardware queue, or of none with many (NVMe).
int registered_queue_depth(const DeviceConfig& device);

// wbt_default_latency_nsec().
std::int64_t default_wbt_lat_usec(const QueueConfig& queue);
// Target of writeback throttling, absent where it is off. An elevator that switches it off does so
// before wbt_lat_usec is written, and to write the value it has changes nothing
// (wbt_disable_default(), queue_wb_lat_store()).
std::optional<SimDuration> wbt_latency(const QueueConfig& queue);

}  // namespace wbsim::system
