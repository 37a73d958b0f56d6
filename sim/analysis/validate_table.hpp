// The report of `wbsim validate` as one table and as JSON.
#pragma once

#include <string>

#include "sim/analysis/validate.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::analysis {

enum class TableFormat { kMarkdown, kPlain };

// One row a case: our error beside the null model's, in percent (the order: the score). Below the
// rows: median, worst and goal; the misses with their diagnoses; what was refused, and why.
std::string to_table(const ValidationReport& report, TableFormat format);

system::Json to_json(const ValidationReport& report);

}  // namespace wbsim::analysis
