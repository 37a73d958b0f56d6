#include "sim/base/diagnostics.hpp"

#include <algorithm>
#include <numeric>

namespace wbsim {

std::string to_string(const Diagnostic& diagnostic) {
  std::string text;
  switch (diagnostic.severity) {
    case Severity::kNote:
      text = "note: ";
      break;
    case Severity::kRefused:
      text = "not simulated: ";
      break;
    case Severity::kError:
      break;
  }
  return text + diagnostic.where + ": " + diagnostic.message;
}

int Diagnostics::exit_code() const {
  if (has_errors()) {
    return 2;
  }
  return has_refusals() ? 3 : 0;
}

bool Diagnostics::has(Severity severity) const {
  return std::any_of(all_.begin(), all_.end(),
                     [severity](const Diagnostic& d) { return d.severity == severity; });
}

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 256;  // a longer one is no typing error, and costs n^2
  if (word.empty() || word.size() > kLongestWord) {
    return {};
  }
  std::string best;
  std::size_t best_distance = 2 + word.size() / 4;  // anything at or above is no suggestion
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace wbsim
