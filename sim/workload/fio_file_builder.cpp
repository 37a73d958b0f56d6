#include "sim/workload/fio_file_builder.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace wbsim::workload {

namespace {

constexpr int kFilesMax = 1'000'000;
constexpr std::string_view kDefaultFormat = "$jobname.$jobnum.$filenum";

// The parts of "a:b", in which "\:" is a colon.
std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') {
      names.emplace_back();
    } else {
      names.back() += text[i] == '\\' && text.substr(i, 2) == "\\:" ? text[++i] : text[i];
    }
  }
  std::erase_if(names, [](const std::string& name) { return name.empty(); });
  return names;
}

bool is_device(std::string_view name) {
  constexpr std::string_view kFolder = "/dev/";
  return name.starts_with(kFolder) && !name.starts_with("/dev/shm/") &&
         name.size() > kFolder.size();
}

// What a job says of its files beside their names.
void build_layout(FioSettingReader& reader, JobSpec& spec) {
  spec.overwrite = reader.flag("overwrite", false);
  spec.create_on_open = reader.flag("create_on_open", false);
  spec.create_fsync = reader.flag("create_fsync", true);
  spec.unlink = reader.flag("unlink", false);
  spec.unlink_each_loop = reader.flag("unlink_each_loop", false);
  if (const FioSetting* allocation = reader.find("fallocate")) {
    const std::string& word = allocation->value.word;
    spec.allocation = word == "none" || word == "0" ? FileAllocation::kNone
                      : word == "keep"              ? FileAllocation::kKeepSize
                      : word == "truncate"          ? FileAllocation::kTruncate
                                                    : FileAllocation::kNative;
  }
  if (!reader.flag("create_serialize", true)) {
    reader.refuse("create_serialize",
                  "files that jobs lay out at the same time are not simulated yet; remove it");
  }
  if (!reader.flag("allow_file_create", true)) {
    reader.refuse("allow_file_create", "file systems are empty at first; remove it");
  }
  if (spec.direct) {
    reader.refuse("direct",
                  "direct I/O on files is not simulated yet; use buffered I/O, or "
                  "filename=/dev/...");
  }
}

void build_service(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* service = reader.find("file_service_type");
  if (service == nullptr) {
    return;
  }
  const std::string& word = service->value.word;
  if (word == "random") {
    spec.file_service = FileService::kRandom;
  } else if (word == "sequential") {
    spec.file_service = FileService::kSequential;
  } else if (word != "roundrobin") {
    reader.refuse("file_service_type",
                  "uneven choices are not simulated yet; use roundrobin, sequential or random");
    return;
  }
  if (!service->value.postfix.empty()) {
    const Parsed<FioNumber> streak = parse_number(service->value.postfix, {});
    if (!streak.value || streak.value->value < 1) {
      reader.error("file_service_type", "at least 1 I/O of a file before the next");
    } else {
      spec.file_service_streak = streak.value->value;
    }
  }
}

// Models: add_file() and set_name_idx(), fio 3.33: a directory comes before all names, also those
// that begin with a slash. Clones take turns with it, but for names that are given: these are those
// of the first clone. Doubled slashes mean one.
std::string in_directory(const JobSpec& spec, const std::string& name) {
  std::string path = name;
  if (!spec.directories.empty()) {
    const std::size_t turn = spec.file_format.empty() ? 0 : static_cast<std::size_t>(spec.clone);
    path = spec.directories[turn % spec.directories.size()] + "/" + name;
  }
  const auto doubled = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), doubled), path.end());
  return path;
}

std::string replaced(std::string text, std::string_view what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
    at += by.size();
  }
  return text;
}

void check_files(FioSettingReader& reader, JobSpec& spec) {
  build_layout(reader, spec);
  build_service(reader, spec);
  if (const auto open = reader.count("openfiles"); open && *open < spec.file_count) {
    reader.refuse("openfiles", "closing files to open others is not simulated yet; remove it");
  }
  if (const auto size = reader.number("size"); size && size->unit == FioNumber::Unit::kPercent) {
    reader.refuse("size", "a share of a file that exists already is not simulated; use bytes");
  }
}

}  // namespace

void build_files(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* filename = reader.find("filename");
  const FioSetting* directory = reader.find("directory");
  if (directory != nullptr) {
    spec.directories = split_names(directory->value.text);
  }
  spec.file_count = reader.small_count("nrfiles", 1, kFilesMax);
  if (filename == nullptr && spec.directories.empty()) {
    reader.refuse_lack("filename is not set",
                       "fio would make a file in its working directory, which is not simulated; "
                       "use filename=/dev/..., or directory=/NAME with a file system of the "
                       "configuration");
    return;
  }
  if (filename != nullptr) {
    spec.files = split_names(filename->value.text);
    const bool devices =
        spec.directories.empty() && std::any_of(spec.files.begin(), spec.files.end(), is_device);
    if (devices && (spec.files.size() > 1 || spec.file_count > 1)) {
      reader.refuse(spec.files.size() > 1 ? "filename" : "nrfiles",
                    "several devices in one job are not simulated yet; use one job for each");
      return;
    }
    if (devices) {
      spec.filename = spec.files.front();
      spec.files.clear();
      return;
    }
    const bool placed = std::all_of(spec.files.begin(), spec.files.end(), [&spec](const auto& n) {
      return n.starts_with('/') || !spec.directories.empty();
    });
    if (!placed || spec.files.empty()) {
      reader.refuse("filename",
                    "the working directory is not simulated; use filename=/dev/..., or "
                    "filename=/NAME/... in a file system of the configuration");
      return;
    }
    spec.file_count = static_cast<int>(spec.files.size());
  } else {
    const FioSetting* format = reader.find("filename_format");
    spec.file_format = format == nullptr ? std::string{kDefaultFormat} : format->value.text;
  }
  check_files(reader, spec);
}

// Models: str_sfr_cb(): the number behind the last flag that has one counts; without one it is 1.
void build_range_sync(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* setting = reader.find("sync_file_range");
  if (setting == nullptr) {
    return;
  }
  RangeSync& sync = spec.range_sync;
  sync.every = 1;
  for (const std::string& part : split_words(setting->value.text, ',')) {
    const std::string word = part.substr(0, part.find(':'));
    sync.flags.wait_before = sync.flags.wait_before || word == "wait_before";
    sync.flags.write = sync.flags.write || word == "write";
    sync.flags.wait_after = sync.flags.wait_after || word == "wait_after";
    if (word.size() == part.size()) {
      continue;
    }
    const Parsed<FioNumber> number = parse_number(part.substr(word.size() + 1), {});
    if (!number.value || number.value->value < 1) {
      reader.error("sync_file_range", "must be followed by a number of writes, at least 1");
    } else {
      sync.every = number.value->value;
    }
  }
  if (spec.engine != IoEngine::kSync) {
    reader.refuse("sync_file_range",
                  "syncs among the I/Os of asynchronous engines are not simulated yet; use "
                  "ioengine=psync");
  }
}

void name_files(JobSpec& spec) {
  if (!spec.file_format.empty()) {
    spec.files.clear();
    for (int i = 0; i < spec.file_count; ++i) {
      std::string name = replaced(spec.file_format, "$jobname", spec.name);
      name = replaced(std::move(name), "$jobnum", std::to_string(spec.clone));
      spec.files.push_back(replaced(std::move(name), "$filenum", std::to_string(i)));
    }
  }
  for (std::string& name : spec.files) {
    name = in_directory(spec, name);
  }
  if (!spec.files.empty()) {
    spec.filename = spec.files.front();
  }
}

}  // namespace wbsim::workload
