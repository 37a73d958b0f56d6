#include "sim/workload/fio_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace wbsim::workload {

namespace {

constexpr int kDepthMax = 64;  // of parentheses, signs and powers
constexpr std::int64_t kExponentMax = 64;

// Recursive descent, one method per level of precedence. The first problem ends the work.
class Evaluator {
 public:
  Evaluator(std::string_view text, const NumberRules& rules) : text_{text}, rules_{rules} {}

  Parsed<std::int64_t> run() {
    const double value = sum();
    skip_blanks();
    if (problem_.empty() && at_ < text_.size()) {
      fail(fmt::format("has an unexpected \"{}\"", printable(text_.substr(at_, 1))));
    }
    if (problem_.empty() && !(std::fabs(value) <= static_cast<double>(kFioNumberMax))) {
      fail("is too large a number");
    }
    if (!problem_.empty()) {
      return {std::nullopt, fmt::format("\"{}\" {}", printable(text_), problem_)};
    }
    return {static_cast<std::int64_t>(value), {}};
  }

 private:
  double sum() {
    double left = product();
    for (char op = take_one_of("+-"); op != 0; op = take_one_of("+-")) {
      const double right = product();
      left = op == '+' ? left + right : left - right;
    }
    return left;
  }

  double product() {
    double left = signed_power();
    for (char op = take_one_of("*/%"); op != 0; op = take_one_of("*/%")) {
      const double right = signed_power();
      left = op == '*' ? left * right : op == '/' ? quotient(left, right) : rest(left, right);
    }
    return left;
  }

  double signed_power() {
    if (take_one_of("-") != 0) {
      return deeper([this] { return -signed_power(); });
    }
    const double base = operand();
    if (take_one_of("^") == 0) {
      return base;
    }
    return raise(base, deeper([this] { return signed_power(); }));
  }

  double operand() {
    if (take_one_of("(") == 0) {
      return number();
    }
    const double value = deeper([this] { return sum(); });
    if (take_one_of(")") == 0) {
      fail("has no closing \")\"");
    }
    return value;
  }

  double number() {
    skip_blanks();
    const std::string_view rest_of_text = text_.substr(at_);
    if (rest_of_text.empty() ||
        std::string_view{"0123456789."}.find(rest_of_text.front()) == std::string_view::npos) {
      fail(rest_of_text.empty()
               ? "ends where a number should be"
               : fmt::format("has \"{}\" where a number should be", printable(rest_of_text)));
      return 0;
    }
    double value = 0;
    const bool hexadecimal = rest_of_text.starts_with("0x") || rest_of_text.starts_with("0X");
    const char* begin = rest_of_text.data() + (hexadecimal ? 2 : 0);
    const char* end = rest_of_text.data() + rest_of_text.size();
    // Fixed notation: an "e" is no exponent.
    const auto [stop, error] = std::from_chars(
        begin, end, value, hexadecimal ? std::chars_format::hex : std::chars_format::fixed);
    if (error != std::errc{}) {
      fail("has a number that cannot be read");
      return 0;
    }
    at_ += static_cast<std::size_t>(stop - rest_of_text.data());
    return value * unit();
  }

  double unit() {
    std::string letters;
    for (; at_ < text_.size(); ++at_) {
      const char c = static_cast<char>(text_[at_] | 0x20);  // lower case of a letter
      if (c < 'a' || c > 'z') {
        break;
      }
      letters += c;
    }
    const std::optional<std::int64_t> factor = unit_factor(letters, rules_);
    if (!factor) {
      fail(fmt::format("has an unknown unit \"{}\"", printable(letters)));
    }
    return static_cast<double>(factor.value_or(0));
  }

  double quotient(double left, double right) {
    if (right == 0) {
      fail("divides by zero");
      return 0;
    }
    return left / right;
  }

  double rest(double left, double right) {
    const double limit = static_cast<double>(kFioNumberMax);
    if (!(std::fabs(left) <= limit) || !(std::fabs(right) <= limit)) {
      fail("is too large a number");
      return 0;
    }
    const auto divisor = static_cast<std::int64_t>(right);
    if (divisor == 0) {
      fail("divides by zero");
      return 0;
    }
    return static_cast<double>(static_cast<std::int64_t>(left) % divisor);
  }

  double raise(double base, double exponent) {
    if (!(exponent >= 0 && exponent <= static_cast<double>(kExponentMax))) {
      fail(fmt::format("has an exponent that is not between 0 and {}", kExponentMax));
      return 0;
    }
    double result = 1;
    for (auto n = static_cast<std::int64_t>(exponent); n > 0; --n) {
      result *= base;
    }
    return result;
  }

  template <class Level>
  double deeper(Level level) {
    if (depth_ == kDepthMax) {
      fail(fmt::format("is nested deeper than {} levels", kDepthMax));
      return 0;
    }
    ++depth_;
    const double value = level();
    --depth_;
    return value;
  }

  char take_one_of(std::string_view operators) {
    skip_blanks();
    if (!problem_.empty() || at_ == text_.size() ||
        operators.find(text_[at_]) == std::string_view::npos) {
      return 0;
    }
    return text_[at_++];
  }

  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }

  void fail(std::string problem) {
    if (problem_.empty()) {
      problem_ = std::move(problem);
    }
  }

  std::string_view text_;
  NumberRules rules_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string problem_;
};

}  // namespace

Parsed<std::int64_t> evaluate_expression(std::string_view text, NumberRules rules) {
  if (rules.time != FioTime::kNone) {
    rules.time = FioTime::kMicroseconds;
  }
  return Evaluator(text, rules).run();
}

}  // namespace wbsim::workload
