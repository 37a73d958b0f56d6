#include "sim/report/output_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wbsim::report {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        fs::path{testing::TempDir()} /
        (std::string{"wbsim_"} + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  static std::string content(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  fs::path directory_;
};

TEST_F(OutputFileTest, KeepsTheOldContentUntilCommit) {
  const fs::path path = directory_ / "a.csv";
  ASSERT_EQ(write_file(path, "old\n"), std::nullopt);
  OutputFile file{path};
  file.append("new ");
  file.append("text\n");
  EXPECT_EQ(content(path), "old\n");
  EXPECT_EQ(file.commit(), std::nullopt);
  EXPECT_EQ(content(path), "new text\n");
  EXPECT_FALSE(fs::exists(directory_ / "a.csv.tmp"));
}

TEST_F(OutputFileTest, LeavesNothingBehindWithoutCommit) {
  {
    OutputFile file{directory_ / "a.csv"};
    file.append("half");
    EXPECT_TRUE(fs::exists(directory_ / "a.csv.tmp"));
  }
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(OutputFileTest, NamesTheFileThatCannotBeCreated) {
  const fs::path path = directory_ / "absent" / "a.csv";
  OutputFile file{path};
  file.append("ignored");
  EXPECT_EQ(file.commit(), "cannot write " + path.string() + ": No such file or directory");
}

TEST_F(OutputFileTest, ReportsAFullDiskAtCommit) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "needs /dev/full";
  }
  fs::create_symlink("/dev/full", directory_ / "a.csv.tmp");
  OutputFile file{directory_ / "a.csv"};
  file.append(std::string(1 << 20, 'x'));
  file.append("more");
  EXPECT_EQ(file.commit(),
            "cannot write " + (directory_ / "a.csv").string() + ": No space left on device");
  EXPECT_FALSE(fs::exists(directory_ / "a.csv"));
}

TEST_F(OutputFileTest, CreatesDirectoriesWithParents) {
  EXPECT_EQ(create_output_directory(directory_ / "a" / "b"), std::nullopt);
  EXPECT_EQ(create_output_directory(directory_ / "a" / "b"), std::nullopt);
  EXPECT_TRUE(fs::is_directory(directory_ / "a" / "b"));
}

TEST_F(OutputFileTest, RefusesADirectoryThatIsAFile) {
  const fs::path path = directory_ / "file";
  ASSERT_EQ(write_file(path, ""), std::nullopt);
  EXPECT_EQ(create_output_directory(path),
            "cannot create directory " + path.string() + ": Not a directory");
}

}  // namespace
}  // namespace wbsim::report
