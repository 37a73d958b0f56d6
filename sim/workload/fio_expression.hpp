// fio's arithmetic in values: "(8 * 4k + 1)", "(1.5s)".
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/workload/fio_number.hpp"

namespace wbsim::workload {

// Evaluates + - * / % ^ and parentheses over numbers with fractions and units, in double
// precision; the result is cut to a whole number. A number without a unit is a byte or, in a time,
// a microsecond whatever the option's own unit is (fio HOWTO, "Parameter types").
Parsed<std::int64_t> evaluate_expression(std::string_view text, NumberRules rules);

}  // namespace wbsim::workload
