#include "sim/block/driver.hpp"

#include <array>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

constexpr int kScsiRetries = 5;  // SD_MAX_RETRIES
constexpr int kNvmeRetries = 5;  // nvme_max_retries
constexpr SimDuration kNvmeRetryUnit = milliseconds(100);

constexpr std::array<DeviceErrorName, 9> kErrorNames{
    {{DeviceError::kMedium, "medium"},
     {DeviceError::kHardware, "hardware"},
     {DeviceError::kIllegal, "illegal"},
     {DeviceError::kTransport, "transport"},
     {DeviceError::kAborted, "aborted"},
     {DeviceError::kNoSpace, "no-space"},
     {DeviceError::kBusy, "busy"},
     {DeviceError::kQueueFull, "queue-full"},
     {DeviceError::kUnitAttention, "unit-attention"}}};

constexpr std::array<DriverName, 4> kDriverNames{{{Driver::kVirtioBlk, "virtio-blk"},
                                                  {Driver::kNullBlk, "null_blk"},
                                                  {Driver::kScsi, "scsi"},
                                                  {Driver::kNvme, "nvme"}}};

// Whether a failed command is tried again.
enum class Again : std::uint8_t { kNo, kFiveTimes, kForSomeTime };

struct ScsiTreatment {
  Again again = Again::kNo;
  BlkStatus status = BlkStatus::kIoError;  // once it is not
};

// A medium error is taken as what disks say: 11/00 unrecovered read error, 0C/00 write error; a
// transport error as DID_TRANSPORT_FAILFAST, an illegal request as 21/00 block address out of
// range, no space as DATA PROTECT 27/07 and a reset as UNIT ATTENTION 29/00 of a disk that is
// fixed.
ScsiTreatment scsi_treatment(DeviceError error, DeviceOp op, ErrorRules rules) {
  switch (error) {
    case DeviceError::kMedium:
      if (op == DeviceOp::kRead && rules != ErrorRules::kV2_6_18) {
        return {Again::kNo, BlkStatus::kMedium};
      }
      return {Again::kFiveTimes, BlkStatus::kIoError};
    case DeviceError::kHardware:
    case DeviceError::kIllegal:
      return {Again::kNo, BlkStatus::kTarget};
    case DeviceError::kTransport:
      return {Again::kNo, BlkStatus::kTransport};
    case DeviceError::kNoSpace:
      return {Again::kNo, BlkStatus::kNoSpace};
    case DeviceError::kAborted:
      return {Again::kFiveTimes, BlkStatus::kIoError};
    case DeviceError::kBusy:
    case DeviceError::kQueueFull:
    case DeviceError::kUnitAttention:
      return {Again::kForSomeTime, BlkStatus::kIoError};
    case DeviceError::kNone:
      break;
  }
  return {};
}

// scsi_cmd_retry_allowed().
bool scsi_retry_allowed(Request& request) { return ++request.errors.retries <= kScsiRetries; }

Verdict judge_scsi(const DriverOptions& options, Request& request, SimTime now) {
  const DeviceAnswer& answer = request.command.answer;
  const DeviceOp op = request.command.op;
  const ScsiTreatment treatment = scsi_treatment(answer.error, op, options.rules);
  const bool in_time = now <= request.errors.first_issue + options.timeout * (kScsiRetries + 1);
  if (treatment.again == Again::kForSomeTime && in_time) {
    return {.retry = true};
  }
  if (treatment.again == Again::kFiveTimes && scsi_retry_allowed(request) && in_time) {
    return {.retry = true};
  }
  request.status = options.rules == ErrorRules::kV5_10 ? treatment.status : BlkStatus::kIoError;
  const bool has_data = op == DeviceOp::kRead || op == DeviceOp::kWrite;
  const bool partly = answer.error == DeviceError::kMedium && has_data;
  return {.good = partly ? answer.good : Sectors{0}};
}

// Status codes: 281h unrecovered read error and 280h write fault, 06h internal error, 80h LBA out
// of range, 370h host path error, 07h abort requested, 81h capacity exceeded, 82h namespace not
// ready.
BlkStatus nvme_status(DeviceError error) {
  switch (error) {
    case DeviceError::kMedium:
      return BlkStatus::kMedium;
    case DeviceError::kIllegal:
    case DeviceError::kBusy:
      return BlkStatus::kTarget;
    case DeviceError::kTransport:
      return BlkStatus::kTransport;
    case DeviceError::kNoSpace:
      return BlkStatus::kNoSpace;
    case DeviceError::kNone:
    case DeviceError::kHardware:
    case DeviceError::kAborted:
    case DeviceError::kQueueFull:
    case DeviceError::kUnitAttention:
      break;
  }
  return BlkStatus::kIoError;
}

Verdict judge_nvme(Request& request) {
  const DeviceAnswer& answer = request.command.answer;
  if (!answer.do_not_retry && request.errors.retries < kNvmeRetries) {
    ++request.errors.retries;
    return {.retry = true, .delay = kNvmeRetryUnit * answer.retry_after};
  }
  request.status = nvme_status(answer.error);
  return {};
}

}  // namespace

int errno_of(BlkStatus status) {
  switch (status) {
    case BlkStatus::kOk:
      return 0;
    case BlkStatus::kIoError:
      break;
    case BlkStatus::kTimeout:
      return -110;  // ETIMEDOUT
    case BlkStatus::kNoSpace:
      return -28;  // ENOSPC
    case BlkStatus::kTransport:
      return -67;  // ENOLINK
    case BlkStatus::kTarget:
      return -121;  // EREMOTEIO
    case BlkStatus::kMedium:
      return -61;  // ENODATA
  }
  return kIoError;
}

std::span<const DriverName> driver_names() { return kDriverNames; }
std::span<const DeviceErrorName> device_error_names() { return kErrorNames; }

bool knows(Driver driver, DeviceError error) {
  const bool of_queue = error == DeviceError::kQueueFull || error == DeviceError::kUnitAttention;
  switch (driver) {
    case Driver::kVirtioBlk:
    case Driver::kNullBlk:
      return !of_queue && error != DeviceError::kBusy;
    case Driver::kScsi:
      return true;
    case Driver::kNvme:
      return !of_queue;
  }
  SIM_CHECK(false);
}

bool has_timeouts(Driver driver) { return driver == Driver::kScsi || driver == Driver::kNvme; }

Verdict judge(const DriverOptions& options, Request& request, SimTime now) {
  if (request.command.answer.error == DeviceError::kNone) {
    return {};  // of a device that gives no reason
  }
  switch (options.driver) {
    case Driver::kVirtioBlk:
    case Driver::kNullBlk:
      request.status = BlkStatus::kIoError;
      return {};
    case Driver::kScsi:
      return judge_scsi(options, request, now);
    case Driver::kNvme:
      return judge_nvme(request);
  }
  SIM_CHECK(false);
}

Verdict judge_timeout(const DriverOptions& options, Request& request) {
  request.status = BlkStatus::kIoError;  // DID_TIME_OUT, abort requested
  request.command.answer = {.error = DeviceError::kAborted};
  if (options.driver == Driver::kNvme) {
    return judge_nvme(request);
  }
  return {.retry = scsi_retry_allowed(request)};
}

}  // namespace wbsim::block
