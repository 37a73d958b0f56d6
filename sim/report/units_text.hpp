// Quantities as people read them: four significant digits and a unit. The same text whatever the
// locale.
#pragma once

#include <string>

#include "sim/base/units.hpp"

namespace wbsim::report {

std::string time_text(double nanoseconds);  // "81.41us", "14.09ms", "1.5s"
std::string time_text(SimDuration time);
std::string bytes_text(double bytes);  // "101.8MiB"
std::string bytes_text(Bytes bytes);
std::string bytes_si_text(double bytes);  // "106.8MB", as fio adds in brackets

}  // namespace wbsim::report
