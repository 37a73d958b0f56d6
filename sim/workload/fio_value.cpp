#include "sim/workload/fio_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/base/diagnostics.hpp"

namespace wbsim::workload {

namespace {

using Result = Parsed<FioValue>;

constexpr int kDirectionMembers = 3;  // read,write,trim
// Far from overflow, wherever times are added up.
constexpr std::int64_t kTimeMax = 365LL * 86'400 * 1'000'000;  // us

Result fail(std::string problem) { return {std::nullopt, std::move(problem)}; }

NumberRules rules_of(const FioOptionInfo& option, int kb_base) {
  return {.kb_base = kb_base,
          .time = option.time,
          .percent_and_zones = option.type == FioType::kStrValZone};
}

// Cuts at any of `separators` outside parentheses; a '-' that begins a member is its sign.
std::vector<std::string_view> split_members(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> members;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    const bool is_sign = text[i] == '-' && i == begin;
    if (depth <= 0 && !is_sign && separators.find(text[i]) != std::string_view::npos) {
      members.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  members.push_back(text.substr(begin));
  return members;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t end = text.find_last_not_of(kBlanks);
  return text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin);
}

std::string range_problem(const FioOptionInfo& option, std::int64_t value) {
  if (value < option.min) {
    return option.min == 0 ? "must not be negative"
                           : fmt::format("must be at least {}", option.min);
  }
  if (option.time != FioTime::kNone && value > kTimeMax) {
    return "must be at most 365 days, the longest time that is simulated";
  }
  return value > option.max ? fmt::format("must be at most {}", option.max) : std::string{};
}

std::string too_many_members(const FioOptionInfo& option) {
  switch (option.members) {
    case 1:
      return "takes one value";
    case 2:
      return "takes one value or a range such as 1-5";
    default:
      return "takes at most three values: read,write,trim";
  }
}

Result parse_numbers(const FioOptionInfo& option, std::string_view text, int kb_base) {
  FioValue value{.text = std::string(text)};
  // What "1:30" and "1-5" mean for an option with one value would be a guess.
  const std::vector<std::string_view> members = split_members(text, ",:-");
  if (members.size() > static_cast<std::size_t>(option.members)) {
    return fail(too_many_members(option));
  }
  for (const std::string_view member : members) {
    if (trimmed(member).empty() && members.size() > 1) {
      value.members.emplace_back();
      continue;
    }
    const Parsed<FioNumber> number = parse_number(trimmed(member), rules_of(option, kb_base));
    if (!number.value) {
      return fail(number.problem);
    }
    const std::string problem = range_problem(option, number.value->value);
    if (!problem.empty()) {
      return fail(problem);
    }
    value.members.push_back(number.value);
  }
  return {std::move(value), {}};
}

Result parse_flag(std::string_view text) {
  if (text != "0" && text != "1") {
    const bool on = text == "true" || text == "yes" || text == "on";
    const bool off = text == "false" || text == "no" || text == "off";
    return fail(fmt::format("must be 0 or 1{}", on ? "; use 1" : off ? "; use 0" : ""));
  }
  FioValue value{.text = std::string(text)};
  value.members.push_back(FioNumber{text == "1" ? 1 : 0});
  return {std::move(value), {}};
}

std::string unknown_word(std::string_view word, std::string_view allowed) {
  const std::vector<std::string> words = split_words(allowed);
  // One letter or digit is as close to any other.
  const std::string meant = word.size() > 1 ? did_you_mean(lower_case(word), words) : "";
  return fmt::format("unknown \"{}\"; one of {}{}", printable(word), fmt::join(words, ", "),
                     meant.empty() ? "" : fmt::format(". Did you mean \"{}\"?", meant));
}

bool is_one_of(std::string_view word, std::string_view allowed) {
  const std::vector<std::string> words = split_words(allowed);
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result parse_word(const FioOptionInfo& option, std::string_view text) {
  FioValue value{.text = std::string(text), .word = std::string(text)};
  if (option.values.empty()) {
    return {std::move(value), {}};
  }
  const std::size_t colon = text.find(':');
  if (option.postfix && colon != std::string_view::npos) {
    value.word = text.substr(0, colon);
    value.postfix = text.substr(colon + 1);
  }
  if (!is_one_of(value.word, option.values)) {
    return fail(unknown_word(value.word, option.values));
  }
  return {std::move(value), {}};
}

Result parse_words(const FioOptionInfo& option, std::string_view text) {
  for (const std::string_view part : split_members(text, ",")) {
    const std::string_view word = trimmed(part.substr(0, part.find(':')));
    if (!is_one_of(word, option.values)) {
      return fail(unknown_word(word, option.values));
    }
  }
  return {FioValue{.text = std::string(text)}, {}};
}

Result parse_ranges(std::string_view text, int kb_base) {
  constexpr std::size_t kDirections = 3;
  FioValue value{.text = std::string(text)};
  const std::vector<std::string_view> groups = split_members(text, ",");
  for (const std::string_view group : groups) {
    const std::vector<std::string_view> ends = split_members(group, "-:");
    if (ends.size() != 2 || groups.size() > kDirections) {
      return fail("must be a range such as 4k-64k, for read,write,trim at most");
    }
    for (const std::string_view end : ends) {
      const Parsed<FioNumber> number = parse_number(trimmed(end), {.kb_base = kb_base});
      if (!number.value) {
        return fail(number.problem);
      }
      value.members.push_back(number.value);
    }
  }
  return {std::move(value), {}};
}

Result parse_split(std::string_view text, int kb_base) {
  FioValue value{.text = std::string(text)};
  for (const std::string_view group : split_members(text, ",")) {
    std::vector<FioShare>& shares = value.splits.emplace_back();
    for (const std::string_view part : split_members(group, ":")) {
      const std::size_t slash = std::min(part.find('/'), part.size());
      const Parsed<FioNumber> size = parse_number(part.substr(0, slash), {.kb_base = kb_base});
      const std::string_view percent = part.substr(std::min(slash + 1, part.size()));
      const Parsed<FioNumber> share = parse_number(percent.empty() ? "0" : percent, {});
      if (!size.value || !share.value) {
        return fail(!size.value ? size.problem : share.problem);
      }
      if (share.value->value < 0 || share.value->value > 100) {
        return fail(fmt::format("\"{}\" is not between 0 and 100 percent", printable(percent)));
      }
      shares.push_back({*size.value, percent.empty()
                                         ? std::nullopt
                                         : std::optional{static_cast<int>(share.value->value)}});
    }
  }
  return {std::move(value), {}};
}

Result parse_decimals(std::string_view text) {
  constexpr std::size_t kLongestList = 20;  // fio's FIO_IO_U_LIST_MAX_LEN
  const std::vector<std::string_view> parts = split_members(text, ":,");
  if (parts.size() > kLongestList) {
    return fail(fmt::format("takes at most {} numbers", kLongestList));
  }
  for (const std::string_view part : parts) {
    double number = 0;
    const std::string_view digits = trimmed(part);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] =
        std::from_chars(digits.data(), end, number, std::chars_format::fixed);
    if (error != std::errc{} || stop != end) {
      return fail(fmt::format("\"{}\" is no decimal number", printable(part)));
    }
  }
  return {FioValue{.text = std::string(text)}, {}};
}

Result parse_text(const FioOptionInfo& option, std::string_view text, int kb_base) {
  switch (option.type) {
    case FioType::kInt:
    case FioType::kUll:
    case FioType::kStrVal:
    case FioType::kStrValZone:
    case FioType::kStrValTime:
      return parse_numbers(option, text, kb_base);
    case FioType::kBool:
    case FioType::kStrSet:
      return parse_flag(text);
    case FioType::kStr:
      return parse_word(option, text);
    case FioType::kStrMulti:
      return parse_words(option, text);
    case FioType::kRange:
      return parse_ranges(text, kb_base);
    case FioType::kSplit:
      return parse_split(text, kb_base);
    case FioType::kFloatList:
      return parse_decimals(text);
    case FioType::kStrStore:
    case FioType::kSoftDeprecated:
    case FioType::kDeprecated:
      break;
  }
  return {FioValue{.text = std::string(text), .word = std::string(text)}, {}};
}

}  // namespace

Result parse_fio_value(const FioOptionInfo& option, std::optional<std::string_view> text,
                       int kb_base) {
  if (!text) {
    if (option.type == FioType::kStrSet) {
      FioValue value;
      value.members.push_back(FioNumber{1});
      return {std::move(value), {}};
    }
    if (option.optional_value || option.type == FioType::kSoftDeprecated) {
      return {FioValue{}, {}};
    }
    return fail(option.type == FioType::kBool
                    ? "needs a value: 0 or 1"
                    : fmt::format("needs a value: {}={}", option.name, to_string(option.type)));
  }
  if (text->empty()) {
    return fail("the value is empty");
  }
  return parse_text(option, *text, kb_base);
}

std::optional<FioNumber> member_of(const FioOptionInfo& option, const FioValue& value,
                                   Direction direction) {
  if (value.members.empty()) {
    return std::nullopt;
  }
  const bool has_directions = option.members == kDirectionMembers && value.members.size() > 1;
  return value.members[has_directions && direction == Direction::kWrite ? 1 : 0];
}

void inherit_members(const FioOptionInfo& option, const FioValue& earlier, FioValue& value) {
  if (option.members != kDirectionMembers || value.members.size() < 2) {
    return;
  }
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    std::optional<FioNumber>& member = value.members[direction == Direction::kWrite ? 1 : 0];
    if (!member) {
      member = member_of(option, earlier, direction);
    }
  }
}

bool is_neutral(const FioOptionInfo& option, const FioValue& value, bool reads, bool writes) {
  if (option.neutral.empty()) {
    return false;
  }
  if (value.members.empty()) {
    return value.postfix.empty() && is_one_of(value.word, option.neutral);
  }
  const std::vector<std::string> alternatives = split_words(option.neutral);
  const auto neutral = [&](const std::optional<FioNumber>& number) {
    return !number || std::any_of(alternatives.begin(), alternatives.end(), [&](const auto& text) {
      return parse_number(text, {}).value == number;
    });
  };
  return (!reads || neutral(member_of(option, value, Direction::kRead))) &&
         (!writes || neutral(member_of(option, value, Direction::kWrite)));
}

}  // namespace wbsim::workload
