#include "sim/system/config_schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

std::string file_text(const std::filesystem::path& path) {
  std::ifstream stream{path};
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// The committed schema, judged by a validator that shares no code with the reader.
class SchemaFile {
 public:
  SchemaFile() : json_(nlohmann::json::parse(file_text("configs/schema.json"))) {
    valijson::adapters::NlohmannJsonAdapter adapter{json_};
    valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
    parser.populateSchema(adapter, schema_);
  }

  bool accepts(const std::string& text) {
    const nlohmann::json document = nlohmann::json::parse(text);
    valijson::adapters::NlohmannJsonAdapter adapter{document};
    return valijson::Validator{valijson::Validator::kStrongTypes}.validate(schema_, adapter,
                                                                           nullptr);
  }

 private:
  nlohmann::json json_;
  valijson::Schema schema_;
};

TEST(ConfigSchema, FileIsTheOneGenerated) {
  std::istringstream committed{file_text("configs/schema.json")};
  std::istringstream generated{config_schema().dump(2) + "\n"};
  std::string expected;
  for (int line = 1; std::getline(generated, expected); ++line) {
    std::string found;
    std::getline(committed, found);
    ASSERT_EQ(found, expected) << "in line " << line
                               << "; write it anew: wbsim list schema > configs/schema.json";
  }
  EXPECT_FALSE(std::getline(committed, expected));
}

TEST(ConfigSchema, AcceptsEveryExperimentAsTheReaderDoes) {
  SchemaFile schema;
  int experiments = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"configs/experiments"}) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    ++experiments;
    const std::string text = file_text(entry.path());
    EXPECT_TRUE(schema.accepts(text)) << entry.path();
    const testing::Reading reading = read(text);
    EXPECT_EQ(reading.exit_code, 0) << entry.path() << reading.findings;
    ASSERT_TRUE(reading.config) << entry.path();
    const std::string printed = print_config(*reading.config).dump();
    EXPECT_TRUE(schema.accepts(printed)) << entry.path() << printed;
    const testing::Reading again = read(printed);
    ASSERT_TRUE(again.config) << again.findings;
    EXPECT_EQ(*again.config, *reading.config);
  }
  EXPECT_GE(experiments, 4);
}

// Members of the root, or of the device, which the schema must judge as the reader does. What is
// valid but not simulated is no error for either.
using Probes = std::vector<std::pair<bool, std::string>>;

Probes probes() {
  return {
      {true, document()},
      {true, document(R"("$schema":"x","about":"y")")},
      {true, document(R"("kernel":"5.15")")},
      {false, document(R"("kernel":"6.7")")},
      {false, document(R"("kernel":6.1)")},
      {false, document(R"("kernal":"6.1")")},
      {true, document(R"("profile":{"plug_merge":"newest-only"})")},
      {false, document(R"("profile":{"plug_merge":"none"})")},
      {true, document(R"("hz":300)")},
      {false, document(R"("hz":301)")},
      {true, document(R"("cpu_costs":{"use":"rig-5.10","wb_page":"1us"})")},
      {false, document(R"("cpu_costs":{"wb_pag":"1us"})")},
      {false, document(R"("cpu_costs":{"wb_page":1000})")},
      {true, document(R"("guest_tracing":["wb","rq"])")},
      {false, document(R"("guest_tracing":["wb","wb"])")},
      {false, document(R"("guest_tracing":"wb")")},
      {true, document(R"("memory":{"total":"1 GiB","free":"217030pages","anon":0})")},
      {false, document(R"("memory":{"total":"1 gib"})")},
      {false, document(R"("memory":{"total":1073741824})")},
      {true, document(R"("vm":{"dirty_ratio":100,"dirty_bytes":0})")},
      {false, document(R"("vm":{"dirty_ratio":101})")},
      {false, document(R"("vm":{"dirty_ratio":"20"})")},
      {false, document(R"("vm":{"dirty_ratio":20.5})")},
  };
}

