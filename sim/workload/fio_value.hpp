// The value of one fio option, read according to the option's type.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/workload/fio_number.hpp"
#include "sim/workload/fio_options.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// One entry of bssplit.
struct FioShare {
  FioNumber size;
  std::optional<int> percent{};  // nullopt: an equal share of what the others leave
};

struct FioValue {
  std::string text{};  // as written, after substitution; "" for a bare name
  // Numbers, flags and ranges: what stands between the separators. An empty member is left as it
  // was ("rate=,500k" says nothing of reads).
  std::vector<std::optional<FioNumber>> members{};
  std::string word{};     // kStr and kStrStore: the text before ':' where a postfix is allowed
  std::string postfix{};  // and after it
  std::vector<std::vector<FioShare>> splits{};  // kSplit: one list, or one for each direction
};

// `text` is nullopt for a bare name ("time_based"). `problem` is a sentence that follows
// "name=value: ".
Parsed<FioValue> parse_fio_value(const FioOptionInfo& option, std::optional<std::string_view> text,
                                 int kb_base);

// The member that governs a direction: of read,write,trim, or the only one. nullopt when the value
// leaves that direction as it was ("bs=8k," says nothing of writes).
std::optional<FioNumber> member_of(const FioOptionInfo& option, const FioValue& value,
                                   Direction direction);

// Fills what `value` leaves as it was from an `earlier` value of the same option.
void inherit_members(const FioOptionInfo& option, const FioValue& earlier, FioValue& value);

// Whether the value says no more than one of the option's neutral values, about the directions that
// are asked for.
bool is_neutral(const FioOptionInfo& option, const FioValue& value, bool reads = true,
                bool writes = true);

}  // namespace wbsim::workload
