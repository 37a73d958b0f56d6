#include "sim/report/output_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

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

  using Names = std::vector<std::string>;
  // What the directory holds, sorted.
  [[nodiscard]] Names names() const {
    Names found;
    for (const auto& entry : fs::directory_iterator{directory_}) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path directory_;
};

TEST_F(OutputFileTest, TheBeginningCanBeReplacedInTheEnd) {
  const fs::path path = directory_ / "a.txt";
  OutputFile file{path};
  file.append("# 0\nfirst\n");
  file.append("second\n");
  file.replace_start("# 2\n");
  file.append("third\n");
  EXPECT_EQ(file.commit(), std::nullopt);
  EXPECT_EQ(content(path), "# 2\nfirst\nsecond\nthird\n");
}

TEST_F(OutputFileTest, TheBeginningOfWhatIsNoRegularFileStays) {
  const fs::path path = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  OutputFile file{path};
  file.append("# 0\nfirst\n");
  file.replace_start("# 2\n");
  EXPECT_EQ(file.commit(), std::nullopt);
  std::array<char, 64> text{};
  EXPECT_EQ(::read(reader, text.data(), text.size()), 10);
  EXPECT_STREQ(text.data(), "# 0\nfirst\n");
  ::close(reader);
}

TEST_F(OutputFileTest, KeepsTheOldContentUntilCommit) {
  const fs::path path = directory_ / "a.csv";
  ASSERT_EQ(write_file(path, "old\n"), std::nullopt);
  OutputFile file{path};
  file.append("new ");
  file.append("text\n");
  EXPECT_EQ(content(path), "old\n");
  EXPECT_EQ(file.commit(), std::nullopt);
  EXPECT_EQ(content(path), "new text\n");
  EXPECT_EQ(names(), (Names{"a.csv"}));
}

TEST_F(OutputFileTest, LeavesNothingBehindWithoutCommit) {
  {
    OutputFile file{directory_ / "a.csv"};
    file.append("half");
    ASSERT_EQ(names().size(), 1U);
    EXPECT_TRUE(is_temporary_of(names()[0], "a.csv")) << names()[0];
  }
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(OutputFileTest, NamesTheFileThatCannotBeCreated) {
  const fs::path path = directory_ / "absent" / "a.csv";
  OutputFile file{path};
  file.append("ignored");
  EXPECT_EQ(file.commit(), "cannot write " + path.string() + ": No such file or directory");
}

TEST_F(OutputFileTest, ReportsAFullDevice) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "needs /dev/full";
  }
  fs::create_symlink("/dev/full", directory_ / "full.csv");
  OutputFile full{directory_ / "full.csv"};
  full.append(std::string(1 << 20, 'x'));
  full.append("more");
  EXPECT_EQ(full.commit(),
            "cannot write " + (directory_ / "full.csv").string() + ": No space left on device");
}

TEST_F(OutputFileTest, WritesToADeviceOrPipeInsteadOfReplacingIt) {
  const fs::path pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(write_file(pipe, "text"), std::nullopt);
  std::array<char, 8> read{};
  EXPECT_EQ(::read(reader, read.data(), read.size()), 4);
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(names(), (Names{"pipe"}));
}

TEST_F(OutputFileTest, FollowsASymbolicLinkAndKeepsIt) {
  fs::create_directories(directory_ / "there");
  fs::create_symlink("there/a.csv", directory_ / "link");
  for (const char* text : {"new", "newer"}) {
    EXPECT_EQ(write_file(directory_ / "link", text), std::nullopt);
    EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
    EXPECT_EQ(content(directory_ / "there" / "a.csv"), text);
  }
  EXPECT_EQ(names(), (Names{"link", "there"}));
}

TEST_F(OutputFileTest, LeavesAUsersFileAlone) {
  ASSERT_EQ(write_file(directory_ / "a.csv.tmp", "mine"), std::nullopt);
  ASSERT_EQ(write_file(directory_ / "a.csv", "text"), std::nullopt);
  EXPECT_EQ(content(directory_ / "a.csv.tmp"), "mine");
}

TEST_F(OutputFileTest, RefusesADirectoryInItsPlace) {
  fs::create_directories(directory_ / "a.csv");
  EXPECT_EQ(write_file(directory_ / "a.csv", "text"),
            "cannot write " + (directory_ / "a.csv").string() + ": Is a directory");
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
