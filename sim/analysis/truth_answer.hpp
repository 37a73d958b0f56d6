// The kernel's answer to a case: what it measured, read only after the simulation.
#pragma once

#include <filesystem>
#include <optional>

#include "sim/analysis/run_record.hpp"
#include "sim/base/diagnostics.hpp"

namespace wbsim::analysis {

// Reads summary.json (fio's figures, merges), dirty.csv, issue.csv(.xz) and trace.txt(.xz) of
// `folder`. `first_io` is the case's workload start (truth_case.hpp). Events before t = 0 (the
// partition scan) are left out.
//
// Double completions: a write with PREFLUSH or FUA completes twice in issue.csv, and a flush at
// sector -1. Only block_rq_issue rows are read, of which each request has one; so a flush sequence
// counts as its parts issued: the flush (op 'F') and, where it has data, the write.
std::optional<RunRecord> read_answer(const std::filesystem::path& folder, SimTime first_io,
                                     Diagnostics& diagnostics);

}  // namespace wbsim::analysis
