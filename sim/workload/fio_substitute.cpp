// ${ENVIRONMENT} and $keyword substitution (fio HOWTO, "Environment variables" and "Reserved
// keywords").
#include <array>

#include "sim/workload/fio_expression.hpp"
#include "sim/workload/fio_lexer.hpp"

namespace wbsim::workload {

namespace {

// Values grow only by what variables contain; without a bound a few lines could fill the memory.
constexpr std::size_t kSubstitutedMax = kFioLineMax;

std::string replace_environment(std::string_view value, const FioOptions& options) {
  std::string result;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = value.find('}', at);
    if (!value.substr(at).starts_with("${") || end == std::string_view::npos) {
      result += value[at++];
      continue;
    }
    const std::string name(value.substr(at + 2, end - at - 2));
    if (options.environment) {
      result += options.environment(name).value_or("");
    }
    at = end + 1;
  }
  return result;
}

bool replace_all(std::string& text, std::string_view word, const std::string& replacement) {
  bool replaced = false;
  for (std::size_t at = text.find(word); at != std::string::npos;
       at = text.find(word, at + replacement.size())) {
    text.replace(at, word.size(), replacement);
    replaced = true;
  }
  return replaced;
}

}  // namespace

std::string substitute_fio_variables(std::string_view value, const FioOptions& options,
                                     std::string& problem) {
  std::string result = replace_environment(value, options);
  bool replaced = replace_all(result, "$pagesize", std::to_string(kPageSize.count()));
  replaced |= replace_all(result, "$mb_memory", std::to_string(options.memory / mebibytes(1)));
  replaced |= replace_all(result, "$ncpus", std::to_string(options.cpus));
  if (result.size() > kSubstitutedMax) {
    problem = "is longer than " + std::to_string(kSubstitutedMax) + " bytes after substitution";
    return {};
  }
  if (!replaced || result.find_first_of("+-*/") == std::string::npos) {
    return result;
  }
  const Parsed<std::int64_t> computed = evaluate_expression(result, {});
  if (!computed.value) {
    problem = computed.problem;
    return {};
  }
  return std::to_string(*computed.value);
}

}  // namespace wbsim::workload
