// What a user did wrong, or should know. Collected, so that all errors of a file are shown at once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wbsim {

// How a finding ends the program: kNote does not, kError is exit code 2 (bad input), kRefused is
// exit code 3 (valid input that asks for something not simulated).
enum class Severity { kNote, kError, kRefused };

struct Diagnostic {
  Severity severity;
  std::string where;    // "job.fio:12" or "config.json: /devices/sda/queue/scheduler"
  std::string message;  // what is wrong, what is allowed, and a hint where there is one
};

// "WHERE: MESSAGE" with the prefix "note: " or "not simulated: " where it is no error.
std::string to_string(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  void note(std::string where, std::string message) { add(Severity::kNote, where, message); }
  void error(std::string where, std::string message) { add(Severity::kError, where, message); }
  void refuse(std::string where, std::string message) { add(Severity::kRefused, where, message); }

  // Adds all of `findings`. They are collected apart where their kind decides what happens next.
  void append(const Diagnostics& findings) {
    all_.insert(all_.end(), findings.all_.begin(), findings.all_.end());
  }
  // Notes speak about a run: nobody needs them when there will be none.
  void drop_notes() {
    std::erase_if(all_, [](const Diagnostic& one) { return one.severity == Severity::kNote; });
  }

  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  [[nodiscard]] bool has_errors() const { return has(Severity::kError); }
  [[nodiscard]] bool has_refusals() const { return has(Severity::kRefused); }
  // 2 with any error, else 3 with any refusal, else 0.
  [[nodiscard]] int exit_code() const;

 private:
  void add(Severity severity, std::string& where, std::string& message) {
    all_.push_back({severity, std::move(where), std::move(message)});
  }
  [[nodiscard]] bool has(Severity severity) const;

  std::vector<Diagnostic> all_;
};

// The member of `candidates` closest to `word` by edit distance, or "" when none is close enough
// to be a likely typing error (distance <= 1 + length / 4).
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace wbsim
