// The parts of report.html that are the same for every report; the build makes them from page/.
#pragma once

#include <string_view>

namespace wbsim::sweep {

extern const std::string_view kPageTemplate;  // page/report.html
extern const std::string_view kPageStyle;     // page/report.css
extern const std::string_view kPageScript;    // page/*.js

}  // namespace wbsim::sweep
