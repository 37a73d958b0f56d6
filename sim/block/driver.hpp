// What block drivers make of commands that their device did not do.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

enum class Driver : std::uint8_t { kVirtioBlk, kNullBlk, kScsi, kNvme };
// By the kernel: before v4.13 bios knew an errno, and all that was not done was EIO to its caller.
enum class ErrorRules : std::uint8_t { kV2_6_18, kV3_6, kV5_10 };

// blk_status_to_errno(), block/blk-core.c, v6.1: negative.
[[nodiscard]] int errno_of(BlkStatus status);

// Names as a configuration writes them.
using DriverName = std::pair<Driver, std::string_view>;
[[nodiscard]] std::span<const DriverName> driver_names();
using DeviceErrorName = std::pair<DeviceError, std::string_view>;
[[nodiscard]] std::span<const DeviceErrorName> device_error_names();
// Whether a device that this driver drives can say so.
[[nodiscard]] bool knows(Driver driver, DeviceError error);
// virtio-blk waits for ever; the timeout of null_blk is not modelled.
[[nodiscard]] bool has_timeouts(Driver driver);

struct DriverOptions {
  Driver driver = Driver::kVirtioBlk;
  ErrorRules rules = ErrorRules::kV5_10;
  // Null where every command succeeds in time: nobody looks for errors then.
  FallibleDevice* fallible = nullptr;
  SimDuration timeout = seconds(30);  // io_timeout; SD_TIMEOUT, NVME_IO_TIMEOUT
};

// Decides about a request whose command has failed at `now`: sets request.status, counts a retry.
//  - virtio-blk and null_blk know one error and try nothing again (virtblk_result()).
//  - SCSI: scsi_decide_disposition(), scsi_io_completion_action() and sd_done(), v6.1 (v5.10 is
//    equal). What is worth a retry gets five; BUSY, TASK SET FULL and a reset get as many as fit
//    into six timeouts from the first try. What cannot be read is not tried again, what cannot be
//    written is. The good sectors before a bad one succeed.
//  - NVMe: nvme_decide_disposition() and nvme_error_status(), v6.1. Everything gets five retries,
//    as late as the device wants them, unless it says that they are no use.
// Simplified: of 2.6.18, which fails the rest of a request bio by bio, each with retries of its
// own, all that follows a bad sector fails at once; libata's own error handling is left out; no
// sectors of a hardware error are good; hosts lower their depth when the queue is full
// (track_queue_depth).
[[nodiscard]] Verdict judge(const DriverOptions& options, Request& request, SimTime now);

// A timeout and the abort that followed it used up one try.
[[nodiscard]] Verdict judge_timeout(const DriverOptions& options, Request& request);

}  // namespace wbsim::block
