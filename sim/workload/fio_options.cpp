#include "sim/workload/fio_options.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/workload/fio_treatment.hpp"

namespace wbsim::workload {

namespace {

constexpr FioOptionInfo kFacts[] = {
#include "sim/workload/fio_option_table.inc"
};

std::vector<FioOptionInfo> facts_with_treatment() {
  std::unordered_map<std::string_view, const FioTreatmentRow*> rows;
  for (const FioTreatmentRow& row : fio_treatment_rows()) {
    rows.emplace(row.name, &row);
  }
  std::vector<FioOptionInfo> all(std::begin(kFacts), std::end(kFacts));
  for (FioOptionInfo& option : all) {
    if (option.engine_option) {
      option.summary = "belongs to an ioengine that is not simulated";
      continue;
    }
    const auto row = rows.find(option.name);
    SIM_CHECK(row != rows.end());
    option.treatment = row->second->treatment;
    option.neutral = row->second->neutral;
    option.summary = row->second->summary;
  }
  std::stable_partition(all.begin(), all.end(),
                        [](const FioOptionInfo& option) { return !option.engine_option; });
  return all;
}

using NameIndex = std::unordered_map<std::string_view, const FioOptionInfo*>;

// The first of two equal names wins: fio looks into its own table before an ioengine's.
NameIndex index_by_name() {
  NameIndex index;
  for (const FioOptionInfo& option : fio_options()) {
    index.emplace(option.name, &option);
  }
  for (const FioOptionInfo& option : fio_options()) {
    if (!option.alias.empty()) {
      index.emplace(option.alias, &option);
    }
  }
  return index;
}

// Which characters a word has, one bit each. A character that only one of two words has costs an
// edit, so that the difference bounds the edit distance from below, and cheaply.
std::uint64_t letters_of(std::string_view word) {
  std::uint64_t letters = 0;
  for (const char c : word) {
    letters |= std::uint64_t{1} << (static_cast<unsigned char>(c) % 64);
  }
  return letters;
}

using LettersByName = std::vector<std::pair<std::string_view, std::uint64_t>>;

const LettersByName& names_with_letters() {
  static const LettersByName kNames = [] {
    LettersByName names;
    for (const FioOptionInfo& option : fio_options()) {
      names.emplace_back(option.name, letters_of(option.name));
      if (!option.alias.empty()) {
        names.emplace_back(option.alias, letters_of(option.alias));
      }
    }
    return names;
  }();
  return kNames;
}

}  // namespace

const std::vector<FioOptionInfo>& fio_options() {
  static const std::vector<FioOptionInfo> kAll = facts_with_treatment();
  return kAll;
}

const FioOptionInfo* find_fio_option(std::string_view name) {
  static const NameIndex kIndex = index_by_name();
  const auto found = kIndex.find(name);
  return found == kIndex.end() ? nullptr : found->second;
}

std::string suggest_fio_option(std::string_view name) {
  const std::uint64_t letters = letters_of(name);
  const int distance_max = 1 + static_cast<int>(name.size() / 4);  // did_you_mean()'s
  std::vector<std::string> likely;
  for (const auto& [candidate, candidate_letters] : names_with_letters()) {
    const int only_here = std::popcount(letters & ~candidate_letters);
    const int only_there = std::popcount(candidate_letters & ~letters);
    if (std::max(only_here, only_there) <= distance_max) {
      likely.emplace_back(candidate);
    }
  }
  return did_you_mean(name, likely);
}

std::string_view to_string(FioType type) {
  switch (type) {
    case FioType::kInt:
    case FioType::kUll:
      return "number";
    case FioType::kStrVal:
    case FioType::kStrValZone:
      return "size";
    case FioType::kStrValTime:
      return "time";
    case FioType::kBool:
      return "0 or 1";
    case FioType::kStrSet:
      return "flag";
    case FioType::kStr:
      return "word";
    case FioType::kStrStore:
      return "text";
    case FioType::kRange:
      return "range";
    case FioType::kFloatList:
      return "list of numbers";
    case FioType::kSplit:
      return "size/percent list";
    case FioType::kStrMulti:
      return "list of words";
    case FioType::kSoftDeprecated:
    case FioType::kDeprecated:
      return "deprecated";
  }
  return "";
}

std::string_view to_string(FioTreatment treatment) {
  switch (treatment) {
    case FioTreatment::kSimulated:
      return "simulated";
    case FioTreatment::kNote:
      return "accepted with a note";
    case FioTreatment::kSilent:
      return "accepted";
    case FioTreatment::kNeutralOnly:
      return "refused unless neutral";
    case FioTreatment::kRemoved:
      return "removed from fio";
  }
  return "";
}

std::vector<std::string> split_words(std::string_view words, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= words.size();) {
    const std::size_t end = std::min(words.find(separator, begin), words.size());
    parts.emplace_back(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace wbsim::workload
