// How far each mechanism of a kernel profile has been checked against something that is not wbsim.
// Every summary says which mechanisms of the run nobody has checked yet.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wbsim::report {

// In ascending order of weight.
enum class Evidence {
  kNone,
  kExternalFigure,  // a measurement that others published
  kVector,          // numbers worked out from that kernel's source, asserted by a unit test
  kTruthCase,       // a run of the real kernel, compared by `wbsim validate`
};
std::string_view to_string(Evidence evidence);

struct TrustRow {
  std::string_view mechanism;
  Evidence kernel_5_10;
  Evidence kernel_6_1;
  Evidence kernel_6_12;
  std::string_view basis;  // what was compared
  // A first model of the mechanism, whose results are not to be relied on.
  bool preliminary = false;
};

std::span<const TrustRow> trust_table();

// kNone for a mechanism or kernel that the table does not know: nobody has checked it.
Evidence evidence_for(std::string_view kernel, std::string_view mechanism);

bool is_preliminary(std::string_view mechanism);
// What a summary says of one mechanism: the name of its evidence, or that it is preliminary.
std::string_view trust_in(std::string_view kernel, std::string_view mechanism);

// "trust (Linux 5.10): 11 truth case, 1 vector, 2 none: CPU scheduling, LRU/kswapd (basic)";
// with ", preliminary model: hdd" behind it where the run makes use of one.
std::string trust_line(std::string_view kernel, const std::vector<std::string>& mechanisms);

}  // namespace wbsim::report
