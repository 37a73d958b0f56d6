// Job files damaged at random: none may crash, hang, or be refused without a word.
#include <gtest/gtest.h>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): the test must not depend on a library's generator.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_{seed} {}

  std::size_t below(std::size_t bound) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((z ^ (z >> 31)) % bound);
  }

 private:
  std::uint64_t state_;
};

constexpr const char* kSeeds[] = {
    "[global]\nfilename=/dev/sda\nrw=write\nbs=4k,8k\n[a]\nsize=50%\nnumjobs=3\n[b]\nstonewall\n",
    "[w]\nfilename=/dev/sda\nrw=randwrite:1\nbs=(4*1k)\nrate=,500k\nthinktime=5ms\nrandseed=-7\n",
    "[w]\nkb_base=1000\nfilename=/dev/a\\:b\nruntime=(1.5s)\nbssplit=4k/10:64k/50:32k/"
    "\nverify=md5\n",
    "[w]\nfilename=${DEV}\nsize=$mb_memory*2\nbsrange=4k-8k\npercentile_list=50:99.9\ninclude x\n",
    "[w] ; c\nsync_file_range=wait_before,write:8\nstartdelay=1-5\noffset_increment=10%\nhipri\n",
};
constexpr const char* kPieces[] = {"[",   "]",    "\n[x]\n", "=",           "%",
                                   "(((", "0x",   "\n",      ",",           ":",
                                   "-",   "${",   "}",       "$ncpus",      "99999999999999999999",
                                   "#",   "\xff", "p",       "include x\n", "global",
                                   "^64", "/0)",  "z"};

std::string damage(std::string text, SplitMix& random) {
  for (std::size_t n = 1 + random.below(6); n > 0; --n) {
    const std::size_t at = random.below(text.size() + 1);
    switch (random.below(4)) {
      case 0:
        text.insert(at, kPieces[random.below(std::size(kPieces))]);
        break;
      case 1:
        text.erase(at, 1 + random.below(8));
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      default:
        text.insert(at, text.substr(random.below(text.size() + 1), 1 + random.below(40)));
    }
  }
  return text;
}

TEST(FioMutation, EveryFileIsReadRefusedOrExplained) {
  FioOptions options;
  options.read_include = [](const std::string&) { return std::optional<std::string>{"bs=8k\n"}; };
  options.environment = [](const std::string&) { return std::optional<std::string>{"/dev/sdb"}; };
  SplitMix random(20'260);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = damage(kSeeds[random.below(std::size(kSeeds))], random);
    const FioOutcome outcome = parse_text(text, options);
    accepted += outcome.exit_code == 0 ? 1 : 0;
    ASSERT_TRUE(outcome.exit_code != 0 || !outcome.workload.jobs.empty()) << text;
    for (const JobSpec& job : outcome.workload.jobs) {
      ASSERT_TRUE(outcome.exit_code != 0 || job.block_size() > Bytes{0}) << text;
      ASSERT_TRUE(outcome.exit_code != 0 || job.filename.starts_with("/")) << text;
      ASSERT_TRUE(outcome.exit_code != 0 || job.offset >= FileOffset{0}) << text;
    }
  }
  EXPECT_GT(accepted, 100) << "the damage is so heavy that only errors are tested";
}

}  // namespace
}  // namespace wbsim::workload
