#include "sim/workload/fio_options.hpp"

#include <gtest/gtest.h>

#include <set>

#include "sim/workload/fio_treatment.hpp"
#include "sim/workload/fio_value.hpp"

namespace wbsim::workload {
namespace {

TEST(FioOptionTable, HasOneTreatmentForEachOption) {
  std::set<std::string_view> treated;
  for (const FioTreatmentRow& row : fio_treatment_rows()) {
    EXPECT_TRUE(treated.insert(row.name).second) << row.name << " is there twice";
    EXPECT_FALSE(row.summary.empty()) << row.name;
  }
  for (const FioOptionInfo& option : fio_options()) {
    EXPECT_EQ(treated.erase(option.name), option.engine_option ? 0U : 1U) << option.name;
  }
  EXPECT_TRUE(treated.empty()) << "no option: " << *treated.begin();
}

TEST(FioOptionTable, FindsNamesAndAliasesExactly) {
  ASSERT_NE(find_fio_option("blocksize"), nullptr);
  EXPECT_EQ(find_fio_option("blocksize")->name, "bs");
  EXPECT_EQ(find_fio_option("hipri_percentage")->engine_option, true);
  EXPECT_EQ(find_fio_option("block_size"), nullptr);
  EXPECT_EQ(find_fio_option("b"), nullptr);
  EXPECT_EQ(find_fio_option(""), nullptr);
}

TEST(FioOptionTable, ReadsItsOwnDefaultsAndNeutralValues) {
  for (const FioOptionInfo& option : fio_options()) {
    if (option.default_value != "") {
      EXPECT_EQ(parse_fio_value(option, option.default_value, 1024).problem, "") << option.name;
    }
    for (const std::string& value : split_words(option.neutral)) {
      if (!value.empty()) {
        const Parsed<FioValue> parsed = parse_fio_value(option, value, 1024);
        ASSERT_TRUE(parsed.value) << option.name << "=" << value << ": " << parsed.problem;
        EXPECT_TRUE(is_neutral(option, *parsed.value)) << option.name << "=" << value;
      }
    }
  }
}

// A default that is refused would refuse a job file that only spells it out.
TEST(FioOptionTable, DefaultsAskForNothing) {
  for (const FioOptionInfo& option : fio_options()) {
    if (option.treatment != FioTreatment::kNeutralOnly || option.engine_option ||
        option.default_value.empty()) {
      continue;
    }
    const Parsed<FioValue> parsed = parse_fio_value(option, option.default_value, 1024);
    // fio's default of this one is a value that acts only once the option is given.
    const bool acts_when_given = option.name == "steadystate";
    EXPECT_EQ(is_neutral(option, *parsed.value), !acts_when_given) << option.name;
  }
}

}  // namespace
}  // namespace wbsim::workload
