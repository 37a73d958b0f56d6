// The options of a device about its hardware queues and tags.
#pragma once

#include <string>
#include <vector>

#include "sim/block/request_queue.hpp"
#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// `hw_queues` of a queue.
Field hw_queues_field(QueueConfig& queue);
// `host` and `host_tags`.
std::vector<Field> host_fields(DeviceConfig& device);

// Sets what the drivers make where nothing was said, and the elevator that follows from it. The
// models are complete.
void check_and_complete_hw_queues(ReadContext& context, Config& config);

// blk_mq_tag_set.queue_depth: the driver's tags of a hardware queue, or of a whole SCSI host.
int tag_depth(const DeviceConfig& device);
// Commands that the driver may give the device at once.
int held_commands(const DeviceConfig& device);

// What a request queue is told about its hardware queues.
void set_hw_queue_options(const DeviceConfig& device, const KernelSwitches& kernel,
                          block::RequestQueueOptions& options);
// The tags of a host.
block::TagHostOptions tag_host_options(const DeviceConfig& device, const Config& config);

}  // namespace wbsim::system
