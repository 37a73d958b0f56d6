// fio's options: the facts of fio's own table, and what wbsim does with each option.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace wbsim::workload {

// fio's value types (fio's HOWTO, "Parameter types").
enum class FioType {
  kInt,
  kUll,
  kStrVal,
  kStrValZone,  // a size, a percentage or a number of zones
  kStrValTime,
  kBool,
  kStrSet,  // true when it stands alone
  kStr,     // one word of a list, when there is a list
  kStrStore,
  kRange,
  kFloatList,
  kSplit,  // size/percent:size/percent
  kStrMulti,
  kSoftDeprecated,
  kDeprecated,
};

// What a number without a unit means to an option that is a time.
enum class FioTime { kNone, kSeconds, kMicroseconds };

enum class FioTreatment {
  kSimulated,    // acts in the simulation
  kNote,         // cannot act in a simulation; one note per run
  kSilent,       // cannot act together with the options that are simulated
  kNeutralOnly,  // accepted where it asks for nothing, otherwise refused by name
  kRemoved,      // fio itself rejects it
};

struct FioOptionInfo {
  std::string_view name;
  std::string_view alias = "";
  FioType type = FioType::kStrStore;
  std::string_view default_value = "";
  std::string_view values = "";  // "a|b|c": the only words allowed; "" when there is no list
  bool engine_option = false;    // known only to some ioengine
  FioTime time = FioTime::kNone;
  int members = 1;              // 3: read,write,trim; 2: a range
  bool postfix = false;         // ":N" may follow the word
  bool optional_value = false;  // may stand alone
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();

  FioTreatment treatment = FioTreatment::kNeutralOnly;
  std::string_view neutral = "";  // kNeutralOnly: "a|b", the values that ask for nothing
  std::string_view summary = "";  // what it does here, or why it does nothing or is refused
};

// Every option that fio knows, in fio's order; options of ioengines last.
const std::vector<FioOptionInfo>& fio_options();

// By name or alias, exactly as written; nullptr when there is none.
const FioOptionInfo* find_fio_option(std::string_view name);

// The name or alias that `name` is most likely a typing error of, or "".
std::string suggest_fio_option(std::string_view name);

std::string_view to_string(FioType type);
std::string_view to_string(FioTreatment treatment);

// The parts of "a|b|c".
std::vector<std::string> split_words(std::string_view words, char separator = '|');

}  // namespace wbsim::workload
