#include "sim/block/error_handler.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {
constexpr int kAbortPart = 100;  // scsi_abort_command(): HZ / 100
// Aborts that an NVMe controller takes at once: its abort command limit of 3 is zero based.
constexpr int kNvmeAbortsMax = 4;
}  // namespace

ErrorHandler::ErrorHandler(ErrorHost& host, engine::Machine& machine, const DriverOptions& options)
    : host_{host},
      machine_{machine},
      options_{options},
      timeout_{timeout_in_jiffies(options.timeout, machine.jiffies())},
      late_{engine::event_calling<&ErrorHandler::on_timer>(*this, "request timeouts")},
      timer_{machine, options.rules, late_},
      abort_{engine::event_calling<&ErrorHandler::on_abort>(*this, "abort")},
      recovery_{engine::event_calling<&ErrorHandler::recover>(*this, "recovery")} {
  SIM_CHECK(options.fallible != nullptr && timeout_ > 0);
  options_.timeout = machine.jiffies().to_duration(timeout_);
}

ErrorHandler::~ErrorHandler() {
  for (engine::Event* event : {&late_, &abort_, &recovery_}) {
    machine_.simulator().cancel(*event);
  }
}

void ErrorHandler::on_issue(Request& request) {
  if (!std::exchange(request.errors.tried, true)) {
    request.errors.first_issue = request.issued;
  }
  if (!has_timeouts(options_.driver)) {
    return;
  }
  request.errors.deadline = machine_.jiffies_now() + timeout_;
  in_device_.push_back(&request);
  timer_.arm(request.errors.deadline);
}

// Models: blk_mq_timeout_work(), which looks at the tags by number; blk_rq_timed_out_timer(), v3.6,
// goes by the order of issue.
void ErrorHandler::on_timer() {
  const std::uint64_t now = machine_.jiffies_now();
  const auto first_in_time =
      std::find_if(in_device_.begin(), in_device_.end(),
                   [now](const Request* request) { return request->errors.deadline > now; });
  std::vector<Request*> late(in_device_.begin(), first_in_time);
  in_device_.erase(in_device_.begin(), first_in_time);
  if (options_.rules == ErrorRules::kV5_10) {
    std::sort(late.begin(), late.end(),
              [](const Request* a, const Request* b) { return a->tag < b->tag; });
  }
  int aborts = 0;
  for (Request* request : late) {
    if (options_.driver == Driver::kNvme && ++aborts > kNvmeAbortsMax) {
      request->errors.deadline = now + timeout_;  // BLK_EH_RESET_TIMER
      in_device_.push_back(request);
    } else {
      on_late(*request);
    }
  }
  if (!in_device_.empty()) {
    timer_.expire_at(in_device_.front()->errors.deadline);
  }
}

void ErrorHandler::on_late(Request& request) {
  ++counts_.timeouts;
  options_.fallible->abort(request.command);
  if (options_.driver == Driver::kNvme) {
    set(request, judge_timeout(options_, request));
    host_.end_given_up(request);
  } else if (options_.rules == ErrorRules::kV5_10 && !std::exchange(request.errors.aborted, true)) {
    const auto delay = static_cast<std::uint64_t>(machine_.jiffies().hz() / kAbortPart);
    const SimTime when = machine_.jiffies().timer_time(machine_.simulator().now(), delay);
    aborting_.push_back({&request, when});
    if (!abort_.pending()) {
      machine_.simulator().schedule(abort_, when);
    }
  } else {
    failed_.push_back(&request);
    look_for_recovery();
  }
}

// Models: scmd_eh_abort_handler().
void ErrorHandler::on_abort() {
  Request& request = *aborting_.front().request;
  aborting_.pop_front();
  if (!aborting_.empty()) {
    machine_.simulator().schedule(abort_, aborting_.front().when);
  }
  set(request, judge_timeout(options_, request));
  host_.end_given_up(request);
}

// Models: scsi_eh_wakeup(): all commands of the host have failed or ended.
void ErrorHandler::look_for_recovery() {
  if (recovering() && host_.in_device() == static_cast<int>(failed_.size()) &&
      !recovery_.pending()) {
    machine_.simulator().schedule_after(recovery_, SimDuration{});
  }
}

// Models: scsi_eh_flush_done_q() and scsi_restart_operations().
void ErrorHandler::recover() {
  for (Request* request : failed_) {
    set(*request, judge_timeout(options_, *request));
    host_.end_given_up(*request);
  }
  failed_.clear();
  host_.run_after_recovery();
}

void ErrorHandler::on_end(Request& request) {
  std::erase(in_device_, &request);
  Verdict verdict;
  if (request.status != BlkStatus::kOk) {
    verdict = judge(options_, request, machine_.simulator().now());
  }
  set(request, verdict);
}

void ErrorHandler::set(Request& request, const Verdict& verdict) {
  RequestErrors& errors = request.errors;
  errors.verdict = verdict;
  if (verdict.retry) {
    ++counts_.retries;
    return;
  }
  counts_.failed += request.status == BlkStatus::kOk ? 0 : 1;
  errors.retries = 0;
  errors.tried = errors.aborted = false;
}

}  // namespace wbsim::block
