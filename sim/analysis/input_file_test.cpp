#include "sim/analysis/input_file.hpp"

#include <gtest/gtest.h>

#include "sim/analysis/test_folder.hpp"

namespace wbsim::analysis {
namespace {

using Messages = std::vector<std::string>;

Messages messages(const TestFolder& folder, const Diagnostics& diagnostics) {
  Messages all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    all.push_back(folder.shortened(to_string(diagnostic)));
  }
  return all;
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += std::to_string(i * 7919) + "\n";
  }
  return text;
}

TEST(InputFile, ReadsPlainAndCompressedTextAlike) {
  const TestFolder folder;
  folder.write("a.txt", long_text());
  folder.write("b.txt.xz", long_text());
  Diagnostics diagnostics;
  EXPECT_EQ(read_text(folder.path() / "a.txt", diagnostics), long_text());
  EXPECT_EQ(read_text(folder.path() / "b.txt.xz", diagnostics), long_text());
  EXPECT_EQ(plain_or_xz(folder.path(), "a.txt"), folder.path() / "a.txt");
  EXPECT_EQ(plain_or_xz(folder.path(), "b.txt"), folder.path() / "b.txt.xz");
  EXPECT_EQ(plain_or_xz(folder.path(), "c.txt"), folder.path() / "c.txt");
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(InputFile, ReportsAMissingFile) {
  const TestFolder folder;
  Diagnostics diagnostics;
  EXPECT_FALSE(read_text(folder.path() / "a.txt", diagnostics));
  EXPECT_FALSE(read_text(folder.path(), diagnostics));
  EXPECT_EQ(messages(folder, diagnostics),
            (Messages{"DIR/a.txt: no such file", "DIR: cannot be read"}));
}

TEST(InputFile, ReportsCompressedDataThatIsCutOff) {
  const TestFolder folder;
  const std::string packed = compress_xz(long_text()).substr(0, 5000);
  folder.write("a.txt", packed);
  std::filesystem::rename(folder.path() / "a.txt", folder.path() / "a.txt.xz");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_text(folder.path() / "a.txt.xz", diagnostics));
  EXPECT_EQ(messages(folder, diagnostics),
            (Messages{"DIR/a.txt.xz: cut off: the xz data ends early, after 5000 bytes"}));
}

TEST(InputFile, ReportsCompressedDataThatIsDamaged) {
  const TestFolder folder;
  folder.write("a.txt", "not compressed at all");
  std::filesystem::rename(folder.path() / "a.txt", folder.path() / "a.txt.xz");
  std::string packed = compress_xz(long_text());
  packed[13] = static_cast<char>(packed[13] ^ 0x55);  // in the header of the first block
  folder.write("b.txt", packed);
  std::filesystem::rename(folder.path() / "b.txt", folder.path() / "b.txt.xz");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_text(folder.path() / "a.txt.xz", diagnostics));
  EXPECT_FALSE(read_text(folder.path() / "b.txt.xz", diagnostics));
  const Messages all = messages(folder, diagnostics);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], "DIR/a.txt.xz: it is not xz data (near byte 12)");
  EXPECT_EQ(all[1], "DIR/b.txt.xz: the xz data is damaged (near byte 28)");
}

