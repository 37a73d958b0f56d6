// The amounts are those that fio 3.33 wrote to a block device of 100 MiB with bs=64k.
#include "sim/workload/job_extent.hpp"

#include <gtest/gtest.h>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

struct Resolved {
  JobExtent extent;
  std::string problem;
};

Resolved resolve(const std::string& lines, std::size_t clone = 0) {
  const FioOutcome outcome = parse_lines("bs=64k\n" + lines);
  EXPECT_EQ(outcome.exit_code, 0) << lines;
  Resolved result;
  result.extent = resolve_extent(outcome.workload.jobs.at(clone), mebibytes(100), result.problem);
  return result;
}

Bytes amount(const std::string& lines) {
  const Resolved result = resolve(lines);
  EXPECT_EQ(result.problem, "") << lines;
  return result.extent.amount;
}

TEST(JobExtent, IsTheRestOfTheDevice) {
  EXPECT_EQ(amount(""), mebibytes(100));
  EXPECT_EQ(amount("offset=95m"), mebibytes(5));
  EXPECT_EQ(amount("size=200m"), mebibytes(100));
  EXPECT_EQ(amount("size=20m\noffset=95m"), mebibytes(5));
}

TEST(JobExtent, KnowsWhetherItIsTheWholeDevice) {
  EXPECT_TRUE(resolve("").extent.whole_device);
  EXPECT_FALSE(resolve("offset=1m").extent.whole_device);
  EXPECT_FALSE(resolve("size=99m").extent.whole_device);
}

// Of a job that does both, each direction needs a block.
TEST(JobExtent, IsAtLeastABlockOfEachDirection) {
  EXPECT_EQ(resolve("offset=99m\nrw=rw\nbs=4k,2m").problem,
            "only 1048576 bytes can be written, less than one block of 2097152");
  EXPECT_EQ(resolve("offset=99m\nrw=read\nbs=2m").problem,
            "only 1048576 bytes can be read, less than one block of 2097152");
  EXPECT_EQ(resolve("offset=99m\nrw=read\nbs=4k,2m").problem, "");
}

TEST(JobExtent, SizeInPercentIsOfTheDeviceAndEndsWithIt) {
  EXPECT_EQ(amount("size=50%"), mebibytes(50));
  EXPECT_EQ(amount("size=50%\noffset=20m"), mebibytes(50));
  EXPECT_EQ(amount("size=50%\noffset=60%"), mebibytes(40));
  EXPECT_EQ(amount("size=100%\noffset=60%"), mebibytes(40));
  EXPECT_EQ(amount("size=33%").count() % kibibytes(64).count(), 0);
}

TEST(JobExtent, FilesizeBoundsTheRegionAndSizeTheAmount) {
  EXPECT_EQ(amount("filesize=20m"), mebibytes(20));
  EXPECT_EQ(amount("filesize=300m"), mebibytes(100));
  EXPECT_EQ(amount("filesize=20m\noffset=5m"), mebibytes(15));
  EXPECT_EQ(amount("filesize=20m\nsize=10m"), mebibytes(10));
  EXPECT_EQ(amount("filesize=20m\nsize=40m"), mebibytes(20));
  EXPECT_EQ(amount("filesize=20m\nsize=50%"), mebibytes(10));
  EXPECT_EQ(resolve("filesize=20m\nsize=10m").extent.length, mebibytes(20));
}

TEST(JobExtent, IoSizeIsTheAmountAndNotTheRegion) {
  EXPECT_EQ(amount("size=10m\nio_size=25m"), mebibytes(25));
  EXPECT_EQ(amount("io_size=250m"), mebibytes(250));
  EXPECT_EQ(amount("io_size=50%"), mebibytes(50));
  EXPECT_EQ(amount("size=10m\nio_size=50%"), mebibytes(5));
  EXPECT_EQ(amount("size=50%\nio_size=50%"), mebibytes(25));
  EXPECT_EQ(resolve("size=10m\nio_size=25m").extent.length, mebibytes(10));
}

TEST(JobExtent, OffsetsInPercentBeginAtABlock) {
  EXPECT_EQ(resolve("offset=50%").extent.begin, FileOffset{50 << 20});
  EXPECT_EQ(resolve("offset=33%\nsize=10m").extent.begin.value() % (64 << 10), 0);
  EXPECT_GE(resolve("offset=33%\nsize=10m").extent.begin.value(), (100 << 20) * 33LL / 100);
}

TEST(JobExtent, ClonesAreApartByPercent) {
  const std::string lines = "numjobs=4\nsize=10m\noffset_increment=20%";
  EXPECT_EQ(resolve(lines, 0).extent.begin, FileOffset{0});
  EXPECT_EQ(resolve(lines, 3).extent.begin, FileOffset{60 << 20});
}

TEST(JobExtent, SaysWhyThereIsNothingToWrite) {
  EXPECT_EQ(resolve("offset=120m").problem,
            "offset 125829120 is not below the end of the device, 104857600 bytes");
  EXPECT_EQ(resolve("offset=100m").problem,
            "offset 104857600 is not below the end of the device, 104857600 bytes");
  EXPECT_EQ(resolve("bs=3m\noffset=99m").problem,
            "only 1048576 bytes can be written, less than one block of 3145728");
  EXPECT_EQ(resolve("offset=120m").extent.length, Bytes{0});
}

}  // namespace
}  // namespace wbsim::workload
