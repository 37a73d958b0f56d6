#include "sim/system/json_text.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

std::string findings(const std::string& text) {
  Diagnostics diagnostics;
  parse_json("a.json", text, diagnostics);
  std::string result;
  for (const Diagnostic& finding : diagnostics.all()) {
    result += to_string(finding) + "\n";
  }
  return result;
}

TEST(JsonText, PlacesSyntaxErrorsByLineAndColumn) {
  EXPECT_EQ(findings("{\n  \"vm\": {,\n}"),
            "a.json:2:10: not JSON: syntax error while parsing object key - unexpected ','; "
            "expected string literal\n");
  EXPECT_EQ(findings(""),
            "a.json:1:1: not JSON: syntax error while parsing value - unexpected end of input; "
            "expected '[', '{', or a literal\n");
  EXPECT_EQ(findings("{} {}"),
            "a.json:1:4: not JSON: syntax error while parsing value - unexpected '{'; expected end "
            "of input\n");
  EXPECT_EQ(findings("{'vm': 1}"),
            "a.json:1:2: not JSON: syntax error while parsing object key - invalid literal; "
            "expected string literal\n");
}

TEST(JsonText, ReportsAFileThatIsCutOff) {
  const std::string whole = testing::document(R"("vm":{"dirty_ratio":20})");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const testing::Reading reading = testing::read(whole.substr(0, length));
    EXPECT_EQ(reading.exit_code, 2) << length;
    EXPECT_EQ(reading.findings.rfind("a.json:1:", 0), 0U) << reading.findings;
  }
}

TEST(JsonText, ReportsBinaryJunk) {
  EXPECT_EQ(findings(std::string{"\x7f"
                                 "ELF\x02\x01\x01\x00\x00",
                                 9}),
            "a.json:1:1: not JSON: syntax error while parsing value - invalid literal\n");
  EXPECT_EQ(findings("{\"a\":\"\xc3\x28\"}"),
            "a.json:1:8: not JSON: syntax error while parsing value - invalid string: ill-formed "
            "UTF-8 byte\n");
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::size_t length : {1U, 2U, 1000U}) {
      const std::string text(length, static_cast<char>(byte));
      EXPECT_EQ(testing::read(text).exit_code, 2) << byte;
    }
  }
}

TEST(JsonText, ReportsNumbersThatDoNotFit) {
  EXPECT_EQ(findings("{\"seed\": 1e999}"), "a.json:1:14: not JSON: number overflow\n");
  EXPECT_EQ(findings("{\"seed\": NaN}"),
            "a.json:1:10: not JSON: syntax error while parsing value - invalid literal\n");
}

TEST(JsonText, KeepsTheTextOfErrorsShort) {
  EXPECT_EQ(
      findings('"' + std::string(1'000'000, 'a')),
      "a.json:1:1000001: not JSON: syntax error while parsing value - invalid string: missing "
      "closing quote\n");
  EXPECT_EQ(findings(std::string(1000, '9')), "a.json:1:1000: not JSON: number overflow\n");
}

TEST(JsonText, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(findings(nested(kJsonDepthMax)), "");
  EXPECT_EQ(findings(nested(kJsonDepthMax + 1)), "a.json: nested deeper than 32 levels\n");
  EXPECT_EQ(findings(std::string(1'000'000, '[')), "a.json: nested deeper than 32 levels\n");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) {
    objects += "{\"a\":";
  }
  EXPECT_EQ(findings(objects), "a.json: nested deeper than 32 levels\n");
}

TEST(JsonText, BoundsTheSize) {
  EXPECT_EQ(findings('"' + std::string(kJsonTextBytesMax, 'a') + '"'),
            "a.json: larger than 4194304 bytes\n");
  std::string members;
  for (int i = 0; i < 5000; ++i) {
    members += "\"k" + std::to_string(i) + "\":0,";
  }
  EXPECT_EQ(findings("{\"vm\":{" + members + "\"k\":0}}"), "a.json: /vm: more than 1000 keys\n");
  std::string elements;
  for (int i = 0; i < 20'000; ++i) {
    elements += "0,";
  }
  EXPECT_EQ(findings("{\"actions\":[" + elements + "0]}"),
            "a.json: /actions: more than 10000 elements\n");
}

TEST(JsonText, ReportsEachDuplicateKeyAndKeepsTheFirstValue) {
  Diagnostics diagnostics;
  const auto parsed =
      parse_json("a.json", R"({"a":{"b":1,"b":{"b":[2,3]},"c":4},"a":5,"d":6})", diagnostics);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), R"({"a":{"b":1,"c":4},"d":6})");
  ASSERT_EQ(diagnostics.all().size(), 2U);
  EXPECT_EQ(to_string(diagnostics.all()[0]), "a.json: /a/b: the key is given twice");
  EXPECT_EQ(to_string(diagnostics.all()[1]), "a.json: /a: the key is given twice");
}

TEST(JsonText, ShortensLongValuesBetweenCharacters) {
  EXPECT_EQ(in_quotes(std::string(59, 'a') + "\xc3\xa4" + "b"),
            '"' + std::string(59, 'a') + "...\"");
  EXPECT_EQ(shown(Json(std::string(1000, 'x'))), '"' + std::string(60, 'x') + "...\"");
}

}  // namespace
}  // namespace wbsim::system
