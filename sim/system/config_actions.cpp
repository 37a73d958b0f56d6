#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"

namespace wbsim::system {
namespace {

constexpr std::string_view kVmPrefix = "vm.";
// Simulated time is bounded to a year, which is far from overflow.
constexpr CountRange kRunTime{0, seconds(365LL * 86400).count()};

// The kernel refuses to write a dirty_bytes below two pages or a dirty_background_bytes of 0: bytes
// are switched off by writing the ratio instead.
std::int64_t smallest_written(const std::string& key) {
  if (key == "dirty_bytes") {
    return kDirtyBytesMin.count();
  }
  return key == "dirty_background_bytes" ? 1 : 0;
}

// Settings of an action: kernel names with their folder, as sysctl(8) writes them.
std::vector<Field> sysctl_fields(std::vector<std::pair<std::string, std::int64_t>>& settings) {
  VmConfig unused;
  std::vector<Field> fields;
  for (const Field& knob : vm_fields(unused)) {
    const std::string key = fmt::format("{}{}", kVmPrefix, knob.key);
    const auto maximum = knob.schema.find("maximum");
    CountRange range{smallest_written(knob.key), CountRange{}.max};
    if (maximum != knob.schema.end()) {
      range.max = maximum->get<std::int64_t>();
    }
    CountAccess access{[] { return std::nullopt; },
                       [key, &settings](std::int64_t value) { settings.emplace_back(key, value); }};
    fields.push_back(integer_field(key, std::move(access), range, knob.summary));
  }
  const std::string drop = fmt::format("{}drop_caches", kVmPrefix);
  CountAccess access{[] { return std::nullopt; },
                     [drop, &settings](std::int64_t value) { settings.emplace_back(drop, value); }};
  fields.push_back(integer_field(drop, std::move(access), {1, 4},
                                 "1 or 3: drops all clean pages of the page cache"));
  return fields;
}

Field set_field(std::vector<std::pair<std::string, std::int64_t>>& settings) {
  Field field = object_field("set", sysctl_fields(settings), "sysctls to write");
  field.schema["minProperties"] = 1;
  field.read = [&settings](ReadContext& context, const Json& value, const std::string& pointer) {
    settings.clear();
    read_object(context, value, pointer, sysctl_fields(settings));
    if (value.is_object() && value.empty()) {
      context.error(pointer, "is empty; give at least one sysctl such as \"vm.dirty_ratio\"");
    }
  };
  field.print = [&settings] {
    Json object = Json::object();
    for (const auto& [key, value] : settings) {
      object[key] = value;
    }
    return object.empty() ? Json(nullptr) : object;
  };
  return field;
}

Field after_field(bool& after_workload) {
  Field field;
  field.key = "after";
  field.summary = "\"workload\": when the last job has ended";
  field.allowed = "workload";
  field.schema = {{"enum", Json::array({"workload"})}};
  field.read = [&after_workload](ReadContext& context, const Json& value,
                                 const std::string& pointer) {
    after_workload = value == Json("workload");
    if (!after_workload) {
      context.error(pointer, fmt::format("{} is not \"workload\"", shown(value)));
    }
  };
  field.print = [&after_workload] { return after_workload ? Json("workload") : Json(nullptr); };
  return field;
}

// Exactly one of each pair, in the words of the document rather than of what could be read of it.
void check_pairs(ReadContext& context, const Json& value, const std::string& pointer) {
  if (!value.is_object()) {
    return;
  }
  if (value.contains("at") == value.contains("after")) {
    context.error(pointer, "needs exactly one of \"at\" and \"after\"");
  }
  const bool refused = value.contains("anon");
  if (!refused && value.contains("set") == value.contains("syscall")) {
    context.error(pointer, "needs exactly one of \"set\" and \"syscall\"");
  }
}

Json action_schema() {
  ActionConfig example;
  Json schema = object_schema(action_fields(example));
  const auto one_of = [](const char* a, const char* b) {
    return Json{{"oneOf", Json::array({Json{{"required", Json::array({a})}},
                                       Json{{"required", Json::array({b})}}})}};
  };
  const Json what{{"anyOf", Json::array({one_of("set", "syscall"),
                                         Json{{"required", Json::array({"anon"})}}})}};
  schema["allOf"] = Json::array({one_of("at", "after"), what});
  return schema;
}

// The text of the job file: given inline, or read from the file. A printed configuration has both.
void read_workload(ReadContext& context, const Json& value, const std::string& pointer,
                   Config& config) {
  read_object(context, value, pointer, workload_fields(config));
  if (!value.is_object() || !value.contains("file")) {
    return;
  }
  const std::string place = child_pointer(pointer, "file");
  if (!value.contains("fio")) {
    if (const std::optional<TextFile> file = load_text(context, place, value["file"])) {
      config.workload_text = file->text;
    }
    return;
  }
  Diagnostics unheard;  // the file need not be there any more
  ReadContext quiet{unheard, context.name, context.directory, context.overrides};
  const std::optional<TextFile> file = load_text(quiet, place, value["file"]);
  if (file && file->text != config.workload_text) {
    context.note(child_pointer(pointer, "fio"),
                 fmt::format("runs instead of {}, which has another text", in_quotes(file->name)));
  }
}

}  // namespace

std::vector<Field> action_fields(ActionConfig& action) {
  return {
      quantity_field("at", access_count(action.at), Quantity::kDuration, kRunTime,
                     "time after t = 0"),
      after_field(action.after_workload),
      set_field(action.set),
      name_field("syscall", action.syscall, action_catalog(), "system call of another process"),
      refused_field("anon", "a change of anonymous memory"),
  };
}

Field actions_field(std::vector<ActionConfig>& actions) {
  Field field;
  field.key = "actions";
  field.summary = "what happens beside the workload";
  field.allowed = "array of objects";
  field.schema = {{"type", "array"}, {"items", action_schema()}};
  field.read = [&actions](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      context.error(pointer, fmt::format("{} is not an array", shown(value)));
      return;
    }
    actions.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string element = child_pointer(pointer, std::to_string(i));
      ActionConfig action;
      read_object(context, value[i], element, action_fields(action));
      check_pairs(context, value[i], element);
      actions.push_back(std::move(action));
    }
  };
  field.print = [&actions] {
    Json array = Json::array();
    for (ActionConfig& action : actions) {
      array.push_back(print_object(action_fields(action)));
    }
    return array;
  };
  return field;
}

std::vector<Field> workload_fields(Config& c) {
  return {
      text_field("file", c.workload_file, "fio job file, relative to this file or to configs/"),
      text_field("fio", c.workload_text, "the job file's text; wins over the content of `file`"),
      text_field("filename", c.workload_filename,
                 "/dev/NAME; all jobs run there, whatever they say"),
      quantity_field("start", access_count(c.workload_start), Quantity::kDuration, kRunTime,
                     "when the jobs start, after t = 0"),
      quantity_field("tail", access_count(c.tail), Quantity::kDuration, kRunTime,
                     "simulated time after the last job and action"),
  };
}

Field workload_field(Config& config) {
  Field field = object_field("workload", workload_fields(config), "what the processes do");
  field.read = [&config](ReadContext& context, const Json& value, const std::string& pointer) {
    read_workload(context, value, pointer, config);
  };
  return field;
}

}  // namespace wbsim::system