Probes more_probes() {
  return {
      {true, document("", R"(,"write":"1.5ms","seek":"0")")},
      {false, document("", R"(,"write":"1.ms")")},
      {false, document("", R"(,"write":"ms")")},
      {false, document("", R"(,"wirte":"1ms")")},
      {false, document("", R"(,"depth":0)")},
      {false, document("", R"(,"depth":10241)")},
      {true, document("", R"(,"bdi":{"min_ratio":1})")},
      {false, R"({"devices":{}})"},
      {false, "{}"},
      {false, "[]"},
      {true, R"({"devices":{"nvme0n1":{}}})"},
      {false, R"({"devices":{"SDA":{}}})"},
      {true, R"({"devices":{"sda":{"queue":{"write_cache":"write back","scheduler":"bfq"}}}})"},
      {false, R"({"devices":{"sda":{"queue":{"write_cache":true}}}})"},
      {true, document(R"("stack":{},"mounts":{},"cgroups":{"a":{}})")},
      {true, document(R"("mounts":{"data":{"device":"sda","fs":"extent"}})")},
      {false, document(R"("mounts":{"data":{"device":"sda","fs":"extend"}})")},
      {false, document(R"("mounts":{"data":{"options":{"inode_ratio":"1"}}})")},
      {false, document(R"("mounts":{"data":{"options":{"lazytime":1}}})")},
      {true, document(R"("cgroups":{"a/b":{"io.max":{"sda":{"rbps":"1MB","wbps":2}}}})")},
      {true, document(R"("cgroups":{"a":{"io.max":{"sda":{"rbps":"max","riops":2}}}})")},
      {true, document(R"("cgroups":{"a":{"io.weight":10000,"io.bfq.weight":"default 7"}})")},
      {true, document(R"("cgroups":{"a":{"io.bfq.weight":{"default":5,"sda":1000}}})")},
      {false, document(R"("cgroups":{"a":{"io.weight":10001}})")},
      {false, document(R"("cgroups":{"a":{"io.bfq.weight":{"sda":0}}})")},
      {false, document(R"("cgroups":{"a":{"io.max":{"sda":{"rbps":1}}}})")},
      {false, document(R"("cgroups":{"a":{"io.max":{"sda":{"rbps":0}}}})")},
      {false, document(R"("cgroups":{"a":{"io.max":{"sda":{"rbps":"1MB/s"}}}})")},
      {false, document(R"("cgroups":{"a":{"io.max":{"sda":{"riops":"5"}}}})")},
      {false, document(R"("cgroups":{"/a":{}})")},
      {false, document(R"("cgroups":{"a":{"io.mx":{}}})")},
      {false, document(R"("stack":[])")},
      {true, document(R"("actions":[{"at":"4s","set":{"vm.dirty_bytes":20000000}}])")},
      {true, document(R"("actions":[{"after":"workload","syscall":"sync"}])")},
      {true, document(R"("actions":[{"at":"1s","syscall":"fsync"}])")},
      {false, document(R"("actions":[{"at":"4s","set":{}}])")},
      {false, document(R"("actions":[{"at":"4s","set":{"dirty_bytes":20000000}}])")},
      {false, document(R"("actions":[{"at":"4s","set":{"vm.dirty_bytes":0}}])")},
      {false, document(R"("actions":[{"at":"4s"}])")},
      {false, document(R"("actions":[{"syscall":"sync"}])")},
      {false, document(R"("actions":[{"at":"4s","after":"workload","syscall":"sync"}])")},
      {false, document(R"("actions":[{"at":"4s","set":{"vm.dirty_ratio":1},"syscall":"sync"}])")},
      {true, document(R"("workload":{"fio":"[w]","start":"1s","tail":"2s"})")},
      {false, document(R"("workload":"w.fio")")},
      {true, document(R"("boot":{"jiffies":4294893300,"write_bandwidth":"100MiB/s"})")},
      {false, document(R"("boot":{"write_bandwidth":"100MiB"})")},
      {true, document(R"("output":{"interval":"1s"},"optimisation":{"batching":false})")},
      {false, document(R"("optimisation":{"batching":0})")},
      {true, document(R"("seed":0)")},
      {false, document(R"("seed":-1)")},
  };
}

void expect_same_judgement(const Probes& all) {
  SchemaFile schema;
  for (const auto& [valid, text] : all) {
    EXPECT_EQ(schema.accepts(text), valid) << text;
    // "cpu_costs.use" names a file that need not exist for the schema.
    std::string without_files = text;
    const std::size_t use = without_files.find(R"("use":"rig-5.10",)");
    if (use != std::string::npos) {
      without_files.erase(use, std::string_view{R"("use":"rig-5.10",)"}.size());
    }
    EXPECT_EQ(read(without_files).exit_code != 2, valid) << text;
  }
}

TEST(ConfigSchema, JudgesAsTheReaderDoes) {
  expect_same_judgement(probes());
  expect_same_judgement(more_probes());
}

TEST(Options, AreListedWithDefaultAndRange) {
  const std::vector<OptionInfo> options = list_options();
  const auto ratio = std::find_if(options.begin(), options.end(), [](const OptionInfo& option) {
    return option.path == "vm.dirty_ratio";
  });
  ASSERT_NE(ratio, options.end());
  EXPECT_EQ(ratio->allowed, "0..100");
  EXPECT_EQ(ratio->default_text, "20");
  std::set<std::string> paths;
  for (const OptionInfo& option : options) {
    EXPECT_TRUE(paths.insert(option.path).second) << option.path;
    EXPECT_NE(option.summary, "") << option.path;
  }
  for (const char* path : {"devices.NAME.queue.scheduler", "actions[].set.vm.dirty_bytes",
                           "cpu_costs.wb_page", "workload.file", "boot.jiffies", "seed"}) {
    EXPECT_TRUE(paths.contains(path)) << path;
  }
}

}  // namespace
}  // namespace wbsim::system
