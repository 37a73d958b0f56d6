// What users see when a job file is wrong: full texts.
#include <gtest/gtest.h>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

struct Mistake {
  const char* name;     // of the test
  const char* lines;    // from line 4 on, in section [w]
  const char* message;  // the first and only one
};

class FioValueMistake : public testing::TestWithParam<Mistake> {};

TEST_P(FioValueMistake, IsReportedInFull) {
  const FioOutcome outcome = parse_lines(GetParam().lines);
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.messages.front(), GetParam().message);
  EXPECT_EQ(outcome.exit_code, 2);
}

constexpr Mistake kMistakes[] = {
    {"UnknownName", "blocksie=4k",
     "job.fio:4: fio has no option \"blocksie\". Did you mean \"blocksize\"?\n"
     "  blocksie=4k\n  ^ near here"},
    {"UnknownNameFarFromAll", "nonsense_option=1",
     "job.fio:4: fio has no option \"nonsense_option\"\n"
     "  nonsense_option=1\n  ^ near here"},
    {"NameInCapitals", "Stonewall",
     "job.fio:4: fio has no option \"Stonewall\". Did you mean \"stonewall\"?\n"
     "  Stonewall\n  ^ near here"},
    {"ColonForEquals", "bs: 4k",
     "job.fio:4: fio has no option \"bs: 4k\". A value follows \"=\": bs=...\n"
     "  bs: 4k\n  ^ near here"},
    {"NameMissing", "=4k",
     "job.fio:4: fio has no option \"\"\n"
     "  =4k\n  ^ near here"},
    {"RemovedOption", "rwmixcycle=5",
     "job.fio:4: rwmixcycle=5: was removed from fio\n"
     "  rwmixcycle=5\n             ^ near here"},
    {"JunkAfterUnit", "bs=4kk",
     "job.fio:4: bs=4kk: \"4kk\" is no number; write a whole number, then nothing, k, m, g, "
     "t or p (kb, kib ...)\n"
     "  bs=4kk\n     ^ near here"},
    {"BlankBeforeUnit", "bs=4 k",
     "job.fio:4: bs=4 k: \"4 k\" is no number; write a whole number, then nothing, k, m, g, "
     "t or p (kb, kib ...)\n"
     "  bs=4 k\n     ^ near here"},
    {"TwoOptionsOnOneLine", "bs=4k size=1g",
     "job.fio:4: bs=4k size=1g: \"4k size=1g\" is no number; write a whole number, then "
     "nothing, k, m, g, t or p (kb, kib ...)\n"
     "  bs=4k size=1g\n     ^ near here"},
    {"FractionOfUnit", "bs=1.5k",
     "job.fio:4: bs=1.5k: \"1.5k\" has a fraction, which fio drops; use a smaller unit\n"
     "  bs=1.5k\n     ^ near here"},
    {"UnitAfterHexadecimal", "bs=0x1000k",
     "job.fio:4: bs=0x1000k: \"0x1000k\" is no hexadecimal number; no unit may follow one\n"
     "  bs=0x1000k\n     ^ near here"},
    {"NumberMissing", "size=k",
     "job.fio:4: size=k: \"k\" is no number; write a whole number, then nothing, k, m, g, "
     "t, p (kb, kib ...) or %\n"
     "  size=k\n       ^ near here"},
    {"ValueMissing", "bs",
     "job.fio:4: bs: needs a value: bs=number\n"
     "  bs\n  ^ near here"},
    {"ValueEmpty", "bs=",
     "job.fio:4: bs=: the value is empty\n"
     "  bs=\n     ^ near here"},
    {"TooLarge", "size=99999999999999999999",
     "job.fio:4: size=99999999999999999999: \"99999999999999999999\" is too large a number\n"
     "  size=99999999999999999999\n       ^ near here"},
    {"TooLargeByItsUnit", "size=9999999p",
     "job.fio:4: size=9999999p: \"9999999p\" is too large a number\n"
     "  size=9999999p\n       ^ near here"},
    {"NegativeSize", "size=-1",
     "job.fio:4: size=-1: must not be negative\n"
     "  size=-1\n       ^ near here"},
    {"PercentAbove100", "size=150%",
     "job.fio:4: size=150%: \"150%\" is not between 0% and 100%\n"
     "  size=150%\n       ^ near here"},
    {"ZeroBlockSize", "bs=0",
     "job.fio:4: bs=0: must be at least 1\n"
     "  bs=0\n     ^ near here"},
    {"FourBlockSizes", "bs=1k,2k,3k,4k",
     "job.fio:4: bs=1k,2k,3k,4k: takes at most three values: read,write,trim\n"
     "  bs=1k,2k,3k,4k\n     ^ near here"},
    {"SecondBlockSizeWrong", "bs=4k,x",
     "job.fio:4: bs=4k,x: \"x\" is no number; write a whole number, then nothing, k, m, g, "
     "t or p (kb, kib ...)\n"
     "  bs=4k,x\n     ^ near here"},
    {"TwoSyncIntervals", "fsync=32,4",
     "job.fio:4: fsync=32,4: takes one value\n"
     "  fsync=32,4\n        ^ near here"},
    {"SyncIntervalWithJunk", "fsync=32x",
     "job.fio:4: fsync=32x: \"32x\" is no number; write a whole number, then nothing, k, m, "
     "g, t or p (kb, kib ...)\n"
     "  fsync=32x\n        ^ near here"},
    {"PercentWhereNoneIsAllowed", "rwmixread=50%",
     "job.fio:4: rwmixread=50%: \"50%\" is no number; write a whole number, then nothing, "
     "k, m, g, t or p (kb, kib ...)\n"
     "  rwmixread=50%\n            ^ near here"},
    {"PercentageTooLarge", "rwmixread=101",
     "job.fio:4: rwmixread=101: must be at most 100\n"
     "  rwmixread=101\n            ^ near here"},
    {"WordForFlag", "direct=true",
     "job.fio:4: direct=true: must be 0 or 1; use 1\n"
     "  direct=true\n         ^ near here"},
    {"WordForFlagOff", "end_fsync=off",
     "job.fio:4: end_fsync=off: must be 0 or 1; use 0\n"
     "  end_fsync=off\n            ^ near here"},
    {"FlagValueTwo", "stonewall=2",
     "job.fio:4: stonewall=2: must be 0 or 1\n"
     "  stonewall=2\n            ^ near here"},
    {"FlagWithoutValue", "end_fsync",
     "job.fio:4: end_fsync: needs a value: 0 or 1\n"
     "  end_fsync\n  ^ near here"},
    {"UnknownDirection", "rw=wirte",
     "job.fio:4: rw=wirte: unknown \"wirte\"; one of read, write, trim, randread, "
     "randwrite, randtrim, rw, readwrite, randrw, trimwrite, randtrimwrite. Did you mean "
     "\"write\"?\n"
     "  rw=wirte\n     ^ near here"},
    {"DirectionInCapitals", "rw=WRITE",
     "job.fio:4: rw=WRITE: unknown \"WRITE\"; one of read, write, trim, randread, "
     "randwrite, randtrim, rw, readwrite, randrw, trimwrite, randtrimwrite. Did you mean "
     "\"write\"?\n"
     "  rw=WRITE\n     ^ near here"},
    {"UnknownSync", "sync=2",
     "job.fio:4: sync=2: unknown \"2\"; one of none, 0, sync, 1, dsync\n"
     "  sync=2\n       ^ near here"},
    {"BadPostfix", "rw=write:x",
     "job.fio:4: rw=write:x: \"x\" is no number; write a whole number, then nothing, k, m, "
     "g, t or p (kb, kib ...)\n"
     "  rw=write:x\n     ^ near here"},
    {"UnknownEngine", "ioengine=psinc",
     "job.fio:4: ioengine=psinc: no such ioengine; psync, sync, libaio and io_uring are simulated. "
     "Did you "
     "mean \"psync\"?\n"
     "  ioengine=psinc\n           ^ near here"},
    {"EngineWithPostfix", "ioengine=psync:x",
     "job.fio:4: ioengine=psync:x: nothing may follow psync\n"
     "  ioengine=psync:x\n           ^ near here"},
    {"EngineOption", "hipri=1",
     "job.fio:4: hipri=1: is an option of another ioengine; psync has none of its own\n"
     "  hipri=1\n        ^ near here"},
    {"UnknownTimeUnit", "runtime=10sec",
     "job.fio:4: runtime=10sec: \"10sec\" is no time; write a whole number of d, h, m, s, "
     "ms or us (without unit: s)\n"
     "  runtime=10sec\n          ^ near here"},
    {"NanosecondUnit", "runtime=5ns",
     "job.fio:4: runtime=5ns: \"5ns\" is no time; write a whole number of d, h, m, s, ms or "
     "us (without unit: s)\n"
     "  runtime=5ns\n          ^ near here"},
    {"FractionOfSecond", "runtime=1.5s",
     "job.fio:4: runtime=1.5s: \"1.5s\" has a fraction, which fio drops; use a smaller unit\n"
     "  runtime=1.5s\n          ^ near here"},
    {"TimeRange", "runtime=1-5",
     "job.fio:4: runtime=1-5: takes one value\n"
     "  runtime=1-5\n          ^ near here"},
    {"TimeBeyond292Years", "runtime=200000d",
     "job.fio:4: runtime=200000d: must be at most 365 days, the longest time that is simulated\n"
     "  runtime=200000d\n          ^ near here"},
    {"DepthZero", "iodepth=0",
     "job.fio:4: iodepth=0: must be at least 1\n"
     "  iodepth=0\n          ^ near here"},
    {"NoClones", "numjobs=0",
     "job.fio:4: numjobs=0: must be between 1 and 4096\n"
     "  numjobs=0\n          ^ near here"},
    {"TooManyClones", "numjobs=1000000",
     "job.fio:4: numjobs=1000000: must be between 1 and 4096\n"
     "  numjobs=1000000\n          ^ near here"},
    {"NegativeLoops", "loops=-1",
     "job.fio:4: loops=-1: must not be negative\n"
     "  loops=-1\n        ^ near here"},
    {"TooManyLoops", "loops=4g",
     "job.fio:4: loops=4g: must be at most 2147483647\n"
     "  loops=4g\n        ^ near here"},
    {"BothRates", "rate=1m\nrate_iops=100",
     "job.fio:5: rate_iops=100: rate and rate_iops exclude each other\n"
     "  rate_iops=100\n            ^ near here"},
    {"SizeBelowBlock", "size=4k\nbs=64k",
     "job.fio:4: size=4k: is less than one block, bs=65536\n"
     "  size=4k\n       ^ near here"},
    {"ZeroThinktimeBlocks", "thinktime_blocks=0",
     "job.fio:4: thinktime_blocks=0: must be at least 1\n"
     "  thinktime_blocks=0\n                   ^ near here"},
    {"OpenRange", "startdelay=1-",
     "job.fio:4: startdelay=1-: an end of the range is missing\n"
     "  startdelay=1-\n             ^ near here"},
    {"BadKbBase", "kb_base=1001",
     "job.fio:4: kb_base=1001: unknown \"1001\"; one of 1024, 1000. Did you mean \"1000\"?\n"
     "  kb_base=1001\n          ^ near here"},
    {"PriorityByName", "prioclass=be",
     "job.fio:4: prioclass=be: \"be\" is no number; write a whole number, then nothing, k, "
     "m, g, t or p (kb, kib ...)\n"
     "  prioclass=be\n            ^ near here"},
    {"BadRange", "bsrange=4k",
     "job.fio:4: bsrange=4k: must be a range such as 4k-64k, for read,write,trim at most\n"
     "  bsrange=4k\n          ^ near here"},
    {"BadSplit", "bssplit=4k/200",
     "job.fio:4: bssplit=4k/200: \"200\" is not between 0 and 100 percent\n"
     "  bssplit=4k/200\n          ^ near here"},
    {"BadPercentile", "percentile_list=50:high",
     "job.fio:4: percentile_list=50:high: \"high\" is no decimal number\n"
     "  percentile_list=50:high\n                  ^ near here"},
    {"TooManyPercentiles", "percentile_list=1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21",
     "job.fio:4: percentile_list=1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18...: takes at "
     "most 20 numbers\n"
     "  percentile_list=1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18...\n                  ^ near "
     "here"},
    {"BadWordInList", "sync_file_range=write:8,wait:4",
     "job.fio:4: sync_file_range=write:8,wait:4: unknown \"wait\"; one of wait_before, "
     "write, wait_after. Did you mean \"write\"?\n"
     "  sync_file_range=write:8,wait:4\n                  ^ near here"},
    {"DivisionByZero", "bs=(4k/0)",
     "job.fio:4: bs=(4k/0): \"(4k/0)\" divides by zero\n"
     "  bs=(4k/0)\n     ^ near here"},
    {"OpenParenthesis", "bs=(4k",
     "job.fio:4: bs=(4k: \"(4k\" has no closing \")\"\n"
     "  bs=(4k\n     ^ near here"},
    {"TrailingOperator", "bs=(4k*)",
     "job.fio:4: bs=(4k*): \"(4k*)\" has \")\" where a number should be\n"
     "  bs=(4k*)\n     ^ near here"},
    {"UnknownUnitInExpression", "bs=(4kk)",
     "job.fio:4: bs=(4kk): \"(4kk)\" has an unknown unit \"kk\"\n"
     "  bs=(4kk)\n     ^ near here"},
    {"ExponentTooLarge", "bs=(2^65)",
     "job.fio:4: bs=(2^65): \"(2^65)\" has an exponent that is not between 0 and 64\n"
     "  bs=(2^65)\n     ^ near here"},
    {"ExpressionTooLarge", "size=(2^63)",
     "job.fio:4: size=(2^63): \"(2^63)\" is too large a number\n"
     "  size=(2^63)\n       ^ near here"},
    {"TextAfterExpression", "bs=(4k)x",
     "job.fio:4: bs=(4k)x: \"(4k)x\" has an unexpected \"x\"\n"
     "  bs=(4k)x\n     ^ near here"},
    {"UnclosedVariable", "bs=${BS",
     "job.fio:4: bs=${BS: \"${BS\" is no number; write a whole number, then nothing, k, m, "
     "g, t or p (kb, kib ...)\n"
     "  bs=${BS\n     ^ near here"},
    {"UnsetVariable", "bs=${BS}",
     "job.fio:4: bs=: the value is empty; is the environment variable set?\n"
     "  bs=${BS}\n     ^ near here"},
    {"IncludeMissing", "include common.fio",
     "job.fio:4: cannot read the included file \"common.fio\"\n"
     "  include common.fio\n          ^ near here"},
    {"BinaryValue", "bs=\001\3774k",
     "job.fio:4: bs=\\x01\\xff4k: \"\\x01\\xff4k\" is no number; write a whole number, then "
     "nothing, k, m, g, t or p (kb, kib ...)\n"
     "  bs=\\x01\\xff4k\n     ^ near here"},
    {"IncrementTooLarge", "numjobs=4096\noffset_increment=4096t",
     "job.fio:5: offset_increment=4096t: is too large for so many clones\n"
     "  offset_increment=4096t\n                   ^ near here"},
};

INSTANTIATE_TEST_SUITE_P(All, FioValueMistake, testing::ValuesIn(kMistakes),
                         [](const auto& mistake) { return std::string(mistake.param.name); });

}  // namespace
}  // namespace wbsim::workload
