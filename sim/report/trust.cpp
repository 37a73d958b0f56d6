#include "sim/report/trust.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace wbsim::report {

namespace {

// A row changes in the same commit as the comparison it rests on.
constexpr std::array<TrustRow, 43> kTable{{
    {"dirty limits", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "thresholds of global_dirty_state, dirty curve"},
    {"pos_ratio", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "task_ratelimit of balance_dirty_pages, dirty curve"},
    {"bandwidth", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "dirty curve, pauses"},
    {"ratelimit", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "dirty_ratelimit of balance_dirty_pages, pauses"},
    {"pause", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "number, total and first of balance_dirty_pages pauses"},
    {"flusher", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "dirty curve, time of crossing the background threshold"},
    {"kupdate", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "dirty curve under other expire and writeback intervals"},
    {"pdflush", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"bdi threads", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"writers write back", Evidence::kVector, Evidence::kVector, Evidence::kVector,
     "worked examples of get_dirty_limits(), mm/page-writeback.c, v2.6.18"},
    {"control laws of 3.6", Evidence::kVector, Evidence::kVector, Evidence::kVector,
     "worked examples of bdi_position_ratio(), mm/page-writeback.c, v3.6"},
    {"plug", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue"},
    {"merge", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "number of merges, request sizes"},
    {"blk-mq none", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue"},
    {"mq-deadline", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue"},
    {"kyber", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue"},
    {"bfq", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue"},
    {"wbt", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "steps of wbt_step, throughput of a writer and a reader"},
    {"single queue", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"noop", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"deadline", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"cfq", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"anticipatory", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"flush/FUA", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "order of block_rq_issue, fsync latency"},
    {"direct I/O", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "throughput, latency, order of block_rq_issue"},
    {"asynchronous I/O", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "throughput, latency, order of block_rq_issue"},
    {"device errors", Evidence::kVector, Evidence::kVector, Evidence::kNone,
     "statuses, retries and timeouts of scsi_error.c, scsi_lib.c and nvme/host/core.c"},
    {"scsi budget", Evidence::kVector, Evidence::kVector, Evidence::kNone,
     "worked examples of drivers/scsi/scsi_lib.c and scsi_error.c"},
    {"io.max", Evidence::kVector, Evidence::kVector, Evidence::kNone,
     "worked examples of block/blk-throttle.c"},
    {"io.bfq.weight", Evidence::kVector, Evidence::kTruthCase, Evidence::kNone,
     "throughput of each job, order of block_rq_issue"},
    {"block device page cache", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "throughput, dirty curve"},
    {"buffered reads", Evidence::kNone, Evidence::kTruthCase, Evidence::kTruthCase,
     "throughput, latency, order of block_rq_issue"},
    {"LRU/kswapd (basic)", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"CPU scheduling", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"several CPUs", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"several devices", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"stacked devices", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"files", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"another HZ", Evidence::kNone, Evidence::kNone, Evidence::kNone, ""},
    {"simdisk", Evidence::kTruthCase, Evidence::kTruthCase, Evidence::kTruthCase,
     "issue to completion of every request"},
    {"hdd", Evidence::kNone, Evidence::kNone, Evidence::kNone, "", true},
    {"ssd", Evidence::kNone, Evidence::kNone, Evidence::kNone, "", true},
    {"null_blk", Evidence::kNone, Evidence::kNone, Evidence::kNone, "", true},
}};

}  // namespace

std::string_view to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::kNone:
      break;
    case Evidence::kExternalFigure:
      return "external figure";
    case Evidence::kVector:
      return "vector";
    case Evidence::kTruthCase:
      return "truth case";
  }
  return "none";
}

std::span<const TrustRow> trust_table() { return kTable; }

Evidence evidence_for(std::string_view kernel, std::string_view mechanism) {
  for (const TrustRow& row : kTable) {
    if (row.mechanism == mechanism) {
      if (kernel == "5.10") {
        return row.kernel_5_10;
      }
      if (kernel == "6.1") {
        return row.kernel_6_1;
      }
      return kernel == "6.12" ? row.kernel_6_12 : Evidence::kNone;
    }
  }
  return Evidence::kNone;
}

bool is_preliminary(std::string_view mechanism) {
  return std::any_of(kTable.begin(), kTable.end(), [mechanism](const TrustRow& row) {
    return row.mechanism == mechanism && row.preliminary;
  });
}

std::string_view trust_in(std::string_view kernel, std::string_view mechanism) {
  return is_preliminary(mechanism) ? "preliminary model"
                                   : to_string(evidence_for(kernel, mechanism));
}

std::string trust_line(std::string_view kernel, const std::vector<std::string>& mechanisms) {
  std::array<int, 4> count{};  // index = Evidence
  std::string unchecked;
  std::string preliminary;
  for (const std::string& mechanism : mechanisms) {
    if (is_preliminary(mechanism)) {
      preliminary += (preliminary.empty() ? ", preliminary model: " : ", ") + mechanism;
      continue;
    }
    const Evidence evidence = evidence_for(kernel, mechanism);
    ++count[static_cast<std::size_t>(evidence)];
    if (evidence == Evidence::kNone) {
      unchecked += (unchecked.empty() ? ": " : ", ") + mechanism;
    }
  }
  std::string line = fmt::format("trust (Linux {}): ", kernel);
  for (const Evidence evidence :
       {Evidence::kTruthCase, Evidence::kVector, Evidence::kExternalFigure}) {
    if (const int n = count[static_cast<std::size_t>(evidence)]; n > 0) {
      line += fmt::format("{} {}, ", n, to_string(evidence));
    }
  }
  return line + fmt::format("{} none{}", count[0], unchecked) + preliminary;
}

}  // namespace wbsim::report
