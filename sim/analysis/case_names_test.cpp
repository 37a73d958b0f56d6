// The model may not know which case it is run on: no case's name appears in its sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace wbsim::analysis {
namespace {

namespace fs = std::filesystem;

std::set<std::string> case_names() {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator{"results/kernel-truth"}) {
    if (entry.path().filename() == "case.json") {
      names.insert(entry.path().parent_path().filename().string());
    }
  }
  return names;
}

// Whether `name` stands in `text` as a word of its own.
bool mentions(const std::string& text, const std::string& name) {
  const auto inside_word = [&text](std::size_t i) {
    return i < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '-');
  };
  for (std::size_t i = text.find(name); i != std::string::npos; i = text.find(name, i + 1)) {
    if ((i == 0 || !inside_word(i - 1)) && !inside_word(i + name.size())) {
      return true;
    }
  }
  return false;
}

TEST(CaseNames, AppearInNoSourceOfTheSimulator) {
  const std::set<std::string> names = case_names();
  ASSERT_FALSE(names.empty());
  std::vector<std::string> found;
  std::size_t files = 0;
  for (const char* root : {"sim", "models"}) {
    if (!fs::is_directory(root)) {
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
      if (!entry.is_regular_file()) {
        continue;
      }
      ++files;
      std::ifstream in{entry.path()};
      const std::string text{std::istreambuf_iterator<char>{in}, {}};
      for (const std::string& name : names) {
        if (mentions(text, name)) {
          found.push_back(entry.path().string() + ": " + name);
        }
      }
    }
  }
  EXPECT_GT(files, 0U);
  EXPECT_EQ(found, std::vector<std::string>{});
}

TEST(CaseNames, AreFoundAsWholeWordsOnly) {
  EXPECT_TRUE(mentions("see a-b.", "a-b"));
  EXPECT_FALSE(mentions("see a-bc and x-a-b", "a-b"));
}

}  // namespace
}  // namespace wbsim::analysis
