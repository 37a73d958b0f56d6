// The interface between the block layer and device models: the only header of this folder that
// models/ may include.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::block {

enum class DeviceOp : std::uint8_t { kRead, kWrite, kFlush, kDiscard };

// blk_status_t, as far as it reaches a bio here.
enum class BlkStatus : std::uint8_t {
  kOk,
  kIoError,
  kTimeout,
  kNoSpace,
  kTransport,
  kTarget,
  kMedium
};

// What a device says of a command that it did not do. Of what a driver makes of it: driver.hpp.
enum class DeviceError : std::uint8_t {
  kNone,
  kMedium,         // a sector cannot be read or written
  kHardware,       // the device is broken
  kIllegal,        // it does not know such a command or sector
  kTransport,      // the way to it is interrupted
  kAborted,        // it gave the command up
  kNoSpace,        // thin provisioning: there is nothing to store the data in
  kBusy,           // it has no time
  kQueueFull,      // it has no place for the command
  kUnitAttention,  // it was reset
};

struct DeviceAnswer {
  DeviceError error = DeviceError::kNone;
  bool do_not_retry = false;      // NVMe: DNR
  std::uint16_t retry_after = 0;  // NVMe: command retry delay, in units of 100 ms
  Sectors good{0};                // that precede the first bad one of a medium error
};

// What queue_rq() may answer.
//   kAccepted      the command will complete once
//   kResource      out of a resource that no completion of this queue is sure to free
//   kDevResource   out of a device resource; a completion will re-run the queue
//   kZoneResource  the target zone is write-locked
enum class SubmitResult : std::uint8_t { kAccepted, kResource, kDevResource, kZoneResource };

// One command in the device. Owned by the client (it lives in the request); the device may keep a
// pointer from acceptance to completion and nothing else.
struct DeviceCommand {
  DeviceOp op = DeviceOp::kWrite;
  bool fua = false;       // the data must be durable before completion
  int tag = 0;            // unique among the commands in the device
  Lba sector;             // ignored by flushes
  Sectors length;         // zero for flushes
  SimTime submitted;      // set by the device
  DeviceAnswer answer{};  // set by the device, where it fails for a reason that it gives
};

// Implemented by the block layer. Called from an event of the device, never inside submit(); the
// device calls complete() once for each command it accepted.
class DeviceClient {
 public:
  virtual void complete(DeviceCommand& command, BlkStatus status) = 0;

 protected:
  ~DeviceClient() = default;
};

// A device model. submit() is called by the driver (queue_rq context); it must not complete the
// command inside the call. A command that was refused leaves no trace in the device.
//
// Durability: what survives a loss of power is what durable ranges contain. A write without a
// volatile cache, or with FUA, is durable when it completes; any other when a flush that was
// submitted after its completion completes.
class DeviceModel {
 public:
  DeviceModel() = default;
  DeviceModel(const DeviceModel&) = delete;
  DeviceModel& operator=(const DeviceModel&) = delete;
  virtual ~DeviceModel() = default;

  virtual SubmitResult submit(DeviceCommand& command) = 0;
  virtual void attach(DeviceClient& client) = 0;
  // Commands it can hold at once: the size of the tag set.
  [[nodiscard]] virtual int queue_depth() const = 0;
  // True when every byte of [first, first + length) would survive a loss of power now.
  [[nodiscard]] virtual bool is_durable(Lba first, Sectors length) const = 0;
};

// A device that may be so late that its driver gives a command up.
class FallibleDevice : public DeviceModel {
 public:
  // `command`, which is in the device, completes no more, and its client may use it again.
  virtual void abort(const DeviceCommand& command) = 0;
};

}  // namespace wbsim::block
