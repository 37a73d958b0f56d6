// CSV as RFC 4180 has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wbsim::sweep {

// Quoted where it has to be.
std::string csv_field(std::string_view text);
// All rows, the header's included. Quotes may hold commas and line ends.
std::vector<std::vector<std::string>> parse_csv(std::string_view text);

}  // namespace wbsim::sweep
