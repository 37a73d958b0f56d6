#include "sim/workload/fio_job_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "sim/workload/fio_file_builder.hpp"
#include "sim/workload/fio_job_builder.hpp"
#include "sim/workload/fio_settings.hpp"

namespace wbsim::workload {

namespace {

class JobFileReader {
 public:
  JobFileReader(const FioOptions& options, Diagnostics& diagnostics)
      : findings_{diagnostics, options.strict} {}

  WorkloadSpec read(const std::vector<FioSection>& sections) {
    for (const FioSection& section : sections) {
      if (findings_.too_many_errors() || full_) {
        break;
      }
      // fio resets its defaults with each file and makes it wait for the files before.
      if (section.input != input_) {
        input_ = section.input;
        defaults_.clear();
        first_of_file_ = true;
      }
      if (section.global) {
        apply(section, defaults_);
        continue;
      }
      FioSettings settings = defaults_;
      apply(section, settings);
      FioJob job = build_fio_job(section, settings, findings_);
      job.stonewall |= first_of_file_;
      first_of_file_ = false;
      add(job, section);
    }
    findings_.finish();
    return std::move(workload_);
  }

 private:
  // kb_base counts for all sizes of its section, also for those above it.
  void apply(const FioSection& section, FioSettings& settings) {
    for (const bool kb_base : {true, false}) {
      for (const FioAssignment& assignment : section.assignments) {
        if ((assignment.name == "kb_base") == kb_base) {
          apply(assignment, settings);
        }
      }
    }
  }

  void apply(const FioAssignment& assignment, FioSettings& settings) {
    const std::string written =
        assignment.value ? assignment.name + "=" + *assignment.value : assignment.name;
    const FioOptionInfo* option = find_fio_option(assignment.name);
    if (option == nullptr) {
      report_unknown(assignment);
      return;
    }
    Parsed<FioValue> value = parse_fio_value(*option, assignment.value, kb_base_of(settings));
    if (option->treatment == FioTreatment::kRemoved) {
      value = {std::nullopt, std::string(option->summary)};
    } else if (!value.value && assignment.value == "" &&
               assignment.place.line.find("${") != std::string::npos) {
      value.problem = "the value is empty; is the environment variable set?";
    }
    if (!value.value) {
      findings_.error(assignment.place, fmt::format("{}: {}", printable(written), value.problem));
      return;
    }
    if (const auto earlier = settings.find(settings_key(*option)); earlier != settings.end()) {
      inherit_members(*option, earlier->second->value, *value.value);
    }
    all_.push_back({option, *std::move(value.value), written, assignment.place});
    settings[settings_key(*option)] = &all_.back();
    note(all_.back());
  }

  void note(const FioSetting& setting) {
    const FioOptionInfo& option = *setting.option;
    if (option.treatment == FioTreatment::kNote && !is_neutral(option, setting.value)) {
      findings_.note(option.name, setting.place,
                     fmt::format("{}: {}", option.name, option.summary));
    }
  }

  static int kb_base_of(const FioSettings& settings) {
    const auto found = settings.find("kb_base");
    return found != settings.end() && found->second->value.word == "1000" ? 1000 : 1024;
  }

  void report_unknown(const FioAssignment& assignment) {
    FioPlace place = assignment.place;
    place.column = 0;
    std::string hint;
    const std::size_t colon = assignment.name.find(':');
    if (colon != std::string::npos && find_fio_option(assignment.name.substr(0, colon))) {
      hint = fmt::format(". A value follows \"=\": {}=...", assignment.name.substr(0, colon));
    } else {
      const std::string meant = suggest_fio_option(assignment.name);
      hint = meant.empty() ? "" : fmt::format(". Did you mean \"{}\"?", meant);
    }
    findings_.error(place,
                    fmt::format("fio has no option \"{}\"{}", printable(assignment.name), hint));
  }

  // Numbers as fio does: stonewall begins a new order group, stonewall and new_group a new report
  // group, unless no job would be in the old one.
  void add(const FioJob& job, const FioSection& section) {
    if (workload_.jobs.size() + static_cast<std::size_t>(job.clones) > kFioJobsMax) {
      findings_.error(section.place, fmt::format("more than {} jobs, clones counted", kFioJobsMax));
      full_ = true;
      return;
    }
    if (!workload_.jobs.empty()) {
      group_ += job.stonewall ? 1 : 0;
      report_group_ += job.stonewall || job.new_group ? 1 : 0;
    }
    for (int clone = 0; clone < job.clones; ++clone) {
      JobSpec spec = job.spec;
      spec.index = static_cast<int>(workload_.jobs.size());
      spec.clone = clone;
      spec.group = group_;
      spec.report_group = report_group_;
      spec.offset += job.offset_increment * clone;
      name_files(spec);
      workload_.jobs.push_back(std::move(spec));
    }
  }

  FioFindings findings_;
  std::deque<FioSetting> all_;  // a deque: settings are pointed to
  FioSettings defaults_;
  WorkloadSpec workload_;
  std::size_t input_ = 0;
  bool first_of_file_ = false;  // of a later file: its first job waits for the files before
  bool full_ = false;
  int group_ = 0;
  int report_group_ = 0;
};

}  // namespace

WorkloadSpec parse_fio_jobs(std::span<const FioInput> inputs, const FioOptions& options,
                            Diagnostics& diagnostics) {
  const std::vector<FioSection> sections = lex_fio_files(inputs, options, diagnostics);
  WorkloadSpec workload = JobFileReader(options, diagnostics).read(sections);
  if (workload.jobs.empty() && !diagnostics.has_errors()) {
    diagnostics.error(inputs.empty() ? "workload" : inputs.front().name,
                      "no job; a job begins with its name in brackets, such as [writer]");
  }
  return workload;
}

}  // namespace wbsim::workload