TEST(InputFile, ParsesDecimalTimesExactly) {
  EXPECT_EQ(parse_microseconds("181367.762"), nanoseconds(181'367'762));
  EXPECT_EQ(parse_microseconds("7"), microseconds(7));
  EXPECT_EQ(parse_microseconds("7.5"), nanoseconds(7'500));
  EXPECT_EQ(parse_microseconds("-0.25"), nanoseconds(-250));
  EXPECT_EQ(parse_milliseconds("-94.226"), microseconds(-94'226));
  for (const char* bad : {"", ".", "x", "1.2345", "1.2x", "1e3", " 1", "9223372036854775807"}) {
    EXPECT_FALSE(parse_microseconds(bad)) << bad;
  }
}

TEST(CsvTable, FindsColumnsByName) {
  Diagnostics diagnostics;
  const auto table = CsvTable::parse("a,b,c\r\n1,2,3\n4,5,6", "t.csv", {"c", "a"}, diagnostics);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->rows(), 2U);
  EXPECT_EQ(table->cell(1, table->column("c")), "6");
  EXPECT_EQ(table->where(1), "t.csv:3");
}

TEST(CsvTable, ReportsWhatIsMissing) {
  Diagnostics diagnostics;
  EXPECT_FALSE(CsvTable::parse("", "t.csv", {"a"}, diagnostics));
  EXPECT_FALSE(CsvTable::parse("b\n1\n", "t.csv", {"a"}, diagnostics));
  EXPECT_FALSE(CsvTable::parse("a,b\n1,2\n3", "t.csv", {"a"}, diagnostics));
  ASSERT_EQ(diagnostics.all().size(), 3U);
  EXPECT_EQ(to_string(diagnostics.all()[0]), "t.csv: empty; a header line is expected");
  EXPECT_EQ(to_string(diagnostics.all()[1]), "t.csv:1: no column \"a\"");
  EXPECT_EQ(to_string(diagnostics.all()[2]),
            "t.csv:3: 1 cells where the header has 2; the file may be cut off");
}

TEST(JsonInput, ReadsNumbersWrittenAsTextToo) {
  Diagnostics diagnostics;
  const system::Json document =
      system::Json::parse(R"({"a": 5, "b": "6", "c": null, "d": true, "e": "1", "f": 2.5})");
  JsonInput input{document, "t.json", diagnostics};
  EXPECT_EQ(input.integer("/a"), 5);
  EXPECT_EQ(input.integer("/b"), 6);
  EXPECT_EQ(input.integer_or("/c", 9), 9);
  EXPECT_TRUE(input.flag_or("/d", false));
  EXPECT_TRUE(input.flag_or("/e", false));
  EXPECT_EQ(input.duration("/f", 1e9), milliseconds(2500));
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(JsonInput, ReportsValuesOutOfRange) {
  Diagnostics diagnostics;
  const system::Json document = system::Json::parse(
      R"({"a": -1, "b": 18446744073709551615, "c": 1e300, "d": -0.5, "e": 1.5, "f": 2})");
  JsonInput input{document, "t.json", diagnostics};
  EXPECT_FALSE(input.integer("/a"));
  EXPECT_FALSE(input.integer("/b"));
  EXPECT_FALSE(input.duration("/c", 1e3));
  EXPECT_FALSE(input.duration("/d", 1e9));
  EXPECT_FALSE(input.integer("/e"));
  EXPECT_FALSE(input.flag_or("/f", true));
  Messages all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    all.push_back(to_string(diagnostic));
  }
  EXPECT_EQ(all, (Messages{"t.json: /a: -1 is not a whole number from 0 to 1000000000000000",
                           "t.json: /b: 18446744073709551615 is not a whole number from 0 to "
                           "1000000000000000",
                           "t.json: /c: 1e+300 is not a number from 0 to 1e+15",
                           "t.json: /d: -0.5 is not a number from 0 to 1e+09",
                           "t.json: /e: 1.5 is not a whole number from 0 to 1000000000000000",
                           "t.json: /f: 2 is not true, false, 1 or 0"}));
}

TEST(JsonInput, ReportsValuesOfAnotherKindByPointer) {
  Diagnostics diagnostics;
  const system::Json document = system::Json::parse(R"({"a": "x", "b": [1], "c": 7})");
  JsonInput input{document, "t.json", diagnostics};
  EXPECT_FALSE(input.integer("/a"));
  EXPECT_FALSE(input.duration("/b", 1e9));
  EXPECT_FALSE(input.text("/c"));
  EXPECT_FALSE(input.integer("/d/e"));
  Messages all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    all.push_back(to_string(diagnostic));
  }
  EXPECT_EQ(all, (Messages{"t.json: /a: \"x\" is not a whole number from 0 to 1000000000000000",
                           "t.json: /b: [1] is not a number from 0 to 1e+09",
                           "t.json: /c: 7 is not a string",
                           "t.json: /d/e: missing; a whole number is expected"}));
}

}  // namespace
}  // namespace wbsim::analysis
