// What wbsim does with each of fio's options: one row per option that is no ioengine's own.
#pragma once

#include <span>
#include <string_view>

#include "sim/workload/fio_options.hpp"

namespace wbsim::workload {

struct FioTreatmentRow {
  std::string_view name;
  FioTreatment treatment;
  std::string_view neutral;
  std::string_view summary;
};

std::span<const FioTreatmentRow> fio_treatment_rows();

}  // namespace wbsim::workload
